"""Assess the methods on one image, without annotation."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from localbg.accuracy import scoring
from localbg.assessment import decoy, injection, residuals
from localbg.assessment.background_map import WHERE, map_background
from localbg.assessment.contrasts import ratio
from localbg.core import failures
from localbg.core.parameters import radius_in_pixels
from localbg.io.images import Plane
from localbg.pipeline import chain
from localbg.pipeline.chain import ChainMethod


def assess_image(
    plane: Plane,
    image: str,
    spot_radius: float | str,
    methods: Sequence[ChainMethod],
    settings: dict,
    *,
    shared: Mapping[str, float | failures.Failure] | None = None,
    threads: int = 1,
) -> dict[str, list[dict]]:
    """Inject spots, count in decoys, and look at what each method left behind.

    Parameters
    ----------
    plane : localbg.io.images.Plane
    image : str
        Its id, which together with the seed decides on all that is random.
    spot_radius : number or str
        In pixels, or in µm as text.
    methods : sequence of localbg.pipeline.chain.ChainMethod
    settings : dict
        The config's ``assessment``, with a list of ``contrasts``, and the ``seed``.
    shared : mapping, optional
        As `localbg.pipeline.chain.run_methods` takes it.
    threads : int

    Returns
    -------
    dict of str to list of dict
        Rows of the tables ``recovery``, ``false_positives`` and ``residuals``, of each method that
        does not fail on the image; ``failed``, where any does: ``method`` and ``reason``.

    Raises
    ------
    localbg.core.failures.StepFailed
        If all methods fail on the image, or one on what was injected into it.

    Notes
    -----
    Methods for spots of one polarity get the same injected spots and decoys. Thresholds are
    those of the image as it is: injected spots are to be looked for as its own are, and must not
    move what they are measured by. Costs as many runs of all methods as there are rounds (the
    fewer the larger the image, see `localbg.assessment.injection.choose_spots`), and three more.
    """
    rows = {"recovery": [], "false_positives": [], "residuals": []}
    for polarity in ("bright", "dark"):
        chosen = [method for method in methods if method.polarity == polarity]
        if chosen:
            of_these = _of_polarity(
                plane, image, spot_radius, chosen, settings, polarity, shared, threads
            )
            for table, found in of_these.items():
                rows.setdefault(table, []).extend(found)
    failed = rows.get("failed", ())
    if len(failed) == len(methods):
        raise failures.StepFailed(failed[0]["failure"])
    if failed:
        rows["failed"] = [
            {
                "method": row["method"],
                "reason": f"{row['failure'].step} failed: {row['failure'].reason}",
            }
            for row in failed
        ]
    return {table: sorted(found, key=lambda row: row["method"]) for table, found in rows.items()}


def _of_polarity(plane, image, spot_radius, methods, settings, polarity, shared, threads):
    radius = float(radius_in_pixels(spot_radius, plane.pixel_size_um))
    rng = np.random.default_rng([settings["seed"], zlib.crc32(image.encode())])
    # Of one grey level only, it has no noise to measure spots by, not even that of rounding.
    grey_step = 0.0 if plane.facts["flags"].startswith("constant") else plane.grey_step
    bkg = map_background(
        plane.pixels, radius, polarity=polarity, grey_step=grey_step, threads=threads
    )
    synthetic = injection.choose_spots(
        bkg,
        settings["contrasts"],
        settings["injected"],
        radius,
        rng,
        sigma=radius / 2**0.5 if settings["width"] == "spot_radius" else None,
        headroom=injection.headroom(plane.pixels, bkg, polarity),
    )
    centres = tuple(np.rint(synthetic.places).astype(int).T)
    sign = 1 if polarity == "bright" else -1

    def runs(pixels, earlier=None):
        of_pixels = replace(plane, pixels=pixels)
        fit = [method for method in methods if method.name not in failed]
        for method, made in chain.run_methods(
            of_pixels, spot_radius, fit, shared=shared, earlier=earlier, threads=threads
        ):
            if not isinstance(made, failures.Failure):
                yield method, made
            elif pixels is plane.pixels:
                failed[method.name] = made
            else:
                raise failures.StepFailed(made)

    typical = float(np.median(bkg.noise))
    edges = residuals.find_edges(bkg.steepness, bkg.noise)
    before, rows, decisions, failed = {}, {}, {}, {}
    for method, made in runs(plane.pixels):
        name = method.name
        decisions[method.mask.label] = made.decision
        places = made.places
        before[name] = {
            "places": places,
            "background": made.background[centres].astype(float),
            "denoised": made.denoised[centres].astype(float),
        }
        rows[name] = {
            "excess_under_spots": residuals.measure_excess(
                sign * made.background.astype(np.float32),
                places,
                [spot.foreground_max for spot in made.spots],
                radius,
            ),
            "trend": residuals.measure_trend(
                sign * made.foreground, bkg.level, made.labels > 0, typical
            ),
            "count_correlation": residuals.correlate_counts(places, bkg.level, radius, typical),
            "edge_excess": residuals.measure_edge_excess(places, edges),
            "negative_fraction": made.record["negative_fraction"],
        }
    errors = [{"method": name, "failure": failure} for name, failure in failed.items()]
    if not before:
        return {"failed": errors}

    results = {name: _Recovered(len(synthetic.places)) for name in before}
    ladder = _ladder(settings["contrasts"], synthetic, bkg)
    for number in range(synthetic.rounds.max(initial=-1) + 1):
        together = np.flatnonzero(synthetic.rounds == number)
        pixels = injection.inject_spots(
            plane.pixels,
            synthetic.places[together],
            synthetic.amplitudes[together],
            synthetic.sigma,
            polarity=polarity,
            gain=settings["gain"],
            rng=rng,
        )
        here = tuple(axis[together] for axis in centres)
        for method, made in runs(pixels, decisions):
            own = before[method.name]["places"]
            results[method.name].note(synthetic, together, made, here, own, radius)
    for name, result in results.items():
        kept = before[name]
        rows[name]["self_subtraction"] = residuals.measure_self_subtraction(
            result.background, kept["background"], result.denoised, kept["denoised"]
        )

    upside_down = decoy.invert_image(plane.pixels, bkg, rng)
    inverted = {method.name: len(made.spots) for method, made in runs(upside_down, decisions)}
    smoothed = {
        method.name: _as_in(before[method.name]["places"], made.places, radius)
        for method, made in runs(decoy.smooth_image(plane.pixels, bkg), decisions)
    }
    false = {name: max(n, smoothed[name]) for name, n in inverted.items()}
    return {
        "recovery": [
            {"method": name} | row
            for name, result in results.items()
            for row in result.rows(synthetic, ladder)
        ],
        "false_positives": [
            {
                "method": name,
                "kind": "decoy",
                "n_false": n,
                "density": 1e4 * n / plane.pixels.size,
                "n_spots": len(before[name]["places"]),
                "inverted": inverted[name],
                "smoothed": smoothed[name],
            }
            for name, n in false.items()
        ],
        "residuals": [{"method": name} | row for name, row in rows.items()],
    } | ({"failed": errors} if errors else {})


def _as_in(image, decoy, radius):
    """How many of a smoothed-background decoy's spots count: those that the image may have too.

    Edges are softer in the decoy, so it can have spots that the image has not. Where they are more
    than the image has altogether, only those count that lie where one of the image's does.
    """
    return (
        len(decoy)
        if len(decoy) <= len(image)
        else len(scoring.match_spots(image, decoy, radius)[0])
    )


class _Recovered:
    """What one method made of the injected spots: a value for each."""

    def __init__(self, n):
        self.distance = np.full(n, math.nan)  # pixels; NaN where not found
        self.bias = np.full(n, math.nan)
        self.background = np.zeros(n)
        self.denoised = np.zeros(n)

    def note(self, synthetic, together, made, centres, before, radius):
        self.background[together] = made.background[centres]
        self.denoised[together] = made.denoised[centres]
        pairs, distances = injection.match_recovered(
            synthetic.places[together], made.places, before, radius
        )
        which = together[pairs[:, 0]]
        self.distance[which] = distances
        sums = np.array([spot.foreground_sum for spot in made.spots])
        given = 2 * math.pi * synthetic.sigma**2 * synthetic.amplitudes[which]
        self.bias[which] = sums[pairs[:, 1]] / given - 1 if len(pairs) else 0

    def rows(self, synthetic, ladder):
        """A row for each kind of local background and contrast; none where nothing was injected."""
        for row, some in ladder:
            found = some[np.isfinite(self.distance[some])]
            yield row | {
                "recovered": int(found.size),
                "position_error": (
                    float(np.sqrt(np.mean(self.distance[found] ** 2))) if found.size else None
                ),
                "intensity_bias": float(np.median(self.bias[found])) if found.size else None,
                "sigma": synthetic.sigma,
            }


def _ladder(contrasts, synthetic, bkg):
    """Rows of what was injected, with how many of the image's own are like it, and which it was.

    A spot of the image's own counts where the nearest contrast is that was injected.
    """

    def rungs(amplitudes):
        amplitudes = np.maximum(amplitudes, contrasts[0] / 2) / contrasts[0]
        return np.minimum(
            np.rint(np.log(amplitudes) / np.log(ratio(contrasts))), len(contrasts) - 1
        )

    injected, own = rungs(synthetic.contrasts), rungs(bkg.contrasts)
    own_where = bkg.where[tuple(bkg.spots.astype(int).T)]
    rows = []
    for where in ("all", *WHERE):
        kind = WHERE.index(where) if where != "all" else None
        there = np.flatnonzero((synthetic.where == kind) | (kind is None))
        tried = np.unique(injected[there])
        of_kind = own[(own_where == kind) | (kind is None)]
        if tried.size:
            nearest = tried[np.abs(of_kind[:, None] - tried).argmin(axis=1)]
        for rung in tried:
            some = there[injected[there] == rung]
            row = {"where": where, "contrast": contrasts[int(rung)], "injected": int(some.size)}
            rows.append((row | {"own": int(np.count_nonzero(nearest == rung))}, some))
    return rows
