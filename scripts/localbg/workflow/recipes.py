"""From the config's methods to recipes: defaults filled in, sweeps expanded, parameters checked."""

from __future__ import annotations

import itertools
import math

from localbg.core import names
from localbg.core.parameters import (
    Parameter,
    find_problem,
    given,
    normalise,
    resolve,
    split_unit,
    suggest_nearest,
)
from localbg.io.columns import COLUMNS
from localbg.pipeline.signatures import (
    SELECTORS,
    STEPS,
    choices,
    common,
    scaled,
    shared,
    signature,
    unbounded,
    word,
)
from localbg.workflow import config as keys
from localbg.workflow import scope

# Of all sweeps together: more is a slip, and would take hours to plan.
MOST_METHODS = 10_000
POLARITY = Parameter("Literal", choices=("bright", "dark"))


def make_recipes(config: dict) -> tuple[dict[str, dict], list[str]]:
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
    methods = shipped["methods"] | config["methods"]
    problems = [
        f"methods: '{name}' is a column of comparison.csv; choose another name"
        for name in COLUMNS["comparison"]
        if name in methods
    ]
    for name in config["compare"]:
        if name not in methods:
            problems.append(
                f"compare: unknown method '{name}'; defined are {', '.join(methods)}."
                f"{suggest_nearest(name, methods)}"
            )
    chosen = [name for name in methods if name in config["compare"] or not config["compare"]]
    bases = [(method, base) for method in chosen for base in _bases(method, config, shipped)]
    total = sum(_n_combinations(base) for _, base in bases)
    if total > MOST_METHODS:
        return {}, [
            *problems,
            f"methods: the lists of values make {total} methods; expected {MOST_METHODS} at most",
        ]
    found = {}
    # What is wrong further up in the config is wrong with several methods, and said once.
    unfit: dict[str, list[str]] = {}
    for method, base in bases:
        for name, recipe in _sweep(method, base):
            if name in found:
                problems.append(f"methods: two methods come out as '{name}'; rename one of them")
            wrong = _problems(recipe)
            # A name that the config gives is checked with its keys.
            if not wrong and name != method and (text := names.find_problem(name)):
                problems.append(f"methods: the name '{names.show(name)}' of a sweep {text}")
            for text in wrong:
                unfit.setdefault(text, []).append(name)
            found[name] = recipe if wrong else _normal(recipe)
    problems += [f"methods, {names.first_of(methods)}: {text}" for text, methods in unfit.items()]
    return found, problems


def _normal(recipe):
    """A recipe without problems with its numbers as functions take them."""
    result = dict(recipe)
    for step in STEPS:
        known = signature(step, recipe[step])
        result[step] = {
            key: normalise(value, known[key]) if key in known else value
            for key, value in recipe[step].items()
        }
    return result


def _n_combinations(recipe):
    lists = [value for step in STEPS for value in recipe[step].values() if isinstance(value, list)]
    return math.prod(len(values) or 1 for values in lists)


def _problems(recipe):
    wrong = []
    for step in STEPS:
        listed = {key for of_step, key, _ in recipe["swept"] if of_step == step}
        wrong += _step_problems(step, recipe[step], listed)
    if text := find_problem(recipe["polarity"], POLARITY):
        wrong.append(f"polarity {text}")
    if not wrong and (text := _areas_problem(recipe["spots"])):
        wrong.append(text)
    if not wrong and scope.of(recipe["threshold"]) == ("image", "blank"):
        wrong.append("threshold, from is blank, which needs scope: group or all; scope is image")
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


def _bases(method: str, config: dict, shipped: dict):
    """Merge the layers that a method consists of: one recipe, or one for each listed filter or
    rule, as if it were named alone."""
    common = {step: config[step] for step in STEPS}
    first, own = shipped["methods"].get(method, {}), config["methods"].get(method, {})
    listed = _listed(common, first, own)
    for combination in itertools.product(*listed.values()):
        taken = dict(zip(listed, combination, strict=True))
        of_all, of_method = (_with_taken(layer, taken, listed) for layer in (common, own))
        base = _merged_steps({step: shipped[step] for step in STEPS}, of_all)
        base["polarity"] = config["polarity"]
        base = _merged_steps(base, _merged_steps(first, of_method))
        for step, value in taken.items():  # Still a list, so that methods are named after it.
            base[step] = base[step] | {SELECTORS[step]: [value]}
        yield from ({**base, "threshold": of_scope} for of_scope in _by_scope(base["threshold"]))


