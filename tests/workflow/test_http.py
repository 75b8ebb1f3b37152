"""Images may lie at addresses: what is found in them is the same, and each fails alone."""

import gzip
import shutil
import socket
from collections import Counter, namedtuple

import pytest

from conftest import ROOT, snakemake
from localbg.io import web
from localbg.io.web import DownloadError, download
from small_study import NO_FIGURES, TABLES, configure, ran, spotted, table
from web_server import after_failures, content, redirect, serving, short, stalling, status

pytestmark = pytest.mark.long

IMAGES = {
    "disc": {"path": "disc_noisy.tif", "spot_radius": 4},
    "cell": {"path": "cell.tif", "spot_radius": 2, "group": "cells"},
}
CONFIG = {
    "images": IMAGES,
    "denoise": {"filter": "gaussian", "sigma": "0.5x"},
    "methods": {"median": {"background": {"filter": "median", "radius": "2x"}}},
    "compare": ["median"],
}
SHIPPED = {f"/{n}.tif": (ROOT / "data" / f"{n}.tif").read_bytes() for n in ("cell", "disc_noisy")}
BODY = b"II*\0" + bytes(range(256)) * 40


@pytest.fixture
def server():
    with serving({"/a.tif": content(BODY)}) as server:
        yield server


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(web, "PAUSE", 0.01)


