"""Finding and measuring spots: denoise, subtract, threshold, label, measure."""
