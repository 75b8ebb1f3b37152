"""Local background subtraction and spot counting.

sheet ─► read ─► denoise ─┬────────────► subtract ─► threshold ─► spots ─► collect ─► compare
                          └► background ─┘
"""

import sys

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.0")
sys.path.append(f"{workflow.basedir}/scripts")

from localbg import closing
from localbg.plan import PlanError, make_plan

# A study's own config is not merged into the shipped one: what it leaves out has the default.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


try:
    plan = make_plan(config)
    if workflow.is_main_process and (problems := plan.missing_files()):
        raise PlanError(problems)
except PlanError as error:
    raise WorkflowError(str(error)) from None


pathvars:
    results=plan.results,
    logs=f"{plan.results}/logs",


wildcard_constraints:
    image="[^/]+",


def parameters(kind):
    """The step's parameters for the image, looked up by the label that the path carries."""
    return lambda wildcards: plan.parameters(kind, wildcards[kind], wildcards.image)


def upstream(kind, needed):
    """Path of the result that a step builds on; the raw plane where it builds on none."""

    def path(wildcards):
        label = getattr(plan.steps[kind][wildcards[kind]], needed)
        folder = f"{needed}/{label}" if label else "image"
        return f"{plan.results}/{folder}/{wildcards.image}.tif"

    return path


def beside(path):
    """Path of the JSON record that lies beside a TIFF."""
    return lambda wildcards: path(wildcards).removesuffix("tif") + "json"


def modules(*names):
    """The library modules that a script uses: an edit runs again just what it affects."""
    folder = os.path.relpath(f"{workflow.basedir}/scripts/localbg")
    return [f"{folder}/{name}.py" for name in names]


def estimator(wildcards):
    """The module of the background filter that a label stands for."""
    step = plan.steps["background"][wildcards.background]
    return modules(f"backgrounds/{step.parameters['filter']}")


def source(wildcards):
    """The image's file; an address goes through Snakemake's storage."""
    image = plan.images[wildcards.image]
    return storage(image.path) if image.is_remote else image.path


def results_of(image, method):
    """Where the results of a method on an image lie."""
    folder = plan.results
    return {
        "subtract": f"{folder}/foreground/{method.foreground}/{image}.json",
        "threshold": f"{folder}/mask/{method.mask}/{image}.json",
        "spots": f"{folder}/spots/{method.labels}/{image}.csv",
    }


RESULTS = [
    {"image": image, "method": method.name} | results_of(image, method)
    for image in plan.images
    for method in plan.methods.values()
]
IMAGES = [
    {
        "image": image.image,
        "path": image.path,
        "group": image.group,
        "spot_radius": image.spot_radius,
        "record": f"{plan.results}/image/{image.image}.json",
    }
    for image in plan.images.values()
]
TABLES = ["images", "spots", "counts", "comparison", "agreement", "failures"]


rule all:
    input:
        collect("<results>/tables/{table}.csv", table=TABLES),
        "<results>/tables/accuracy.csv" if plan.with_truth else [],
        "<results>/complete",


rule read:
    """Pick the plane once, so that every step after it sees rows and columns."""
    input:
        source=source,
        modules=modules("images", "job"),
    output:
        plane="<results>/image/{image}.tif",
        record="<results>/image/{image}.json",
    log:
        "<logs>/read/{image}.log",
    conda:
        "envs/environment.yaml"
    params:
        picks=lambda wildcards: plan.picks(wildcards.image),
    script:
        "scripts/read.py"


rule denoise:
    """Small-radius filter: suppress noise, keep spots."""
    input:
        plane="<results>/image/{image}.tif",
        modules=modules("denoise", "kernels", "arrays", "parameters", "images", "job"),
    output:
        denoised="<results>/denoised/{denoised}/{image}.tif",
    log:
        "<logs>/denoise/{denoised}/{image}.log",
    conda:
        "envs/environment.yaml"
    params:
        parameters=parameters("denoised"),
    script:
        "scripts/denoise.py"


