"""What each step takes: its filters or rules and their parameters, read off the functions."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from localbg.core.parameters import (
    HUGE,
    Parameter,
    given,
    is_number,
    read_constant,
    read_functions,
    scale,
)

LIBRARY = Path(__file__).parents[1]
STEPS = ("denoise", "background", "subtract", "threshold", "spots")
# Kinds of results, in the order in which they are made.
KINDS = ("denoised", "background", "foreground", "mask", "labels")
SELECTORS = {"denoise": "filter", "background": "filter", "threshold": "rule"}
# Whether the error of a shrunken filter is measured.
SHRINK_ERROR = Parameter("bool", default=False)
# For which images a threshold holds, and which of them have a say in it; see
# `localbg.workflow.scope`.
SCOPE = {
    "scope": Parameter("Literal", default="image", choices=("image", "group", "all")),
    "from": Parameter("Literal", default="images", choices=("images", "blank")),
}


@cache
def _functions(module: str) -> dict[str, dict[str, Parameter]]:
    return read_functions(LIBRARY / module)


@cache
def backgrounds() -> tuple[str, ...]:
    """Names of the background filters: the modules of `localbg.backgrounds`."""
    return tuple(sorted(p.stem for p in LIBRARY.glob("backgrounds/*.py") if p.stem[0] != "_"))


@cache
def common(step: str) -> dict[str, Parameter]:
    """Parameters that a step takes whatever its filter or rule."""
    if step == "background":
        return {"of": Parameter("Literal", choices=("image", "denoised"))}
    if step == "spots":
        return _functions("detection/spots.py")["label"]
    entry = _functions(f"detection/{step}.py")[step]
    common = {name: p for name, p in entry.items() if name not in ("filter", "rule")}
    return common | SCOPE if step == "threshold" else common


def shared(step: str, choice: str) -> dict[str, Parameter]:
    """Those of the `common` parameters that make a difference to a filter or rule."""
    known = dict(common(step))
    if choice in unbounded(step):
        del known["min_snr"]
    return known


@cache
def unbounded(step: str) -> tuple[str, ...]:
    """Rules of the step that ``min_snr`` does not bound."""
    return (
        read_constant(LIBRARY / "detection" / "threshold.py", "OWN_BOUND")
        if step == "threshold"
        else ()
    )


@cache
def choices(step: str) -> dict[str, dict[str, Parameter]]:
    """The filters or rules of a step with their own parameters."""
    if step == "background":
        filters = {name: _functions(f"backgrounds/{name}.py")[name] for name in backgrounds()}
        return {
            name: known | ({"shrink_error": SHRINK_ERROR} if "shrink" in known else {})
            for name, known in filters.items()
        }
    return {name: p for name, p in _functions(f"detection/{step}.py").items() if name != step}


def signature(step: str, parameters: dict) -> dict[str, Parameter]:
    """Every parameter that a step takes, its filter's or rule's first."""
    if step not in SELECTORS:
        return common(step)
    choice = parameters[SELECTORS[step]]
    return choices(step)[choice] | shared(step, choice)


def scaled(step: str, parameters: dict, spot_radius: float | str) -> dict:
    """Parameters of a step for spots of a radius: multiples of it become pixels, or µm as text."""
    known = signature(step, parameters)
    return {
        name: scale(value, known[name].kind, spot_radius)
        if name in known and known[name].is_scaled
        else value
        for name, value in parameters.items()
    }


def word(name: str, value) -> str:
    """A parameter and its value as they stand in names."""
    if isinstance(value, bool) or value is None:
        value = str(value).lower()
    elif is_number(value) and abs(value) < HUGE:
        value = f"{value + 0.0:.12g}"  # -0 is 0
    text = value if isinstance(value, str) else given(value)
    return f"{name}-{text.replace(' ', '').replace('µ', 'u').replace('μ', 'u')}"