def _by_scope(threshold: dict):
    """Listed scopes with the parameters that each heeds: an image's own heeds no ``from``."""
    scopes = threshold.get("scope")
    others = [one for one in scopes if one != "image"] if isinstance(scopes, list) else scopes
    if others == scopes or not others or "from" not in threshold:
        yield threshold
        return
    own = {key: value for key, value in threshold.items() if key != "from"}
    yield own | {"scope": ["image"]}
    yield threshold | {"scope": others}


def _listed(*layers: dict) -> dict[str, list]:
    """Lists of filters or rules by step, where the last layer that names one has a list."""
    named = {
        step: layer[step][selector]
        for layer in layers
        for step, selector in SELECTORS.items()
        if isinstance(layer.get(step), dict) and selector in layer[step]
    }
    return {step: values for step, values in named.items() if isinstance(values, list) and values}


def _with_taken(layer: dict, taken: dict, listed: dict[str, list]) -> dict:
    """A layer with one of the listed filters or rules, without what only the others heed."""
    result = dict(layer)
    for step, value in taken.items():
        selector = SELECTORS[step]
        if not isinstance(layer.get(step), dict):
            continue
        if not isinstance(layer[step].get(selector, []), list):
            continue  # Another one, which a later layer replaces.
        heeded = {str(one): _heeded(step, str(one)) for one in listed[step]}
        of_others = set().union(*heeded.values()) - heeded[str(value)]
        result[step] = {key: v for key, v in layer[step].items() if key not in of_others}
        if selector in result[step]:
            result[step][selector] = value
    return result


def _heeded(step: str, choice: str) -> set[str]:
    """Parameters that make a difference to a filter or rule."""
    return {*choices(step).get(choice, {}), *shared(step, choice)}


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
        kept = shared(step, str(override[selector]))
        base = {key: value for key, value in base.items() if key in kept}
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


def list_settings(recipe: dict, spot_radius: float | str, pixel_size_um: float | None) -> dict:
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
        for name, value in resolve(
            scaled(step, _complete(step, recipe[step]), spot_radius), pixel_size_um
        ).items()
    }


def list_columns(recipes: dict[str, dict]) -> list[str]:
    """Names of the settings that any of the recipes has, step by step."""
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


def _step_problems(step: str, parameters: dict, listed: set[str]) -> list[str]:
    """What is wrong with a step, some of whose parameters have a value out of a list."""

    def said(name, text):
        if name not in listed:
            return text
        end = "" if text[-1] in "?." else "."
        return f"{text}{end} It is one of a list: mend it there, or take it out"

    selector = SELECTORS.get(step)
    what = step
    if selector:
        what = parameters.get(selector)
        if not isinstance(what, str) or what not in choices(step):
            expected = f"{', '.join(choices(step))}.{suggest_nearest(what, choices(step))}"
            text = f"{step}: unknown {selector} '{what}'; expected one of {expected}"
            return [said(selector, text)]
    known = signature(step, parameters)
    named = [name for name in parameters if name != selector]
    keys_here = [*filter(None, [selector]), *known]
    problems = []
    if "min_snr" in named and what in unbounded(step):
        named.remove("min_snr")
        bounded = [rule for rule in choices(step) if rule not in unbounded(step)]
        problems.append(
            f"{step}, min_snr is {given(parameters['min_snr'])}, which does not bound the rule "
            f"{what}; expected only beside {', '.join(bounded)}. Leave it out, or take such a rule"
        )
    problems += [
        f"{step}: {what} takes no '{name}'; it takes {', '.join(known)}."
        f"{suggest_nearest(name, keys_here)}"
        for name in named
        if name not in known
    ]
    problems += [
        f"{step}: {what} needs '{name}'"
        for name, parameter in known.items()
        if parameter.required and name not in parameters and name not in common(step)
    ]
    return problems + [
        said(name, f"{step}, {name} {text}")
        for name in named
        if name in known and (text := find_problem(parameters[name], known[name]))
    ]
