"""Download images from http(s) addresses, and tell whether one has changed at its address."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as OutOfTime
from http import HTTPStatus
from pathlib import Path

from localbg.core import failures, files
from localbg.io.addresses import fingerprint, redacted

log = logging.getLogger("localbg")

# Of one image: how often it is tried, and the pause before the second time, in seconds; each
# later pause is twice as long.
TRIES = 3
PAUSE = 1.0
# Seconds that a server has to take the connection, and between two pieces of an answer.
CONNECT_S = 10
READ_S = 30
# A download slower than so many bytes a second, over so many seconds, has stalled.
SLOWEST = 1000
SLOW_S = 60
MOST_REDIRECTS = 5
# Bytes on disk that a download leaves to the others, and after how many it looks again.
SPARE = 1e8
LOOK_AGAIN = 2**26
PIECE = 2**18
# Planning asks each server for changes: at once, seconds for one image, seconds for all.
ASKED_AT_ONCE = 16
ASK_S = 5
ASK_ALL_S = 20


class DownloadError(ValueError):
    """An image that cannot be had from its address, and why; the address is redacted."""


class _Passing(DownloadError):
    """An error that may be gone at the next try."""


def download(address: str, path: Path | str) -> None:
    """Download a file, which appears whole or not at all.

    Parameters
    ----------
    address : str
        http(s); redirects are followed to http(s) addresses only, and what logs in at one host is
        not sent to another. Proxies of the environment are used.
    path : path
        Where to write.

    Raises
    ------
    DownloadError
        If there is nothing, or no file that could be an image; if it ends early, stalls or does
        not fit on the disk. Errors of the server (5xx) and of the connection are tried `TRIES`
        times in all before that.
    localbg.core.files.NotWritten
        Where the disk cannot be written.

    Notes
    -----
    Memory does not depend on the size of the file. The length is checked against the one that the
    server promised.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with files.whole(path) as beside:
                _try(address, beside)
            return
        except _Passing as error:
            if attempt == TRIES:
                raise DownloadError(f"{error}; tried {TRIES} times") from None
            pause = PAUSE * 2 ** (attempt - 1)
            log.warning("%s; trying again in %g s", error, pause)
        time.sleep(pause)


def _try(address, path):
    # None of these libraries' messages are shown: they have the address in them.
    try:
        with (
            _session() as session,
            session.get(address, stream=True, timeout=(CONNECT_S, READ_S)) as response,
        ):
            _require_success(response.status_code, redacted(address))
            _save(response, path, redacted(address))
    except Exception as error:
        if isinstance(error, DownloadError) or failures.is_system_error(error):
            raise
        raise _described(error, redacted(address)) from None


@contextlib.contextmanager
def _session():
    import requests

    # Its warnings name addresses in full.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    with requests.Session() as session:
        session.max_redirects = MOST_REDIRECTS
        # Compressed on the way, the length would say nothing on the file's.
        session.headers["Accept-Encoding"] = "identity"
        yield session


def _require_success(code, shown):
    if code == HTTPStatus.OK:
        return
    try:
        status = f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        status = str(code)
    if code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise DownloadError(f"there is nothing at {shown} ({status})")
    if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise DownloadError(
            f"the server gives no access to {shown} ({status}); the address's user name, password "
            "or token may be missing, wrong or expired"
        )
    if code >= 500:
        raise _Passing(f"the server of {shown} failed ({status})")
    raise DownloadError(f"the server of {shown} answered {status}; expected a file (200 OK)")


