"""Numbers and lists in words, as figures, messages and captions show them."""

from __future__ import annotations

from collections.abc import Mapping


def format_number(value: float) -> str:
    """A number as figures and captions show it: three significant digits."""
    return f"{float(f'{value:.3g}'):g}"


def format_count(n: int, word: str) -> str:
    """A number of things: ``1 spot``, ``2 spots``."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def join_words(words: list[str], most: int = 4) -> str:
    """Words as a list in a sentence; those beyond are counted."""
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def describe_parameters(parameters: Mapping) -> str:
    """Parameters of a step in words: ``median, radius 2x``; what is not set is left out."""
    words = [
        str(value) if key in ("filter", "rule") else f"{key}\N{NO-BREAK SPACE}{value}"
        for key, value in parameters.items()
        if value is not None
    ]
    return ", ".join(words)
