"""Local background subtraction and spot counting: functions on arrays and plain data."""

import time

# Of the process, near enough: what a job imports after this takes longer than Python's own start.
STARTED = time.monotonic()

__version__ = "0.1.0"
