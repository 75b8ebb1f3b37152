"""Compare rules of the threshold on real images with annotated spots, background by background.

    python benchmarks/rule_tables.py --annotated DIR [DIR ...] [--docs docs/accuracy.md]

Every rule has the shipped denoising, sizes of backgrounds and splitting of spots; nothing is known
of an image but the radius of a spot. The F1 of a set is pooled over its images, with matches one to
one within 3 pixels; the mean is over sets of equal weight. ``--tables sensitivity ablation`` has
what becomes of that when constants of the default rule change or parts of it are left out, and
``--overlays`` draws the poorest images of each set, to judge by eye whose error it is.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import known_images
import pandas as pd
import real_sets
from constants import ABLATIONS, CONSTANTS, FACTORS, changed, known
from docs_tables import cell, fill, markdown
from overlays import draw_poorest

from detection import ROOT, by_family, shipped

# What the config of each rule says. A histogram's mask has whole spots, and specks of noise; that
# of the default rule has the cores of spots, which may be small.
WHOLE = {"min_area": 0.2}
RULES = {"matched_filter": {}} | {
    rule: {"threshold": {"rule": rule}, "spots": WHOLE}
    for rule in ("otsu", "yen", "li", "triangle", "isodata")
}
RULES["noise, k 5"] = {"threshold": {"rule": "noise", "k": 5}, "spots": WHOLE}
OUR_RULE, PEER = "matched_filter", "otsu"
# Rules measured on simulated families too, where these are asked for.
GUARDED = ("matched_filter", "otsu", "yen", "noise, k 5")

logger = logging.getLogger(__name__)


def with_rule(setting: dict, rule: str) -> dict:
    """The shipped setting with another rule and what suits it."""
    other = RULES[rule]
    if not other:
        return setting
    return setting | {"threshold": other["threshold"], "spots": setting["spots"] | other["spots"]}


def rules_table(images: list) -> pd.DataFrame:
    """Measure every rule with every background: a row for each, and each set or family."""
    rows = []
    for rule in RULES:
        seen = [case for case in images if case.split == "real" or rule in GUARDED]
        for method, setting in shipped().items():
            measured = by_family(seen, with_rule(setting, rule))
            rows.append(measured.assign(rule=rule, background=method))
            logger.info("%s, %s: %.3f", rule, method, measured["f1"].mean())
    return pd.concat(rows)[["rule", "background", *rows[0].columns[:-2]]]


def wide(rows: pd.DataFrame, split: str = "real") -> pd.DataFrame:
    """F1 of each rule and background: a column for each set, mean, lowest, difference to Otsu."""
    of_split = rows[rows["split"] == split]
    table = of_split.pivot_table(
        index=["rule", "background"], columns="family", values="f1", sort=False
    )
    sets = list(table.columns)
    table["mean"] = table[sets].mean(axis=1)
    table["lowest"] = table[sets].min(axis=1)
    peer = table["mean"].xs(PEER, level="rule")
    table["to otsu"] = table["mean"] - peer.reindex(table.index, level="background")
    return table.reset_index().rename_axis(columns=None)


def short(rows: pd.DataFrame) -> str:
    """Mean F1 of the best-known rules over the real sets, the lowest in brackets, in Markdown."""
    table = wide(rows).set_index(["rule", "background"])
    of_rules = {
        rule: {
            method: f"{cell(one['mean'])} ({cell(one['lowest'])})"
            for method, one in table.loc[rule].iterrows()
        }
        for rule in GUARDED
    }
    return markdown(pd.DataFrame(of_rules).T.reset_index(names="rule"))


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean F1 over the families of each split, and false positives in all blank images together."""
    blank = rows["family"] == "blank"
    keys = ["rule", "background"]
    table = rows[~blank].pivot_table(index=keys, columns="split", values="f1", sort=False)
    table = table.dropna().drop(columns="real", errors="ignore")
    if blank.any():
        table["false on blanks"] = rows[blank].groupby(keys)["false"].sum()
    return table.reset_index().rename_axis(columns=None)


def families(rows: pd.DataFrame) -> pd.DataFrame:
    """F1 of Otsu and of the default rule for each simulated family, background by background."""
    seen = rows[(rows["split"] != "real") & (rows["family"] != "blank")]
    seen = seen[seen["rule"].isin((PEER, OUR_RULE))]
    table = seen.pivot_table(
        index=["split", "family"], columns=["background", "rule"], values="f1", sort=False
    )
    order = [(method, rule) for method in shipped() for rule in (PEER, OUR_RULE)]
    table = table[order].set_axis([f"{method}: {rule}" for method, rule in order], axis=1)
    return table.reset_index().replace({"family": {"_": " "}}, regex=True)


def losses(rows: pd.DataFrame) -> pd.DataFrame:
    """The default rule beside Otsu, set by set, with the background that is worst for it first."""
    real = rows[rows["split"] == "real"]
    one, other = (
        real[real["rule"] == rule].set_index(["family", "background"]) for rule in (OUR_RULE, PEER)
    )
    table = pd.DataFrame(
        {
            "matched_filter": one["f1"],
            "otsu": other["f1"],
            "difference": one["f1"] - other["f1"],
            "false": one["false"],
            "missed": one["missed"],
            "true": one["true"],
        }
    )
    return table.sort_values("difference", kind="stable").reset_index(names=["set", "background"])


