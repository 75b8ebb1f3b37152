"""Which method to take, why, and what would settle it where nothing does yet.

The strongest criterion ranks the methods. One is better than another only where the interval
of their difference on the same images leaves out 0; all others share a rank. Among those that share
the first, one is recommended because a weaker criterion favours it, because it is safer (its
poorest result is the best), or because it is simpler; the reason says which.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from localbg.core.text import format_count, format_number
from localbg.ranking import reliability
from localbg.ranking.criteria import FEWEST_IMAGES, KINDS, Criterion

# Beyond this many images, a difference that more of them would show is of no use.
MANY_IMAGES = 1000
# An expected F1 that is as good as none.
NEAR_NOTHING = 0.1
LOOK = (
    "Is spot_radius right? The target suggest measures blobs in the images and proposes a config."
)
BLIND = "Decoys are blind to hot pixels, dirt, and texture that is bright only."


def recommend(
    methods: Iterable[str],
    criteria: Iterable[Criterion],
    n_parameters: Mapping[str, int],
    tuned: Mapping | None = None,
    faults: Mapping[str, list] | None = None,
    n_spots: int | None = None,
) -> list[dict]:
    """Rank the methods by the strongest criterion there is, and recommend one.

    None is recommended where no method finds any spot, unless by truth there are none, nor where
    the best F1 is near 0.

    Parameters
    ----------
    methods : iterable of str
    criteria : iterable of localbg.ranking.criteria.Criterion
        In any order; none at all is allowed.
    n_parameters : mapping of str to int
        How many parameters each method sets: fewer is simpler.
    tuned : mapping, optional
        ``f1_chosen_on`` and ``f1_left_out``, as numbers, of the choice among all methods; see
        `localbg.accuracy.cross_validation.leave_one_out`.
    faults : mapping of str to list, optional
        By method, images on which not to trust it, and why; see
        `localbg.ranking.reliability.find_faults`.
    n_spots : int, optional
        Spots that all methods found together, where that is known.

    Returns
    -------
    list of dict
        Rows of recommendation.csv, the recommended method first.
    """
    methods = sorted(methods)
    ordered = sorted(
        (c for c in criteria if c.by_score(methods)), key=lambda c: KINDS.index(c.kind)
    )
    if not ordered:
        return _none_recommended(_without_criterion(methods), None, n_spots)
    first, *weaker = ordered
    tiers = _tiers(first, methods)
    faults = faults or {}
    chosen, why = _pick(tiers[0], first, weaker, n_parameters, faults)
    rows = []
    rank = 1
    for tier in tiers:
        order = first.by_score(tier)
        for method in sorted(tier, key=lambda m: (m != chosen, m in faults, order.index(m))):
            rows.append(_row(rank, method, tiers, chosen, why, first, faults))
        rank += len(tier)
    rows[0]["reason"] += "".join(
        f" But {criterion.kind} speak for {rival}: its {criterion.measure} is "
        f"{_score(criterion, rival)}, not {_score(criterion, chosen)}."
        for criterion in weaker
        if (rival := criterion.by_score(methods)[0]) != chosen
        and criterion.is_better(rival, chosen)
    )
    if tuned and first.kind == "truth":
        rows[0]["reason"] += (
            " A method chosen on the other groups has F1 "
            f"{format_number(tuned['f1_left_out'])} on the group left out; "
            f"{format_number(tuned['f1_chosen_on'])} where it was chosen."
        )
    if any("decoy" in text for text in (first.measure, rows[0]["reason"])):
        rows[0]["reason"] += f" {BLIND}"
    settle = _would_settle(first, tiers[0], chosen)
    rows += [
        {"rank": rank, "method": method, "recommendation": "not judged", "criterion": first.kind}
        | {"reason": f"Has no {first.measure}."}
        for method in methods
        if all(method not in tier for tier in tiers)
    ]
    rows = [_with_faults(row, faults) | {"would_settle": settle} for row in rows]
    return _none_recommended(rows, first, n_spots)


def _none_recommended(rows, first, n_spots):
    """The rows as they are where a method is of some use; else the first says why none is."""
    of_f1 = first is not None and first.is_f1
    best = max((row.get("estimate", math.nan) for row in rows if row["rank"] == 1), default=0)
    if of_f1 and best < NEAR_NOTHING:
        why = f"The best {first.measure} is {format_number(best)}"
        why += ", and no method found a spot." if n_spots == 0 else "."
    elif n_spots == 0 and not (of_f1 and first.kind == "truth"):
        why = "No method found a spot in any image."
    else:
        return rows
    reason = f"{why} So none is recommended. {LOOK}"
    equal = [
        row | {"recommendation": "none recommended", "reason": reason}
        for row in rows
        if row["rank"] == 1
    ]
    return equal + rows[len(equal) :]


def _with_faults(row, faults):
    """Say of a method where not to trust it, whatever its rank."""
    if row["method"] not in faults:
        return row
    where = reliability.said(faults[row["method"]])
    recommendation = row["recommendation"] + (
        ", but not on every image" if row["rank"] == 1 else ""
    )
    reason = f"{row['reason']} Do not trust it on {where}."
    return row | {"recommendation": recommendation, "reason": reason, "not_on": where}


def _without_criterion(methods):
    return [
        {"rank": 1, "method": method, "recommendation": "not judged", "criterion": "none"}
        | {"reason": "Nothing but counts is known, and a count does not say what is right."}
        | {"would_settle": "True spots of a few images of each kind (column truth of the sheet)."}
        for method in methods
    ]


def _tiers(criterion, methods):
    """Methods between which there is no real difference, the best first."""
    left = criterion.by_score(methods)
    tiers = []
    while left:
        tiers.append([m for m in left if not criterion.is_better(left[0], m)])
        left = [m for m in left if m not in tiers[-1]]
    return tiers


def _pick(tie, first, weaker, n_parameters, faults):
    """One of the methods that share the first rank, and what decided it."""
    best = first.by_score(tie)[0]
    if len(tie) == 1:
        return best, ""
    fewest = min(len(faults.get(m, ())) for m in tie)
    left = [m for m in tie if len(faults.get(m, ())) == fewest]
    if len(left) == 1:
        return left[0], "Taken because there are fewer images on which not to trust it."
    for criterion in weaker:
        known = criterion.by_score(left)
        worse = [m for m in known[1:] if criterion.is_better(known[0], m)] if known else []
        left = [m for m in left if m not in worse]
        if len(left) == 1:
            return left[0], (
                f"Taken because {criterion.kind} tell them apart: its {criterion.measure} is "
                f"{_score(criterion, left[0])}."
            )
    for criterion in (first, *weaker):
        if not all(method in criterion.worst for method in left):
            continue
        safest = _safest(criterion, left)
        if len(safest) < len(left):
            other = min if criterion.higher_is_better else max
            poorest = other(criterion.worst[m] for m in left)
            left = safest
            if len(left) == 1:
                return left[0], (
                    f"Taken as the safest: its poorest {criterion.measure} on {criterion.worst_of} "
                    f"is {format_number(criterion.worst[left[0]])}, that of the others down to "
                    f"{format_number(poorest)}."
                )
    fewest = min(n_parameters.get(m, 0) for m in left)
    simple = [m for m in left if n_parameters.get(m, 0) == fewest]
    if len(simple) == 1:
        return simple[0], "Taken as the simplest: it sets the fewest parameters."
    taken = first.by_score(simple)[0]
    return taken, "Nothing tells these apart; taken for the best score, or by name where equal."


def _safest(criterion, methods):
    best = (max if criterion.higher_is_better else min)(criterion.worst[m] for m in methods)
    return [m for m in methods if criterion.worst[m] == best]


def _row(rank, method, tiers, chosen, why, first, faults):
    best = tiers[0][0]
    estimate, low, high = first.scores[method]
    difference = first.difference(method, best) if method != best else (math.nan,) * 3
    row = {
        "rank": rank,
        "method": method,
        "criterion": first.kind,
        "measure": first.measure,
        "estimate": estimate,
        "low": low,
        "high": high,
        "difference": difference[0],
        "difference_low": difference[1],
        "difference_high": difference[2],
        "n_images": first.n_images,
    }
    others = [m for m in tiers[0] if m != method]
    if method == chosen and not others:
        reason = f"Its {first.measure}, {_score(first, method)}, is better than that of all others."
        return row | {
            "recommendation": "recommended",
            "reason": f"{reason} {_limits(first)}".strip(),
        }
    if method == chosen:
        equal = [m for m in others if m not in faults] or others
        reason = f"No real difference from {_names(equal)} in {first.measure}."
        reason = " ".join(filter(None, (reason, why, _limits(first))))
        return row | {"recommendation": "recommended, no real difference", "reason": reason}
    if rank == 1:
        reason = f"No real difference from {chosen} in {first.measure}."
        return row | {"recommendation": "no real difference", "reason": reason}
    worse = "lower" if first.higher_is_better else "higher"
    reason = f"{first.measure[0].upper()}{first.measure[1:]} {worse} than that of {best}"
    if not math.isnan(difference[1]):
        ends = sorted((abs(difference[1]), abs(difference[2])))
        low, high = map(format_number, ends)
        reason += f" by {format_number(abs(difference[0]))} ({low} to {high})"
    return row | {"recommendation": "worse", "reason": f"{reason}."}


def _score(criterion, method):
    estimate, low, high = criterion.scores[method]
    if math.isnan(low):
        return format_number(estimate)
    return f"{format_number(estimate)} ({format_number(low)} to {format_number(high)})"


def _names(methods):
    shown = methods if len(methods) < 5 else methods[:3]
    rest = len(methods) - len(shown)
    return ", ".join(shown) + (f" and {rest} others" if rest else "")


def _limits(first):
    if first.resampled == "spots":
        return "One image speaks for itself only."
    if first.is_thin:
        return (
            f"{format_count(first.n_images, 'image')} {'are' if first.n_images > 1 else 'is'} "
            f"too few to call a difference real; it takes {FEWEST_IMAGES}."
        )
    return ""


def _would_settle(first, tie, chosen):
    """What would tell those that share the first rank apart."""
    if first.kind != "truth":
        ask = "True spots of a few images of each kind (column truth of the sheet)"
        return f"{ask}." if len(tie) > 1 else f"{ask} would be a stronger criterion than this."
    if first.resampled == "spots":
        return f"True spots of {FEWEST_IMAGES} images or more."
    if len(tie) == 1:
        return "Settled for images like these."
    if first.is_thin:
        return f"True spots of {FEWEST_IMAGES - first.n_images} more images at least."
    needed = [_images_needed(first, chosen, other) for other in tie if other != chosen]
    if min(needed) > MANY_IMAGES:
        return "Hardly any number of images: in practice these methods are equally good."
    return f"True spots of about {_rounded(min(needed))} images in all, if the difference persists."


def _images_needed(criterion, a, b):
    """Images at which the difference seen would be real: intervals shrink with their root."""
    value, low, high = criterion.difference(a, b)
    if math.isnan(low) or not value:
        return math.inf
    half = value - low if value > 0 else high - value
    return max(criterion.n_images * (half / value) ** 2, criterion.n_images + 1)


def _rounded(value):
    """Up to two digits."""
    step = 10 ** max(math.floor(math.log10(value)) - 1, 0)
    return step * math.ceil(value / step)