rule background:
    """Big-radius filter: the structure must survive, the spots must not."""
    input:
        source=upstream("background", "denoised"),
        modules=lambda wildcards: estimator(wildcards)
        + modules("backgrounds/__init__", "kernels", "arrays", "parameters", "images", "job"),
    output:
        background="<results>/background/{background}/{image}.tif",
    log:
        "<logs>/background/{background}/{image}.log",
    conda:
        "envs/environment.yaml"
    params:
        parameters=parameters("background"),
    script:
        "scripts/background.py"


rule subtract:
    """The foreground: signed, so that what the background got wrong stays visible."""
    input:
        denoised=upstream("foreground", "denoised"),
        background=upstream("foreground", "background"),
        modules=modules("subtract", "images", "job"),
    output:
        foreground="<results>/foreground/{foreground}/{image}.tif",
        record="<results>/foreground/{foreground}/{image}.json",
    log:
        "<logs>/subtract/{foreground}/{image}.log",
    conda:
        "envs/environment.yaml"
    params:
        parameters=parameters("foreground"),
    script:
        "scripts/subtract.py"


rule threshold:
    """Which pixels stand out, and what decided it."""
    input:
        foreground=upstream("mask", "foreground"),
        facts="<results>/image/{image}.json",
        modules=modules("threshold", "noise", "arrays", "parameters", "images", "job"),
    output:
        mask="<results>/mask/{mask}/{image}.tif",
        record="<results>/mask/{mask}/{image}.json",
    log:
        "<logs>/threshold/{mask}/{image}.log",
    conda:
        "envs/environment.yaml"
    params:
        parameters=parameters("mask"),
    script:
        "scripts/threshold.py"


rule spots:
    """Clean the mask, split touching spots, measure each on the raw image."""
    input:
        plane="<results>/image/{image}.tif",
        background=upstream("labels", "background"),
        foreground=upstream("labels", "foreground"),
        mask=upstream("labels", "mask"),
        facts=beside(upstream("labels", "mask")),
        modules=modules("spots", "kernels", "parameters", "tables", "images", "job"),
    output:
        labels="<results>/labels/{labels}/{image}.tif",
        table="<results>/spots/{labels}/{image}.csv",
    log:
        "<logs>/spots/{labels}/{image}.log",
    conda:
        "envs/environment.yaml"
    params:
        parameters=parameters("labels"),
    script:
        "scripts/spots.py"


rule collect:
    """One row per image, spot, and image and method; a failed image is a row with a reason."""
    input:
        [row["record"] for row in IMAGES],
        [row[key] for row in RESULTS for key in ("subtract", "threshold", "spots")],
        modules=modules("tables", "parameters", "job"),
    output:
        images="<results>/tables/images.csv",
        spots="<results>/tables/spots.csv",
        counts="<results>/tables/counts.csv",
        failures="<results>/tables/failures.csv",
        # Taken away at the end of a run in which images failed: the next run tries them again.
        complete=touch("<results>/complete"),
    log:
        "<logs>/collect.log",
    conda:
        "envs/environment.yaml"
    params:
        images=IMAGES,
        results=RESULTS,
    script:
        "scripts/collect.py"


rule compare:
    """Do the methods agree on the numbers, and on the very spots?"""
    input:
        "<results>/tables/images.csv",
        "<results>/tables/spots.csv",
        "<results>/tables/counts.csv",
        modules=modules("scoring", "tables", "job"),
    output:
        "<results>/tables/comparison.csv",
        "<results>/tables/agreement.csv",
    log:
        "<logs>/compare.log",
    conda:
        "envs/environment.yaml"
    script:
        "scripts/compare.py"


rule accuracy:
    """How far each method is from the truth, where the truth is known."""
    input:
        "<results>/tables/images.csv",
        "<results>/tables/spots.csv",
        "<results>/tables/counts.csv",
        list(plan.with_truth.values()),
        modules=modules("scoring", "sheet", "parameters", "tables", "job"),
    output:
        "<results>/tables/accuracy.csv",
    log:
        "<logs>/accuracy.log",
    conda:
        "envs/environment.yaml"
    params:
        truth=plan.with_truth,
    script:
        "scripts/accuracy.py"


onsuccess:
    try:
        logger.info(closing.report(plan.results, plan.max_failed))
    except closing.RunFailed as error:
        raise WorkflowError(str(error)) from None
