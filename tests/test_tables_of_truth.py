"""What the scripts make of tables: single images, failed ones, groups, choices among methods."""

import pytest

import accuracy
import crossvalidate
import groups
from localbg import bootstrap, tables


def write(folder, name, *rows):
    path = folder / f"{name}.csv"
    tables.write(path, tables.COLUMNS[name], rows)
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
    return {name: tables.read(folder / f"{name}.csv") for name in names}


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
    found = tables.read(path)
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
    x, y, z = tables.read(path)
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
