"""Figures show the numbers that they are given: pixels, contrast, rings, lines, bars."""

import errno
from pathlib import Path

import jinja2
import numpy as np
import pytest
import tifffile
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgba

import overview
import panels as panels_script
import profiles as profiles_script
from localbg.accuracy import scoring
from localbg.core import failures, files, text
from localbg.core.colours import COLOURS
from localbg.figures import overview_charts, style
from localbg.figures.panels import FALSE, MISSED, TRUE, WHOLE, draw_panels, grey_range, window
from localbg.figures.profiles import LINES, brightest, draw_profiles
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.io.table_summaries import SUMMARIES
from localbg.report import captions
from small_study import read_text

SHAPE = (60, 80)
TRUTH = [(10.0, 12.0), (30.0, 40.0), (50.0, 70.0)]
RADIUS = 3


def result(method, spots, *, threshold=20.0, seed=0, shape=SHAPE):
    """A result with these spots, on pixels that tell one method from another."""
    rng = np.random.default_rng(seed)
    spots = np.reshape(spots, (-1, 2)).astype(float)
    return style.Result(
        method=method,
        text=f"threshold {threshold} grey levels",
        background=rng.normal(100, 5, shape).astype(np.float32),
        foreground=rng.normal(0, 10, shape).astype(np.float32),
        threshold=threshold,
        spots=spots,
        heights=100.0 - np.arange(len(spots)),
    )


@pytest.fixture
def image():
    return np.random.default_rng(1).integers(0, 250, SHAPE).astype(np.uint8)


@pytest.fixture
def results():
    return [
        result("median", [(10.5, 12), (30, 40)], seed=1),
        result("tophat", [(10, 12), (30, 41), (50, 69), (5, 70)], threshold=31.0, seed=2),
        result("gaussian", [], seed=3),
    ]


def panel_rows(figure):
    """The image axes of a figure of panels, row by row; the last two axes are colour bars."""
    axes = figure.axes[:-2]
    return [axes[i : i + 4] for i in range(0, len(axes), 4)]


def rings(axes, colour=None):
    """Positions y, x of the rings, of one colour or of all."""
    found = [
        c
        for c in axes.collections
        if isinstance(c, EllipseCollection)
        and (colour is None or tuple(c.get_edgecolor()[0]) == to_rgba(colour))
    ]
    return sorted((float(y), float(x)) for c in found for x, y in c.get_offsets())


def crosses(axes):
    """Positions y, x of the crosses by colour."""
    return {
        line.get_color(): sorted(zip(line.get_ydata(), line.get_xdata(), strict=True))
        for line in axes.lines
        if line.get_marker() == "+"
    }


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def words(figure):
    """All that is written in a figure."""
    figure.draw_without_rendering()
    return [t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text"))]


def assert_nothing_is_cut_off(figure):
    figure.draw_without_rendering()
    drawn = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) > -0.01
    assert drawn.x1 < width + 0.01
    assert drawn.y1 < height + 0.01


