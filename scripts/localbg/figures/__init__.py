"""Figures, and what they show as numbers."""
