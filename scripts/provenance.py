"""Write down what made the results, and from what."""

from datetime import datetime
from pathlib import Path

import yaml

from localbg.core import files
from localbg.io import tables
from localbg.workflow import job, provenance


def main(
    *,
    record: str,
    resolved: str,
    config: dict,
    put_back: list[str],
    configs: list[str],
    sheet: list[str],
    methods: dict[str, dict],
    made: list[str],
    logs: dict[str, list[str]],
) -> None:
    """Write the record as JSON, and beside it the config with all its defaults as YAML.

    Parameters
    ----------
    record : str
        Path of the output.
    resolved : str
        Path of the config with all defaults.
    config : dict
        With a value for every key, and addresses without their secrets.
    put_back : list of str
        Places in it where an address lost its user name and password, or values of its query.
    configs, sheet : list of str
        Paths of the files that it was read from.
    methods : dict of str to dict
        Recipes by name.
    made : list of str
        Paths of the tables.
    logs : dict of str to list of str
        Logs of each rule's jobs.

    Notes
    -----
    Hashes of images and parameters of each image and method are tables, which the record names:
    they would be too many for one JSON file.
    """
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    text = provenance.secrets_note(put_back) + text
    # A run that has it for its config leaves it as it is.
    if not Path(resolved).is_file() or Path(resolved).read_text(encoding="utf-8") != text:
        files.write_text(resolved, text)
    by_name = {Path(path).stem: path for path in made}
    n_images = sum(1 for _ in tables.read_grouped(by_name["images"]))
    n_failed = sum(1 for _ in tables.read_grouped(by_name["failures"]))
    found = {
        "made": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": provenance.command(resolved, put_back),
        "workflow": provenance.workflow(),
        **provenance.machine(),
        "config": {path: files.sha256(path) for path in (resolved, *configs)},
        "sheet": {path: files.sha256(path) for path in sheet},
        "images": {
            "number": n_images,
            "failed": n_failed,
            "hashes": f"{by_name['images']}, column sha256",
        },
        "methods": methods,
        "parameters": by_name["parameters"],
        "tables": {path: files.sha256(path) for path in made},
        "rules": provenance.usage(logs),
    }
    files.write_json(record, found)


def all_logs(own: str, many: dict[str, list[str]]) -> dict[str, list[str]]:
    """Logs by rule, those of rules with one job among them; not our own, which is not done yet."""
    single = {path.stem: [str(path)] for path in Path(own).parent.glob("*.log")}
    single.pop(Path(own).stem, None)
    return single | many


if __name__ == "__main__":
    job.start_log(snakemake.log[0])
    main(
        record=snakemake.output[0],
        resolved=snakemake.params.resolved,
        configs=snakemake.params.configs,
        sheet=snakemake.params.sheet,
        config=snakemake.params.config,
        put_back=snakemake.params.put_back,
        methods=snakemake.params.methods,
        made=list(snakemake.input.tables),
        logs=all_logs(snakemake.log[0], snakemake.params.logs),
    )
