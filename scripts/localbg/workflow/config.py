"""The config's keys: schema, defaults, and what a config gets wrong about their shape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml

from localbg.core import files, names
from localbg.core.names import show
from localbg.core.parameters import given, is_number, suggest_nearest
from localbg.io.addresses import OTHER_ADDRESS, redacted_text

SCHEMA = Path(__file__).with_name("config.schema.yaml")
JSON_TYPES = {
    "object": "a mapping (key: value)",
    "array": "a list ([a, b])",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}
# What Snakemake would take for a pattern in the path of a file that it makes.
PATTERN = re.compile(r"[{}<>]")
EXPONENT = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]{1,3}")
MOST_BYTES = 10_000_000
# Python writes no whole number of more than 4300 digits.
MOST_BITS = 14_000


@cache
def schema() -> dict:
    """The schema, as read from its file."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def defaults() -> dict:
    """The shipped value of every key that has one."""
    keys = schema()["properties"].items()
    return {key: spec["default"] for key, spec in keys if "default" in spec}


def typed(value):
    """Give numbers and words like true their type, deep inside the value of a key.

    Snakemake's ``--config "spots={min_area: 4}"`` leaves everything within the braces text.
    """
    if isinstance(value, dict):
        return {key: typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    if not isinstance(value, str):
        return value
    # YAML takes 1e3 for a word, as it lacks a point.
    if EXPONENT.fullmatch(value):
        return float(value)
    try:
        found = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError):  # no YAML, or a number of thousands of digits
        return value
    return found if found is None or isinstance(found, bool | int | float) else value


def whole(config: dict) -> dict:
    """A config without `problems` in which what is to be a whole number is one: 2.0 is 2."""
    return _whole(config, schema())


def _whole(value, spec):
    if isinstance(value, dict):
        inner = spec.get("properties", {})
        return {key: _whole(item, inner.get(key, {})) for key, item in value.items()}
    kinds = [spec, *spec.get("anyOf", ())]
    is_whole = any(kind.get("type") == "integer" for kind in kinds)
    return int(value) if isinstance(value, float) and is_whole else value


def assessment(given: dict) -> tuple[dict, list[str]]:
    """The config's ``assessment`` with all defaults and a list of contrasts, and what is wrong."""
    known = defaults()["assessment"]
    settings = known | given
    ladder = known["contrasts"] | settings["contrasts"]
    low, high, steps = ladder["lowest"], ladder["highest"], ladder["steps"]
    if low >= high:
        return settings, [
            f"assessment, contrasts: lowest is {low}, highest is {high}; expected a higher highest"
        ]
    settings["contrasts"] = [
        float(f"{low * (high / low) ** (i / (steps - 1)):.6g}") for i in range(steps)
    ]
    return settings, []


def file_problems(paths: Iterable[str]) -> list[str]:
    """What is wrong with config files that reading them as YAML hides, or says in riddles.

    Parameters
    ----------
    paths : iterable of str

    Returns
    -------
    list of str
        Files that are no text in UTF-8, and keys that are there twice, of which the last would be
        taken without a word. What is not valid YAML is left to its reader to say.
    """
    found = []
    for path in paths:
        try:
            files.require_regular(path, MOST_BYTES)
            node = yaml.compose(Path(path).read_text(encoding="utf-8-sig"), yaml.SafeLoader)
        except UnicodeDecodeError as error:
            found.append(
                f"{path}: is not a text file in UTF-8 (byte {error.start + 1}: {error.reason}); "
                "save it as UTF-8"
            )
        except OSError as error:
            found.append(f"{path}: {error.strerror}")
        except ValueError as error:
            found.append(f"{path}: {error}")
        except RecursionError:
            found.append(f"{path}: lists and mappings are nested too deeply to be a config")
        except yaml.YAMLError:
            continue
        else:
            found += [f"{path}, {text}" for text in _repeated(node, set())]
    return found