def test_a_file_comes_as_it_is(server, tmp_path):
    download(f"{server.address}/a.tif", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_what_comes_compressed_is_undone(server, tmp_path, encoding):
    body = gzip.compress(BODY) if encoding == "gzip" else BODY
    server.routes["/a.tif"] = content(body, Content_Encoding=encoding)
    download(f"{server.address}/a.tif", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY


def attack(case, outcome):
    return pytest.mark.attack(kind="web", case=case, outcome=outcome)


FAILURES = {
    "404": (
        lambda server: status(404),
        r"^there is nothing at http://127.0.0.1:\d+/x.tif \(404 Not Found\)$",
        1,
        attack("an address with nothing there (404)", "that image is a failure with its address"),
    ),
    "403": (
        lambda server: status(403),
        r"no access to http://[^ ]+/x.tif \(403 Forbidden\); the address's user name, password",
        1,
        attack("a server that refuses access", "a failure that names what may be wrong"),
    ),
    "500": (
        lambda server: status(500),
        r"^the server of [^ ]+/x.tif failed \(500 Internal Server Error\); tried 3 times$",
        3,
        attack("a server that fails each time (500)", "tried three times, then a failure"),
    ),
    "short": (
        lambda server: short(BODY),
        r"/x.tif broke off after 5122 of 10244 bytes; tried 3 times$",
        3,
        attack("a download that ends early", "noticed by its length; tried again, then a failure"),
    ),
    "stalled": (
        lambda server: stalling(BODY, 1),
        r"/x.tif stalled: nothing came for 0.2 s; tried 3 times$",
        3,
        attack("a download that stalls", "given up after a while; tried again, then a failure"),
    ),
    "encoding": (
        lambda server: content(BODY, Content_Encoding="br"),
        "/x.tif comes in the encoding 'br', which can't be undone; expected none, gzip or deflate",
        1,
        attack("a download compressed in an unknown way", "a failure that names the encoding"),
    ),
    "loop": (
        lambda server: redirect("/x.tif"),
        "/x.tif leads from one address to the next, more than 5 times$",
        6,
        attack("an address that redirects to itself", "given up, a failure"),
    ),
    "to a file": (
        lambda server: redirect("file:///etc/passwd"),
        r"/x.tif leads to what is no http\(s\) address$",
        1,
        attack("a redirect to file:///etc/passwd", "not followed, a failure"),
    ),
    "to ftp": (
        lambda server: redirect("ftp://127.0.0.1/x.tif"),
        r"/x.tif leads to what is no http\(s\) address$",
        1,
        attack("a redirect to ftp://", "not followed, a failure"),
    ),
    "page": (
        lambda server: content(b"\n <!DOCTYPE html><html>log in</html>", Content_Type="text/html"),
        "/x.tif is not a TIFF image but a web page; it may be the one to log in at",
        1,
        attack("a page to log in at in place of the image", "not a TIFF image but a web page"),
    ),
    "empty": (
        lambda server: content(b""),
        r"/x.tif is empty \(0 bytes\); expected a TIFF image",
        1,
        attack("an empty file at the address", "a failure that says so"),
    ),
}


@pytest.mark.parametrize(
    ("route", "message", "tries"),
    [pytest.param(*case[:3], id=name, marks=case[3]) for name, case in FAILURES.items()],
)
def test_what_cannot_be_had_says_why(server, tmp_path, monkeypatch, route, message, tries):
    monkeypatch.setattr(web, "READ_S", 0.2)
    server.routes["/x.tif"] = route(server)
    with pytest.raises(DownloadError, match=message):
        download(f"{server.address}/x.tif", tmp_path / "x")
    assert server.asked["GET", "/x.tif"] == tries
    assert list(tmp_path.iterdir()) == []


@attack("a server that fails twice and then works", "the image is had")
def test_an_error_that_passes_costs_nothing(server, tmp_path):
    server.routes["/a.tif"] = after_failures(2, 503, content(BODY))
    download(f"{server.address}/a.tif", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY


@attack("a server that is not there", "tried three times, then a failure with the system's words")
def test_a_refused_connection_is_named(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/a.tif"
        message = "/a.tif can't be reached: Connection refused; tried 3 times$"
        with pytest.raises(DownloadError, match=message):
            download(address, tmp_path / "a")


@attack("a trickle of bytes that never pauses long enough", "given up as stalled")
def test_a_trickle_is_noticed(server, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "SLOW_S", 0.2)
    monkeypatch.setattr(web, "TRIES", 1)

    def trickle(handler):
        handler.answer(200, b"II", length=1000)
        for _ in range(40):
            stalling_write(handler)

    def stalling_write(handler):
        import time

        time.sleep(0.05)
        handler.wfile.write(b"x")

    server.routes["/a.tif"] = trickle
    with pytest.raises(DownloadError, match=r"/a.tif stalled: less than 1000 bytes a second came"):
        download(f"{server.address}/a.tif", tmp_path / "a")


@pytest.mark.parametrize("length", [True, False])
@attack("an image larger than what is free on the disk", "refused in words before it fills it")
def test_what_does_not_fit_is_refused(server, tmp_path, monkeypatch, length):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(BODY)
        handler.close_connection = True

    usage = namedtuple("usage", "free")
    free = iter([10_000] * 9) if length else iter([10**9, 50e6])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(next(free)))
    monkeypatch.setattr(web, "LOOK_AGAIN", 100_000)
    server.routes["/a.tif"] = content(BODY) if length else endless
    size = "has 0.01024 MB, and 0.01 MB are free" if length else "goes on, and 50 MB are free"
    with pytest.raises(DownloadError, match=f"/a.tif {size} in .*make room there"):
        download(f"{server.address}/a.tif", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@attack("a redirect to another host", "followed, but user name and password are not sent there")
def test_a_password_is_not_sent_on(server, tmp_path):
    with serving({"/b.tif": content(BODY)}) as other:
        server.routes["/a.tif"] = redirect(f"{other.address}/b.tif")
        download(f"{server.address}/a.tif".replace("//", "//me:pass@"), tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == BODY
        ((_, first),) = server.headers_sent
        ((_, second),) = other.headers_sent
    assert first["Authorization"] == "Basic bWU6cGFzcw=="
    assert "Authorization" not in second


@attack("a network behind a proxy", "the environment's proxy is used")
def test_the_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.address)
    server.routes["http://elsewhere.invalid/a.tif"] = content(BODY)
    download("http://elsewhere.invalid/a.tif", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY


# Whether a remote image has changed


def versions(server, tmp_path, asks=True):
    addresses = {name: f"{server.address}/{name}.tif" for name in "ab"}
    return web.Versions(addresses, tmp_path / "downloads.json", asks)


def stamps(server, tmp_path, asks=True):
    """Versions of both images, as a run sees and records them."""
    seen = versions(server, tmp_path, asks)
    found = [seen.stamp(name)[1] for name in "ab"]
    seen.write()
    return found


@attack("an image that changes at its address", "noticed by date or length; done again")
def test_a_changed_file_has_another_version(server, tmp_path):
    server.routes |= {
        "/a.tif": content(BODY, Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT"),
        "/b.tif": content(BODY, ETag='"1"'),
    }
    assert stamps(server, tmp_path) == [0, 0]
    assert stamps(server, tmp_path) == [0, 0]
    server.routes["/a.tif"] = content(BODY, Last_Modified="Tue, 02 Jan 2024 00:00:00 GMT")
    assert stamps(server, tmp_path) == [1, 0]
    server.routes["/b.tif"] = content(BODY + b"more", ETag='"1"')
    assert stamps(server, tmp_path) == [1, 1]
    # The jobs of a run take what its start saw.
    server.routes["/b.tif"] = content(BODY, ETag='"2"')
    assert stamps(server, tmp_path, asks=False) == [1, 1]


@attack("a server that is gone when a finished run is looked at", "nothing counts as changed")
def test_a_silent_server_changes_nothing(server, tmp_path):
    server.routes["/b.tif"] = content(BODY)
    server.routes["/a.tif"] = status(503)
    assert stamps(server, tmp_path) == [0, 0]
    server.routes |= {"/a.tif": content(BODY), "/b.tif": status(405)}
    assert stamps(server, tmp_path) == [0, 0]
    server.routes |= {"/a.tif": content(BODY + b"!"), "/b.tif": content(BODY)}
    assert stamps(server, tmp_path) == [1, 0]


def test_another_address_has_another_stamp(server, tmp_path):
    before = versions(server, tmp_path).stamp("a")
    server.address = server.address.replace("127.0.0.1", "localhost")
    assert versions(server, tmp_path).stamp("a")[0] != before[0]


@attack("a server that takes a connection and never answers", "planning waits a while only")
def test_planning_does_not_wait_for_ever(server, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "ASK_S", 0.2)
    monkeypatch.setattr(web, "ASK_ALL_S", 0.4)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        addresses = [f"http://127.0.0.1:{mute.getsockname()[1]}/{k}" for k in range(200)]
        assert web.ask(addresses) == {}


# Whole runs


@pytest.mark.parametrize("mode", ["steps", "batch"])
def test_images_by_address_give_the_tables_of_local_ones(tmp_path, server, mode):
    server.routes |= {path: content(body) for path, body in SHIPPED.items()}
    bases = {"local": str(ROOT / "data"), "remote": server.address}
    for name, base in bases.items():
        (tmp_path / name).mkdir()
        configure(tmp_path / name, CONFIG | {"base": base, "run": {"mode": mode}})
        snakemake(tmp_path / name, *NO_FIGURES)
    for name in set(TABLES) - {"columns", "images", "methods"}:
        local, remote = (
            (tmp_path / place / "results" / "tables" / f"{name}.csv").read_bytes()
            for place in bases
        )
        assert local == remote
        assert local.count(b"\n") > 1 or name in ("agreement", "failures")
    local, remote = (table(tmp_path / place, "images") for place in bases)
    assert [row.pop("path") for row in remote] == [
        f"{server.address}/cell.tif",
        f"{server.address}/disc_noisy.tif",
    ]
    assert [row.pop("path") for row in local] == [
        f"{ROOT}/data/cell.tif",
        f"{ROOT}/data/disc_noisy.tif",
    ]
    assert local == remote
    # Nothing is left of what was downloaded.
    assert list((tmp_path / "remote" / "results").rglob("downloads/*")) == []


@pytest.mark.parametrize("mode", ["steps", "batch"])
@attack("one of three addresses with nothing there", "that image fails, the others are counted")
def test_an_address_where_nothing_is_costs_that_image_only(tmp_path, server, mode):
    spotted(tmp_path / "a.tif")
    body = (tmp_path / "a.tif").read_bytes()
    server.routes |= {"/a.tif": content(body), "/page.tif": content(b"II*\0 no image")}
    rows = {name: {"path": f"{server.address}/{name}.tif"} for name in ("a", "gone", "page")}
    config = {"images": rows, "compare": ["median"], "max_failed": 2}
    config["run"] = {"mode": mode, "images_per_job": 1}
    config["threshold"] = {"rule": "noise", "k": 4, "scope": "all"}
    configure(tmp_path, config)
    targets = [*NO_FIGURES, "results/tables/completeness.csv", "suggest"]
    targets += ["results/figures/panels/gone.png"] if mode == "steps" else []
    said = snakemake(tmp_path, *targets)
    assert "1 of 3 images done" in said
    gone, page = table(tmp_path, "failures")
    assert tuple(gone.values()) == (
        *("gone", f"{server.address}/gone.tif", "download"),
        f"there is nothing at {server.address}/gone.tif (404 Not Found)",
    )
    assert (page["image"], page["step"]) == ("page", "read")
    counts = [(row["image"], row["status"], row["n_spots"]) for row in table(tmp_path, "counts")]
    assert counts == [("a", "ok", "3"), ("gone", "failed", ""), ("page", "failed", "")]
    notes = {row["image"]: row["note"] for row in table(tmp_path, "completeness")}
    assert notes["gone"] == f"download failed: {gone['reason']}"
    images = (tmp_path / "results" / "suggest" / "images.csv").read_text(encoding="utf-8")
    assert [line.split(",")[0] for line in images.splitlines()] == ["image", "a"]

    # What failed is tried again, what is done is not; a server that is gone changes nothing.
    server.routes |= {"/gone.tif": content(body), "/page.tif": content(body)}
    if mode == "steps":  # batches read their images again where a shared threshold changed
        server.routes["/a.tif"] = status(500)
    said = snakemake(tmp_path, *NO_FIGURES)
    assert "3 of 3 images done" in said
    jobs = {"steps": {"download": 2, "read": 2}, "batch": {"download": 3, "thresholds": 3}}
    assert jobs[mode].items() <= ran(said).items()
    assert [row["n_spots"] for row in table(tmp_path, "counts")] == ["3", "3", "3"]
    assert ran(snakemake(tmp_path, *NO_FIGURES)) == Counter()
