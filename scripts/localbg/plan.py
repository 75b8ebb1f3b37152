"""What a config resolves to: images, methods and the steps they share. Plain data, no arrays.

Everything that can be wrong with a config is found here, before any job starts.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from localbg import sheet
from localbg.parameters import Parameter, functions, nearest, problem, scale
from localbg.tables import COMPARISON

LIBRARY = Path(__file__).parent
SCHEMA = LIBRARY.parent.parent / "schemas" / "config.schema.yaml"
STEPS = ("denoise", "background", "subtract", "threshold", "spots")
SELECTORS = {"denoise": "filter", "background": "filter", "threshold": "rule"}
POLARITY = Parameter("Literal", choices=("bright", "dark"))
# The image's own columns that the rule `read` needs.
PICKS = ("axes", "channel", "z", "t", "pixel_size_um")

JSON_TYPES = {
    "object": "a mapping (key: value)",
    "array": "a list ([a, b])",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


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
    """

    images: dict[str, sheet.Image]
    methods: dict[str, Method]
    results: str
    max_failed: int
    steps: dict[str, dict[str, Step]] = field(default_factory=dict)

    def parameters(self, kind: str, label: str, image: str) -> dict:
        """Parameters of a step for one image: sizes in pixels, or in µm as text."""
        step = self.steps[kind][label]
        radius = self.images[image].spot_radius
        known = _signature(step.name, step.parameters)
        return {
            name: scale(value, known[name].kind, radius)
            if name in known and known[name].is_scaled
            else value
            for name, value in step.parameters.items()
        }

    def picks(self, image: str) -> dict:
        """What the sheet says of an image that decides which pixels are read."""
        return {key: getattr(self.images[image], key) for key in PICKS}

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
    keys = _schema()["properties"]
    problems = [_unknown_key("", key, keys) for key in config if key not in keys]
    config = {key: value for key, value in config.items() if key in keys}
    if misshapen := _schema_problems(config):
        raise PlanError(problems + misshapen)
    config = defaults() | config
    images, wrong = sheet.images(
        config["images"], base=config["base"], spot_radius=config["spot_radius"]
    )
    problems += wrong
    methods = {}
    for name, recipe in _recipes(config, problems):
        if name in methods:
            problems.append(f"methods: two methods come out as '{name}'; rename one of them")
        wrong = [text for step in STEPS for text in _step_problems(step, recipe[step])]
        if text := problem(recipe["polarity"], POLARITY):
            wrong.append(f"polarity {text}")
        problems += [f"methods, {name}: {text}" for text in wrong]
        methods[name] = recipe
    if problems:
        raise PlanError(problems)
    plan = Plan(images, {}, config["results"], config["max_failed"])
    for name, recipe in sorted(methods.items()):
        plan.methods[name] = _method(name, recipe, plan.steps)
    return plan


@cache
def _schema() -> dict:
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def defaults() -> dict:
    """The shipped value of every key that has one."""
    keys = _schema()["properties"].items()
    return {key: spec["default"] for key, spec in keys if "default" in spec}


def _schema_problems(config: dict) -> list[str]:
    from jsonschema import Draft202012Validator

    problems = []
    for error in sorted(Draft202012Validator(_schema()).iter_errors(config), key=str):
        place = ", ".join(map(str, error.absolute_path))
        prefix = f"{place}: " if place else ""
        if error.validator == "additionalProperties":
            known = error.schema["properties"]
            problems += [
                _unknown_key(prefix, key, known) for key in error.instance if key not in known
            ]
        elif error.validator == "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            problems.append(f"{prefix}the key '{missing[0]}' is missing")
        elif error.validator == "type":
            types = error.validator_value
            expected = " or ".join(
                JSON_TYPES[t] for t in ([types] if str(types) == types else types)
            )
            problems.append(f"{prefix}is {error.instance!r}; expected {expected}")
        elif error.validator == "enum":
            words = error.validator_value
            hint = nearest(error.instance, words)
            expected = ", ".join(map(str, words))
            problems.append(f"{prefix}is {error.instance!r}; expected {expected}.{hint}")
        else:
            problems.append(f"{prefix}{error.message}")
    return problems


def _unknown_key(prefix, key, known):
    return f"{prefix}unknown key '{key}'.{nearest(key, known)} Keys here: {', '.join(known)}"


def _recipes(config, problems):
    """Every method to run, sweeps expanded: (name, recipe) with all steps filled in."""
    shipped = defaults()
    methods = dict(shipped["methods"])
    for name, overrides in config["methods"].items():
        methods[name] = _merged_steps(methods.get(name, {}), overrides)
    problems += [
        f"methods: '{name}' is a column of comparison.csv; choose another name"
        for name in itertools.chain(*COMPARISON)
        if name in methods
    ]
    for name in config["compare"]:
        if name not in methods:
            problems.append(
                f"compare: unknown method '{name}'; defined are {', '.join(methods)}."
                f"{nearest(name, methods)}"
            )
    chosen = [name for name in methods if name in config["compare"] or not config["compare"]]
    common = _merged_steps(
        {step: shipped[step] for step in STEPS}, {step: config[step] for step in STEPS}
    )
    common["polarity"] = config["polarity"]
    return [
        expanded
        for name in chosen
        for expanded in _sweep(name, _merged_steps(common, methods[name]))
    ]


