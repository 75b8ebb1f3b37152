"""Choose on some groups, score on the others: what a chosen method is worth on new images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from localbg.accuracy.pooled import SUMS, scores

# A choice among the methods of all names in the config; no method can be called like this.
ALL = "(all)"


def leave_one_out(sums: np.ndarray, groups: list[str], sweeps: Mapping[str, list[int]]) -> list:
    """Leave each group out in turn, choose the method that is best on the others, and score it.

    Parameters
    ----------
    sums : ndarray, shape (images, methods, len(SUMS))
        See `localbg.accuracy.pooled.of_image`.
    groups : list of str
        Group of each image.
    sweeps : mapping of str to list of int
        Methods to choose among, as indices, by the name of the choice.

    Returns
    -------
    list of dict
        ``sweep``, ``left_out``, ``n_images`` (left out), ``chosen`` (index), ``f1_chosen_on`` (its
        pooled F1 on the other groups), ``f1_left_out`` (on the group that was left out),
        ``optimism`` (their difference), ``best`` (index of the best method there) and
        ``f1_best``. The last row of a sweep, whose ``left_out`` is empty, is what to expect: the
        choice on all groups with its F1 there, and the F1 over all images of the choices that were
        made without them. None with fewer than two groups.

    Notes
    -----
    Of equally good methods the first is chosen.

    References
    ----------
    Stone, Cross-validatory choice and assessment of statistical predictions, 1974,
    doi 10.1111/j.2517-6161.1974.tb00994.x.
    """
    groups = np.asarray(groups)
    names = sorted(set(groups.tolist()))
    if len(names) < 2:
        return []
    rows = []
    for sweep, members in sweeps.items():
        among = sums[:, members]
        total = among.sum(axis=0)
        kept = np.zeros(len(SUMS))
        for name in names:
            out = groups == name
            here = among[out].sum(axis=0)
            row, chosen = _scored(here, total - here, members)
            kept += here[chosen]
            rows.append({"sweep": sweep, "left_out": name, "n_images": int(out.sum())} | row)
        row, _ = _scored(total, total, members)
        row["f1_left_out"] = float(scores(kept)["f1"])
        rows.append({"sweep": sweep, "left_out": "", "n_images": len(groups)} | row)
    return [row | {"optimism": row["f1_chosen_on"] - row["f1_left_out"]} for row in rows]


def _scored(here, there, members):
    """The method that is best there, and how good it is here."""
    off, on = scores(here)["f1"], scores(there)["f1"]
    chosen, best = int(np.argmax(on)), int(np.argmax(off))
    return {
        "chosen": members[chosen],
        "f1_chosen_on": float(on[chosen]),
        "f1_left_out": float(off[chosen]),
        "best": members[best],
        "f1_best": float(off[best]),
    }, chosen


def choices(settings: Iterable[Mapping]) -> dict[str, list[str]]:
    """What there is to choose among: the methods of each sweep, and all methods.

    Parameters
    ----------
    settings : iterable of mappings
        Rows of methods.csv.

    Returns
    -------
    dict of str to list of str
        Methods by name of the sweep, the choice among all of them (`ALL`) last. A choice among one
        is none.
    """
    sweeps: dict[str, list[str]] = {}
    for row in settings:
        members = sweeps.setdefault(row["sweep"], [])
        if row["method"] not in members:
            members.append(row["method"])
    everything = sorted(method for members in sweeps.values() for method in members)
    if len(sweeps) > 1:
        sweeps[ALL] = everything
    return {name: members for name, members in sweeps.items() if len(members) > 1}
