"""How good spots are where the truth is known."""