def _merged_steps(base: dict, overrides: dict) -> dict:
    result = dict(base)
    for step, override in overrides.items():
        if isinstance(override, dict):
            override = _merged(step, base.get(step, {}), override)
        result[step] = override
    return result


def _merged(step: str, base: dict, override: dict) -> dict:
    """Override key by key; a new filter or rule drops the parameters of the old one."""
    selector = SELECTORS.get(step)
    if selector in override and override[selector] != base.get(selector):
        base = {key: value for key, value in base.items() if key in _common(step)}
    return base | override


def _sweep(name: str, recipe: dict):
    """Make a recipe of each combination of listed values, named after them."""
    swept = [
        (step, key, values)
        for step in STEPS
        for key, values in recipe[step].items()
        if isinstance(values, list) and values
    ]
    if isinstance(recipe["polarity"], list):
        swept.append((None, "polarity", recipe["polarity"]))
    keys = [key for _, key, _ in swept]
    for combination in itertools.product(*(values for _, _, values in swept)):
        single = {key: dict(v) if isinstance(v, dict) else v for key, v in recipe.items()}
        words = [name]
        for (step, key, _), value in zip(swept, combination, strict=True):
            (single[step] if step else single)[key] = value
            words.append(_word(key if keys.count(key) == 1 else f"{step}-{key}", value))
        yield "_".join(words), single


@cache
def _functions(module: str) -> dict[str, dict[str, Parameter]]:
    return functions(LIBRARY / module)


@cache
def backgrounds() -> tuple[str, ...]:
    """Names of the background filters: the modules of `localbg.backgrounds`."""
    return tuple(sorted(p.stem for p in LIBRARY.glob("backgrounds/*.py") if p.stem[0] != "_"))


@cache
def _common(step: str) -> dict[str, Parameter]:
    """Parameters that a step takes whatever its filter or rule."""
    if step == "background":
        return {"of": Parameter("Literal", choices=("image", "denoised"))}
    if step == "spots":
        return _functions("spots.py")["label"]
    entry = _functions(f"{step}.py")[step]
    return {name: p for name, p in entry.items() if name not in ("filter", "rule", "polarity")}


@cache
def _choices(step: str) -> dict[str, dict[str, Parameter]]:
    """The filters or rules of a step with their own parameters."""
    if step == "background":
        return {name: _functions(f"backgrounds/{name}.py")[name] for name in backgrounds()}
    return {name: p for name, p in _functions(f"{step}.py").items() if name != step}


def _signature(step: str, parameters: dict) -> dict[str, Parameter]:
    """Every parameter that a step takes, its filter's or rule's first."""
    if step not in SELECTORS:
        return _common(step)
    return _choices(step)[parameters[SELECTORS[step]]] | _common(step)


def _step_problems(step: str, parameters: dict) -> list[str]:
    selector = SELECTORS.get(step)
    what = step
    if selector:
        what = parameters.get(selector)
        if not isinstance(what, str) or what not in _choices(step):
            expected = ", ".join(_choices(step))
            hint = nearest(what, _choices(step))
            return [f"{step}: unknown {selector} '{what}'; expected one of {expected}.{hint}"]
    known = _signature(step, parameters)
    given = [name for name in parameters if name != selector]
    problems = [
        f"{step}: {what} takes no '{name}'; it takes {', '.join(known)}.{nearest(name, known)}"
        for name in given
        if name not in known
    ]
    problems += [
        f"{step}: {what} needs '{name}'"
        for name, parameter in known.items()
        if parameter.required and name not in parameters and name not in _common(step)
    ]
    return problems + [
        f"{step}, {name} {text}"
        for name in given
        if name in known and (text := problem(parameters[name], known[name]))
    ]


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
    add("mask", mask, Step("threshold", parameters["threshold"], foreground=foreground))
    add(
        "labels",
        labels,
        Step("spots", parameters["spots"], mask=mask, foreground=foreground, background=background),
    )
    return Method(name, recipe, denoised, background, foreground, mask, labels)


def _label(step: str, parameters: dict) -> str:
    """Readable name of a step: its filter or rule and what differs from the function's defaults."""
    known = _signature(step, parameters)
    words = [
        _word(name, parameters[name])
        for name in known
        if name in parameters and (known[name].required or parameters[name] != known[name].default)
    ]
    selector = SELECTORS.get(step)
    return "_".join([parameters[selector], *words] if selector else words)


def _word(name: str, value) -> str:
    if isinstance(value, bool) or value is None:
        value = str(value).lower()
    elif isinstance(value, int | float):
        value = f"{value:.12g}"
    return f"{name}-{str(value).replace(' ', '').replace('µ', 'u').replace('μ', 'u')}"
