"""From the config's methods to recipes: defaults filled in, sweeps expanded, parameters checked."""

from __future__ import annotations

import itertools
import math
from functools import cache
from pathlib import Path

from localbg import config as keys
from localbg import names, scope
from localbg.parameters import (
    HUGE,
    Parameter,
    functions,
    given,
    is_number,
    nearest,
    normal,
    problem,
    resolved,
    scale,
    split_unit,
)
from localbg.tables import COMPARISON

LIBRARY = Path(__file__).parent
STEPS = ("denoise", "background", "subtract", "threshold", "spots")
SELECTORS = {"denoise": "filter", "background": "filter", "threshold": "rule"}
# Whether the error of a shrunken filter is measured.
SHRINK_ERROR = Parameter("bool", default=False)
# For which images a threshold holds, and which of them have a say in it; see `localbg.scope`.
SCOPE = {
    "scope": Parameter("Literal", default="image", choices=("image", "group", "all")),
    "from": Parameter("Literal", default="images", choices=("images", "blank")),
}
# Of all sweeps together: more is a slip, and would take hours to plan.
MOST_METHODS = 10_000
POLARITY = Parameter("Literal", choices=("bright", "dark"))


def recipes(config: dict) -> tuple[dict[str, dict], list[str]]:
    """Every method to run, with all of its steps filled in and sweeps expanded.

    Parameters
    ----------
    config : dict
        With a value for every key.

    Returns
    -------
    recipes : dict of str to dict
        By name of the method: ``polarity``, the parameters of each step, ``sweep`` (the name in the
        config that it comes from) and ``swept``: step, parameter and value of each listed value.
    problems : list of str
        What is wrong with them.
    """
    shipped = keys.defaults()
    methods = dict(shipped["methods"])
    for name, overrides in config["methods"].items():
        methods[name] = _merged_steps(methods.get(name, {}), overrides)
    problems = [
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
    bases = {method: _merged_steps(common, methods[method]) for method in chosen}
    total = sum(map(_n_combinations, bases.values()))
    if total > MOST_METHODS:
        return {}, [
            *problems,
            f"methods: the lists of values make {total} methods; expected {MOST_METHODS} at most",
        ]
    found = {}
    for method, base in bases.items():
        for name, recipe in _sweep(method, base):
            if name in found:
                problems.append(f"methods: two methods come out as '{name}'; rename one of them")
            wrong = _problems(recipe)
            # A name that the config gives is checked with its keys.
            if not wrong and name != method and (text := names.problem(name)):
                problems.append(f"methods: the name '{names.shown(name)}' of a sweep {text}")
            problems += [f"methods, {names.shown(name)}: {text}" for text in wrong]
            found[name] = recipe if wrong else _normal(recipe)
    return found, problems


def _normal(recipe):
    """A recipe without problems with its numbers as functions take them."""
    result = dict(recipe)
    for step in STEPS:
        known = signature(step, recipe[step])
        result[step] = {
            key: normal(value, known[key]) if key in known else value
            for key, value in recipe[step].items()
        }
    return result


def _n_combinations(recipe):
    lists = [value for step in STEPS for value in recipe[step].values() if isinstance(value, list)]
    return math.prod(len(values) or 1 for values in lists)


def _problems(recipe):
    wrong = [text for step in STEPS for text in _step_problems(step, recipe[step])]
    if text := problem(recipe["polarity"], POLARITY):
        wrong.append(f"polarity {text}")
    if not wrong and (text := _areas_problem(recipe["spots"])):
        wrong.append(text)
    if not wrong and scope.of(recipe["threshold"]) == ("image", "blank"):
        wrong.append("threshold, from blank: needs a scope, group or all")
    return wrong


def _areas_problem(spots):
    """Areas of which no object can be larger than the one and smaller than the other."""
    low, high = spots.get("min_area"), spots.get("max_area")
    pairs = [(low, high)] if low is not None and high is not None else []
    for (least, unit), (most, other) in (map(split_unit, pair) for pair in pairs):
        if unit == other and least > most:
            return (
                f"spots: min_area is {given(low)} and max_area {given(high)}, so that no spot is "
                "left; expected a larger max_area"
            )
    return None


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
    keys = [key for _, key, _ in swept]
    for combination in itertools.product(*(values for _, _, values in swept)):
        single = {key: dict(v) if isinstance(v, dict) else v for key, v in recipe.items()}
        single |= {"sweep": name, "swept": []}
        words = [name]
        for (step, key, _), value in zip(swept, combination, strict=True):
            single[step][key] = value
            single["swept"].append((step, key, value))
            words.append(word(key if keys.count(key) == 1 else f"{step}-{key}", value))
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
    common = {name: p for name, p in entry.items() if name not in ("filter", "rule")}
    return common | SCOPE if step == "threshold" else common


@cache
def choices(step: str) -> dict[str, dict[str, Parameter]]:
    """The filters or rules of a step with their own parameters."""
    if step == "background":
        filters = {name: _functions(f"backgrounds/{name}.py")[name] for name in backgrounds()}
        return {
            name: known | ({"shrink_error": SHRINK_ERROR} if "shrink" in known else {})
            for name, known in filters.items()
        }
    return {name: p for name, p in _functions(f"{step}.py").items() if name != step}


def signature(step: str, parameters: dict) -> dict[str, Parameter]:
    """Every parameter that a step takes, its filter's or rule's first."""
    if step not in SELECTORS:
        return _common(step)
    return choices(step)[parameters[SELECTORS[step]]] | _common(step)


def scaled(step: str, parameters: dict, spot_radius: float | str) -> dict:
    """Parameters of a step for spots of a radius: multiples of it become pixels, or µm as text."""
    known = signature(step, parameters)
    return {
        name: scale(value, known[name].kind, spot_radius)
        if name in known and known[name].is_scaled
        else value
        for name, value in parameters.items()
    }


def settings(recipe: dict, spot_radius: float | str, pixel_size_um: float | None) -> dict:
    """Every parameter of a recipe as its steps take it for one image.

    Parameters
    ----------
    recipe : dict
    spot_radius : number or str
        In pixels, or in µm as text.
    pixel_size_um : float or None

    Returns
    -------
    dict
        By ``<step>_<parameter>``, defaults of the functions included, all sizes in pixels.

    Raises
    ------
    ValueError
        If a size is in µm and the pixel size is unknown.
    """
    return {"polarity": recipe["polarity"]} | {
        f"{step}_{name}": value
        for step in STEPS
        for name, value in resolved(
            scaled(step, _complete(step, recipe[step]), spot_radius), pixel_size_um
        ).items()
    }


def columns(recipes: dict[str, dict]) -> list[str]:
    """Names of the `settings` that any of the recipes has, step by step."""
    return ["polarity"] + [
        f"{step}_{name}"
        for step in STEPS
        for name in dict.fromkeys(
            name for recipe in recipes.values() for name in _complete(step, recipe[step])
        )
    ]


def _complete(step, parameters):
    """Parameters with the defaults of what is left out, the filter or rule first."""
    known = signature(step, parameters)
    selector = {key: parameters[key] for key in parameters if key == SELECTORS.get(step)}
    return selector | {name: parameters.get(name, p.default) for name, p in known.items()}


def _step_problems(step: str, parameters: dict) -> list[str]:
    selector = SELECTORS.get(step)
    what = step
    if selector:
        what = parameters.get(selector)
        if not isinstance(what, str) or what not in choices(step):
            expected = ", ".join(choices(step))
            hint = nearest(what, choices(step))
            return [f"{step}: unknown {selector} '{what}'; expected one of {expected}.{hint}"]
    known = signature(step, parameters)
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


def word(name: str, value) -> str:
    """A parameter and its value as they stand in names."""
    if isinstance(value, bool) or value is None:
        value = str(value).lower()
    elif is_number(value) and abs(value) < HUGE:
        value = f"{value + 0.0:.12g}"  # -0 is 0
    text = value if isinstance(value, str) else given(value)
    return f"{name}-{text.replace(' ', '').replace('µ', 'u').replace('μ', 'u')}"
