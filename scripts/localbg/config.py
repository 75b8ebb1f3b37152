"""The config's keys: schema, defaults, and what a config gets wrong about their shape."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from localbg.parameters import nearest

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "config.schema.yaml"
JSON_TYPES = {
    "object": "a mapping (key: value)",
    "array": "a list ([a, b])",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


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
    return yaml.safe_load(value) if isinstance(value, str) else value


def evidence(given: dict) -> tuple[dict, list[str]]:
    """The config's ``evidence`` with all defaults and a list of contrasts, and what is wrong."""
    known = defaults()["evidence"]
    settings = known | given
    ladder = known["contrasts"] | settings["contrasts"]
    low, high, steps = ladder["lowest"], ladder["highest"], ladder["steps"]
    if low >= high:
        return settings, [
            f"evidence, contrasts: lowest is {low}, highest is {high}; expected a higher highest"
        ]
    settings["contrasts"] = [
        float(f"{low * (high / low) ** (i / (steps - 1)):.6g}") for i in range(steps)
    ]
    return settings, []


def problems(config: dict) -> list[str]:
    """What is wrong with the keys of a config and the shape of their values."""
    from jsonschema import Draft202012Validator

    found = []
    for error in sorted(Draft202012Validator(schema()).iter_errors(config), key=str):
        place = ", ".join(map(str, error.absolute_path))
        prefix = f"{place}: " if place else ""
        if error.validator == "additionalProperties":
            known = error.schema["properties"]
            found += [unknown_key(prefix, key, known) for key in error.instance if key not in known]
        elif error.validator == "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            found.append(f"{prefix}the key '{missing[0]}' is missing")
        elif error.validator == "type":
            types = error.validator_value
            expected = " or ".join(
                JSON_TYPES[t] for t in ([types] if str(types) == types else types)
            )
            found.append(f"{prefix}is {error.instance!r}; expected {expected}")
        elif error.validator == "enum":
            words = error.validator_value
            hint = nearest(error.instance, words)
            expected = ", ".join(map(str, words))
            found.append(f"{prefix}is {error.instance!r}; expected {expected}.{hint}")
        elif error.validator == "pattern":
            found.append(
                f"{prefix}the name '{error.instance}' has characters that don't fit a file name; "
                "expected letters, digits and _ . + = - and no . + = - in front"
            )
        elif error.validator == "minLength":
            found.append(f"{prefix}is empty; expected text")
        else:
            found.append(f"{prefix}{error.message}")
    return found


def unknown_key(prefix: str, key: str, known) -> str:
    """Say that a key is unknown, and which are known."""
    return f"{prefix}unknown key '{key}'.{nearest(key, known)} Keys here: {', '.join(known)}"
