"""A config to start from, read off the images."""
