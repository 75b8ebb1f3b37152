"""Local background subtraction and spot counting: functions on arrays and plain data."""
