"""Real runs on hot pixels, dirt and spots of another radius: each is said in plain words."""

import shutil

import numpy as np
import pytest
import tifffile
import yaml

from conftest import snakemake
from localbg.detection import measured_radius
from localbg.io import tables
from pictures import OTSU, bells, camera, dirt, hot_pixels, scattered
from small_study import read_text

pytestmark = pytest.mark.long

# Radius of the spots, and the one that is given.
RADII = {"large": (8, 3), "small": (2, 5), "right": (3, 3)}


def spotted(radius):
    return camera(scattered(radius / 2**0.5, n=5)[0])


def table(folder, name):
    return read_text(folder / "results" / "tables" / f"{name}.csv")


def study(folder, images, **config):
    """Write images with the radius that is given for each, and run on them."""
    (folder / "raw").mkdir(parents=True)
    rows = ["image,path,spot_radius"]
    for name, (pixels, radius) in images.items():
        tifffile.imwrite(folder / "raw" / f"{name}.tif", pixels)
        rows.append(f"{name},raw/{name}.tif,{radius}")
    (folder / "images.csv").write_text("\n".join(rows) + "\n")
    config = {"images": "images.csv", "compare": ["tophat"]} | config
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    names = ("reliability", "look_first", "recommendation")
    return snakemake(folder, *(f"results/tables/{name}.csv" for name in names), "results/complete")


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A finished run in batch mode, with assessment, and what it said."""
    folder = tmp_path_factory.mktemp("odd")
    glare = np.minimum(100 + bells((160, 160), [(40, 40), (90, 110), (130, 60)], 2.1, 900), 600)
    images = {name: (spotted(true), given) for name, (true, given) in RADII.items()} | {
        "hot": (hot_pixels(), 3),
        "dirty": (dirt(), 3),
        "flat": (np.full((80, 80), 7, np.uint16), 3),
        "glare": (camera(glare).clip(0, 500).astype(np.uint16), 3),
    }
    return folder, study(folder, images, run={"mode": "batch"})


@pytest.fixture(scope="module")
def hot(tmp_path_factory):
    """A finished run on hot pixels with a rule that takes them for spots."""
    folder = tmp_path_factory.mktemp("hot")
    study(folder, {"hot": (hot_pixels(), 3)}, run={"mode": "batch"}, **OTSU)
    return folder


def test_hot_pixels_that_a_rule_takes_for_spots_are_spoken_against(hot):
    (trust,) = table(hot, "reliability")
    assert (trust["reliable"], trust["unreliable"]) == ("", "tophat")
    words = "spots are narrower than optics allow, as hot pixels are"
    assert words in trust["advice"]
    (look,) = table(hot, "look_first")
    assert f"{words} (tophat)" in look["reasons"]
    (count,) = table(hot, "counts")
    assert float(count["narrow"]) > 0.9
    narrow = [spot["flags"].split("; ").count("narrow") for spot in table(hot, "spots")]
    assert count["narrow"] == f"{np.mean(narrow):.6g}"


def test_images_of_dirt_and_of_far_larger_spots_are_spoken_against(odd):
    trust = {row["image"]: row for row in table(odd[0], "reliability")}
    for image, words in (
        ("dirty", "spots are over twice as wide as spot_radius 3 px says (out of focus, dirt"),
        ("large", "spots are over twice as wide as spot_radius 3 px says (out of focus, dirt"),
    ):
        assert (trust[image]["reliable"], trust[image]["unreliable"]) == ("", "tophat")
        assert trust[image]["criterion"] == "decoy"
        assert words in trust[image]["advice"]
    assert trust["right"]["advice"] == "Nothing speaks against tophat (25 spots)."


def test_odd_images_are_listed_with_the_reason(odd):
    reasons = {row["image"]: row["reasons"] for row in table(odd[0], "look_first")}
    assert set(reasons) == {"hot", "dirty", "large", "small", "flat", "glare"}
    # The default rule asks for likeness to a spot, which one pixel does not have.
    assert reasons["hot"].startswith("no method finds a spot in it")
    assert "over twice as wide" in reasons["dirty"]
    for image, (true, given) in list(RADII.items())[:2]:
        words = f"its spots measure {true} px in radius (tophat), where spot_radius is {given} px"
        assert words in reasons[image]
    assert reasons["flat"].startswith("all its pixels are 7; no method finds a spot in it")
    assert "of its pixels are saturated (500)" in reasons["glare"]


def test_the_run_the_recommendation_and_the_images_say_both_radii(odd):
    folder, said = odd
    told = (
        "px in radius, where spot_radius is 3 to 5 px, on 3 of 4 images that tell (dirty, large "
        "and small): they are out of focus, or need a spot_radius of their own in the sheet."
    )
    assert told in said
    (row,) = table(folder, "recommendation")
    assert told in row["reason"]
    trust = {row["image"]: row["advice"] for row in table(folder, "reliability")}
    assert "set spot_radius: 2, or see what the target suggest says." in trust["small"]
    assert "set spot_radius: 8, or see what the target suggest says." in trust["large"]
    assert trust["flat"].endswith("All its pixels are 7.")
    assert "% of its pixels are saturated (500)." in trust["glare"]


def test_counts_hold_the_radius_and_the_shares_of_the_spots(odd):
    counts = {row["image"]: row for row in table(odd[0], "counts")}
    spots = table(odd[0], "spots")
    for image, (true, given) in RADII.items():
        row = counts[image]
        assert float(row["spot_radius"]) == given
        assert float(row["measured_radius"]) == pytest.approx(true, rel=0.04)
        assert float(row["measured_radius_low"]) <= float(row["measured_radius"])
    for image, row in counts.items():
        flags = [spot["flags"].split("; ") for spot in spots if spot["image"] == image]
        assert len(flags) == int(row["n_spots"])
        for name in ("narrow", "wide", "saturated", "crowded"):
            share = np.mean([name in words for words in flags]) if flags else None
            assert row[name] == ("" if share is None else f"{share:.6g}")
    assert int(counts["hot"]["n_spots"]) <= 1
    assert float(counts["glare"]["saturated"]) == 1
    assert counts["flat"]["measured_radius"] == ""


def test_both_modes_notice_and_hold_the_same_bytes(tmp_path):
    images = {name: (spotted(true), given) for name, (true, given) in RADII.items()}
    common = {"assessment": {"images": 0}, "methods": {"tophat": {}}}
    said = {
        mode: study(tmp_path / mode, images, run={"mode": mode}, **common)
        for mode in ("steps", "batch")
    }
    for name in ("spots", "counts", "reliability", "look_first", "recommendation"):
        paths = (tmp_path / mode / "results" / "tables" / f"{name}.csv" for mode in said)
        first, second = (path.read_bytes() for path in paths)
        assert first == second
    for text in said.values():
        assert (
            "The spots measure 2 to 8 px in radius, where spot_radius is 3 to 5 px, on 2 of 3 "
            "images that tell (large and small)"
        ) in text
    # Another radius in the sheet is another question.
    sheet = tmp_path / "steps" / "images.csv"
    sheet.write_text(sheet.read_text().replace("large.tif,3", "large.tif,8"))
    snakemake(tmp_path / "steps", "results/tables/look_first.csv", "results/complete")
    (row,) = table(tmp_path / "steps", "look_first")
    assert row["image"] == "small"
    shutil.rmtree(tmp_path / "batch")


def test_the_shipped_example_raises_an_alarm_for_the_rim_of_a_disc_alone(default_run):
    """Which a Gaussian leaves bright, and noise cuts into what is rather like spots."""
    counts = default_run / "results/tables/counts.csv"
    rows = tables.read(counts)
    assert len(rows) == 9
    faults = {(row["image"], row["method"]): measured_radius.find_fault(row) for row in rows}
    assert "over twice as wide" in faults.pop(("disc_noisy", "gaussian"))
    assert set(faults.values()) == {""}
    assert measured_radius.warning(tables.read_grouped(counts)) == ""
    assert not any("spot_radius" in row["advice"] for row in table(default_run, "reliability"))
    for spot in table(default_run, "spots"):
        assert int(spot["core_area"]) > 0
        on_rim = spot["image"] == "disc_noisy" and "wide" in spot["flags"]
        assert (0.2 if on_rim else 0.3) < float(spot["likeness"]) <= 1, spot
