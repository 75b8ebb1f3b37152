"""What a config resolves to: images, methods and the steps they share. Plain data, no arrays.

Everything that can be wrong with a config is found here, before any job starts.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from localbg.core import files
from localbg.io.addresses import redacted_text
from localbg.io.ome import companions
from localbg.pipeline.signatures import KINDS, STEPS, scaled
from localbg.workflow import batches, scope, sheet
from localbg.workflow import config as keys
from localbg.workflow.methods import Method, Step, add_method
from localbg.workflow.recipes import make_recipes
from localbg.workflow.sample import spread

# The image's own columns that decide how it is read.
PICKS = ("axes", "channel", "z", "t", "pixel_size_um")


class PlanError(ValueError):
    """A config or sheet that cannot be run; the message lists every problem found."""

    def __init__(self, problems: list[str]):
        shown = problems[:20]
        if len(problems) > len(shown):
            shown.append(f"… and {len(problems) - len(shown)} more problems")
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        shown = [f"- {redacted_text(problem)}" for problem in shown]
        super().__init__("\n".join([f"The configuration has {count}:", *shown]))


@dataclass
class Plan:
    """Images, methods and shared steps of a study.

    Attributes
    ----------
    images : dict of str to localbg.workflow.sheet.Image
        By id, sorted.
    methods : dict of str to Method
        By name, sorted.
    steps : dict of str to dict of str to Step
        By kind of result (denoised, background, foreground, mask, labels) and label.
    results : str
        Folder of the results.
    max_failed : int
    seed : int
        Of all random numbers.
    polarity : str
        Of the spots, where a method says nothing else.
    batches : dict of str to list of str
        Ids of the images of each batch; empty where each image and step is a job of its own.
    keep : list of str
        Kinds of images that batches write as well.
    config : dict
        What all this was made from, with a value for every key.
    assessment : dict
        How to do it: the config's ``assessment``, with a list of ``contrasts``.
    sampled : dict of str to list of str
        Ids of the images that are assessed, by name of the job: a batch, or an image.
    formats, exported : list of str
        In which formats spots are exported, and ids of the images whose spots are.
    notes : list of str
        What was left out of the images, a line each.
    versions : localbg.io.web.Versions or None
        What was seen of the remote images, set by who plans a run.
    """

    images: dict[str, sheet.Image]
    methods: dict[str, Method]
    results: str
    max_failed: int
    seed: int = 0
    polarity: str = "bright"
    steps: dict[str, dict[str, Step]] = field(default_factory=dict)
    batches: dict[str, list[str]] = field(default_factory=dict)
    keep: list[str] = field(default_factory=list)
    config: dict = field(default_factory=dict)
    assessment: dict = field(default_factory=dict)
    sampled: dict[str, list[str]] = field(default_factory=dict)
    formats: list[str] = field(default_factory=list)
    exported: list[str] = field(default_factory=list)
    _stamps: dict[str, list] = field(default_factory=dict, init=False, repr=False, compare=False)
    notes: list[str] = field(default_factory=list)
    versions: object = None

    def parameters(self, kind: str, label: str, image: str) -> dict:
        """Parameters of a step for one image: sizes in pixels, or in µm as text."""
        step = self.steps[kind][label]
        return scaled(step.name, step.parameters, self.images[image].spot_radius)

    def spot(self, label: str, image: str) -> dict:
        """What a spot of one image is: its ``spot_radius``, and ``polarity`` by the labels."""
        foreground = self.steps["labels"][label].foreground
        return {
            "spot_radius": self.images[image].spot_radius,
            "polarity": self.steps["foreground"][foreground].parameters["polarity"],
        }

    def picks(self, image: str) -> dict:
        """What the sheet says of an image that decides which pixels are read."""
        return {key: getattr(self.images[image], key) for key in PICKS}

    def stamp(self, image: str) -> list:
        """What tells a file from an earlier version of it; empty where it is gone.

        Images are no inputs that Snakemake knows of: it would wait for a file that vanishes while
        the run goes on, and then give up the whole run for it. A run looks once: what changes
        after that is noticed when the image is read.
        """
        if self.images[image].is_remote:
            return [self.versions.stamp(image)] if self.versions else []
        if image not in self._stamps:
            used = [self.images[image].path]
            # What can't be told of a file here is said by the job that reads it.
            with suppress(OSError, ValueError):
                used += companions(used[0])
            stamps = ([path, *files.stamp(path)] for path in used)
            self._stamps[image] = [stamp for stamp in stamps if len(stamp) > 1]
        return self._stamps[image]

    def batch(self, batch: str, background: str) -> dict:
        """What a job needs to know: its images, and the methods that share a background."""
        methods = [m for m in self.methods.values() if m.background == background]
        return self._work(self.batches[batch], methods, background) | {
            "keep": self.keep,
            "results": self.results,
        }

    def gathering(self, part: str) -> dict:
        """What a job that assesses images needs to know: its images, and all methods."""
        methods = list(self.methods.values())
        settings = self.assessment | {"seed": self.seed}
        return self._work(self.sampled[part], methods) | {
            "settings": settings,
            "results": self.results,
        }

    def _work(self, images, methods, background=None):
        labels = [
            {"method": method.name} | {kind: getattr(method, kind) for kind in KINDS}
            for method in methods
        ]
        used = {kind: {label[kind] for label in labels} for kind in KINDS}
        rows, shared = [self.images[image] for image in images], self.shared(background)
        return {
            "rows": [
                {key: getattr(row, key) for key in ("image", "path", "group", "spot_radius")}
                | {"picks": self.picks(row.image)}
                | {"pools": {mask: self.pool(mask, row.image) for mask in shared}}
                for row in rows
            ],
            "methods": labels,
            "steps": {
                kind: {label: asdict(self.steps[kind][label]) for label in sorted(names)}
                for kind, names in used.items()
            },
        }

    def shared(self, background: str | None = None) -> list[str]:
        """Labels of masks whose thresholds are shared by images; of one background, or of all."""
        used = {m.mask for m in self.methods.values() if background in (None, m.background)}
        return sorted(mask for mask in used if self.steps["mask"][mask].scope != "image")

    def pool(self, mask: str, image: str) -> str | None:
        """Name of the images that share a threshold with one; None where it has its own."""
        return self._pools[self.steps["mask"][mask].scope].get(image)

    def members(self, mask: str, pool: str) -> list[str]:
        """Images that a shared threshold is taken from."""
        step = self.steps["mask"][mask]
        return [
            image
            for image, name in self._pools[step.scope].items()
            if name == pool and scope.has_say(self.images[image], step.source)
        ]

    @cached_property
    def _pools(self):
        return {name: scope.pools(self.images, name) for name in ("image", "group", "all")}

    def asked(self, batch: str, background: str) -> dict[str, list[str]]:
        """For each image of a batch the masks whose shared threshold it has a say in."""
        sources = {mask: self.steps["mask"][mask].source for mask in self.shared(background)}
        return {
            image: [m for m, source in sources.items() if scope.has_say(self.images[image], source)]
            for image in self.batches[batch]
        }

    def recipes(self, image: str) -> dict[str, dict]:
        """How each method makes background and denoised image of one image, sizes resolved."""
        return {
            method.name: {
                "denoise": self.parameters("denoised", method.denoised, image),
                "background": self.parameters("background", method.background, image),
                "of": method.recipe["background"]["of"],
            }
            for method in self.methods.values()
        }

    def settings(self) -> list[dict]:
        """What tells the methods apart that come from one name in the config: a row for each value.

        A method that is not swept has one row, without step, parameter and value.
        """
        return [
            {"method": name, "sweep": method.recipe["sweep"]}
            | {"step": step, "parameter": parameter, "value": value}
            for name, method in self.methods.items()
            for step, parameter, value in method.recipe["swept"] or [("", "", "")]
        ]

    def sample(self, most: int = 12) -> list[str]:
        """Some images from all over the sheet."""
        return spread({name: row.group for name, row in self.images.items()}, most, self.seed)

    @property
    def sweeps(self) -> list[str]:
        """Names in the config that several methods come from."""
        names = [method.recipe["sweep"] for method in self.methods.values()]
        return sorted({name for name in names if names.count(name) > 1})

    @property
    def n_parameters(self) -> dict[str, int]:
        """How many parameters each method sets: fewer is simpler."""
        return {
            name: sum(value is not None for step in STEPS for value in method.recipe[step].values())
            for name, method in self.methods.items()
        }

    @property
    def blanks(self) -> list[str]:
        """Images in which there can be no spots."""
        return [name for name, row in self.images.items() if row.role == scope.BLANK]

    @property
    def with_truth(self) -> dict[str, str]:
        """Paths of the true positions, by image."""
        return {name: row.truth for name, row in self.images.items() if row.truth}

    @property
    def addresses(self) -> dict[str, str]:
        """Addresses of the remote images, secrets and all."""
        return {name: row.address for name, row in self.images.items() if row.is_remote}

    @property
    def sheet(self) -> list[str]:
        """Path of the sheet of images, where there is one."""
        source = self.config["images"]
        return [source] if isinstance(source, str) and os.path.isfile(source) else []

    def inputs(self) -> list[tuple[str, str]]:
        """What a run reads, in words, and its local path."""
        rows = self.images.values()
        return [
            *((f"image '{row.image}'", row.path) for row in rows if not row.is_remote),
            *((f"truth of '{image}'", path) for image, path in self.with_truth.items()),
            *(("sheet", path) for path in self.sheet),
        ]

    def missing_files(self) -> list[str]:
        """Problems with files on disk: images, truth, and a results folder that can be made."""
        problems = sheet.missing_files(self.images)
        folder = Path(self.results).absolute()
        if folder.is_symlink() and not folder.exists():
            problems.append(
                f"results: {folder} is a link to {os.readlink(folder)}, which is not there"
            )
            return problems
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            problems.append(f"results: the folder {folder} can't be written to (see {existing})")
        return problems


def make_plan(config: dict) -> Plan:
    """Resolve and check a config.

    Parameters
    ----------
    config : dict
        As read from config.yaml. Keys that are left out have the schema's defaults.

    Returns
    -------
    Plan

    Raises
    ------
    PlanError
        Naming every problem found: key, value, what is expected.
    """
    known = keys.schema()["properties"]
    problems = [keys.unknown_key("", key, known) for key in config if key not in known]
    config = {
        key: keys.typed(value) if isinstance(value, dict) and key != "images" else value
        for key, value in config.items()
        if key in known
    }
    if misshapen := keys.problems(config):
        raise PlanError(problems + misshapen)
    config = keys.whole(keys.defaults() | config)
    for key in ("images", "base", "results"):
        if isinstance(config[key], str):
            config[key] = os.path.expanduser(config[key].strip())
    images, wrong, notes = sheet.read_sheet(
        config["images"],
        base=config["base"],
        spot_radius=config["spot_radius"],
        results=config["results"],
    )
    problems += wrong
    methods, wrong = make_recipes(config)
    problems += wrong
    assessment, wrong = keys.assessment(config["assessment"])
    problems += wrong
    if not problems:
        problems += [
            f"methods, {name}: threshold, from blank: {text}"
            for name, recipe in methods.items()
            for text in scope.problems(images, *scope.of(recipe["threshold"]))
        ]
    if problems:
        raise PlanError(problems)
    shared = (config[key] for key in ("results", "max_failed", "seed", "polarity"))
    plan = Plan(images, {}, *shared)
    run = keys.defaults()["run"] | config["run"]
    export = keys.defaults()["export"] | config["export"]
    plan.config = config | {"run": run, "export": export}
    plan.notes = notes
    if run["mode"] == "batch":
        size = run["images_per_job"]
        if size == "auto":
            size = batches.images_per_job([image.path for image in images.values()])
        plan.batches = batches.compose(images, batches.recorded(plan.results), size)
        plan.keep = run["keep"]
    for name, recipe in sorted(methods.items()):
        plan.methods[name] = add_method(name, recipe, plan.steps)
    plan.assessment = assessment
    plan.sampled = _sampled(plan)
    plan.formats = export["formats"]
    if plan.formats:
        groups = {name: row.group for name, row in images.items()}
        plan.exported = spread(groups, export["images"], plan.seed)
    return plan


def _sampled(plan):
    """Images that are assessed, job by job. Blank ones have no spots to stand for."""
    groups = {name: row.group for name, row in plan.images.items() if row.role != scope.BLANK}
    chosen = set(spread(groups, plan.assessment["images"], plan.seed))
    parts = plan.batches or {image: [image] for image in plan.images}
    found = {
        part: [image for image in members if image in chosen] for part, members in parts.items()
    }
    return {part: members for part, members in found.items() if members}
