"""Draw rows of pixels through the brightest spots of an image, with background and threshold."""

from localbg.core import files
from localbg.core.text import format_number
from localbg.figures import figure_inputs, profiles, style
from localbg.workflow import job


def main(*, image: str, inputs: dict, figure: str, record: str) -> None:
    """Write the figure of an image, and the numbers that its caption states as JSON.

    Parameters
    ----------
    image, inputs, figure, record
        As in `panels.main`.
    """
    try:
        shown = figure_inputs.read(**inputs)
    except figure_inputs.ImageFailed as reason:
        style.save(style.draw_failure(image, str(reason)), figure)
        files.write_json(record, {"image": image, "failed": str(reason)})
        return
    drawn = profiles.draw_profiles(
        image,
        shown.image,
        shown.results,
        spot_radius=shown.spot_radius,
        pixel_size_um=shown.pixel_size_um,
        left_out=shown.left_out,
    )
    style.save(drawn, figure)
    thresholds = [
        {"method": result.method, "threshold": format_number(result.threshold)}
        for result in shown.results
    ]
    spots = profiles.brightest(shown.results, shown.spot_radius)
    files.write_json(record, {"image": image, "spots": spots, "methods": thresholds})


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        image=snakemake.wildcards.image,
        inputs={
            name: snakemake.input[name]
            for name in ("plane", "facts", "background", "foreground", "threshold", "spots")
        }
        | dict(snakemake.params.items()),
        figure=snakemake.output.figure,
        record=snakemake.output.record,
    )
