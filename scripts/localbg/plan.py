"""What a config resolves to: images, methods and the steps they share. Plain data, no arrays.

Everything that can be wrong with a config is found here, before any job starts.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from localbg import batches, sheet
from localbg import config as keys
from localbg.recipes import SELECTORS, STEPS, recipes, scaled, signature, word

# Kinds of results, in the order in which they are made.
KINDS = ("denoised", "background", "foreground", "mask", "labels")
# The image's own columns that decide how it is read.
PICKS = ("axes", "channel", "z", "t", "pixel_size_um")


class PlanError(ValueError):
    """A config or sheet that cannot be run; the message lists every problem found."""

    def __init__(self, problems: list[str]):
        shown = problems[:20]
        if len(problems) > len(shown):
            shown.append(f"… and {len(problems) - len(shown)} more problems")
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"The configuration has {count}:", *(f"- {p}" for p in shown)]))


@dataclass(frozen=True)
class Step:
    """One piece of work that methods share: its own parameters and the labels it builds on."""

    name: str
    parameters: dict
    denoised: str | None = None
    background: str | None = None
    foreground: str | None = None
    mask: str | None = None


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


@dataclass
class Plan:
    """Images, methods and shared steps of a study.

    Attributes
    ----------
    images : dict of str to localbg.sheet.Image
        By id, sorted.
    methods : dict of str to Method
        By name, sorted.
    steps : dict of str to dict of str to Step
        By kind of result (denoised, background, foreground, mask, labels) and label.
    results : str
        Folder of the results.
    max_failed : int
    batches : dict of str to list of str
        Ids of the images of each batch; empty where each image and step is a job of its own.
    keep : list of str
        Kinds of images that batches write as well.
    """

    images: dict[str, sheet.Image]
    methods: dict[str, Method]
    results: str
    max_failed: int
    steps: dict[str, dict[str, Step]] = field(default_factory=dict)
    batches: dict[str, list[str]] = field(default_factory=dict)
    keep: list[str] = field(default_factory=list)

    def parameters(self, kind: str, label: str, image: str) -> dict:
        """Parameters of a step for one image: sizes in pixels, or in µm as text."""
        step = self.steps[kind][label]
        return scaled(step.name, step.parameters, self.images[image].spot_radius)

    def picks(self, image: str) -> dict:
        """What the sheet says of an image that decides which pixels are read."""
        return {key: getattr(self.images[image], key) for key in PICKS}

    def batch(self, batch: str, background: str) -> dict:
        """What a job needs to know: its images, and the methods that share a background."""
        methods = [m for m in self.methods.values() if m.background == background]
        labels = [
            {"method": method.name} | {kind: getattr(method, kind) for kind in KINDS}
            for method in methods
        ]
        used = {kind: {label[kind] for label in labels} for kind in KINDS}
        rows = [self.images[image] for image in self.batches[batch]]
        return {
            "rows": [
                {key: getattr(row, key) for key in ("image", "path", "group", "spot_radius")}
                | {"picks": self.picks(row.image)}
                for row in rows
            ],
            "methods": labels,
            "steps": {
                kind: {label: asdict(self.steps[kind][label]) for label in sorted(names)}
                for kind, names in used.items()
            },
            "keep": self.keep,
            "results": self.results,
        }

    def recipes(self, image: str) -> dict[str, dict]:
        """How each method makes background and denoised image of one image, sizes resolved."""
        return {
            method.name: {
                "denoise": self.parameters("denoised", method.denoised, image),
                "background": self.parameters("background", method.background, image),
                "of": method.recipe["background"]["of"],
            }
            for method in self.methods.values()
        }

    @property
    def with_truth(self) -> dict[str, str]:
        """Paths of the true positions, by image."""
        return {name: row.truth for name, row in self.images.items() if row.truth}

    def missing_files(self) -> list[str]:
        """Problems with files on disk: images, truth, and a results folder that can be made."""
        problems = sheet.missing_files(self.images)
        folder = Path(self.results).absolute()
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            problems.append(f"results: the folder {folder} can't be written to (see {existing})")
        return problems


def make_plan(config: dict) -> Plan:
    """Resolve and check a config.

    Parameters
    ----------
    config : dict
        As read from config.yaml. Keys that are left out have the schema's defaults.

    Returns
    -------
    Plan

    Raises
    ------
    PlanError
        Naming every problem found: key, value, what is expected.
    """
    known = keys.schema()["properties"]
    problems = [keys.unknown_key("", key, known) for key in config if key not in known]
    config = {
        key: keys.typed(value) if isinstance(value, dict) and key != "images" else value
        for key, value in config.items()
        if key in known
    }
    if misshapen := keys.problems(config):
        raise PlanError(problems + misshapen)
    config = keys.defaults() | config
    images, wrong = sheet.images(
        config["images"], base=config["base"], spot_radius=config["spot_radius"]
    )
    problems += wrong
    methods, wrong = recipes(config)
    problems += wrong
    if problems:
        raise PlanError(problems)
    plan = Plan(images, {}, config["results"], config["max_failed"])
    run = keys.defaults()["run"] | config["run"]
    if run["mode"] == "batch":
        size = run["images_per_job"]
        if size == "auto":
            size = batches.images_per_job([image.path for image in images.values()])
        plan.batches = batches.compose(images, batches.recorded(plan.results), size)
        plan.keep = run["keep"]
    for name, recipe in sorted(methods.items()):
        plan.methods[name] = _method(name, recipe, plan.steps)
    return plan


def _method(name: str, recipe: dict, steps: dict) -> Method:
    """Find or add the steps of a method."""
    parameters = {step: dict(recipe[step]) for step in STEPS}
    polarity = recipe["polarity"]
    source = parameters["background"].pop("of")
    if parameters["denoise"]["filter"] == "none":
        source = "image"  # the same pixels, so the same step
    denoised = _label("denoise", parameters["denoise"])
    own = _label("background", parameters["background"])
    if polarity == "dark":
        own += "_dark"
    background = f"{denoised}/{own}" if source == "denoised" else f"{own}_of-image"
    clip = _label("subtract", parameters["subtract"])
    foreground = "/".join(filter(None, (denoised, background.removeprefix(f"{denoised}/"), clip)))
    mask = f"{foreground}/{_label('threshold', parameters['threshold'])}"
    labels = f"{mask}/{_label('spots', parameters['spots']) or 'spots'}"

    def add(kind, label, step):
        steps.setdefault(kind, {})[label] = step

    parameters["background"]["polarity"] = parameters["subtract"]["polarity"] = polarity
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
        Step("threshold", parameters["threshold"], denoised=denoised, foreground=foreground),
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
