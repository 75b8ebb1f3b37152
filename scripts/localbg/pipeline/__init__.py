"""From an image to its spots: what steps take, each step once, and all of them in memory."""
