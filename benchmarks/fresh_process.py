"""What only a fresh Python process can tell: memory, and the first use of a compiled filter.

`benchmarks/filters.py` calls the functions; each starts processes that run this file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
# Arrays are taken from the system and given back one by one, so that none hides in a reserve.
PLAIN_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "65536", "NUMPY_MADVISE_HUGEPAGE": "0"}
FIRST = {
    "median": {"radius": 5},
    "opening": {"radius": 5},
    "gaussian": {"sigma": 5},
    "rolling_ball": {"radius": 5},
}


def peak_memory(operation: str, content: str, dtype: str, size: int, radius: int) -> float:
    """Measure the memory of a call of our filter, result included, in bytes per image byte."""
    return _ask("memory", operation, content, dtype, size, radius)


def first_use() -> list[dict]:
    """Measure the first call of each filter, before and after its code is on disk.

    Returns
    -------
    list of dict
        With ``filter`` and seconds: ``compile`` (nothing on disk), ``load`` (code on disk) and
        ``again`` (a further call). Each is a call for all three types of image, 64 x 64 pixels;
        the first two include all imports but numpy's.
    """
    rows = []
    for name in FIRST:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "scripts")
            shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
            empty, _ = _ask("first", copy, name)
            full, again = _ask("first", copy, name)
        rows.append({"filter": name, "compile": empty, "load": full, "again": again})
    return rows


def _ask(*request):
    command = [sys.executable, __file__, *map(str, request)]
    environment = os.environ | PLAIN_MEMORY
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def _memory(operation, content, dtype, size, radius):
    import numpy as np
    from peers import our_filter
    from scenes import image

    given, call = image(content, dtype, int(size)), our_filter(operation)
    call(given[:64, :64], 5)  # compiled and loaded before
    # The peak is one of the whole process: what it once had and gave back is filled up first.
    now, most = _memory_now_and_most()
    ballast = np.ones(max(most - now, 0), np.uint8)
    before = max(_memory_now_and_most())
    result = call(given, int(radius))
    after = max(_memory_now_and_most())
    del ballast, result
    return (after - before) / given.nbytes


def _memory_now_and_most():
    import resource

    import psutil

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return psutil.Process().memory_info().rss, most * (1 if sys.platform == "darwin" else 1024)


def _first(scripts, name):
    import numpy as np

    images = [np.eye(64, dtype=dtype) for dtype in ("uint8", "uint16", "float32")]
    sys.path.insert(0, scripts)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        from localbg.backgrounds import estimate

        for image in images:
            estimate(image, filter=name, **FIRST[name])
        times.append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    answer = {"memory": _memory, "first": _first}[sys.argv[1]]
    print(json.dumps(answer(*sys.argv[2:])))