def _save(response, beside, shown):
    """Write the body, piece by piece; what it decodes to where it comes compressed."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower() or "identity"
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise DownloadError(
            f"{shown} comes in the encoding '{encoding}', which can't be undone; expected none, "
            "gzip or deflate"
        )
    length = response.headers.get("Content-Length", "")
    length = int(length) if length.isdecimal() else None
    _require_room(length or 0, beside, shown)
    start, window, written, checked = b"", [time.monotonic(), 0], 0, 0
    with beside.open("wb") as file:
        for piece in _pieces(response, length, shown, window):
            start = start or piece[:512]
            file.write(piece)
            written += len(piece)
            if written - checked >= LOOK_AGAIN:
                checked = written
                _require_room(0, beside, shown)
    if not written:
        raise DownloadError(f"{shown} is empty (0 bytes); expected a TIFF image")
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        raise DownloadError(
            f"{shown} is not a TIFF image but a web page; it may be the one to log in at, or one "
            "that shows the image"
        )


def _pieces(response, length, shown, window):
    """Pieces as they come. One at a time may be small, so that a trickle is noticed."""
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    while True:
        try:
            piece = response.raw.read1(PIECE, decode_content=True)
        except ReadTimeoutError:
            raise _Passing(f"{shown} stalled: nothing came for {READ_S:g} s") from None
        except (HTTPError, OSError):
            raise _Passing(_broken_off(response, length, shown)) from None
        if not piece:
            break
        yield piece
        since, before = window
        if (passed := time.monotonic() - since) > SLOW_S:
            if response.raw.tell() - before < SLOWEST * passed:
                raise _Passing(f"{shown} stalled: less than {SLOWEST} bytes a second came")
            window[:] = time.monotonic(), response.raw.tell()
    if length is not None and response.raw.tell() != length:
        raise _Passing(_broken_off(response, length, shown))


def _broken_off(response, length, shown):
    of = f"{length} " if length is not None else ""
    return f"{shown} broke off after {response.raw.tell()} of {of or 'its '}bytes"


def _require_room(needed, path, shown):
    free = shutil.disk_usage(path.parent).free
    if needed > free - SPARE:
        size = f"has {needed / 1e6:.4g} MB" if needed else "goes on"
        raise DownloadError(
            f"{shown} {size}, and {free / 1e6:.4g} MB are free in {path.parent}, of which "
            f"{SPARE / 1e6:g} are kept; make room there"
        )


def _described(error, shown):
    """An error of the libraries in words of our own."""
    import requests

    kinds = {
        requests.TooManyRedirects: DownloadError(
            f"{shown} leads from one address to the next, more than {MOST_REDIRECTS} times"
        ),
        requests.exceptions.InvalidSchema: DownloadError(
            f"{shown} leads to what is no http(s) address"
        ),
        requests.exceptions.SSLError: DownloadError(
            f"the connection to {shown} is not safe: {_cause(error)}"
        ),
        requests.exceptions.InvalidURL: DownloadError(
            f"{shown}, or the address that it leads to, is malformed"
        ),
        requests.exceptions.ProxyError: _Passing(
            f"the proxy on the way to {shown} can't be used: {_cause(error)}"
        ),
        requests.ConnectTimeout: _Passing(f"{shown} can't be reached within {CONNECT_S:g} s"),
        requests.ReadTimeout: _Passing(f"{shown} stalled: no answer for {READ_S:g} s"),
        requests.ConnectionError: _Passing(f"{shown} can't be reached: {_cause(error)}"),
    }
    for kind, described in kinds.items():
        if isinstance(error, kind):
            return described
    # Lines of code have no address in them, the message may.
    log.error("in\n%s", "".join(traceback.format_tb(error.__traceback__)))
    return DownloadError(f"{shown} can't be downloaded ({type(error).__name__})")


def _cause(error):
    """What the system said, innermost of the errors that the libraries wrap around it."""
    for _ in range(20):
        inner = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
        inner = [other for other in inner if isinstance(other, BaseException)]
        if not inner:
            break
        error = inner[0]
    said = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
    return said if isinstance(said, str) else type(error).__name__


class Versions:
    """How often each remote image was seen to have changed; kept from one run to the next.

    Parameters
    ----------
    addresses : dict of str to str
        By image.
    record : path
        JSON file that `write` makes.
    asks : bool
        Whether to ask the servers; otherwise what the record says is taken.

    Notes
    -----
    An image has changed if its server gives another date of change (or tag) or length than it gave
    last. A server that does not answer, or does not tell, changes nothing: results that are there
    stay when the network is gone. Servers are asked once, when the first version is looked up.
    """

    def __init__(self, addresses: dict[str, str], record: Path, asks: bool):
        self._addresses = addresses
        self._record = Path(record)
        self._asks = asks
        self._known = None

    def stamp(self, image: str) -> list:
        """What changes with an image's address and with what lies there."""
        if self._known is None:
            self._known = self._look_up()
        known = self._known[image]
        return [known["address"], known["version"]]

    def write(self) -> None:
        """Remember what was seen for the next run."""
        if self._known is not None and self._asks:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            files.write_json(self._record, self._known)

    def _look_up(self):
        before = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            before = files.read_json(self._record)
        seen = ask(self._addresses.values()) if self._asks else {}
        known = {}
        for image, address in self._addresses.items():
            new = {"address": fingerprint(image, address), "version": 0, "seen": None}
            old = before.get(image, new)
            if old["address"] != new["address"]:
                old = new
            now = seen.get(address) or old["seen"]
            changed = old["seen"] is not None and now != old["seen"]
            known[image] = old | {"seen": now, "version": old["version"] + changed}
        return known


def ask(addresses: Iterable[str]) -> dict[str, list]:
    """What the servers tell of files without sending them, in at most `ASK_ALL_S` seconds.

    Returns
    -------
    dict of str to list
        Date of change (or else the tag) and length by address; those of which nothing is known
        are left out.
    """
    found = {}
    pool = ThreadPoolExecutor(ASKED_AT_ONCE)
    waiting = {pool.submit(_head, address): address for address in dict.fromkeys(addresses)}
    with contextlib.suppress(OutOfTime):
        for done in as_completed(waiting, timeout=ASK_ALL_S):
            if told := done.result():
                found[waiting[done]] = told
    pool.shutdown(wait=False, cancel_futures=True)
    return found


def _head(address):
    # Whatever goes wrong here, the download says it in words.
    with contextlib.suppress(Exception), _session() as session:
        answer = session.head(address, allow_redirects=True, timeout=(ASK_S, ASK_S))
        if answer.status_code == HTTPStatus.OK:
            told = [
                answer.headers.get("Last-Modified") or answer.headers.get("ETag"),
                answer.headers.get("Content-Length"),
            ]
            return told if any(told) else None
    return None
