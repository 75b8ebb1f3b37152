"""The contrasts of injected spots: amplitudes over the noise, evenly spaced in their logarithm."""

from __future__ import annotations

from collections.abc import Sequence


def ratio(contrasts: Sequence[float]) -> float:
    """What each contrast of a ladder is times the one before."""
    return (contrasts[-1] / contrasts[0]) ** (1 / (len(contrasts) - 1))
