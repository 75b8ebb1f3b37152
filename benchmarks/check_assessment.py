"""How far the assessment without annotation is right, on real images whose spots are known.

    python benchmarks/check_assessment.py --annotated DIR [DIR ...] [--docs docs/accuracy.md]

What a user reads without any truth (`false_positives.csv`, the F1 that injected spots and decoys
let expect, which methods not to trust on an image) beside what is true of the same spots, for each
set and each of six methods: the shipped backgrounds with the default rule and with Otsu's.
"""

from __future__ import annotations

import argparse
import functools
import logging
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from docs_tables import fill, markdown
from known_images import Case
from real_sets import read_sets, tally

from localbg.assessment import assess
from localbg.io import images
from localbg.pipeline import chain
from localbg.ranking import criteria, reliability
from localbg.workflow.plan import make_plan

ROOT = Path(__file__).resolve().parent.parent
BACKGROUNDS = ("tophat", "median", "gaussian")
OTSU = {"threshold": {"rule": "otsu"}, "spots": {"min_area": "0.2x"}}
WORKERS = 2

logger = logging.getLogger(__name__)


@functools.cache
def planned(injected: int) -> dict:
    """Methods and settings as `localbg.assessment.assess.assess_image` takes them."""
    shipped = make_plan({"images": {"a": {"path": "a.tif"}}}).methods
    methods = {
        f"{name} otsu": {"background": dict(shipped[name].recipe["background"])} | OTSU
        for name in BACKGROUNDS
    }
    methods = {name.replace(" ", "_"): recipe for name, recipe in methods.items()}
    for recipe in methods.values():
        recipe["background"].pop("polarity", None)
    config = {"images": {"a": {"path": "a.tif"}}, "methods": methods, "compare": []}
    told = make_plan(config | {"assessment": {"injected": injected}}).gathering("a")
    return {
        "methods": chain.make_methods(told["methods"], told["steps"]),
        "settings": told["settings"],
    }


def gathered(case: Case, injected: int) -> list[dict]:
    """What is estimated and what is true of one image: a row for each method."""
    told, plane = planned(injected), images.read(case.path)
    true = {}
    for method, made in chain.run_methods(plane, case.radius, told["methods"]):
        true[method.name] = tally(case, made.places)
    found = assess.assess_image(plane, case.name, case.radius, **told)
    recovery, false = (
        [{"image": case.name} | row for row in rows]
        for rows in (found["recovery"], found["false_positives"])
    )
    expected = criteria.judge_by_injection(recovery, false, seed=0).scores
    judged = reliability.judge_images([], recovery, false)[case.name]
    return [
        {
            "set": case.family,
            "image": case.name,
            "method": method,
            "n_spots": one.n_spots,
            "n_false": one.n_false,
            "recall": one.found,
            "f1": expected[method][0] if method in expected else np.nan,
            "flagged": bool(one.fault),
            "true_found": true[method].matched + true[method].false,
            "true_false": true[method].false,
            "true_recall": true[method].recall,
            "true_f1": true[method].f1,
            "deserved": bool(_true_fault(true[method])),
        }
        for method, one in judged.items()
    ]


def _true_fault(one):
    found = one.matched + one.false
    return reliability.Judged(found, one.false, one.recall, "truth").fault


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """By set and method: share of false positives pooled, mean recall and F1 of the images.

    And on how many images the method is called unreliable, rightly, wrongly, and where it is not.
    """
    found = []
    for (name, method), part in rows.groupby(["set", "method"], sort=False):
        right = (part["flagged"] & part["deserved"]).sum()
        found.append(
            {
                "set": name,
                "method": method.replace("_", ", "),
                "false: estimated": _share(part["n_false"], part["n_spots"]),
                "false: true": _share(part["true_false"], part["true_found"]),
                "recall: estimated": part["recall"].mean(),
                "recall: true": part["true_recall"].mean(),
                "F1: estimated": part["f1"].mean(),
                "F1: true": part["true_f1"].mean(),
                "flagged rightly": int(right),
                "wrongly": int(part["flagged"].sum() - right),
                "not but should be": int(part["deserved"].sum() - right),
            }
        )
    return pd.DataFrame(found)


def _share(false, found):
    return false.sum() / found.sum() if found.sum() else np.nan


def in_words(table: pd.DataFrame) -> str:
    """How far estimates lie from the truth, and where they do so the most."""
    sentences = []
    for what, estimate, truth in (
        ("share of false positives", "false: estimated", "false: true"),
        ("share found", "recall: estimated", "recall: true"),
        ("F1", "F1: estimated", "F1: true"),
    ):
        apart = (table[estimate] - table[truth]).abs()
        worst = table.loc[apart.idxmax()]
        sentences.append(
            f"The {what} is {apart.mean():.2f} off on average, and most for {worst['method']} on "
            f"`{worst['set']}`: {worst[estimate]:.2f} where {worst[truth]:.2f} is true."
        )
    unseen, wrongly = table["not but should be"].sum(), table["wrongly"].sum()
    deserved = unseen + table["flagged rightly"].sum()
    sentences.append(
        f"Of {deserved} times that a method is unreliable on an image, {unseen} are not "
        f"seen; {wrongly} times it is flagged wrongly."
    )
    return " ".join(sentences)


def choices(table: pd.DataFrame) -> pd.DataFrame:
    """What the expected F1 would take in each set, what is best, and what the choice costs."""
    rows = []
    for name, part in table.groupby("set", sort=False):
        by_method = part.set_index("method")
        taken, best = by_method["F1: estimated"].idxmax(), by_method["F1: true"].idxmax()
        truth = by_method["F1: true"]
        row = {"set": name, "taken by estimate": taken, "its true F1": truth[taken]}
        rows.append(row | {"best": best, "its F1": truth[best], "cost": truth[best] - truth[taken]})
    return pd.DataFrame(rows)


def main(argv=None):
    """Gather, print, and write the tables as CSV and onto the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotated", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--injected", type=int, default=64, help="spots of each height, as shipped")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "benchmarks")
    parser.add_argument(
        "--docs", type=Path, nargs="+", default=[], help="pages whose tables are to be replaced"
    )
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    rows, cases = [], read_sets(options.annotated)
    with ProcessPoolExecutor(WORKERS) as pool:
        work = functools.partial(gathered, injected=options.injected)
        for case, of_image in zip(cases, pool.map(work, cases), strict=True):
            logger.info("%s: %s", case.family, case.name)
            rows += of_image
    rows = pd.DataFrame(rows)
    table = summary(rows)
    chosen = choices(table)
    options.out.mkdir(parents=True, exist_ok=True)
    rows.to_csv(options.out / "assessment.csv", index=False, float_format="%.4f")
    for shown in (table, chosen):
        print(shown.to_string(index=False, float_format="%.2f"))
    if options.docs:
        parts = (in_words(table), markdown(table), markdown(chosen))
        fill(options.docs, {"assessment": "\n\n".join(parts)})


if __name__ == "__main__":
    main()
