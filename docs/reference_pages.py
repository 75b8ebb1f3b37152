"""What the reference takes from the code: config keys, filters and rules, sheet, tables.

A page says where by ``<!-- from the code: config -->``; `fill` puts the part there when the page is
built. `python docs/reference_pages.py config` prints a part.
"""

import ast
import re
import sys
from dataclasses import astuple
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "scripts"))

from localbg.io.columns import COLUMNS, Column
from localbg.io.table_summaries import SUMMARIES
from localbg.pipeline import signatures
from localbg.workflow import config, sheet

PAGES = ["reference/config", "reference/sheet", "reference/tables"]
MARKER = re.compile(r"<!-- from the code: (\w+) -->")
STEPS = {
    "denoise": "The small-radius filter",
    "background": "The big-radius filter",
    "subtract": "Denoised image minus background",
    "threshold": "Which pixels are spots",
    "spots": "From the mask to spots",
}
ACCEPTED = {
    "Size": "length: pixels (`4`), spot radii (`2x`) or µm (`0.5um`)",
    "Area": "area: pixels (`4`), areas of a typical spot (`0.2x`) or µm² (`0.2um2`)",
    "Positive": "number greater than 0",
    "NonNegative": "number, 0 or greater",
    "Percent": "number from 0 to 100",
    "Share": "number between 0 and 1",
    "Whole": "whole number, 1 or greater",
    "float": "number",
    "bool": "`true` or `false`",
}
# In the words of a config; docstrings say it in those of the functions. A filter of one's own needs
# no line here.
PARAMETERS = {
    "sigma": "standard deviation of the Gaussian",
    "radius": "of the disk, the ball or, for `matched_filter`, the spot",
    "footprint": "which pixels the disk has: dy² + dx² <= r², or ImageJ's, <= r² + 1",
    "shrink": "above 1, the image is reduced by this factor first: approximate",
    "shrink_error": "whether the error of that is measured, at the cost of the exact filter",
    "of": "what the background is estimated from",
    "clip": "`zero` sets negative values of the foreground to 0 and reports the fraction",
    "fdr": "false discovery rate: the share of spots that may be noise or texture",
    "k": "threshold in units of the scatter of noise and texture above the median",
    "value": "threshold in grey levels of the foreground",
    "percent": "percentile of the foreground",
    "min_snr": "lower bound on a histogram rule's threshold, in noise standard deviations above "
    "the foreground's median; 0 switches it off",
    "scope": "which images share a threshold, the median of their own",
    "from": "whose thresholds the shared one is taken from; heeded by `group` and `all`",
    "close": "close gaps up to about twice this size",
    "fill_holes": "fill holes of objects",
    "min_area": "remove smaller objects; those of `matched_filter` are the cores of the spots",
    "max_area": "remove larger objects; empty: none",
    "split": "split touching spots; `false` counts connected objects",
    "min_distance": "least distance of local maxima that count as spots of their own",
    "prominence": "noise standard deviations by which they exceed the saddle between them",
    "exclude_border": "leave out spots that touch the border",
}
# The key of a row in the schema, where rows are a mapping.
IMAGE = "id: letters, digits and `_ . + = -`; it becomes a file name"
# Of comparison.csv, beside those that it has in any case.
OF_A_METHOD = {"<method>": Column("number of spots, a column for each method", "int")}


def fill(text: str) -> str:
    """Replace each marker of a page by what the code says."""
    return MARKER.sub(lambda match: PARTS[match[1]](), text)


def of_config() -> str:
    """Every key of the config with its default and what is accepted."""
    return "\n\n".join(_of_key(key, spec) for key, spec in config.schema()["properties"].items())


def _of_key(key, spec):
    lines = [f"### {key}", " ".join(spec["description"].split())]
    if "default" not in spec:
        lines.append("Needed; there is no default.")
    elif isinstance(spec["default"], dict):
        rows = [(f"`{name}`", _yaml(value)) for name, value in spec["default"].items()]
        inner = dict(_inner(spec, ()))
        if inner:
            lines.append(_table(("key", "default", "meaning"), _nested(inner, spec["default"])))
        else:
            lines.append(_table((f"of `{key}`", "default"), rows))
    else:
        lines.append(f"Default: {_yaml(spec['default'])}.")
    if limits := _limits(spec):
        lines.append(limits.strip())
    if key in signatures.STEPS:
        lines.append(f"What else it takes: see [{key}](#{key}-parameters).")
    return "\n\n".join(lines)


def _inner(spec, place):
    """Keys within a key, to any depth, each with its schema."""
    for name, inner in spec.get("properties", {}).items():
        yield (*place, name), inner
        yield from _inner(inner, (*place, name))


def _nested(inner, default):
    for place, spec in inner.items():
        value = default
        for name in place:
            value = value[name]
        meaning = " ".join(spec.get("description", "").split()) + _limits(spec)
        yield f"`{'.'.join(place)}`", "" if isinstance(value, dict) else _yaml(value), meaning


