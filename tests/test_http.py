"""Images may lie at addresses: what is found in them is the same."""

import functools
import http.server
import threading

import pytest

from conftest import ROOT, snakemake
from test_workflow import NO_FIGURES, TABLES, configure, table

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


class Quiet(http.server.SimpleHTTPRequestHandler):
    timeout = 30

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    """Where a server on this machine gives out the shipped images."""
    handler = functools.partial(Quiet, directory=str(ROOT / "data"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join(timeout=30)


@pytest.mark.parametrize("mode", ["steps", "batch"])
def test_images_by_address_give_the_tables_of_local_ones(tmp_path, address, mode):
    bases = {"local": str(ROOT / "data"), "remote": address}
    for name, base in bases.items():
        (tmp_path / name).mkdir()
        configure(tmp_path / name, CONFIG | {"base": base, "run": {"mode": mode}})
        snakemake(tmp_path / name, *NO_FIGURES)
    for name in set(TABLES) - {"images", "methods"}:
        local, remote = (
            (tmp_path / place / "results" / "tables" / f"{name}.csv").read_bytes()
            for place in bases
        )
        assert local == remote
        assert local.count(b"\n") > 1 or name in ("agreement", "failures")
    local, remote = (table(tmp_path / place, "images") for place in bases)
    assert [row.pop("path") for row in remote] == [f"{address}cell.tif", f"{address}disc_noisy.tif"]
    assert [row.pop("path") for row in local] == [
        f"{ROOT}/data/cell.tif",
        f"{ROOT}/data/disc_noisy.tif",
    ]
    assert local == remote


def test_an_address_where_nothing_is_stops_the_run_and_is_named(tmp_path, address):
    configure(tmp_path, CONFIG | {"images": {"gone": "gone.tif"}, "base": address})
    said = snakemake(tmp_path, fails=True)
    assert f"{address}gone.tif" in said
    assert "Traceback" not in said
    assert not (tmp_path / "results" / "tables").exists()
