"""How rules look up what they need in the plan."""

from functools import cache

from snakemake.io import _IOFile

# In place of the fingerprint of tables that --touch has declared done.
TOUCHED = "touched"


def parameters(kind):
    """The step's parameters for the image, looked up by the label that the path carries."""
    return lambda wildcards: plan.parameters(kind, wildcards[kind], wildcards.image)


def upstream(kind, needed):
    """The TIFF that a step builds on."""
    return lambda wildcards: layout.upstream(plan, kind, wildcards[kind], needed, wildcards.image)


def modules(script, *more):
    """The library modules that a script uses, as an input function."""

    def needed(wildcards):
        make_again()
        return used_by(script, *more)

    return needed


@cache
def make_again():
    """Have Snakemake make stale results again, and tables of which it has lost the records.

    It does the same with incomplete files. Its --forcerun would add targets; input functions are
    the first to be called when it knows which jobs there are.
    """
    if workflow.is_main_process:
        known = workflow.persistence.metadata
        lost = [path for path in tables_there() if known(_IOFile(path, None)) is None]
        workflow.dag.forcefiles.update(STALE, lost)
        # Snakemake takes what was touched for done, and may have been told to ignore parameters.
        is_blind = "params" not in map(str, workflow.rerun_triggers)
        answer = ownership.tables_answer(plan.results)
        if (is_blind or answer == TOUCHED) and answer != FINGERPRINTS.tables():
            workflow.dag.forcefiles.update(tables_there())


def tables_there():
    """Tables, figures and records of the whole run that are there already."""
    made = [path.replace("<results>", plan.results, 1) for path in MADE]
    return [path for path in (*made, f"{plan.results}/provenance.json") if os.path.exists(path)]


def note_tables():
    """Note what the tables answer, where all that are there have been looked at by this run."""
    outputs = {str(path) for job in workflow.dag.jobs for path in job.output}
    if workflow.touch:
        ownership.note_tables(plan.results, TOUCHED)
    elif outputs.issuperset(tables_there()):
        ownership.note_tables(plan.results, FINGERPRINTS.tables())


def used_by(script, *more):
    """The library modules that a script uses: an edit runs again just what it affects."""
    # Relative, so that a study that moves together with the workflow stays done.
    folder = os.path.relpath(f"{HERE}/scripts")
    used = dependencies.modules(script).union(more, *map(dependencies.modules, more))
    return [f"{folder}/{path}" for path in sorted(used)]


def with_estimator(script):
    """Modules of a script, with those of the one background filter that it uses, or of all."""

    def needed(wildcards):
        labels = [wildcards.get("background")] if "background" in wildcards.keys() else all_labels
        steps = [plan.steps["background"][label] for label in labels]
        filters = {step.parameters["filter"] for step in steps}
        make_again()
        return used_by(script, *(f"localbg/backgrounds/{name}.py" for name in filters))

    all_labels = list(plan.steps["background"])

    return needed


def remote(images):
    """Where those of the images that lie behind an address are once they are downloaded."""
    return [f"{plan.results}/downloads/{name}" for name in images if plan.images[name].is_remote]


def local(images, fetched):
    """Where each image's file lies, those behind an address once they are fetched."""
    fetched = iter(fetched)
    rows = [plan.images[name] for name in images]
    return [next(fetched) if row.is_remote else row.path for row in rows]


def stamps(images):
    """What makes the job of an image run again: another file, or a changed one; see Plan.stamp."""
    return [plan.stamp(name) for name in images]


def fingerprint(kind):
    """What the result of a step answers, as its record says."""
    return lambda wildcards: FINGERPRINTS.step(kind, wildcards[kind], wildcards.image)


def stamped(paths):
    """Files that are no inputs, since their names may hold braces, and what tells a changed one."""
    return [[path, *files.stamp(path)] for path in paths]


def environment(wildcards):
    """What conda sets up, where it is asked for; an archive would need the program otherwise."""
    asked = workflow.deployment_settings.deployment_method
    return f"{HERE}/envs/environment.yaml" if DeploymentMethod.CONDA in asked else None


def drawn(wildcards):
    """What the figures of an image show."""
    return layout.drawn(plan, wildcards.image)


def table(name):
    """A table that the report shows, its caption made of a template for all tables."""
    caption = f"{HERE}/report/table.rst"
    if workflow.is_main_process:
        # Snakemake removes this folder, of its copies of captions, when it ends.
        caption = captions.template_of(name, caption, workflow.sourcecache.runtime_cache_path)
    return report(
        f"<results>/tables/{name}.csv",
        caption=caption,
        category="3 Tables",
        labels={"table": name},
    )


def for_image(needed):
    """What any step of one image needs, and more at each attempt."""
    return lambda wildcards, attempt: attempt * needed([plan.images[wildcards.image].path], 1)


def for_batch(needed):
    """What the job of a batch needs, and more at each attempt."""

    def resource(wildcards, attempt):
        members = plan.batches[wildcards.batch]
        methods = [m for m in plan.methods.values() if m.background == wildcards.background]
        return attempt * needed([plan.images[name].path for name in members], len(methods))

    return resource


def for_assessment(needed):
    """What a job that assesses images needs, and more at each attempt."""

    def resource(wildcards, attempt):
        paths = [plan.images[name].path for name in plan.sampled[wildcards.part]]
        return attempt * needed(paths, len(plan.methods))

    return resource
