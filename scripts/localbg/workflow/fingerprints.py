"""What a result answers: a short hash of the images, parameters and code that it comes from.

Each result carries the fingerprint of the question that it was made for. Whoever gathers results
checks them (`localbg.workflow.collected`), and what answers another question than the plan's is
made again: also where Snakemake's own records are lost, or another run has put its results in
between.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from functools import cache, partial

from localbg.core import files
from localbg.pipeline.signatures import KINDS
from localbg.workflow import dependencies, layout
from localbg.workflow.collected import recorded
from localbg.workflow.plan import Plan


def hash_parts(*parts) -> str:
    """16 hexadecimal digits that tell plain data from other plain data."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Fingerprints:
    """The fingerprints of all results of a plan.

    ``step(kind, label, image)`` of what a step makes, ``shared(mask, pool)`` of a threshold that
    images share, and ``batch(batch, background)`` of the piece that a batch's job leaves are
    computed once.
    """

    def __init__(self, plan: Plan):
        self._plan = plan
        self.step = cache(self._step)
        self.shared = cache(self._shared)
        self.batch = cache(self._batch)

    def image(self, image: str) -> str:
        """Of the plane that is read."""
        plan = self._plan
        row = plan.images[image]
        return hash_parts(self._code("read"), image, row.path, plan.picks(image), plan.stamp(image))

    def _code(self, script, *backgrounds):
        """Of the code of a script, and of the filters that some backgrounds are made by."""
        steps = self._plan.steps["background"]
        filters = {steps[label].parameters["filter"] for label in backgrounds}
        paths = sorted(f"localbg/backgrounds/{name}.py" for name in filters)
        return dependencies.digest(f"{script}.py", *paths)

    def _step(self, kind: str, label: str, image: str) -> str:
        plan = self._plan
        step = plan.steps[kind][label]
        below = {k: self.step(k, getattr(step, k), image) for k in KINDS if getattr(step, k, None)}
        pool = plan.pool(label, image) if kind == "mask" else None
        shared = self.shared(label, pool) if pool else None
        own = plan.parameters(kind, label, image)
        code = self._code(step.name, *([label] if kind == "background" else []))
        spot = plan.spot(label, image) if kind == "labels" else None
        return hash_parts(code, kind, label, own, spot, below, self.image(image), shared)

    def own_threshold(self, mask: str, image: str) -> str:
        """Of the threshold that an image would get by itself."""
        plan = self._plan
        foreground = self.step("foreground", plan.steps["mask"][mask].foreground, image)
        own = plan.parameters("mask", mask, image)
        return hash_parts(self._code("own_threshold"), mask, own, foreground)

    def _shared(self, mask: str, pool: str) -> str:
        plan, members = self._plan, self._plan.members(mask, pool)
        code = self._code("share_threshold")
        if not plan.batches:
            return hash_parts(code, [self.own_threshold(mask, image) for image in members])
        background = next(m.background for m in plan.methods.values() if m.mask == mask)
        pieces = [
            self.thresholds(batch, background)
            for batch, images in plan.batches.items()
            if not set(members).isdisjoint(images)
        ]
        return hash_parts(code, mask, members, pieces)

    def _batch(self, batch: str, background: str) -> str:
        return self._piece(self._code("batch", background), self._plan.batch(batch, background))

    def thresholds(self, batch: str, background: str) -> str:
        """Of a batch's own thresholds."""
        work = self._plan.batch(batch, background)
        rows = [{k: v for k, v in row.items() if k != "pools"} for row in work["rows"]]
        asked = self._plan.asked(batch, background)
        code = self._code("thresholds", background)
        return hash_parts(code, work["steps"], rows, asked, self._stamps(work))

    def assessment(self, part: str) -> str:
        """Of the piece that a job leaves that assesses images."""
        code = self._code("assess", *self._plan.steps["background"])
        return self._piece(code, self._plan.gathering(part))

    def _piece(self, code, work):
        pools = {pair for row in work["rows"] for pair in row["pools"].items() if pair[1]}
        shared = {f"{mask}/{pool}": self.shared(mask, pool) for mask, pool in pools}
        return hash_parts(code, work, self._stamps(work), shared)

    def _stamps(self, work):
        return [self._plan.stamp(row["image"]) for row in work["rows"]]

    def images(self) -> list[dict]:
        """Each image as the tables take it, with the fingerprint of what was read."""
        rows = layout.images(self._plan)
        return [row | {"fingerprint": self.image(row["image"])} for row in rows]

    def results(self) -> list[dict]:
        """Each image and method as `collect` takes it, with fingerprints."""
        methods = self._plan.methods
        return [
            row
            | {
                "fingerprints": {
                    key: self.step(kind, getattr(methods[row["method"]], kind), row["image"])
                    for key, kind in layout.RECORDS.items()
                }
            }
            for row in layout.results(self._plan)
        ]

    def pieces(self) -> list[str]:
        """Of the pieces of all batches, in the order of `localbg.workflow.layout.pieces`."""
        return [self.batch(*piece) for piece in layout.batches(self._plan)]

    def tables(self) -> str:
        """Of the tables and figures of a whole run, which have no fingerprints of their own."""
        plan = self._plan
        truth = [[path, *files.stamp(path)] for path in plan.with_truth.values()]
        rows = [
            [image, row.group, row.role, self.image(image)] for image, row in plan.images.items()
        ]
        return hash_parts("tables", plan.config, rows, truth)

    def expected(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Path of every record that a run of the plan makes, and what computes its fingerprint."""
        plan = self._plan
        for mask in plan.shared():
            for pool in sorted({plan.pool(mask, image) for image in plan.images}):
                path = f"{plan.results}/shared_threshold/{mask}/{pool}.json"
                yield path, partial(self.shared, mask, pool)
        for part in plan.sampled:
            yield f"{plan.results}/assessment/{part}.jsonl", partial(self.assessment, part)
        if plan.batches:
            yield from self._of_batches()
        else:
            for image in plan.images:
                yield from self._of_steps(image)

    def _of_batches(self):
        plan = self._plan
        sharing = {m.background for m in plan.methods.values() if m.mask in plan.shared()}
        for batch, background in layout.batches(plan):
            name = f"{batch}/{background}.jsonl"
            yield f"{plan.results}/batches/{name}", partial(self.batch, batch, background)
            if background in sharing and any(plan.asked(batch, background).values()):
                path = f"{plan.results}/thresholds/{name}"
                yield path, partial(self.thresholds, batch, background)

    def _of_steps(self, image):
        plan = self._plan
        yield layout.of_image(plan, image)["facts"], partial(self.image, image)
        for kind, steps in plan.steps.items():
            folder = "spots" if kind == "labels" else kind
            for label in steps:
                path = f"{plan.results}/{folder}/{label}/{image}.json"
                yield path, partial(self.step, kind, label, image)
        for mask in plan.shared():
            path = f"{plan.results}/own_threshold/{mask}/{image}.json"
            yield path, partial(self.own_threshold, mask, image)


def find_stale(plan: Plan) -> list[str]:
    """Paths of results that are there, but answer another question than the plan's."""
    expected = Fingerprints(plan).expected()
    return [path for path, own in expected if os.path.isfile(path) and recorded(path) != own()]