def sensitivity_table(images: list) -> pd.DataFrame:
    """Mean F1 of each split, over the backgrounds, with each constant times `FACTORS`."""
    changes = [("as it is", 1.0, {})]
    changes += [
        (name, factor, {name: value * factor})
        for name, value in known(CONSTANTS).items()
        for factor in FACTORS
    ]
    rows = [
        {"constant": name, "factor": factor} | _changed_means(images, values)
        for name, factor, values in changes
    ]
    return pd.DataFrame(rows)


def ablation_table(images: list) -> pd.DataFrame:
    """Mean F1 of each split, over the backgrounds, without each part of the rule."""
    rows = [
        {"without": name} | _changed_means(images, values)
        for name, values in ({"": {}} | ABLATIONS).items()
    ]
    return pd.DataFrame(rows)


def _changed_means(images, values):
    with changed(values):
        rows = pd.concat(by_family(images, setting) for setting in shipped().values())
    blank = rows["family"] == "blank"
    result = rows[~blank].groupby("split", sort=False)["f1"].mean().to_dict()
    real = rows[rows["split"] == "real"]
    result["lowest set"] = real.groupby("family")["f1"].mean().min()
    if blank.any():
        result["false on blanks"] = rows.loc[blank, "false"].sum()
    logger.info("%s: %s", sorted(values), result)
    return result


TABLES = {"rules": rules_table, "sensitivity": sensitivity_table, "ablation": ablation_table}


def page_parts(made: dict[str, pd.DataFrame]) -> dict[str, str]:
    """What pages say, by the name of the part."""
    parts = {name: markdown(shown(made[name])) for name in made if name != "rules"}
    if "rules" in made:
        parts |= {"rules": of_rules(made["rules"]), "rules in short": short(made["rules"])}
    return parts


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """F1 with three digits: what it is without each part; or one row for each constant."""
    splits = [name for name in ("tuned", "held_out", "later", "hard") if name in table]
    means = table[["real", "lowest set"]].assign(simulated=table[splits].mean(axis=1))
    means = means.dropna(axis=1).map("{:.3f}".format)
    if "false on blanks" in table:
        means["false on blanks"] = table["false on blanks"].astype(int)
    if "without" in table:
        return pd.concat([table[["without"]].replace("", "(nothing)"), means], axis=1)
    seen = pd.concat([table[["constant", "factor"]], means], axis=1)
    as_it_is, changed_ones = seen[seen["factor"] == 1], seen[seen["factor"] != 1]
    by_factor = changed_ones.pivot(index="constant", columns="factor", values=list(means))
    by_factor = by_factor.loc[changed_ones["constant"].unique()]
    by_factor.columns = [f"{name}, × {factor:g}" for name, factor in by_factor]
    values = known(by_factor.index)
    by_factor.insert(0, "value", [f"{values[name]:g}" for name in by_factor.index])
    first = {
        f"{name}, × {factor:g}": as_it_is[name].iloc[0] for name in means for factor in FACTORS
    }
    first = pd.DataFrame([first | {"value": ""}], index=["as it is"])
    return pd.concat([first[by_factor.columns], by_factor]).reset_index(names="constant")


def of_rules(rules: pd.DataFrame) -> str:
    """Where the default rule loses, then all figures."""
    parts = [
        f"Mean F1 over {rules.loc[rules['split'] == 'real', 'family'].nunique()} sets of real "
        "images. The default rule beside Otsu, set by set, where it loses first; `false` and "
        "`missed` are its own:",
        markdown(losses(rules)),
        "All rules (`to otsu`: difference of the means, with the same background):",
        markdown(wide(rules)),
    ]
    blank = rules[(rules["family"] == "blank") & (rules["rule"] == OUR_RULE)]
    if len(blank):
        images = blank.groupby("background")["images"].sum().max()
        parts += [
            "Means over the simulated families of each split, and false positives in all "
            f"{images} blank images together:",
            markdown(means(rules)),
            "Family by family:",
            markdown(families(rules)),
        ]
    return "\n\n".join(parts)


def main(argv=None):
    """Measure, print the tables, and write them as CSV and Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotated", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=["rules"])
    parser.add_argument("--simulated", type=int, default=0, help="images of each simulated family")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks")
    parser.add_argument(
        "--docs", type=Path, nargs="+", default=[], help="pages whose tables are to be replaced"
    )
    parser.add_argument("--overlays", type=Path, help="folder for pictures of the poorest images")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    images = real_sets.read_sets(options.annotated)
    if options.overlays:
        draw_poorest(images, shipped(), options.overlays)
    if options.simulated:
        images += known_images.simulated(options.simulated) + known_images.blanks()
    options.out.mkdir(parents=True, exist_ok=True)
    made = {}
    for name in options.tables:
        table = made[name] = TABLES[name](images)
        table.to_csv(options.out / f"{name}.csv", index=False, float_format="%.4f")
        table = wide(table) if name == "rules" else shown(table)
        (options.out / f"{name}.md").write_text(markdown(table) + "\n", encoding="utf-8")
        print(table.to_string(index=False, float_format="%.3f"))
    if options.docs:
        fill(options.docs, page_parts(made))


if __name__ == "__main__":
    main()
