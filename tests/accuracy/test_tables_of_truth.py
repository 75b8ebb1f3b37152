"""What the scripts make of tables: single images, failed ones, groups, choices among methods."""

import os

import pytest

import accuracy
import crossvalidate
import groups
import look_first
import overview
import recommend
from localbg.core import bootstrap
from localbg.io import tables
from localbg.io.columns import COLUMNS
from localbg.report import captions
from small_study import read_text


def write(folder, name, *rows):
    path = folder / f"{name}.csv"
    tables.write(path, COLUMNS[name], rows)
    return str(path)


def image(name, status="ok"):
    row = {"image": name, "status": status, "axes": "YX", "shape": "200x100"}
    return row | {"spot_radius": 2.0 if status == "ok" else None}


def count(name, method, n, group="g", status="ok"):
    row = {"image": name, "group": group, "method": method, "status": status}
    return row | ({"n_spots": n, "density": n / 4} if status == "ok" else {})


def spot(name, method, y, x):
    return {"image": name, "method": method, "y": float(y), "x": float(x)}


def scored(folder, truth, images, spots, counts):
    """Run the script; its tables by name."""
    for name, places in truth.items():
        (folder / f"{name}_truth.csv").write_text(
            "y,x\n" + "".join(f"{y},{x}\n" for y, x in places)
        )
    names = ("accuracy", "accuracy_pooled", "accuracy_differences")
    accuracy.main(
        images=write(folder, "images", *images),
        spots=write(folder, "spots", *spots),
        counts=write(folder, "counts", *counts),
        truth={name: str(folder / f"{name}_truth.csv") for name in truth},
        seed=0,
        outputs={name: str(folder / f"{name}.csv") for name in names},
    )
    return {name: read_text(folder / f"{name}.csv") for name in names}


PLACES = [(10 * k, 10) for k in range(1, 13)]


def test_of_a_single_image_spots_are_resampled_and_a_failed_one_is_left_out(tmp_path):
    found = scored(
        tmp_path,
        {"a": PLACES, "b": PLACES},
        [image("a"), image("b", "failed"), image("c")],
        [spot("a", "all", y, x) for y, x in PLACES]
        + [spot("a", "half", y, x) for y, x in PLACES[::2]]
        + [spot("c", "half", 5, 5)],
        [
            *(count("a", "all", 12), count("a", "half", 6)),
            *(count("b", "all", 0, status="failed"), count("b", "half", 0, status="failed")),
            *(count("c", "all", 0), count("c", "half", 1)),
        ],
    )
    assert [(row["image"], row["group"], row["method"]) for row in found["accuracy"]] == [
        ("a", "g", "all"),
        ("a", "g", "half"),
    ]
    assert [row["count_error"] for row in found["accuracy"]] == ["0", "-6"]
    every, half = found["accuracy_pooled"]
    assert {every["resampled"], half["resampled"]} == {"spots"}
    assert (half["recall"], every["recall_low"]) == ("0.5", "1")
    assert 0.1 < float(half["recall_low"]) < 0.35 < 0.65 < float(half["recall_high"]) < 0.9
    (difference,) = found["accuracy_differences"]
    assert float(difference["difference"]) == pytest.approx(1 / 3, rel=1e-5)
    assert float(difference["difference_low"]) > 0


def test_two_images_are_resampled_as_images(tmp_path):
    found = scored(
        tmp_path,
        {"a": PLACES[:4], "b": []},
        [image("a"), image("b")],
        [spot("a", "m", *PLACES[0]), spot("b", "m", 5, 5)],
        [count("a", "m", 1), count("b", "m", 1)],
    )
    assert [row["f1"] for row in found["accuracy"]] == ["0.4", "0"]
    (row,) = found["accuracy_pooled"]
    assert (row["resampled"], row["n_images"], row["precision"]) == ("images", "2", "0.5")
    assert (row["f1_low"], row["f1_high"]) == ("0", "0.4")
    assert row["count_error"] == "-1"  # three too few and one too many, per image


