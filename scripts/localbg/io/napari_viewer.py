"""Open an image in napari, with the spots of each method as points.

    python view.py                lists the images
    python view.py IMAGE          opens one

Needs napari and tifffile (pip install "napari[all]" tifffile), and nothing of the workflow. Layers
have the scale of the pixel size where it is known. What is measured of a spot is in its features.
"""

import csv
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def read_points(path: Path) -> tuple[list[tuple[float, float]], dict[str, list[str]]]:
    """Places y, x of the points of a csv, and its other columns."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    places = [(float(row["axis-0"]), float(row["axis-1"])) for row in rows]
    names = [name for name in (rows[0] if rows else ()) if not name.startswith(("index", "axis-"))]
    return places, {name: [row[name] for row in rows] for name in names}


def show(name: str, known: dict) -> None:
    """Open an image and its points."""
    import napari
    import tifffile

    of_image = known["images"][name]
    size = of_image["pixel_size_um"] or 1
    scale = (size, size)
    viewer = napari.Viewer(title=name)
    for number, (layer, path) in enumerate(of_image["layers"].items()):
        if (HERE / path).is_file():
            pixels = tifffile.imread(HERE / path)
            viewer.add_image(pixels, name=layer, scale=scale, visible=number == 0)
    for number, method in enumerate(of_image["methods"]):
        places, features = read_points(HERE / name / f"{method}.csv")
        if places:
            colour = known["colours"][number % len(known["colours"])]
            viewer.add_points(
                places,
                name=method,
                features=features,
                scale=scale,
                size=9,
                border_color=colour,
                face_color="transparent",
            )
    if of_image["pixel_size_um"]:
        viewer.scale_bar.visible = True
        viewer.scale_bar.unit = "um"
    napari.run()


def main() -> None:
    """Open the image that is named, or say which there are."""
    known = json.loads((HERE / "view.json").read_text(encoding="utf-8"))
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in known["images"]:
        print("Images:", *known["images"], sep="\n  ")
        sys.exit(bool(names))
    show(names[0], known)


if __name__ == "__main__":
    main()