class TestPanels:
    def test_one_row_of_four_per_method_with_the_pixels_of_each(self, image, results):
        rows = panel_rows(draw_panels("a", image, results, spot_radius=RADIUS))
        assert [len(row) for row in rows] == [4, 4, 4]
        for row, made in zip(rows, results, strict=True):
            shown = [axes.images[0].get_array() for axes in row]
            for pixels, expected in zip(
                shown, (image, made.background, made.foreground, image), strict=True
            ):
                np.testing.assert_array_equal(pixels, expected)

    def test_raw_background_and_spots_share_one_contrast_and_foregrounds_another(
        self, image, results
    ):
        rows = panel_rows(draw_panels("a", image, results, spot_radius=RADIUS))
        greys = {row[i].images[0].get_clim() for row in rows for i in (0, 1, 3)}
        signed = {row[2].images[0].get_clim() for row in rows}
        limit = np.percentile(np.abs([made.foreground for made in results]), 99.9)
        assert greys == {tuple(np.percentile(image, (0.1, 99.9)))}
        assert list(signed) == [pytest.approx((-limit, limit))]

    def test_the_contrast_is_stated_with_its_unit(self, image, results):
        figure = draw_panels("a", image, results, spot_radius=RADIUS)
        low, high = grey_range(image)
        grey, signed = (axes.get_xlabel() for axes in figure.axes[-2:])
        assert f"grey levels of raw, background, spots: {low:.3g} to {high:.3g}" in grey
        assert signed.startswith("foreground, grey levels: ±")

    def test_axes_are_labelled_in_pixels(self, image, results):
        rows = panel_rows(draw_panels("a", image, results, spot_radius=RADIUS))
        assert {axes.get_xlabel() for axes in rows[-1]} == {"x (px)"}
        assert {row[0].get_ylabel() for row in rows} == {"y (px)"}
        assert rows[0][0].get_xlim() == (-0.5, SHAPE[1] - 0.5)
        assert rows[0][0].get_ylim() == (SHAPE[0] - 0.5, -0.5)

    def test_each_row_names_its_method_and_parameters(self, image, results):
        said = words(draw_panels("a", image, results, spot_radius=RADIUS))
        assert {"median", "tophat", "gaussian", "threshold 31.0 grey levels"} <= set(said)

    def test_a_ring_of_the_spot_radius_round_each_spot(self, image, results):
        rows = panel_rows(draw_panels("a", image, results, spot_radius=RADIUS))
        for row, made in zip(rows, results, strict=True):
            assert rings(row[3]) == sorted(map(tuple, made.spots.tolist()))
            for ring in row[3].collections:
                assert set(ring.get_widths()) <= {2 * RADIUS}
            assert legend(row[3]) == [f"found: {len(made.spots)}"]

    def test_true_false_and_missed_spots_are_told_apart_and_counted_as_in_the_table(
        self, image, results
    ):
        rows = panel_rows(draw_panels("a", image, results, spot_radius=RADIUS, truth=TRUTH))
        for row, made in zip(rows, results, strict=True):
            fit = scoring.score_spots(TRUTH, made.spots, RADIUS)
            true, met = rings(row[3], TRUE), crosses(row[3])[TRUE]
            assert len(true) == len(met) == fit["matched"]
            assert len(rings(row[3], FALSE)) == fit["n_spots"] - fit["matched"]
            assert sorted(met + crosses(row[3])[MISSED]) == TRUTH
            assert legend(row[3]) == [
                f"true positives: {fit['matched']}",
                f"false positives: {fit['n_spots'] - fit['matched']}",
                f"missed: {fit['n_truth'] - fit['matched']}",
                f"true spots: {fit['n_truth']}",
            ]
        assert rings(rows[1][3], FALSE) == [(5, 70)]
        assert crosses(rows[0][3])[MISSED] == [(50, 70)]

    @pytest.mark.parametrize("pixel_size_um", [0.065, 0.2, 1.0, 30.0])
    def test_scale_bar_is_as_long_as_it_says(self, image, results, pixel_size_um):
        figure = draw_panels("a", image, results, spot_radius=RADIUS, pixel_size_um=pixel_size_um)
        for axes in (panel_rows(figure)[0][i] for i in (0, 3)):
            bar = next(line for line in axes.lines if line.get_color() == "white")
            said = next(t.get_text() for t in axes.texts if t.get_text().endswith(" µm"))
            length = np.ptp(bar.get_xdata())
            assert length * pixel_size_um == pytest.approx(float(said.removesuffix(" µm")))
            assert SHAPE[1] / 10 < length <= SHAPE[1] / 4

    def test_no_scale_bar_where_the_pixel_size_is_unknown(self, image, results):
        assert not [w for w in words(draw_panels("a", image, results, spot_radius=3)) if "µm" in w]

    def test_says_how_many_methods_are_left_out(self, image, results):
        said = words(draw_panels("a", image, results, spot_radius=RADIUS, left_out=4))
        assert "4 more methods not shown." in said

    def test_a_large_image_shows_where_most_spots_are_and_counts_all(self):
        shape = (600, 1100)
        spots = [(500 + i, 900 + 7 * i) for i in range(10)] + [(20, 30)]
        made = result("median", spots, shape=shape)
        image = np.arange(600 * 1100, dtype=np.float32).reshape(shape)
        figure = draw_panels("a", image, [made], spot_radius=RADIUS)
        raw, background, _, overlay = panel_rows(figure)[0]
        rows, columns = window(shape, [made], RADIUS)
        assert (rows.stop - rows.start, columns.stop - columns.start) == (256, 256)
        assert all(rows.start <= y < rows.stop for y, _ in spots[:10])
        assert all(columns.start <= x < columns.stop for _, x in spots[:10])
        np.testing.assert_array_equal(
            background.images[0].get_array(), made.background[rows, columns]
        )
        assert background.get_xlim() == (columns.start - 0.5, columns.stop - 0.5)
        assert raw.get_xlim() == (-0.5, 1099.5)
        assert max(raw.images[0].get_array().shape) <= 2 * WHOLE
        assert raw.patches[0].get_xy() == (columns.start - 0.5, rows.start - 0.5)
        assert len(rings(overlay)) == 11
        assert any("outlined at the left" in said for said in words(figure))

    @pytest.mark.parametrize("shape", [(600, 1100), (513, 40), (2000, 2000)])
    def test_a_large_image_without_spots_has_a_window_inside(self, shape):
        rows, columns = window(shape, [result("median", [], shape=(1, 1))], RADIUS)
        assert 0 <= rows.start < rows.stop <= shape[0]
        assert 0 <= columns.start < columns.stop <= shape[1]

    def test_a_constant_image_has_a_contrast_too(self):
        flat = np.full(SHAPE, 7, np.uint8)
        made = style.Result("a", "", flat, flat * 0, 0.0, np.empty((0, 2)), np.empty(0))
        raw, _, foreground, _ = panel_rows(draw_panels("a", flat, [made], spot_radius=3, truth=[]))[
            0
        ]
        assert raw.images[0].get_clim() == (6.5, 7.5)
        assert foreground.images[0].get_clim() == (-0.5, 0.5)