def test_without_groups_images_are_left_out(tmp_path):
    rows = [
        {"image": name, "group": "", "method": method, "status": "ok"}
        | {"n_truth": 10, "n_spots": hit}
        | {"matched": hit, "localisation_error": 1.0}
        for name, hits in (("a", (10, 5)), ("b", (4, 6)), ("c", (4, 6)))
        for method, hit in zip(("m_k-1", "m_k-2"), hits, strict=True)
    ]
    settings = [
        {"method": f"m_k-{k}", "sweep": "m", "step": "threshold", "parameter": "k", "value": k}
        for k in (1, 2)
    ]
    path = tmp_path / "crossvalidation.csv"
    paths = write(tmp_path, "accuracy", *rows), write(tmp_path, "methods", *settings)
    crossvalidate.main(*paths, str(path))
    found = read_text(path)
    assert [(row["left_out"], row["chosen"], row["best"]) for row in found] == [
        ("a", "m_k-2", "m_k-1"),
        ("b", "m_k-1", "m_k-2"),
        ("c", "m_k-1", "m_k-2"),
        ("", "m_k-1", "m_k-1"),
    ]
    # Chosen elsewhere: 5, 4 and 4 of 30; chosen on all of them: 18 of 30.
    assert float(found[-1]["f1_left_out"]) == pytest.approx(2 * 13 / (13 + 30), rel=1e-5)
    assert float(found[-1]["f1_chosen_on"]) == pytest.approx(2 * 18 / (18 + 30), rel=1e-5)


def test_a_group_that_failed_altogether_has_a_row(tmp_path):
    counts = [
        *(count("a", "m", 3, "x"), count("b", "m", 5, "x"), count("c", "m", 10, "x")),
        count("d", "m", 7, "y"),
        *(count("e", "m", 0, "y", "failed"), count("f", "m", 0, "z", "failed")),
    ]
    path = tmp_path / "groups.csv"
    groups.main(write(tmp_path, "counts", *counts), str(path), 4)
    x, y, z = read_text(path)
    assert (x["n_images"], x["n_spots"], x["count_mean"], x["count_median"]) == (
        "3",
        "18",
        "6",
        "5",
    )
    _, low, high = bootstrap.mean([3, 5, 10], seed=4)
    assert (float(x["count_low"]), float(x["count_high"])) == (low, high)
    assert (y["n_images"], y["n_failed"], y["count_mean"], y["count_low"]) == ("1", "1", "7", "")
    assert (z["n_images"], z["n_failed"], z["n_spots"], z["count_mean"]) == ("0", "1", "", "")


TRUTH = {"a": PLACES[:4], "b": [(500, 500)], "c": PLACES[:2]}


@pytest.fixture
def one_unusable(tmp_path):
    """Tables of three images with truth, of which that of b lies outside of it."""
    return tmp_path, scored(
        tmp_path,
        TRUTH,
        [image(name) for name in TRUTH],
        [spot(name, "m", *PLACES[0]) for name in TRUTH],
        [count(name, method, n) for name in TRUTH for method, n in (("m", 1), ("none", 0))],
    )


@pytest.mark.attack(
    kind="truth",
    case="one truth of ten that cannot be of its image",
    outcome="its rows say so; the others have their scores",
)
def test_a_truth_that_cannot_be_used_costs_its_image_only(one_unusable):
    folder, found = one_unusable
    a, _, b, b_none, c, _ = found["accuracy"]
    assert (a["status"], a["reason"], a["recall"], c["recall"]) == ("ok", "", "0.25", "0.5")
    for row in (b, b_none):
        assert (row["image"], row["status"], row["group"]) == ("b", "failed", "g")
        assert "1 of 1 points lie outside of the image of 200 x 100 pixels" in row["reason"]
        assert row["reason"].startswith(f"truth {folder / 'b_truth.csv'}: ")
        assert {row[key] for key in ("n_truth", "n_spots", "f1", "tolerance")} == {""}
    assert [row["n_images"] for row in found["accuracy_pooled"]] == ["2", "2"]
    assert found["accuracy_pooled"][0]["recall"] == "0.333333"
    assert tables.unscored(folder / "accuracy.csv") == [("b", b["reason"])]
    assert tables.unscored(folder / "gone.csv") == []