def _limits(spec):
    """What a schema accepts, where it is a range or one of a few words."""
    spec = spec | next((kind for kind in spec.get("anyOf", ()) if "minimum" in kind), {})
    spec |= {"enum": items["enum"]} if "enum" in (items := spec.get("items", {})) else {}
    if "enum" in spec:
        words = ", ".join(f"`{value}`" for value in spec["enum"])
        return f" {'Some' if 'items' in spec else 'One'} of {words}."
    if "minimum" in spec:
        lowest, highest = spec["minimum"], spec["maximum"]
        return f" From {lowest:,} to {highest:,}."
    return ""


def of_steps() -> str:
    """The filters and rules of each step, and the parameters that they take."""
    return "\n\n".join(_of_step(step, title) for step, title in STEPS.items())


def _of_step(step, title):
    lines = [f"### {step}: parameters", f"{title}."]
    choices = signatures.choices(step) if step in signatures.SELECTORS else {}
    if choices:
        rows = [
            (f"`{name}`", _first_line(step, name), ", ".join(f"`{key}`" for key in takes))
            for name, takes in choices.items()
        ]
        lines.append(_table((f"`{signatures.SELECTORS[step]}`", "what it is", "takes"), rows))
    # What a step takes whatever its filter has the config's default, the others the function's.
    common = signatures.common(step)
    shipped = {key: value for key, value in config.defaults()[step].items() if key in common}
    rows = dict.fromkeys(
        (
            f"`{name}`",
            PARAMETERS.get(name, ""),
            _accepted(parameter),
            _default(name, parameter, shipped),
        )
        for takes in (*choices.values(), common)
        for name, parameter in takes.items()
    )
    lines.append(_table(("parameter", "meaning", "accepts", "default"), rows))
    return "\n\n".join(lines)


def _first_line(step, name):
    """First line of the docstring of a filter or rule; its module is parsed, not imported."""
    path = f"backgrounds/{name}.py" if step == "background" else f"detection/{step}.py"
    tree = ast.parse((signatures.LIBRARY / path).read_text(encoding="utf-8"))
    function = next(node for node in tree.body if getattr(node, "name", None) == name)
    return ast.get_docstring(function).splitlines()[0].replace("``", "`")


def _accepted(parameter):
    if parameter.choices:
        return ", ".join(_yaml(choice) for choice in parameter.choices)
    return ACCEPTED[parameter.kind]


def _default(name, parameter, shipped):
    if name in shipped:
        return _yaml(shipped[name])
    return "needed" if parameter.required else _yaml(parameter.default)


def of_sheet() -> str:
    """Every column of the sheet."""
    row = config.schema()["$defs"]["row"]
    rows = [
        (
            f"`{name}`",
            "yes" if name in ("image", *row["required"]) else "",
            IMAGE if name == "image" else row["properties"][name]["description"],
        )
        for name in sheet.COLUMNS
    ]
    return _table(("column", "needed", "meaning"), rows)


def of_tables() -> str:
    """The data dictionary: every column of every table, its meaning, type and unit."""
    tables = COLUMNS | {"comparison": COLUMNS["comparison"] | OF_A_METHOD}
    rows = [(f"[`{name}.csv`](#{name}csv)", _row(name)) for name in sorted(tables)]
    parts = [_of_table(name, tables[name]) for name in sorted(tables)]
    return "\n\n".join([_table(("table", "one row per"), rows), *parts])


def _row(name):
    """What a row is: the beginning of what is said of the table."""
    return re.split("[:.]", SUMMARIES[name])[0].removeprefix("One row per ")


def _of_table(name, columns):
    rows = [(f"`{key}`", *astuple(column)) for key, column in columns.items()]
    table = _table(("column", "meaning", "type", "unit"), rows)
    return f"## {name}.csv\n\n`tables/{name}.csv`. {SUMMARIES[name]}\n\n{table}"


def _yaml(value):
    """A value as it stands in a config."""
    if isinstance(value, dict):
        pairs = (f"{key}: {_yaml(inner)[1:-1]}" for key, inner in value.items())
        return f"`{{{', '.join(pairs)}}}`"
    if isinstance(value, list):
        return f"`[{', '.join(_yaml(inner)[1:-1] for inner in value)}]`"
    words = {None: "null", True: "true", False: "false", "": '""'}
    # 0 equals False, and 1 True.
    known = value is None or isinstance(value, bool | str)
    return f"`{words.get(value, value) if known else value}`"


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(text):
    return str(text).replace("|", r"\|")


PARTS = {"config": of_config, "steps": of_steps, "sheet": of_sheet, "tables": of_tables}

if __name__ == "__main__":
    print(PARTS[sys.argv[1]]())
