"""Where the results of a plan lie: the paths that rules take and make."""

from __future__ import annotations

import os

from localbg.workflow.plan import Method, Plan

# Of each image and method, what `collect` gathers where every step is a job: the records of these
# kinds of results.
RECORDS = {
    "estimate": "background",
    "subtract": "foreground",
    "threshold": "mask",
    "spots": "labels",
}


def upstream(plan: Plan, kind: str, label: str, needed: str, image: str) -> str:
    """Path of the TIFF that a step builds on; the plane itself where it builds on no step."""
    below = getattr(plan.steps[kind][label], needed)
    return f"{plan.results}/{f'{needed}/{below}' if below else 'image'}/{image}.tif"


def of_image(plan: Plan, image: str) -> dict[str, str]:
    """The image's plane, and the facts of its file."""
    return {
        "plane": f"{plan.results}/image/{image}.tif",
        "facts": f"{plan.results}/image/{image}.json",
    }


def of_method(plan: Plan, image: str, method: Method) -> dict[str, str]:
    """What a method made of an image."""
    folder = plan.results
    return {
        "background": f"{folder}/background/{method.background}/{image}.tif",
        "estimate": f"{folder}/background/{method.background}/{image}.json",
        "foreground": f"{folder}/foreground/{method.foreground}/{image}.tif",
        "subtract": f"{folder}/foreground/{method.foreground}/{image}.json",
        "threshold": f"{folder}/mask/{method.mask}/{image}.json",
        "spots": f"{folder}/spots/{method.labels}/{image}.csv",
    }


def own_thresholds(plan: Plan, mask: str, pool: str) -> list[str]:
    """Where it stands what threshold each image of a pool would get by itself."""
    members = plan.members(mask, pool)
    if not plan.batches:
        return [f"{plan.results}/own_threshold/{mask}/{image}.json" for image in members]
    say = set(members)
    background = next(m.background for m in plan.methods.values() if m.mask == mask)
    return [
        f"{plan.results}/thresholds/{batch}/{background}.jsonl"
        for batch, images in plan.batches.items()
        if not say.isdisjoint(images)
    ]


def shared_threshold(plan: Plan, mask: str, image: str) -> str | None:
    """Where the threshold stands that an image shares with others; None where it has its own."""
    pool = plan.pool(mask, image)
    return f"{plan.results}/shared_threshold/{mask}/{pool}.json" if pool else None


def shared_thresholds(plan: Plan, images: list[str], background: str | None = None) -> list[str]:
    """The shared thresholds that a job needs for its images; of one background, or of all."""
    masks = plan.shared(background)
    return sorted({shared_threshold(plan, mask, image) for mask in masks for image in images})


def images(plan: Plan) -> list[dict]:
    """Each image as the tables take it: what the sheet says, and the path of its facts."""
    return [
        {key: getattr(row, key) for key in ("image", "path", "group", "spot_radius")}
        | {"facts": of_image(plan, row.image)["facts"]}
        for row in plan.images.values()
    ]


def results(plan: Plan) -> list[dict]:
    """Each image and method with the paths of what `collect` gathers."""
    return [
        {"image": image, "method": method.name}
        | {key: path for key, path in of_method(plan, image, method).items() if key in RECORDS}
        for image in plan.images
        for method in plan.methods.values()
    ]


def batches(plan: Plan) -> list[tuple[str, str]]:
    """Batch and label of the background of each job that takes a batch."""
    backgrounds = sorted({method.background for method in plan.methods.values()})
    return [(batch, background) for batch in plan.batches for background in backgrounds]


def pieces(plan: Plan) -> list[str]:
    """What the jobs of batches leave: a file for each batch and background."""
    return [f"{plan.results}/batches/{'/'.join(piece)}.jsonl" for piece in batches(plan)]


def logs(plan: Plan) -> dict[str, list[str]]:
    """Logs of the jobs that there are many of, by rule."""
    folder = f"{plan.results}/logs"
    pools = [
        f"{mask}/{pool}"
        for mask in plan.shared()
        for pool in sorted({plan.pool(mask, image) for image in plan.images})
    ]
    found = {"assess": plan.sampled, "sweep": plan.sweeps, "share_threshold": pools}
    found["download"] = plan.addresses
    if plan.batches:
        start = f"{plan.results}/batches/"
        names = [path.removeprefix(start).removesuffix(".jsonl") for path in pieces(plan)]
        found |= {"batch": names, "thresholds": names if pools else []}
    else:
        labels = {rule: [""] for rule in ("read", "panels", "profiles")}
        for steps in plan.steps.values():
            for label, step in steps.items():
                labels.setdefault(step.name, []).append(f"{label}/")
        labels["own_threshold"] = [f"{mask}/" for mask in plan.shared()]
        found |= {
            rule: [f"{label}{image}" for label in of_rule for image in plan.images]
            for rule, of_rule in labels.items()
        }
    return {
        rule: [f"{folder}/{rule}/{name}.log" for name in names]
        for rule, names in found.items()
        if names
    }


def exported(plan: Plan) -> dict[str, dict]:
    """Of each image whose spots are exported: its plane in the file, and images to show with them.

    Paths are relative to the folder of napari's export.
    """
    up = "../.."
    chosen = {}
    for name in plan.exported:
        row = plan.images[name]
        plane = {axis: getattr(row, axis) for axis in ("channel", "z", "t")}
        if plan.batches:
            # What batches keep has names of its own; the source is there in any case.
            layers = {} if row.is_remote else {"raw": os.path.abspath(row.path)}
        else:
            layers = {"raw": f"{up}/image/{name}.tif"} | {
                f"background: {method.name}": f"{up}/background/{method.background}/{name}.tif"
                for method in plan.methods.values()
            }
        chosen[name] = {"plane": plane, "layers": layers}
    return chosen


def criteria_tables(plan: Plan) -> dict[str, str]:
    """Tables that say which method is right, by name; `scripts/recommend.py` reads them."""
    names = []
    if plan.with_truth:
        names += ["accuracy", "accuracy_pooled", "accuracy_differences", "crossvalidation"]
    if plan.sampled:
        names += ["recovery", "false_positives", "residuals"]
    if plan.sweeps:
        names += ["stability"]
    return {name: f"{plan.results}/tables/{name}.csv" for name in names}


def assessments(plan: Plan) -> list[str]:
    """What the jobs that assess images leave: a file for each batch or image."""
    return [f"{plan.results}/assessment/{part}.jsonl" for part in plan.sampled]


def drawn(plan: Plan, image: str) -> dict:
    """What the figures of an image show: the image, and what each method made of it."""
    made = [of_method(plan, image, method) for method in plan.methods.values()]
    kinds = ("background", "foreground", "threshold", "spots")
    return of_image(plan, image) | {kind: [paths[kind] for paths in made] for kind in kinds}
