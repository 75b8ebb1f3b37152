"""The open files that an image is read from, and proof that they did not change meanwhile."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import tifffile

from localbg.io import ome
from localbg.io.tiff_layout import Frame
from localbg.io.tiff_structure import ImageError, Page, Structure


class Source:
    """One file, open from the first look at it to the hash of its bytes.

    Parameters
    ----------
    path : path

    Raises
    ------
    ImageError
        If it is no TIFF file.
    OSError
        As the system says.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.file = self.path.open("rb")
        try:
            self.before = _stamp(os.fstat(self.file.fileno()))
            self.structure = Structure(self.file, path)
        except BaseException:
            self.file.close()
            raise
        self._tif = None

    @property
    def tif(self) -> tifffile.TiffFile:
        """The same open file, for tifffile."""
        if self._tif is None:
            self._tif = tifffile.TiffFile(self.file, name=self.path.name, _multifile=False)
        return self._tif

    def page(self, page: Page) -> tifffile.TiffPage:
        """A page with all its tags, as tifffile decodes it."""
        self.tif.filehandle.seek(page.offset)
        return tifffile.TiffPage(self.tif, 0)

    def close(self) -> tuple[list, str]:
        """Hash the file and close it.

        Returns
        -------
        stamp : list
            Path, size in bytes and time of change in ns.
        sha256 : str
            Of the bytes that were read.

        Raises
        ------
        ImageError
            If the file is not what it was when it was opened.
        """
        with self.file:
            self.file.seek(0)
            sha256 = hashlib.file_digest(self.file, "sha256").hexdigest()
            self.require_unchanged()
        size, changed = self.before[:2]
        return [str(self.path), size, changed], sha256

    def require_unchanged(self) -> None:
        """Refuse the file if it is not what it was when it was opened."""
        try:
            now = _stamp(os.stat(self.path))
        except OSError:
            now = None
        if not self.before == now == _stamp(os.fstat(self.file.fileno())):
            raise _changed(self.path)


def _changed(path):
    return ImageError(f"{path} changed while it was being read; run again")


def _stamp(status):
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


class Sources:
    """The file of an image, and the others that hold planes of it; one of these is open at a time.

    Attributes
    ----------
    stamps : list of list
        Path, size and time of change in ns of each file that was used; complete after `finish`.
    hashes : dict of str to str
        SHA-256 of each of them by path.
    """

    def __init__(self, path: str | os.PathLike):
        self.own = Source(path)
        self._other = None
        self.stamps: list[list] = []
        self.hashes: dict[str, str] = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        with contextlib.ExitStack() as stack:
            for source in (self.own, self._other):
                if source is not None:
                    stack.callback(source.file.close)
                    # What looks like damage may be a file that is still being written.
                    if isinstance(error, ImageError) and not source.file.closed:
                        source.require_unchanged()

    def locate(self, frame: Frame) -> tuple[Source, Page]:
        """The open file and the page of a frame.

        Raises
        ------
        ImageError
            If there is no such file or page.
        """
        if frame.file is None:
            return self.own, frame.page
        if not os.fspath(self.own.path).lower().endswith(ome.SUFFIXES):
            raise ImageError(
                f"it lies in another file, {frame.file}, which is looked for only where the name "
                f"of the file ends in .ome.tif; rename {self.own.path.name} so"
            )
        path = Path(ome.beside(self.own.path, [frame.file])[0])
        if self._other is None or self._other.path != path:
            self._finish_other()
            try:
                self._other = Source(path)
            except FileNotFoundError:
                raise ImageError(
                    f"it lies in the file {frame.file}, which is not there; put it into the folder "
                    f"of {self.own.path.name}"
                ) from None
            except PermissionError:
                raise ImageError(
                    f"it lies in the file {frame.file}, which may not be read (permission denied)"
                ) from None
        pages = self._other.structure.pages
        if frame.page >= len(pages):
            raise ImageError(
                f"it is to be page {frame.page} of {frame.file}, which has {len(pages)} (did the "
                "acquisition stop early?)"
            )
        return self._other, pages[frame.page]

    def finish(self) -> None:
        """Hash all files, and make sure that none has changed since it was opened.

        Raises
        ------
        ImageError
            If one has.
        """
        self._finish_other()
        self._record(self.own, first=True)

    def _finish_other(self):
        if self._other is not None:
            source, self._other = self._other, None
            self._record(source)

    def _record(self, source, first=False):
        with contextlib.closing(source.file):
            stamp, sha256 = source.close()
        known = self.hashes.get(stamp[0])
        if known is None:
            self.stamps.insert(0 if first else len(self.stamps), stamp)
            self.hashes[stamp[0]] = sha256
        elif known != sha256 or stamp not in self.stamps:
            raise _changed(source.path)
