"""Compile a kernel once, for every process that will ever use it, and run it in threads.

Importing this module is cheap: numba is loaded by the first call of a kernel.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import itertools
import logging
import os
import shutil
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
    that nobody else sees and then appears by one rename, complete. The folder's name holds a hash
    of all that the code depends on, the processor included, so that nothing in it is ever
    replaced. It lies beside the source, or in the user's cache folder where that may not be
    written. Of several processes one compiles and the others wait for it; should it die, they
    compile for themselves, which costs time only.

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
        folder = self._folder()
        if folder.is_dir():
            return self._dispatcher(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        claim = folder.with_suffix(".claim")
        with contextlib.ExitStack() as stack:
            try:
                claim.mkdir()
                stack.callback(shutil.rmtree, claim, ignore_errors=True)
            except FileExistsError:
                log.info("%s is being compiled by another process", self.__name__)
                if _appears(folder, claim):
                    return self._dispatcher(folder)
                stack.callback(shutil.rmtree, claim, ignore_errors=True)
            # Between the first look and the claim another process may have finished.
            if folder.is_dir():
                return self._dispatcher(folder)
            return self._compile(folder)

    def _compile(self, folder):
        start = time.perf_counter()
        private = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
        try:
            dispatcher = self._dispatcher(private)
            with contextlib.suppress(OSError):  # another process was faster
                private.rename(folder)
        finally:
            shutil.rmtree(private, ignore_errors=True)
        seconds = time.perf_counter() - start
        log.info("compiled %s in %.1f s, once and for all: %s", self.__name__, seconds, folder)
        return dispatcher

    def _dispatcher(self, folder):
        """Code for all signatures: read from the folder, or compiled and written there."""
        import numba
        from numba.core import sigutils

        # Where numba looks is decided at decoration.
        elsewhere, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
        try:
            dispatcher = numba.njit(cache=True, nogil=True, error_model="numpy")(self._function)
        finally:
            numba.config.CACHE_DIR = elsewhere
        for signature in self._signatures:
            dispatcher.compile(sigutils.normalize_signature(signature)[0])
        # A call with other types is an error, and must not add to the folder.
        dispatcher.disable_compile()
        return dispatcher

    def _folder(self):
        import llvmlite.binding as llvm
        import numba

        source = Path(inspect.getfile(self._function)).absolute()
        depends = (
            source.read_bytes(),
            source,
            self._signatures,
            sys.version,
            numba.__version__,
            llvm.get_host_cpu_name(),
            llvm.get_host_cpu_features().flatten(),
        )
        key = hashlib.sha256(repr(depends).encode()).hexdigest()[:16]
        return _cache_root(source) / f"{source.stem}.{self.__name__}-{key}"


def _cache_root(source):
    beside = source.parent / "__pycache__"
    if os.access(beside if beside.exists() else source.parent, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "localbg"


def _appears(folder, claim):
    end = time.monotonic() + PATIENCE
    while claim.is_dir() and not folder.is_dir() and time.monotonic() < end:
        time.sleep(0.1)
    return folder.is_dir()


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
