"""Methods: the steps that they consist of, and the labels by which they share them."""

from __future__ import annotations

from dataclasses import dataclass

from localbg.pipeline.signatures import SELECTORS, STEPS, signature, word
from localbg.workflow import scope


@dataclass(frozen=True)
class Step:
    """One piece of work that methods share: its own parameters and the labels it builds on.

    A threshold also has a ``scope``, the images that it holds for, and a ``source``, those of them
    that it is taken from.
    """

    name: str
    parameters: dict
    denoised: str | None = None
    background: str | None = None
    foreground: str | None = None
    mask: str | None = None
    scope: str = "image"
    source: str = "images"


@dataclass(frozen=True)
class Method:
    """A named recipe and where its results lie: a label for each kind of result."""

    name: str
    recipe: dict
    denoised: str
    background: str
    foreground: str
    mask: str
    labels: str


def add_method(name: str, recipe: dict, steps: dict[str, dict[str, Step]]) -> Method:
    """Make a method of a recipe; steps of it that no other method has are added to ``steps``."""
    parameters = {step: dict(recipe[step]) for step in STEPS}
    polarity = recipe["polarity"]
    source = parameters["background"].pop("of")
    own_label = _label("threshold", parameters["threshold"])
    shares, taken_from = scope.of(parameters["threshold"])
    for key in ("scope", "from"):
        parameters["threshold"].pop(key, None)
    if parameters["denoise"]["filter"] == "none":
        source = "image"  # the same pixels, so the same step
    denoised = _label("denoise", parameters["denoise"])
    own = _label("background", parameters["background"])
    if polarity == "dark":
        own += "_dark"
    background = f"{denoised}/{own}" if source == "denoised" else f"{own}_of-image"
    clip = _label("subtract", parameters["subtract"])
    foreground = "/".join(filter(None, (denoised, background.removeprefix(f"{denoised}/"), clip)))
    mask = f"{foreground}/{own_label}"
    labels = f"{mask}/{_label('spots', parameters['spots']) or 'spots'}"

    def add(kind, label, step):
        steps.setdefault(kind, {})[label] = step

    parameters["background"]["polarity"] = parameters["subtract"]["polarity"] = polarity
    if parameters["threshold"]["rule"] == "matched_filter":
        parameters["threshold"]["polarity"] = polarity
    below = denoised if source == "denoised" else None
    add("denoised", denoised, Step("denoise", parameters["denoise"]))
    add("background", background, Step("background", parameters["background"], denoised=below))
    add(
        "foreground",
        foreground,
        Step("subtract", parameters["subtract"], denoised=denoised, background=background),
    )
    add(
        "mask",
        mask,
        Step(
            "threshold",
            parameters["threshold"],
            denoised=denoised,
            foreground=foreground,
            scope=shares,
            source=taken_from,
        ),
    )
    add(
        "labels",
        labels,
        Step("spots", parameters["spots"], mask=mask, foreground=foreground, background=background),
    )
    return Method(name, recipe, denoised, background, foreground, mask, labels)


def _label(step: str, parameters: dict) -> str:
    """Readable name of a step: its filter or rule and what differs from the function's defaults."""
    known = signature(step, parameters)
    words = [
        word(name, parameters[name])
        for name in known
        if name in parameters and (known[name].required or parameters[name] != known[name].default)
    ]
    selector = SELECTORS.get(step)
    return "_".join([parameters[selector], *words] if selector else words)