class TestProfiles:
    def test_lines_are_the_pixels_of_the_row(self, image, results):
        figure = draw_profiles("a", image, results, spot_radius=RADIUS)
        spots = brightest(results, RADIUS)
        columns = np.arange(SHAPE[1])
        assert len(spots) == 3
        for i, (y, x) in enumerate(spots):
            upper, lower = figure.axes[i], figure.axes[i + 3]
            assert f"row y = {y}, spot at x = {x} px" == upper.get_title()
            shown = columns[max(0, x - 64) : x + 65]
            expected = [image, *(made.background for made in results)]
            for line, pixels in zip(upper.lines, expected, strict=True):
                np.testing.assert_array_equal(line.get_xdata(), shown)
                np.testing.assert_array_equal(line.get_ydata(), pixels[y, shown])
            curves = [line for line in lower.lines if len(line.get_xdata()) == len(shown)]
            for line, made in zip(curves, results, strict=True):
                np.testing.assert_array_equal(line.get_ydata(), made.foreground[y, shown])

    def test_thresholds_are_dashed_lines_and_stated(self, image, results):
        figure = draw_profiles("a", image, results, spot_radius=RADIUS)
        for lower in figure.axes[3:6]:
            dashed = [line.get_ydata()[0] for line in lower.lines if line.get_linestyle() == "--"]
            assert dashed == [made.threshold for made in results]
        said = [text.get_text() for text in figure.legends[0].get_texts()]
        assert said[:3] == [f"{made.method}\nthreshold {made.threshold:g}" for made in results]

    def test_methods_differ_in_colour_and_in_line_style(self, image):
        made = [result(f"m{i}", [(10, 10)], seed=i) for i in range(style.MAX_METHODS)]
        upper = draw_profiles("a", image, made, spot_radius=RADIUS).axes[0]
        assert len({to_rgba(line.get_color()) for line in upper.lines}) == 1 + len(made)
        assert len(LINES) == len(COLOURS) == style.MAX_METHODS
        assert "--" not in LINES, "dashes are thresholds"

    def test_units(self, image, results):
        axes = draw_profiles("a", image, results, spot_radius=RADIUS, pixel_size_um=0.5).axes
        assert {a.get_xlabel() for a in axes[3:6]} == {"x (px)"}
        assert axes[0].get_ylabel() == "grey levels"
        assert axes[3].get_ylabel() == "foreground, grey levels"
        assert [a.get_xlabel() for a in axes[0].child_axes] == ["x (µm)"]
        assert not draw_profiles("a", image, results, spot_radius=RADIUS).axes[0].child_axes

    def test_brightest_spots_are_those_highest_above_their_background(self):
        near = result("a", [(10, 10), (30, 30)])
        same = result("b", [(10, 11), (50, 50), (20, 60)])
        assert brightest([near, same], RADIUS) == [(10, 10), (30, 30), (50, 50)]
        assert brightest([near, same], RADIUS, n=1) == [(10, 10)]

    def test_an_image_without_spots_says_so(self, image):
        made = result("median", [])
        y, x = np.unravel_index(made.foreground.argmax(), SHAPE)
        figure = draw_profiles("a", image, [made], spot_radius=RADIUS)
        assert len(figure.axes) == 2
        assert "no spots detected" in figure.get_suptitle()
        assert figure.axes[0].get_title() == f"row y = {y}, highest at x = {x} px"


