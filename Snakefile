"""Local background subtraction and spot counting.

sheet ─► read ─► denoise ─┬────────────► subtract ─► threshold ─► spots ─► collect ─► compare
                          └► background ─┘
"""

import sys

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod
from snakemake.utils import min_version

min_version("9.0")
# Of this file, which need not be the one that was started: it may be another workflow's module.
HERE = workflow.current_basedir.get_path_or_uri(secret_free=True)
sys.path.append(f"{HERE}/scripts")

from localbg.io import addresses
from localbg.workflow import batches, closing, dependencies, ownership, layout
from localbg.report import captions
from localbg.core import files
from localbg.workflow import run_lock, slurm
from localbg.io import web
from localbg.workflow.config import file_problems
from localbg.workflow.fingerprints import Fingerprints, stale
from localbg.workflow.plan import PlanError, make_plan

if workflow.modifier.is_main_snakefile() and workflow.is_main_process:
    chosen = workflow.overwrite_configfiles or ["config.yaml"]
    if problems := file_problems(filter(os.path.isfile, map(str, chosen))):
        raise WorkflowError(str(PlanError(problems)))

# A study's own config is not merged into the shipped one: what it leaves out has the default.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


CONFIGS = list(map(os.path.relpath, workflow.configfiles))
try:
    plan = make_plan(config)
    if workflow.is_main_process:
        inputs = [*plan.inputs(), *(("config", str(path)) for path in workflow.configfiles)]
        problems = ownership.problems(plan.results, os.getcwd(), inputs)
        if problems := plan.missing_files() + problems:
            raise PlanError(problems)
except PlanError as error:
    read = f"\nThe config was read from {', '.join(CONFIGS)}." if CONFIGS else ""
    raise WorkflowError(f"{error}{read}") from None


# Of a run's processes only the first asks servers for changes.
RECORD = f"{plan.results}/downloads.json"
plan.versions = web.Versions(plan.addresses, RECORD, asks=workflow.is_main_process)


# The report of another workflow begins with that one's words.
if workflow.modifier.is_main_snakefile():

    report: "report/workflow.rst"


# What the captions of the report ask for, when the report is made. The config may be shared with
# other modules.
RECIPES = {method.name: method.recipe for method in plan.methods.values()}
config = dict(config)
config["found"] = captions.Found(plan.results, RECIPES)


pathvars:
    results=plan.results,
    logs=f"{plan.results}/logs",


# Parameters hold paths, too, and what a module's prefix or pathvars move is not moved there.
COMPLETE = f"{plan.results}/complete"
if (
    workflow.modifier.path_modifier.replace_prefix(COMPLETE) != COMPLETE
    or workflow.pathvars.get("results") != plan.results
):
    raise WorkflowError(
        "localbg is used as a module with prefix, replace_prefix or pathvars, which move its "
        f"results (now {plan.results}). Leave them out, and say in the module's config where "
        "results are to lie, such as results: elsewhere/results"
    )


wildcard_constraints:
    image="[^/]+",
    batch="[0-9]+",
    part="[^/]+",
    sweep="[^/]+",
    pool="all|group-[0-9]+",


include: "rules/common.smk"
include: "rules/download.smk"


# What collect gathers: pieces of batches, or the results of single steps.
PIECES = layout.pieces(plan)
IMAGES = [] if plan.batches else layout.images(plan)
RESULTS = [] if plan.batches else layout.results(plan)
FINGERPRINTS = Fingerprints(plan)
VERDICT = layout.verdict_tables(plan)
TABLES = ["images", "methods", "spots", "counts", "parameters", "comparison", "agreement"]
TABLES += ["failures", "groups", "look_first", "recommendation", "trust"]
FIGURES = ["counts", "agreement", "recommendation"]
if plan.sampled:
    TABLES += ["completeness"]
    FIGURES += ["completeness", "false_spots"]
# All that a run makes but the record of how it came about.
MADE = [
    *collect("<results>/tables/{table}.csv", table=TABLES),
    *VERDICT.values(),
    *collect(
        "<results>/figures/{kind}/{image}.png",
        kind=["panels", "profiles"],
        image=[] if plan.batches else plan.images,
    ),
    *collect("<results>/figures/sweeps/{sweep}.png", sweep=plan.sweeps),
    *collect("<results>/figures/{figure}.png", figure=FIGURES),
    "<results>/complete",
]