def _repeated(node, seen):
    """Keys that a mapping has twice, at any depth; what aliases repeat is looked at once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item, seen)
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode):
            if key.value in first:
                yield (
                    f"line {line}: the key '{show(key.value)}' is there already (line "
                    f"{first[key.value]}); expected each key once"
                )
            first.setdefault(key.value, line)
        yield from _repeated(value, seen)


def problems(config: dict) -> list[str]:
    """What is wrong with the keys of a config and the shape of their values."""
    if found := list(_not_json(config, ())):
        return found
    for error in sorted(_validator().iter_errors(config), key=str):
        place = ", ".join(map(str, error.absolute_path))
        found += _in_words(error, f"{show(place, 200)}: " if place else "")
    results = config.get("results")
    if isinstance(results, str) and OTHER_ADDRESS.match(results):
        found.append(f"results: is {redacted_text(results)}; expected a folder on this machine")
    elif isinstance(results, str) and (PATTERN.search(results) or names.CONTROL.search(results)):
        found.append(
            f"results: is '{show(results)}'; expected a folder whose name has none of "
            "{ } < > and no control characters"
        )
    for name in config["methods"] if isinstance(config.get("methods"), dict) else ():
        if text := names.find_problem(name):
            found.append(f"methods: the name '{show(name)}' {text}")
    return found


@cache
def _validator():
    from jsonschema import Draft202012Validator, validators

    def is_whole(checker, value):
        return is_number(value) and value == int(value)

    kinds = {"number": lambda checker, value: is_number(value), "integer": is_whole}
    checker = Draft202012Validator.TYPE_CHECKER.redefine_many(kinds)
    return validators.extend(Draft202012Validator, type_checker=checker)(schema())


def _not_json(value, place):
    """Keys that YAML takes for something else than text, and numbers too long to be written.

    Ids of images may be whole numbers.
    """
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        prefix = f"{', '.join(place)}: " if place else ""
        digits = int(value.bit_length() * 0.30103)
        yield f"{prefix}is a whole number of some {digits} digits; expected fewer"
    if isinstance(value, list):
        for inner in value:
            yield from _not_json(inner, place)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        is_id = place == ("images",) and isinstance(key, int) and not isinstance(key, bool)
        if not isinstance(key, str) and not is_id:
            prefix = f"{', '.join(place)}: " if place else ""
            kind = {bool: "true or false", type(None): "nothing"}.get(type(key), type(key).__name__)
            yield (
                f"{prefix}the key {given(key)} is not text (YAML takes it for {kind}); put it in "
                "quotation marks"
            )
        yield from _not_json(inner, (*place, show(key)))


def _in_words(error, prefix):
    """A problem that jsonschema found, as we say it."""
    value, expected = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        return [unknown_key(prefix, key, known) for key in value if key not in known]
    if error.validator == "required":
        missing = [key for key in expected if key not in value]
        known = error.schema.get("properties", {})
        # A slip of its name is said as an unknown key.
        if any(missing[0] in suggest_nearest(key, known) for key in value if key not in known):
            return []
        return [f"{prefix}the key '{missing[0]}' is missing"]
    if error.validator == "type":
        kinds = [expected] if isinstance(expected, str) else expected
        words = " or ".join(JSON_TYPES[kind] for kind in kinds if kind != "null")
        if value is None:
            return [f"{prefix}is empty; expected {words}. Leave the key out for its default"]
        if isinstance(value, list) and prefix == "images: ":
            words += " of ids to paths (a: a.tif), a sheet, a folder or a glob ('raw/*.tif')"
        return [f"{prefix}is {given(value)}; expected {words}"]
    if error.validator == "enum":
        words = ", ".join(map(str, expected))
        return [f"{prefix}is {given(value)}; expected {words}.{suggest_nearest(value, expected)}"]
    if error.validator == "maximum":
        return [f"{prefix}is {given(value)}; expected {expected:.12g} at most"]
    if error.validator == "anyOf":
        words = " or ".join(
            str(kind["const"])
            if "const" in kind
            # The only other kind.
            else f"a whole number, {kind['minimum']} to {kind['maximum']}"
            for kind in expected
        )
        return [f"{prefix}is {given(value)}; expected {words}"]
    if error.validator == "minLength":
        return [f"{prefix}is empty; expected text"]
    return [f"{prefix}{show(error.message, 200)}"]


def unknown_key(prefix: str, key: str, known) -> str:
    """Say that a key is unknown, and which are known."""
    hint = suggest_nearest(key, known)
    return f"{prefix}unknown key '{show(key)}'.{hint} Keys here: {', '.join(known)}"