def test_all_readers_of_the_scores_leave_such_an_image_out(one_unusable):
    folder, found = one_unusable
    path = str(folder / "crossvalidation.csv")
    settings = write(folder, "methods", *({"method": m, "sweep": m} for m in ("m", "none")))
    crossvalidate.main(str(folder / "accuracy.csv"), settings, path)
    assert [row["left_out"] for row in read_text(path)] == ["a", "c", ""]
    agreement = write(folder, "agreement")
    args = [str(folder / f"{name}.csv") for name in ("images", "counts")]
    look_first.main(*args, agreement, str(folder / "accuracy.csv"), str(folder / "look.csv"))
    rows = {row["image"]: row["reasons"] for row in read_text(folder / "look.csv")}
    assert rows["b"] == found["accuracy"][2]["reason"]
    assert rows["a"].startswith("no method does better than F1 0.40")
    figure = folder / "figure.png"
    overview.main(
        counts=args[1],
        agreement=agreement,
        accuracy=str(folder / "accuracy.csv"),
        counts_figure=figure,
        agreement_figure=folder / "agreement.png",
    )
    assert figure.stat().st_size > 1000
    names = ("accuracy", "accuracy_pooled", "accuracy_differences", "crossvalidation")
    out = {name: str(folder / f"{name}.out") for name in ("table", "of_images", "figure")}
    recommend.main(
        images=args[0],
        counts=args[1],
        found={name: str(folder / f"{name}.csv") for name in names},
        n_parameters={"m": 1, "none": 1},
        seed=0,
        **out,
    )
    assert read_text(out["table"])[0]["n_images"] == "2"
    assert {row["image"] for row in read_text(out["of_images"])} == {"a", "c"}
    recipe = {"denoise": {}, "threshold": {}, "background": {"of": "image"}}
    os.rename(folder / "accuracy.csv", folder / "tables_accuracy")
    (folder / "tables").mkdir()
    os.rename(folder / "tables_accuracy", folder / "tables" / "accuracy.csv")
    summary = captions.Run(folder, {"m": recipe}).summary()
    assert summary[0]["mean F1"] == pytest.approx((0.4 + 2 / 3) / 2, rel=1e-4)


def test_without_any_usable_truth_there_are_tables_without_scores(tmp_path):
    found = scored(
        tmp_path, {"b": [(500, 500)]}, [image("b")], [spot("b", "m", 1, 1)], [count("b", "m", 1)]
    )
    assert [row["status"] for row in found["accuracy"]] == ["failed"]
    assert found["accuracy_pooled"] == found["accuracy_differences"] == []
    path = str(tmp_path / "crossvalidation.csv")
    settings = write(tmp_path, "methods", {"method": "m", "sweep": "m"})
    crossvalidate.main(str(tmp_path / "accuracy.csv"), settings, path)
    names = ("accuracy", "accuracy_pooled", "accuracy_differences", "crossvalidation")
    out = {name: str(tmp_path / f"{name}.out") for name in ("table", "of_images", "figure")}
    recommend.main(
        images=str(tmp_path / "images.csv"),
        counts=str(tmp_path / "counts.csv"),
        found={name: str(tmp_path / f"{name}.csv") for name in names},
        n_parameters={"m": 1},
        seed=0,
        **out,
    )
    assert read_text(out["table"])[0]["recommendation"] == "not judged"


def test_a_truth_that_vanishes_during_the_run_costs_its_image_only(tmp_path):
    places = {"a": PLACES[:2], "b": PLACES[:2]}
    images = [image(name) for name in places]
    spots = [spot(name, "m", *PLACES[0]) for name in places]
    counts = [count(name, "m", 1) for name in places]
    scored(tmp_path, places, images, spots, counts)
    names = ("accuracy", "accuracy_pooled", "accuracy_differences")
    accuracy.main(
        **{name: str(tmp_path / f"{name}.csv") for name in ("images", "spots", "counts")},
        truth={"a": str(tmp_path / "a_truth.csv"), "b": str(tmp_path / "gone.csv")},
        seed=0,
        outputs={name: str(tmp_path / f"{name}.csv") for name in names},
    )
    a, b = read_text(tmp_path / "accuracy.csv")
    assert (a["status"], b["status"]) == ("ok", "failed")
    assert b["reason"] == f"truth {tmp_path / 'gone.csv'}: No such file or directory"