# Results that are there, but of other images or parameters: they are made again.
STALE = stale(plan) if workflow.is_main_process else []


rule all:
    input:
        MADE,
        "<results>/provenance.json",


rule read:
    """Pick the plane once, so that every step after it sees rows and columns."""
    input:
        remote=lambda wildcards: remote([wildcards.image]),
        modules=modules("read.py"),
    output:
        plane="<results>/image/{image}.tif",
        record="<results>/image/{image}.json",
    log:
        "<logs>/read/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        source=lambda wildcards, input: local([wildcards.image], input.remote)[0],
        picks=lambda wildcards: plan.picks(wildcards.image),
        when_planned=lambda wildcards: plan.stamp(wildcards.image),
        fingerprint=lambda wildcards: FINGERPRINTS.image(wildcards.image),
    script:
        "scripts/read.py"


rule denoise:
    """Small-radius filter: suppress noise, keep spots."""
    input:
        plane="<results>/image/{image}.tif",
        modules=modules("denoise.py"),
    output:
        denoised="<results>/denoised/{denoised}/{image}.tif",
        record="<results>/denoised/{denoised}/{image}.json",
    log:
        "<logs>/denoise/{denoised}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("denoised"),
        fingerprint=fingerprint("denoised"),
    script:
        "scripts/denoise.py"


rule background:
    """Big-radius filter: the structure must survive, the spots must not."""
    input:
        source=upstream("background", "denoised"),
        modules=with_estimator("background.py"),
    output:
        background="<results>/background/{background}/{image}.tif",
        record="<results>/background/{background}/{image}.json",
    log:
        "<logs>/background/{background}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("background"),
        fingerprint=fingerprint("background"),
    script:
        "scripts/background.py"


rule subtract:
    """The foreground: signed, so that what the background got wrong stays visible."""
    input:
        denoised=upstream("foreground", "denoised"),
        background=upstream("foreground", "background"),
        modules=modules("subtract.py"),
    output:
        foreground="<results>/foreground/{foreground}/{image}.tif",
        record="<results>/foreground/{foreground}/{image}.json",
    log:
        "<logs>/subtract/{foreground}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("foreground"),
        fingerprint=fingerprint("foreground"),
    script:
        "scripts/subtract.py"


include: "rules/scope.smk"


rule threshold:
    """Which pixels stand out, and what decided it."""
    input:
        foreground=upstream("mask", "foreground"),
        denoised=upstream("mask", "denoised"),
        plane="<results>/image/{image}.tif",
        facts="<results>/image/{image}.json",
        shared=lambda wildcards: layout.shared_threshold(plan, wildcards.mask, wildcards.image)
        or [],
        modules=modules("threshold.py"),
    output:
        mask="<results>/mask/{mask}/{image}.tif",
        record="<results>/mask/{mask}/{image}.json",
    log:
        "<logs>/threshold/{mask}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("mask"),
        fingerprint=fingerprint("mask"),
    script:
        "scripts/threshold.py"


rule spots:
    """Clean the mask, split touching spots, measure each on the raw image."""
    input:
        plane="<results>/image/{image}.tif",
        background=upstream("labels", "background"),
        foreground=upstream("labels", "foreground"),
        mask=upstream("labels", "mask"),
        threshold=lambda wildcards: upstream("labels", "mask")(wildcards).replace(".tif", ".json"),
        facts="<results>/image/{image}.json",
        modules=modules("spots.py"),
    output:
        labels="<results>/labels/{labels}/{image}.tif",
        table="<results>/spots/{labels}/{image}.csv",
        record="<results>/spots/{labels}/{image}.json",
    log:
        "<logs>/spots/{labels}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("labels"),
        spot=lambda wildcards: plan.spot(wildcards.labels, wildcards.image),
        fingerprint=fingerprint("labels"),
    script:
        "scripts/spots.py"


