"""Compile a kernel once, for every process that will ever use it, and run it in threads.

Importing this module is cheap: numba is loaded by the first call of a kernel.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import itertools
import json
import logging
import os
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

log = logging.getLogger("localbg")

# How long a process waits for another one that is compiling the same kernel, in seconds.
PATIENCE = 120
# Of the files in a folder of compiled code, by name.
CHECKSUMS = "checksums.json"


def compiled(*signatures: str) -> Callable[[Callable], Kernel]:
    """Decorate a function that is to be compiled by numba.

    Parameters
    ----------
    *signatures : str
        All types of arguments that it will be called with, such as
        ``"(uint8[:, ::1], int64)"``.

    Returns
    -------
    callable
        Decorator that gives a `Kernel`.
    """
    return lambda function: Kernel(function, signatures)


class Kernel:
    """A function that is compiled at its first call ever, and read from disk after that.

    Notes
    -----
    numba's own cache can be corrupted by processes that fill it at the same time: both take the
    same file name for different machine code. Here the code for all signatures is made in a folder
    that nobody else sees and then appears by one rename, complete, with checksums of its files.
    The folder's name holds a hash of all that the code depends on, the processor included. Of
    several processes one compiles and the others wait for it; should it die, they compile for
    themselves, which costs time only.

    Damaged code could compute wrong numbers, or end the process. A folder that does not fit its
    checksums is therefore moved aside, and made afresh.

    The folder lies beside the source, or in the user's cache folder where that may not be written,
    or in a private one for temporary files. If none of them can be written (a full disk), each
    process compiles for itself.

    The function runs without Python's lock: threads run at the same time.
    """

    def __init__(self, function: Callable, signatures: tuple[str, ...]):
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self._function = function
        self._signatures = signatures
        self._code = None
        self._lock = threading.Lock()

    def __call__(self, *args):
        """Call the compiled function."""
        if self._code is None:
            with self._lock:
                self._code = self._code or self._load()
        return self._code(*args)

    def _load(self):
        name = self._folder_name()
        for root in _roots(self._source):
            try:
                return self._load_from(root() / name)
            except (OSError, RuntimeError) as error:
                log.warning("%s: no place for compiled code (%s)", self.__name__, error)
        log.warning("%s is compiled for this process only, which takes time", self.__name__)
        return self._dispatcher(None)

    def _load_from(self, folder):
        """Code from a folder, which is made where it is missing or damaged."""
        if code := self._read(folder):
            return code
        folder.parent.mkdir(parents=True, exist_ok=True)
        claim = folder.with_suffix(".claim")
        with contextlib.ExitStack() as stack:
            try:
                claim.mkdir()
            except FileExistsError:
                log.info("%s is being compiled by another process", self.__name__)
                _wait_for_end_of(claim)
                if code := self._read(folder):
                    return code
            stack.callback(shutil.rmtree, claim, ignore_errors=True)
            # Before we had the claim another process may have finished.
            return self._read(folder) or self._compile(folder)

    def _read(self, folder):
        """Code from a folder; None where there is none, or none that can be trusted."""
        if not folder.is_dir():
            return None
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{folder} may not be written")
        try:
            _require_intact(folder)
            dispatcher = self._dispatcher(folder)
            if missing := sum(dispatcher.stats.cache_misses.values()):
                raise ValueError(f"{missing} signatures are missing")
        except Exception as error:
            # Damaged files make numba raise many kinds of error.
            reason = f"{type(error).__name__}: {error}"
            log.warning("compiled code in %s is damaged (%s)", folder, reason)
            return None
        return dispatcher

    def _compile(self, folder):
        start = time.perf_counter()
        private = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
        try:
            dispatcher = self._dispatcher(private)
            sums = json.dumps(_checksums(private))
            (private / CHECKSUMS).write_text(sums, encoding="utf-8")
            _replace(folder, private)
        finally:
            shutil.rmtree(private, ignore_errors=True)
        seconds = time.perf_counter() - start
        log.info("compiled %s in %.1f s, once and for all: %s", self.__name__, seconds, folder)
        return dispatcher

    def _dispatcher(self, folder):
        """Code for all signatures: read from the folder, or compiled and written there, if any."""
        import numba
        from numba.core import sigutils

        # Where numba looks is decided at decoration.
        elsewhere, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder or "")
        try:
            decorate = numba.njit(cache=folder is not None, nogil=True, error_model="numpy")
            dispatcher = decorate(self._function)
        finally:
            numba.config.CACHE_DIR = elsewhere
        for signature in self._signatures:
            dispatcher.compile(sigutils.normalize_signature(signature)[0])
        # A call with other types is an error, and must not add to the folder.
        dispatcher.disable_compile()
        return dispatcher

    @property
    def _source(self):
        return Path(inspect.getfile(self._function)).absolute()

    def _folder_name(self):
        import llvmlite.binding as llvm
        import numba

        status = self._source.stat()
        depends = (
            self._source.read_bytes(),
            self._source,
            # numba looks at these as well, and would add to a folder that others read.
            (status.st_mtime, status.st_size),
            self._signatures,
            sys.version,
            numba.__version__,
            llvm.get_host_cpu_name(),
            llvm.get_host_cpu_features().flatten(),
        )
        key = hashlib.sha256(repr(depends).encode()).hexdigest()[:16]
        return f"{self._source.stem}.{self.__name__}-{key}"


def _roots(source):
    """Where compiled code may lie, the best place first; each is a function that may fail."""
    beside = source.parent / "__pycache__"
    if os.access(beside if beside.exists() else source.parent, os.W_OK):
        yield lambda: beside
    yield lambda: Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "localbg"
    yield _private


def _private():
    """A folder for temporary files that nobody else can write into: what is in it is run."""
    folder = Path(tempfile.gettempdir()) / f"localbg-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode != stat.S_IFDIR | 0o700:
        raise PermissionError(f"{folder} is not a folder of this user's alone")
    return folder


def _checksums(folder):
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def _require_intact(folder):
    """Raise an error where a file is not as it was when the folder was made."""
    for name, expected in json.loads((folder / CHECKSUMS).read_text(encoding="utf-8")).items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise ValueError(f"{name} has changed since it was written")


def _replace(folder, new):
    """Put a new folder in place of a damaged one, if there is one."""
    aside = new.with_suffix(f"{new.suffix}.damaged")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(aside)
    with contextlib.suppress(OSError):  # another process was faster
        new.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _wait_for_end_of(claim):
    end = time.monotonic() + PATIENCE
    while claim.is_dir() and time.monotonic() < end:
        time.sleep(0.1)


def in_bands(work: Callable[[int, int], None], length: int, threads: int, step: int = 1) -> None:
    """Do ``work(start, stop)`` for all of ``range(length)``, cut into one band a thread.

    Parameters
    ----------
    work : callable
        Must give the same whatever the cuts.
    length : int
    threads : int
        1 or more.
    step : int
        Bands begin at multiples of this.
    """
    pieces = -(-length // step)
    bands = max(1, min(threads, pieces))
    cuts = [min(length, pieces * i // bands * step) for i in range(bands + 1)]
    if bands == 1:
        work(0, length)
        return
    with ThreadPoolExecutor(bands) as pool:
        for done in [pool.submit(work, *cut) for cut in itertools.pairwise(cuts)]:
            done.result()
