"""Draw what each method made of an image: raw, background, foreground and spots."""

from localbg.core import failures, files
from localbg.core.text import format_number
from localbg.figures import figure_inputs, panels, style
from localbg.io.truth import read_points
from localbg.workflow import job


def main(*, image: str, inputs: dict, truth: str | None, figure: str, record: str) -> None:
    """Write the figure of an image, and the numbers that its caption states as JSON.

    Parameters
    ----------
    image : str
        Id of the image.
    inputs : dict
        Arguments of `localbg.figures.figure_inputs.read`.
    truth : str or None
        Path of the true positions.
    figure, record : str
        Paths of the outputs.
    """
    try:
        shown = figure_inputs.read(**inputs)
    except figure_inputs.ImageFailed as reason:
        style.save(style.draw_failure(image, str(reason)), figure)
        files.write_json(record, {"image": image, "failed": str(reason)})
        return
    places, unusable = None, None
    if truth:
        try:
            places = read_points(truth, shown.image.shape)
        except (ValueError, OSError) as error:
            if failures.is_system_error(error):
                raise
            unusable = getattr(error, "strerror", None) or str(error)
    drawn = panels.draw_panels(
        image,
        shown.image,
        shown.results,
        spot_radius=shown.spot_radius,
        pixel_size_um=shown.pixel_size_um,
        truth=places,
        left_out=shown.left_out,
    )
    style.save(drawn, figure)
    files.write_json(record, {"image": image, "unusable": unusable} | numbers(shown, places))


def numbers(shown: figure_inputs.Inputs, truth: list | None) -> dict:
    """What the caption states."""
    return {
        "spot_radius": format_number(shown.spot_radius),
        "grey_range": list(map(format_number, panels.grey_range(shown.image))),
        "foreground_limit": format_number(panels.foreground_limit(shown.results)),
        "n_truth": None if truth is None else len(truth),
        "methods": [
            {
                "method": result.method,
                "n_spots": len(result.spots),
                "threshold": format_number(result.threshold),
            }
            | judged(result, truth, shown.spot_radius)
            for result in shown.results
        ],
    }


def judged(result: style.Result, truth: list | None, radius: float) -> dict:
    """Numbers of true, false and missed spots, where the truth is known."""
    if truth is None:
        return {}
    found = panels.judged(result.spots, truth, radius)
    return {key: len(found[key]) for key in ("true", "false", "missed")}


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        image=snakemake.wildcards.image,
        inputs={
            name: snakemake.input[name]
            for name in ("plane", "facts", "background", "foreground", "threshold", "spots")
        }
        | {name: snakemake.params[name] for name in ("recipes", "spot_radius")},
        truth=snakemake.params.truth,
        figure=snakemake.output.figure,
        record=snakemake.output.record,
    )