class TestCounts:
    ROWS = tuple(
        {"image": image, "method": method, "n_spots": n}
        for image, found in {"one": (6, 7), "two": (None, None), "three": (0, 55)}.items()
        for method, n in zip(("median", "tophat"), found, strict=True)
    )

    def test_bars_are_as_high_as_the_counts(self):
        axes = overview_charts.draw_counts(self.ROWS, {}).axes[0]
        heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
        assert heights == [[6, 0, 0], [7, 0, 55]]
        assert [t.get_text() for t in axes.texts] == ["6", "", "0", "7", "", "55", " failed"]
        assert axes.get_ylabel() == "number of spots"
        assert [t.get_text() for t in axes.get_xticklabels()] == ["one", "two", "three"]
        assert "3 images by 2 methods; 1 failed" in axes.get_title(loc="left")

    def test_truth_is_a_black_tick_over_its_image(self):
        axes = overview_charts.draw_counts(self.ROWS, {"three": 52}).axes[0]
        (tick,) = axes.collections
        (start, end) = tick.get_segments()[0]
        assert start[1] == end[1] == 52
        assert (start[0] + end[0]) / 2 == 2
        assert tuple(tick.get_color()[0]) == to_rgba("black")

    def test_many_images_are_a_distribution_per_method(self):
        rng = np.random.default_rng(0)
        rows = [
            {"image": f"i{i}", "method": method, "n_spots": int(rng.poisson(9))}
            for i in range(overview_charts.MAX_IMAGES + 1)
            for method in ("median", "tophat")
        ]
        axes = overview_charts.draw_counts(rows, {"i0": 5, "i3": 8}).axes[0]
        points = [sorted(line.get_ydata()) for line in axes.lines if line.get_marker() == "."]
        expected = [
            sorted(r["n_spots"] for r in rows if r["method"] == m) for m in ("median", "tophat")
        ]
        assert points == [*expected, [5, 8]]
        labels = [t.get_text() for t in axes.get_xticklabels()]
        assert labels == [
            f"{name}\nmedian {np.median(values):g}"
            for name, values in zip(("median", "tophat", "true number"), points, strict=True)
        ]

    def test_more_methods_than_colours_differ_in_hatch(self):
        rows = [{"image": "a", "method": f"m{i:02d}", "n_spots": i} for i in range(12)]
        bars = [bars[0] for bars in overview_charts.draw_counts(rows, {}).axes[0].containers]
        assert len({(bar.get_facecolor(), bar.get_hatch()) for bar in bars}) == 12


class TestAgreement:
    ROWS = (
        {"image": "one", "method_a": "a", "method_b": "b", "jaccard": 1.0},
        {"image": "two", "method_a": "a", "method_b": "b", "jaccard": 0.5},
    )

    def test_cells_are_means_over_images(self):
        axes = overview_charts.draw_agreement(self.ROWS, ["a", "b", "c"]).axes[0]
        expected = [[1, 0.75, np.nan], [0.75, 1, np.nan], [np.nan, np.nan, 1]]
        np.testing.assert_array_equal(axes.images[0].get_array().filled(np.nan), expected)
        said = {t.get_position(): t.get_text() for t in axes.texts}
        assert said == {
            (0, 0): "1.00",
            (1, 0): "0.75",
            (0, 1): "0.75",
            (1, 1): "1.00",
            (2, 2): "1.00",
        }
        assert axes.get_title() == "Agreement of methods, mean over 2 images"

    def test_one_method_has_nothing_to_compare(self):
        assert (
            overview_charts.draw_agreement([], ["a"]).axes[0].get_title() == "No methods to compare"
        )


