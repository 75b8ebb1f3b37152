"""Make one threshold of those that several images would get by themselves."""

import json
from collections.abc import Iterator
from pathlib import Path

from localbg.core import failures, files
from localbg.core.failures import Failure
from localbg.detection.decision import Decision
from localbg.workflow import job, scope


def main(own: list[str], images: list[str], mask: str, record: str, fingerprint: str = "") -> None:
    """Write the shared threshold as JSON, or why there is none.

    Parameters
    ----------
    own : list of str
        Files with the images' own thresholds: one for each, or one for each batch.
    images : list of str
        Ids of the images that have a say.
    mask : str
        Label of the mask.
    record : str
        Path of the output.
    fingerprint : str
        What the threshold answers; the record carries it.
    """
    try:
        shared = scope.shared(records(own, set(images), mask))
        files.write_json(record, ({"fingerprint": fingerprint} if fingerprint else {}) | shared)
    except ValueError as error:
        failures.log.warning("%s", error)
        failure = Failure("threshold", failures.describe_error(error))
        failures.write_failure(failure, [record], fingerprint)


def records(own: list[str], images: set[str], mask: str) -> Iterator[Decision | Failure]:
    """What each image's own threshold is, or why it has none."""
    for path in own:
        if not path.endswith(".jsonl"):
            yield failures.read_failure(path) or Decision.from_record(files.read_json(path))
            continue
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            if found["image"] in images:
                record = found["thresholds"][mask]
                yield Failure.from_record(record) or Decision.from_record(record)


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        list(snakemake.input.own),
        snakemake.params.images,
        snakemake.wildcards.mask,
        snakemake.output.record,
        snakemake.params.fingerprint,
    )
