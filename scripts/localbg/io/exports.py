"""Spots as other programs open them: Fiji, napari, QuPath."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from localbg.core import files
from localbg.core.colours import COLOURS
from localbg.core.text import format_count
from localbg.io import tables
from localbg.io.columns import COLUMNS

VIEWER = Path(__file__).with_name("napari_viewer.py")
# What napari shows of a spot: all that is measured of it.
FEATURES = [name for name in COLUMNS["spots"] if name not in ("image", "method", "y", "x")]


def write_fiji(
    path: str | Path, spots: Mapping[str, Sequence[Mapping]], plane: Mapping[str, int | None]
) -> None:
    """Write a zip for ImageJ's ROI Manager, with one selection of many points for each method.

    Parameters
    ----------
    path : path
    spots : mapping of str to sequence of mapping
        By method, rows of spots.csv.
    plane : mapping of str to int or None
        ``channel``, ``z`` and ``t`` of the file that the spots were detected in, counted from 0;
        None where the file has no such axis or a projection was taken.

    Notes
    -----
    Coordinates are pixels counted from 0, whole numbers at pixel centres, as ImageJ's own points. A
    method without spots has no selection, which ImageJ could not open.
    """
    from roifile import ROI_TYPE, ImagejRoi

    axes = {"c": plane.get("channel"), "z": plane.get("z"), "t": plane.get("t")}
    axes = {axis: index for axis, index in axes.items() if isinstance(index, int)}
    with files.whole(path) as beside, zipfile.ZipFile(beside, "w") as archive:
        for number, (method, rows) in enumerate(spots.items()):
            if not rows:
                continue
            name = f"{method} ({format_count(len(rows), 'spot')})"
            points = [(row["x"], row["y"]) for row in rows]
            roi = ImagejRoi.frompoints(points, name=name, **axes)
            roi.roitype = ROI_TYPE.POINT
            # Without a group, whose colour ImageJ would take instead.
            roi.stroke_color = bytes((255, *_rgb(number)))
            archive.writestr(f"{method}.roi", roi.tobytes())


def write_qupath(path: str | Path, spots: Mapping[str, Sequence[Mapping]]) -> None:
    """Write a GeoJSON of one annotation for each method, all its spots as points.

    Parameters
    ----------
    path : path
    spots : mapping of str to sequence of mapping
        By method, rows of spots.csv.

    Notes
    -----
    In QuPath, as in GeoJSON, a pixel's centre lies half a pixel from its corner, which counts:
    coordinates are larger by 0.5 than those in spots.csv.
    """
    features = [
        {
            "type": "Feature",
            "geometry": {
                "type": "MultiPoint",
                "coordinates": [[row["x"] + 0.5, row["y"] + 0.5] for row in rows],
            },
            "properties": {
                "objectType": "annotation",
                "name": f"{method} ({format_count(len(rows), 'spot')})",
                "classification": {"name": method, "color": list(_rgb(number))},
            },
        }
        for number, (method, rows) in enumerate(spots.items())
        if rows
    ]
    collection = {"type": "FeatureCollection", "features": features}
    files.write_text(path, json.dumps(collection, ensure_ascii=False) + "\n")


def write_napari(folder: str | Path, spots: Mapping[str, Sequence[Mapping]]) -> None:
    """Write a csv of napari's points for each method, with what is measured of each spot.

    Parameters
    ----------
    folder : path
        Of the image.
    spots : mapping of str to sequence of mapping
        By method, rows of spots.csv.

    Notes
    -----
    Coordinates are pixels, counted as in spots.csv, whatever the scale of the layer.
    """
    for method, rows in spots.items():
        points = (
            row | {"index": k, "axis-0": row["y"], "axis-1": row["x"]} for k, row in enumerate(rows)
        )
        tables.write(
            Path(folder) / f"{method}.csv", ("index", "axis-0", "axis-1", *FEATURES), points
        )


def write_viewer(folder: str | Path, images: Mapping[str, Mapping]) -> None:
    """Write the script that opens images with their points in napari, and what it has to know.

    Parameters
    ----------
    folder : path
        That holds the folders which `write_napari` wrote.
    images : mapping of str to mapping
        By image: ``layers``, paths of images by name, relative to the folder, the raw one first;
        ``pixel_size_um``, or None; and ``methods``, in the order of their colours.
    """
    shutil.copyfile(VIEWER, Path(folder) / "view.py")
    files.write_json(Path(folder) / "view.json", {"images": images, "colours": COLOURS})


def _rgb(number):
    """Red, green and blue of a method's colour, from 0 to 255."""
    return bytes.fromhex(COLOURS[number % len(COLOURS)][1:])
