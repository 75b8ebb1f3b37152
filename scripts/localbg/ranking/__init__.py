"""Which method to take, how sure that is, and on which images not to rely on it."""
