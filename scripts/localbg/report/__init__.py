"""What the report's captions say."""
