"""What everything stands on: units, checks, files, failures and words; no images."""