class TestEveryFigure:
    def test_a_failed_image_says_why_in_words(self):
        reason = "read: /far/away/plate.tif is empty (0 bytes); expected a TIFF image. " * 3
        figure = style.draw_failure("plate", reason.strip())
        assert " ".join(" ".join(words(figure)).split()) == f"plate: failed {reason.strip()}"
        assert_nothing_is_cut_off(figure)

    @pytest.mark.parametrize("n", [1, 8])
    @pytest.mark.parametrize("size", [None, 0.1])
    def test_nothing_written_is_cut_off(self, image, n, size):
        made = [result(f"median_radius-{i}.5x_k-5", TRUTH, seed=i) for i in range(n)]
        options = {"spot_radius": 3, "pixel_size_um": size, "left_out": 2}
        assert_nothing_is_cut_off(draw_panels("plate1_B07", image, made, truth=TRUTH, **options))
        assert_nothing_is_cut_off(draw_profiles("plate1_B07", image, made, **options))

    @pytest.mark.parametrize(("n_images", "n_methods"), [(1, 1), (3, 3), (40, 3), (90, 12)])
    def test_nothing_written_is_cut_off_in_charts(self, n_images, n_methods):
        names = [f"median_radius-{i}.5x" for i in range(n_methods)]
        rows = [
            {"image": f"plate1_B{i:02d}", "method": name, "n_spots": 3 * i}
            for i in range(n_images)
            for name in names
        ]
        assert_nothing_is_cut_off(overview_charts.draw_counts(rows, {"plate1_B00": 4}))
        assert_nothing_is_cut_off(overview_charts.draw_agreement([], names))

    def test_drawing_leaves_the_caller_s_settings_alone(self, image, results):
        import matplotlib

        before = dict(matplotlib.rcParams)
        draw_panels("a", image, results, spot_radius=RADIUS)
        assert dict(matplotlib.rcParams) == before

    def test_a_figure_whose_writing_fails_is_not_there(self, image, results, tmp_path, monkeypatch):
        def half_written(path, **options):
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on the disk")

        figure = draw_profiles("x", image, results, spot_radius=RADIUS)
        monkeypatch.setattr(figure, "savefig", half_written)
        with pytest.raises(files.NotWritten, match=r"figure\.png could not be written: .*the disk"):
            style.save(figure, tmp_path / "figure.png")
        assert list(tmp_path.iterdir()) == []

    def test_the_same_figure_has_the_same_bytes(self, image, results, tmp_path):
        for name in ("a", "b"):
            style.save(draw_profiles("x", image, results, spot_radius=RADIUS), tmp_path / name)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class TestCaptions:
    def test_numbers_have_three_significant_digits(self):
        assert [text.format_number(v) for v in (0, 12.3456, 0.00123456, 1036.2, 54)] == [
            "0",
            "12.3",
            "0.00123",
            "1040",
            "54",
        ]

    def test_a_run_reads_tables_when_asked(self, tmp_path):
        run = captions.Run(tmp_path, {})
        assert run.table("counts") == []
        (tmp_path / "tables").mkdir()
        rows = [
            {"image": i, "path": p, "step": "read", "reason": '<b> & "x"'} for i, p in ("ab", "cd")
        ]
        tables.write(tmp_path / "tables" / "failures.csv", COLUMNS["failures"], rows)
        assert run.table("failures") == rows
        assert run.table("failures", image="c") == rows[1:]
        assert run.count("failures") == run.images("failures") == 2
        assert "&lt;b&gt; &amp; &quot;x&quot;</td>" in run.shown("failures")

    def test_every_table_is_described_and_shows_columns_that_it_has(self):
        assert set(SUMMARIES) == {*COLUMNS, "comparison"}
        known = {name: {*columns} for name, columns in COLUMNS.items()}
        steps = {"denoise_filter", "background_filter", "threshold_rule"}
        known["parameters"] |= steps
        for name, columns in captions.SHOWN.items():
            assert set(columns.split()) <= known[name]

    def test_templates_know_functions_and_the_table_that_they_are_of(self, tmp_path):
        captions.offer()
        template = tmp_path / "table.rst"
        template.write_text("{{ name }}: {{ captions.description(name) }}", encoding="utf-8")
        names = ("spots", "reliability")
        paths = [captions.template_of(name, template, tmp_path) for name in names]
        texts = [Path(path).read_text(encoding="utf-8") for path in paths]
        filled = [jinja2.Environment().from_string(text).render().strip() for text in texts]
        assert filled == [f"{name}: {SUMMARIES[name]}" for name in names]

    def test_html_escapes_cells_rounds_numbers_and_keeps_ids_and_counts(self):
        rows = [{"image": "1.2345", "reason": "<b>", "n_spots": 123456, "snr": 1.23456}]
        html = captions.html([*rows, *rows], limit=1)
        for cell in ("1.2345", "&lt;b&gt;", "123456", "1.23"):
            assert f">{cell}</td>" in html
        assert "n spots</th>" in html
        assert "and 1 more row." in html
        # As deep as the raw blocks of the captions.
        assert {line[:4] for line in html.splitlines()[1:]} == {"   <"}
        assert captions.html([]) == "<p>No rows.</p>"


