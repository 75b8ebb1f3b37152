"""Methods beside each other, and images beside the others of a run."""
