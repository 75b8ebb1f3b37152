"""Local background subtraction and spot counting.

sheet ─► read ─► denoise ─┬────────────► subtract ─► threshold ─► spots ─► collect ─► compare
                          └► background ─┘

What a run makes and what it must not do stand here; each group of rules has a file in rules/.
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

from localbg.core import files
from localbg.io import addresses, web
from localbg.report import captions
from localbg.workflow import batches, closing, dependencies, layout, ownership, run_lock, slurm
from localbg.workflow.config import file_problems
from localbg.workflow.fingerprints import Fingerprints, find_stale
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


RECIPES = {method.name: method.recipe for method in plan.methods.values()}


# What the captions of the report, which see little but the config, need when they are filled in.
# The config may be shared with other modules; it is pickled for every job, so it is plain data.
if workflow.is_main_process:
    config = dict(config, finished_run={"results": plan.results, "recipes": RECIPES})
    captions.offer()


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
CRITERIA = layout.criteria_tables(plan)
TABLES = ["images", "methods", "spots", "counts", "parameters", "comparison", "agreement"]
TABLES += ["failures", "groups", "look_first", "recommendation", "reliability", "columns"]
FIGURES = ["counts", "agreement", "recommendation"]
if plan.sampled:
    TABLES += ["completeness"]
    FIGURES += ["completeness", "false_positives"]
# All that a run makes but the record of how it came about.
MADE = [
    *collect("<results>/tables/{table}.csv", table=TABLES),
    *CRITERIA.values(),
    *collect(
        "<results>/figures/{kind}/{image}.png",
        kind=["panels", "profiles"],
        image=[] if plan.batches else plan.images,
    ),
    *collect("<results>/figures/sweeps/{sweep}.png", sweep=plan.sweeps),
    *collect("<results>/figures/{figure}.png", figure=FIGURES),
    *(["<results>/export"] if plan.exported else []),
    "<results>/complete",
]


# Results that are there, but of other images or parameters: they are made again.
STALE = find_stale(plan) if workflow.is_main_process else []


rule all:
    input:
        MADE,
        "<results>/provenance.json",


include: "rules/detection.smk"
include: "rules/shared_threshold.smk"
include: "rules/batch.smk"
include: "rules/tables.smk"
include: "rules/accuracy.smk"
include: "rules/assessment.smk"
include: "rules/ranking.smk"
include: "rules/figures.smk"
include: "rules/suggest.smk"
include: "rules/provenance.smk"


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
        logger.error(str(error))
        sys.exit(1)