class TestOfARun:
    """What the figures and captions of the shipped example state is what its tables say."""

    def table(self, run, name):
        return read_text(run / "results" / "tables" / f"{name}.csv")

    def record(self, run, kind, image):
        return files.read_json(run / "results" / "figures" / kind / f"{image}.json")

    def test_panels_state_the_numbers_of_the_tables(self, default_run):
        fits = {(r["image"], r["method"]): r for r in self.table(default_run, "accuracy")}
        for row in self.table(default_run, "counts"):
            record = self.record(default_run, "panels", row["image"])
            stated = next(m for m in record["methods"] if m["method"] == row["method"])
            fit = fits[row["image"], row["method"]]
            assert stated["n_spots"] == int(row["n_spots"])
            assert stated["threshold"] == text.format_number(float(row["threshold"]))
            assert stated["true"] == int(fit["matched"])
            assert stated["true"] + stated["false"] == int(fit["n_spots"])
            assert stated["true"] + stated["missed"] == int(fit["n_truth"])

    def test_every_image_has_its_figures(self, default_run):
        folder = default_run / "results" / "figures"
        for row in self.table(default_run, "images"):
            for kind in ("panels", "profiles"):
                assert (folder / kind / f"{row['image']}.png").stat().st_size > 20_000
            plane = tifffile.imread(default_run / "results" / "image" / f"{row['image']}.tif")
            stated = self.record(default_run, "panels", row["image"])["grey_range"]
            assert stated == [text.format_number(v) for v in np.percentile(plane, (0.1, 99.9))]

    def test_summary_adds_up(self, default_run):
        run = captions.Run(
            default_run / "results",
            {
                "median": {
                    "denoise": {"filter": "gaussian", "sigma": "0.5x"},
                    "background": {"filter": "median", "radius": "2x", "of": "denoised"},
                    "threshold": {"rule": "noise", "k": 5},
                }
            },
        )
        (row,) = run.summary()
        counts = [int(r["n_spots"]) for r in run.table("counts", method="median")]
        f1 = [float(r["f1"]) for r in run.table("accuracy", method="median")]
        assert row["spots in all"] == sum(counts)
        assert row["mean F1"] == pytest.approx(np.mean(f1))
        assert row["background"].replace("\N{NO-BREAK SPACE}", " ") == (
            "median, radius 2x, of the denoised image"
        )


class TestScripts:
    def failed_inputs(self, folder):
        record = folder / "record"
        record.write_text('{"failed_step": "read", "reason": "a.tif is empty (0 bytes)"}\n')
        path = str(record)
        return {
            "plane": path,
            "facts": path,
            **{key: [path] for key in ("background", "foreground", "threshold", "spots")},
            "recipes": {"median": {}},
            "spot_radius": 3.0,
        }

    def test_a_failed_image_is_drawn_as_failed(self, tmp_path):
        for script, more in ((panels_script, {"truth": None}), (profiles_script, {})):
            figure, record = tmp_path / "f.png", tmp_path / "f.json"
            script.main(
                image="a",
                inputs=self.failed_inputs(tmp_path),
                figure=str(figure),
                record=str(record),
                **more,
            )
            assert figure.read_bytes().startswith(b"\x89PNG")
            assert files.read_json(record)["failed"] == "read: a.tif is empty (0 bytes)"
            # It must not be taken for a failure record, which the end of a run removes.
            assert failures.read_failure(record) is None

    def test_overview_needs_no_truth(self, default_run, tmp_path):
        folder = default_run / "results" / "tables"
        overview.main(
            counts=folder / "counts.csv",
            agreement=folder / "agreement.csv",
            accuracy=None,
            counts_figure=tmp_path / "c.png",
            agreement_figure=tmp_path / "a.png",
        )
        assert (tmp_path / "c.png").stat().st_size > 10_000
        assert (tmp_path / "a.png").stat().st_size > 10_000
