"""Reading and writing: images of every kind, points, labels, tables."""
