"""How good spots are where no truth is known: injected spots, controls, residuals."""
