"""Write docs/promises.md from the tests that try to break something: `python tests/promises.py`.

With ``--check`` nothing is written; the exit status is 1 where the page is not what it should be.
"""

import argparse
import contextlib
import io
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "promises.md"
OPENING = Path(__file__).with_name("promises.md").read_text(encoding="utf-8")
# In the order of the page, each with what is attacked.
KINDS = {
    "inputs": "Configs and images that are wrong, and what becomes of the others",
    "sheet": "Sheets as people and spreadsheets write them",
    "names": "Ids, paths and labels that could be mistaken for each other",
    "formats": "Files that hold something else than one grey plane",
    "damaged image": "Files that are cut off, changed or made up",
    "pixel size": "Pixel sizes that are missing, impossible or meant otherwise",
    "grey values": "Grey values that overflow, lose their differences or mean something else",
    "flags": "Images of nothing that can be read and counted",
    "numbers": "Numbers that are misread or lose digits",
    "truth": "Truth that does not belong to the image or is none",
    "belonging": "Results that would belong to another image, version or way to cut the work",
    "cache": "Compiled code and other things kept between runs",
    "web": "Images behind an address",
    "memory": "Files and studies that would not fit",
    "interruption": "Runs that are stopped, disks that fill up, machines that die",
    "module": "The library used from a script or notebook of one's own",
}


class Attacks:
    """A plug-in of pytest that gathers the marks ``attack`` of all collected tests.

    Attributes
    ----------
    tries : dict of (str, str, str, str) to int
        How many parametrised tests there are, by kind, case, outcome and test.
    wrong : list of str
        Marks that do not give a known kind, a case and an outcome.
    """

    def __init__(self):
        self.tries = {}
        self.wrong = []

    def pytest_collection_finish(self, session):
        """Called by pytest when all tests are collected."""
        for item in session.items:
            test = item.nodeid.split("[")[0]
            for mark in item.iter_markers("attack"):
                if mark.kwargs.get("kind") not in KINDS or {*mark.kwargs} != {
                    *("kind", "case", "outcome")
                }:
                    self.wrong.append(f"{test}: {mark.kwargs}")
                    continue
                key = (*(mark.kwargs[name] for name in ("kind", "case", "outcome")), test)
                self.tries[key] = self.tries.get(key, 0) + 1


def collected() -> Attacks:
    """Collect all tests without running them.

    Raises
    ------
    SystemExit
        If a test file can't be imported, or a mark is not as it should be.
    """
    found, said = Attacks(), io.StringIO()
    options = ["--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    with contextlib.redirect_stdout(said):
        status = pytest.main([*options, str(ROOT / "tests")], plugins=[found])
    if status:
        raise SystemExit(f"the tests could not be collected:\n{said.getvalue()[-3000:]}")
    if found.wrong:
        expected = f"expected kind (one of {', '.join(KINDS)}), case and outcome"
        raise SystemExit("\n".join([f"attack: {expected}; found:", *sorted(set(found.wrong))]))
    return found


def page(tries: dict[tuple[str, str, str, str], int]) -> str:
    """The page in Markdown: the opening, then a table for each kind that has attacks.

    Parameters
    ----------
    tries : dict
        As `Attacks` has it.
    """
    tests = len({test for *_, test in tries})
    lines = [
        OPENING.rstrip(),
        "",
        f"Tried in {len(tries)} ways by {tests} tests, {sum(tries.values())} runs of them in all.",
    ]
    for kind, meaning in KINDS.items():
        of_kind = sorted(key[1:] for key in tries if key[0] == kind)
        if not of_kind:
            continue
        lines += ["", f"## {kind.capitalize()}", "", f"{meaning}.", ""]
        lines += ["| what is tried | what happens | test | tries |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {_cell(case)} | {_cell(outcome)} | `{test}` | {tries[kind, case, outcome, test]} |"
            for case, outcome, test in of_kind
        ]
    return "\n".join(lines) + "\n"


def _cell(text):
    return text.replace("|", r"\|")


def main(check: bool) -> int:
    """Write the page, or tell whether it is as it should be."""
    wanted = page(collected().tries)
    if not check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{PAGE} is not what the tests say; run python tests/promises.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it differs")
    sys.exit(main(parser.parse_args().check))