rule batch:
    """Many images through all methods that share a background, in memory: for hundreds and more."""
    input:
        remote=lambda wildcards: remote(plan.batches[wildcards.batch]),
        shared=lambda wildcards: layout.shared_thresholds(
            plan, plan.batches[wildcards.batch], wildcards.background
        ),
        modules=with_estimator("batch.py"),
    output:
        piece="<results>/batches/{batch}/{background}.jsonl",
    log:
        "<logs>/batch/{batch}/{background}.log",
    conda:
        environment
    resources:
        mem_mb=for_batch(batches.memory_mb),
        runtime=for_batch(batches.minutes),
    params:
        sources=lambda wildcards, input: local(plan.batches[wildcards.batch], input.remote),
        work=lambda wildcards: plan.batch(wildcards.batch, wildcards.background),
        stamps=lambda wildcards: stamps(plan.batches[wildcards.batch]),
        fingerprint=lambda wildcards: FINGERPRINTS.batch(wildcards.batch, wildcards.background),
    script:
        "scripts/batch.py"


rule collect:
    """One row per image, spot, and image and method; a failed image is a row with a reason."""
    input:
        [row["facts"] for row in IMAGES],
        [row[key] for row in RESULTS for key in layout.RECORDS],
        pieces=PIECES,
        modules=modules("collect.py"),
    output:
        images=table("images"),
        spots=table("spots"),
        counts=table("counts"),
        parameters=table("parameters"),
        failures=table("failures"),
        # Taken away at the end of a run in which images failed: the next run tries them again.
        complete=touch("<results>/complete"),
    log:
        "<logs>/collect.log",
    conda:
        environment
    params:
        images=lambda wildcards: FINGERPRINTS.images() if IMAGES else [],
        results=lambda wildcards: FINGERPRINTS.results() if RESULTS else [],
        fingerprints=lambda wildcards: FINGERPRINTS.pieces(),
        methods=RECIPES,
        # A run that was stopped before it could say what failed has it still to say.
        unsaid=closing.unsaid(plan),
    script:
        "scripts/collect.py"


rule compare:
    """Do the methods agree on the numbers, and on the very spots?"""
    input:
        "<results>/tables/images.csv",
        "<results>/tables/spots.csv",
        "<results>/tables/counts.csv",
        modules=modules("compare.py"),
    output:
        table("comparison"),
        table("agreement"),
    log:
        "<logs>/compare.log",
    conda:
        environment
    script:
        "scripts/compare.py"


include: "rules/evidence.smk"
include: "rules/verdict.smk"
include: "rules/figures.smk"


rule provenance:
    """What made the results, and from what: enough to repeat the run and to check it."""
    input:
        MADE,
        tables=[*collect("<results>/tables/{table}.csv", table=TABLES), *VERDICT.values()],
        modules=modules("provenance.py"),
    output:
        "<results>/provenance.json",
    log:
        "<logs>/provenance.log",
    conda:
        environment
    params:
        # No output: a run may take it for its config, and Snakemake removes old outputs first.
        resolved=f"{plan.results}/{ownership.RECORDED_CONFIG}",
        config=addresses.redacted_config(plan.config)[0],
        put_back=addresses.redacted_config(plan.config)[1],
        configs=lambda wildcards: CONFIGS,
        sheet=lambda wildcards: plan.sheet,
        stamp=lambda wildcards: stamped([*CONFIGS, *plan.sheet]),
        methods=RECIPES,
        logs=layout.logs(plan),
    script:
        "scripts/provenance.py"


onstart:
    # A killed Snakemake leaves its Slurm jobs behind; they would write the same files as ours.
    if left := slurm.jobs_of(os.getcwd()):
        raise WorkflowError(slurm.refusal(left, f"{HERE}/scripts/cancel.py"))
    try:
        ownership.claim(plan.results, os.getcwd())
        run_lock.lead(plan.results)
        plan.versions.write()
        if plan.batches:
            batches.write_record(plan.results, plan.batches)
    except (OSError, run_lock.Occupied) as error:
        raise WorkflowError(str(error)) from None


onsuccess:
    note_tables()
    try:
        logger.info(closing.report(plan))
    except closing.RunFailed as error:
        raise WorkflowError(str(error)) from None
