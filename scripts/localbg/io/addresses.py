"""Web addresses as text: told from paths, joined, compared, and shown without their secrets.

A user name and password in front of the host and the values of a query (a token, a signature) are
secrets. They are needed to download an image and nowhere else: tables, logs and messages show the
redacted address.
"""

from __future__ import annotations

import copy
import hashlib
import re
from urllib.parse import urlsplit, urlunsplit

SCHEMES = ("http://", "https://")
HIDDEN = "…"
IN_TEXT = re.compile(r"https?://[^\s'\"<>|]+", re.IGNORECASE)
# Of ftp, s3 and the like; or with a slash too few.
OTHER_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
USER_IN_TEXT = re.compile(r"\b([a-z][a-z0-9+.-]+:/+)[^\s/'\"<>|@]+@", re.IGNORECASE)


def is_address(path: str) -> bool:
    """Whether a path is an http(s) address."""
    return path.lower().startswith(SCHEMES)


def joined(base: str, path: str) -> str:
    """An address below another one; the query of the base, such as a signature, goes to the end.

    Parameters
    ----------
    base : str
        http(s) address of a folder.
    path : str
        Relative to it; may have a query of its own, which then stands for that of the base.
    """
    folder, _, query = base.partition("?")
    found = f"{folder.rstrip('/')}/{path}"
    return f"{found}?{query}" if query and "?" not in path else found


def redacted(path: str) -> str:
    """An address as it may be shown: user name and password dropped, values of the query as ``…``.

    Anything else than an address is given back as it is.
    """
    if not is_address(path):
        return path
    try:
        parts = urlsplit(path)
        _ = parts.port  # raises where a password has an unescaped slash in it
    except ValueError:
        return f"{path.split('://')[0]}://{HIDDEN}"
    host = parts.netloc.rpartition("@")[2]
    return _without_values(urlunsplit(parts._replace(netloc=host)))


def _without_values(address):
    """An address, or a part of one, without values of its query and without its fragment."""
    address, hash_sign, _ = address.partition("#")
    path, mark, query = address.partition("?")
    path = re.sub(r";([^/;=]+)=[^/;]*", rf";\1={HIDDEN}", path)
    query = re.sub(r"[^&;]+", lambda match: _without_value(match[0]), query)
    return f"{path}{mark}{query}{hash_sign}{HIDDEN if hash_sign else ''}"


def _without_value(pair):
    key, equals, _ = pair.partition("=")
    return f"{key}={HIDDEN}" if equals else HIDDEN


def lacks_secrets(address: str) -> bool:
    """Whether an address was redacted: a value of its query is ``…``."""
    return HIDDEN in address.partition("?")[2]


def redacted_text(text: str) -> str:
    """A message with all addresses in it redacted."""
    text = IN_TEXT.sub(lambda match: redacted(match[0]), text)
    return USER_IN_TEXT.sub(rf"\1{HIDDEN}@", text)


def fingerprint(image: str, address: str) -> str:
    """Six hexadecimal digits that change with an image's address.

    Too few to find a password out by trying: one in sixteen million fits.
    """
    return hashlib.sha256(f"{image}\0{address}".encode()).hexdigest()[:6]


def redacted_config(config: dict) -> tuple[dict, list[str]]:
    """A config without secrets, and the places where one was left out.

    Parameters
    ----------
    config : dict
        Of its keys, ``base`` and a mapping of ``images`` may hold addresses.

    Returns
    -------
    config : dict
    places : list of str
        Such as ``base`` and ``images, cell``.
    """
    shown = copy.deepcopy(config)
    places = []

    below = is_address(shown.get("base") or "")

    def redact(holder, key, place):
        before = holder.get(key)
        if isinstance(before, str) and (below or is_address(before)):
            # What comes below an address may have a query of its own.
            holder[key] = redacted(before) if is_address(before) else _without_values(before)
            places.extend([place] if holder[key] != before else [])

    redact(shown, "base", "base")
    if isinstance(rows := shown.get("images"), dict):
        for name, row in rows.items():
            if isinstance(row, dict):
                for key in ("path", "truth"):
                    redact(row, key, f"images, {name}")
            else:
                redact(rows, name, f"images, {name}")
    return shown, sorted(set(places), key=places.index)
