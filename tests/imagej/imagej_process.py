"""ImageJ as a process that filters images on request."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import tifffile

SOURCE = Path(__file__).parent / "Filters.java"
# Where Debian and ImageJ's own packages put it; IJ_JAR names another place.
JARS = ("/usr/share/java/ij.jar", "/opt/ImageJ/ij.jar", "/Applications/ImageJ.app/ij.jar")


def find_jar() -> Path | None:
    """Find ImageJ's jar; None where it is not installed."""
    places = [os.environ["IJ_JAR"]] if os.environ.get("IJ_JAR") else JARS
    return next((path for path in map(Path, places) if path.exists()), None)


def what_is_missing() -> str:
    """Say what keeps ImageJ from being run here; empty if nothing does."""
    if find_jar() is None:
        return "ImageJ is not installed: no " + " or ".join(JARS) + "; IJ_JAR may name its ij.jar"
    if shutil.which("java") is None or shutil.which("javac") is None:
        return "Java is not installed: no java and javac"
    return ""


class ImageJ:
    """A Java process with ImageJ in it, as a context manager.

    Parameters
    ----------
    threads : int
        How many threads ImageJ may use.
    memory : str
        Of the Java process, such as ``"2g"``.

    Attributes
    ----------
    version : str
        Of ImageJ.

    Raises
    ------
    FileNotFoundError
        If ImageJ or Java is not installed.
    """

    def __init__(self, *, threads: int = 1, memory: str = "1g"):
        if missing := what_is_missing():
            raise FileNotFoundError(missing)
        command = ["java", f"-Xmx{memory}", "-Djava.awt.headless=true", "-cp", str(find_jar())]
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [*command, str(SOURCE), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.version = self._line()

    def __enter__(self) -> ImageJ:
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()
        self._folder.cleanup()

    def run(
        self, image: np.ndarray, operation: str, size: float, *, runs: int = 1
    ) -> tuple[np.ndarray, list[float]]:
        """Filter an image.

        Parameters
        ----------
        image : ndarray of uint8, uint16 or float32, 2-D
        operation : str
            A case of ``Filters.java``.
        size : float
            Radius or sigma in pixels.
        runs : int
            How often.

        Returns
        -------
        result : ndarray
        milliseconds : list of float
            Of each run, measured in Java.
        """
        given, made = (Path(self._folder.name, name) for name in ("in.tif", "out.tif"))
        tifffile.imwrite(given, image)
        request = (operation, str(size), str(runs), str(given), str(made))
        self._process.stdin.write("\t".join(request) + "\n")
        self._process.stdin.flush()
        milliseconds = [float(word) for word in self._line().split()]
        return tifffile.imread(made), milliseconds

    def _line(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the Java process ended; its message is above")
        return line.strip()
