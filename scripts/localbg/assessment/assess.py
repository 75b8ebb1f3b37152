"""All evidence that one image gives on which method to trust; no annotation is needed."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from localbg.accuracy import scoring
from localbg.assessment import decoy, injection, residuals
from localbg.assessment.background_map import WHERE, map_background
from localbg.assessment.completeness import ratio
from localbg.core import failures
from localbg.core.parameters import radius_in_pixels
from localbg.io.images import Plane
from localbg.pipeline import chain


def assess_image(
    plane: Plane,
    image: str,
    spot_radius: float | str,
    methods: list[dict],
    steps: dict[str, dict[str, dict]],
    settings: dict,
    *,
    shared: Mapping[str, float] | None = None,
    threads: int = 1,
) -> dict[str, list[dict]]:
    """Plant spots, count in decoys, and look at what each method left behind.

    Parameters
    ----------
    plane : localbg.io.images.Plane
    image : str
        Its id, which together with the seed decides on all that is random.
    spot_radius : number or str
        In pixels, or in µm as text.
    methods, steps
        As `localbg.pipeline.chain.run_methods` takes them.
    settings : dict
        The config's ``evidence``, with a list of ``contrasts``, and the ``seed``.
    shared : mapping, optional
        As `localbg.pipeline.chain.run_methods` takes it.
    threads : int

    Returns
    -------
    dict of str to list of dict
        Rows of the tables ``recovery``, ``false_spots`` and ``residuals``, of each method that does
        not fail on the image; ``failed``, where any does: ``method`` and ``reason``.

    Raises
    ------
    localbg.core.failures.StepFailed
        If all methods fail on the image, or one on what was planted into it.

    Notes
    -----
    Methods for spots of one polarity get the same planted spots and decoys. Thresholds are
    those of the image as it is: planted spots are to be looked for as its own are, and must not
    move what they are measured by. Costs as many runs of all methods as there are plantings (the
    fewer the larger the image, see `localbg.assessment.injection.choose_spots`), and three more.
    """
    rows = {"recovery": [], "false_spots": [], "residuals": []}
    for polarity in ("bright", "dark"):
        chosen = [m for m in methods if polarity_of(m, steps) == polarity]
        if chosen:
            run = partial(
                chain.run_methods, methods=chosen, steps=steps, shared=shared, threads=threads
            )
            of_these = _of_polarity(plane, image, spot_radius, run, settings, polarity, threads)
            for table, found in of_these.items():
                rows.setdefault(table, []).extend(found)
    failed = rows.get("failed", ())
    if len(failed) == len(methods):
        raise failed[0]["error"]
    if failed:
        rows["failed"] = [
            {
                "method": row["method"],
                "reason": f"{row['error'].args[0]} failed: {row['error'].args[1]}",
            }
            for row in failed
        ]
    return {table: sorted(found, key=lambda row: row["method"]) for table, found in rows.items()}


def polarity_of(method: dict, steps: dict) -> str:
    """Whether a method looks for bright or dark spots."""
    return steps["foreground"][method["foreground"]]["parameters"]["polarity"]


def _of_polarity(plane, image, spot_radius, run, settings, polarity, threads):
    radius = float(radius_in_pixels(spot_radius, plane.pixel_size_um))
    rng = np.random.default_rng([settings["seed"], zlib.crc32(image.encode())])
    # Of one grey level only, it has no noise to measure spots by, not even that of rounding.
    grey_step = 0.0 if plane.facts["flags"].startswith("constant") else plane.grey_step
    ground = map_background(
        plane.pixels, radius, polarity=polarity, grey_step=grey_step, threads=threads
    )
    plants = injection.choose_spots(
        ground,
        settings["contrasts"],
        settings["planted"],
        radius,
        rng,
        sigma=radius / 2**0.5 if settings["width"] == "spot_radius" else None,
        headroom=injection.headroom(plane.pixels, ground, polarity),
    )
    centres = tuple(np.rint(plants.places).astype(int).T)
    sign = 1 if polarity == "bright" else -1

    def runs(pixels, steps):
        of_pixels = replace(plane, pixels=pixels)
        methods = [m for m in run.keywords["methods"] if m["method"] not in failed]
        for method, made in run(of_pixels, spot_radius, methods=methods, steps=steps):
            if not isinstance(made, failures.StepFailed):
                yield method["method"], method["mask"], made
            elif pixels is plane.pixels:
                failed[method["method"]] = made
            else:
                raise made

    typical = float(np.median(ground.noise))
    edges = residuals.find_edges(ground.steepness, ground.noise)
    steps = run.keywords["steps"]
    before, rows, masks, failed = {}, {}, dict(steps["mask"]), {}
    for name, mask, made in runs(plane.pixels, steps):
        masks[mask] = masks[mask] | {"found": made.record}
        places = made.places
        before[name] = {
            "places": places,
            "background": made.background[centres].astype(float),
            "denoised": made.denoised[centres].astype(float),
        }
        rows[name] = {
            "rise_under_spots": residuals.measure_rise(
                sign * made.background.astype(np.float32),
                places,
                [spot["foreground_max"] for spot in made.spots],
                radius,
            ),
            "trend": residuals.measure_trend(
                sign * made.foreground, ground.level, made.labels > 0, typical
            ),
            "count_correlation": residuals.correlate_counts(places, ground.level, radius, typical),
            "edge_excess": residuals.measure_edge_excess(places, edges),
            "negative_fraction": made.record["negative_fraction"],
        }
    errors = [{"method": name, "error": error} for name, error in failed.items()]
    if not before:
        return {"failed": errors}
    as_before = steps | {"mask": masks}

    results = {name: _Recovered(len(plants.places)) for name in before}
    ladder = _ladder(settings["contrasts"], plants, ground)
    for number in range(plants.plantings.max(initial=-1) + 1):
        together = np.flatnonzero(plants.plantings == number)
        pixels = injection.inject_spots(
            plane.pixels,
            plants.places[together],
            plants.heights[together],
            plants.sigma,
            polarity=polarity,
            gain=settings["gain"],
            rng=rng,
        )
        here = tuple(axis[together] for axis in centres)
        for name, _, made in runs(pixels, as_before):
            results[name].note(plants, together, made, here, before[name]["places"], radius)
    for name, result in results.items():
        kept = before[name]
        rows[name]["leakage"] = residuals.measure_leakage(
            result.background, kept["background"], result.denoised, kept["denoised"]
        )

    upside_down = decoy.invert_image(plane.pixels, ground, rng)
    turned = {name: len(made.spots) for name, _, made in runs(upside_down, as_before)}
    smooth = {
        name: _as_in(before[name]["places"], made.places, radius)
        for name, _, made in runs(decoy.smooth_image(plane.pixels, ground), as_before)
    }
    false = {name: max(n, smooth[name]) for name, n in turned.items()}
    return {
        "recovery": [
            {"method": name} | row
            for name, result in results.items()
            for row in result.rows(plants, ladder)
        ],
        "false_spots": [
            {
                "method": name,
                "kind": "decoy",
                "n": n,
                "density": 1e4 * n / plane.pixels.size,
                "n_spots": len(before[name]["places"]),
                "turned": turned[name],
                "smooth": smooth[name],
            }
            for name, n in false.items()
        ],
        "residuals": [{"method": name} | row for name, row in rows.items()],
    } | ({"failed": errors} if errors else {})


def _as_in(image, decoy, radius):
    """How many of a smooth decoy's spots count: those that the image may have too.

    Edges are softer in the decoy, so it can have spots that the image has not. Where they are more
    than the image has altogether, only those count that lie where one of the image's does.
    """
    return (
        len(decoy)
        if len(decoy) <= len(image)
        else len(scoring.match_spots(image, decoy, radius)[0])
    )


class _Recovered:
    """What one method made of the planted spots: a value for each."""

    def __init__(self, n):
        self.distance = np.full(n, math.nan)  # pixels; NaN where not found
        self.bias = np.full(n, math.nan)
        self.background = np.zeros(n)
        self.denoised = np.zeros(n)

    def note(self, plants, together, made, centres, before, radius):
        self.background[together] = made.background[centres]
        self.denoised[together] = made.denoised[centres]
        pairs, distances = injection.match_recovered(
            plants.places[together], made.places, before, radius
        )
        which = together[pairs[:, 0]]
        self.distance[which] = distances
        sums = np.array([spot["foreground_sum"] for spot in made.spots])
        given = 2 * math.pi * plants.sigma**2 * plants.heights[which]
        self.bias[which] = sums[pairs[:, 1]] / given - 1 if len(pairs) else 0

    def rows(self, plants, ladder):
        """A row for each kind of local background and contrast; none where nothing was planted."""
        for row, some in ladder:
            found = some[np.isfinite(self.distance[some])]
            yield row | {
                "recovered": int(found.size),
                "position_error": (
                    float(np.sqrt(np.mean(self.distance[found] ** 2))) if found.size else None
                ),
                "intensity_bias": float(np.median(self.bias[found])) if found.size else None,
                "sigma": plants.sigma,
            }


def _ladder(contrasts, plants, ground):
    """Rows of what was planted, with how many of the image's own are like it, and which it was.

    A spot of the image's own counts where the nearest contrast is that was planted.
    """

    def rungs(heights):
        heights = np.maximum(heights, contrasts[0] / 2) / contrasts[0]
        return np.minimum(np.rint(np.log(heights) / np.log(ratio(contrasts))), len(contrasts) - 1)

    planted, own = rungs(plants.contrasts), rungs(ground.contrasts)
    own_where = ground.where[tuple(ground.spots.astype(int).T)]
    rows = []
    for where in ("all", *WHERE):
        kind = WHERE.index(where) if where != "all" else None
        there = np.flatnonzero((plants.where == kind) | (kind is None))
        tried = np.unique(planted[there])
        of_kind = own[(own_where == kind) | (kind is None)]
        if tried.size:
            nearest = tried[np.abs(of_kind[:, None] - tried).argmin(axis=1)]
        for rung in tried:
            some = there[planted[there] == rung]
            row = {"where": where, "contrast": contrasts[int(rung)], "planted": int(some.size)}
            rows.append((row | {"own": int(np.count_nonzero(nearest == rung))}, some))
    return rows
