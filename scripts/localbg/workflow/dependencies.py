"""Which modules of the library a script uses, so that an edit runs again just what it affects."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]
IMPORT = re.compile(r"^\s*from (localbg[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)


@cache
def modules(path: str) -> frozenset[str]:
    """Files that a module imports, and those that they import in turn.

    Parameters
    ----------
    path : str
        Of a Python file, relative to the folder of scripts. It is read, not imported; imports
        within functions count too.

    Returns
    -------
    frozenset of str
        Paths relative to the folder of scripts.
    """
    found, new = set(), {path}
    while new:
        found |= new
        new = set().union(*map(_imported, new)) - found
    return frozenset(found - {path})


@cache
def digest(*paths: str) -> str:
    """16 hexadecimal digits that change with the text of modules and of all that they import."""
    files = set(paths).union(*map(modules, paths))
    texts = ((SCRIPTS / path).read_bytes() for path in sorted(files))
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


@cache
def _imported(path):
    text = (SCRIPTS / path).read_text(encoding="utf-8")
    return {file for match in IMPORT.finditer(text) for file in _files(*match.groups())}


def _files(module, names):
    stem = module.replace(".", "/")
    if (SCRIPTS / f"{stem}.py").exists():
        return {f"{stem}.py"}
    # From a package: modules of it, packages in it, or what its own file defines.
    inner = re.findall(r"(\w+)(?:\s+as\s+\w+)?", names.split("#")[0])
    paths = {f"{stem}/{name}.py" for name in inner}
    paths |= {f"{stem}/{name}/__init__.py" for name in inner}
    found = {path for path in paths if (SCRIPTS / path).exists()}
    return found if len(found) == len(inner) else found | {f"{stem}/__init__.py"}
