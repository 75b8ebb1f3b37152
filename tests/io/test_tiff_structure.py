"""No header, however wrong, takes more than a bounded time, or another error than one in words."""

import logging
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile

from conftest import ROOT
from handmade import grey, tiff
from localbg.io import images
from localbg.io.images import ImageError

RNG = np.random.default_rng(2)
STACK = RNG.integers(0, 60_000, (2, 3, 16, 17)).astype(np.uint16)
BYTES = RNG.integers(0, 255, (16, 17)).astype(np.uint8)
# Small files of all kinds: pixels and options of tifffile.imwrite.
KINDS = {
    "plain": (STACK[0, 0], {}),
    "big": (STACK[0, 0], {"bigtiff": True}),
    "big-endian": (STACK[0, 0], {"byteorder": ">"}),
    "lzw": (STACK[0, 0], {"compression": "lzw", "predictor": True}),
    "strips": (STACK[0, 0], {"compression": "zlib", "rowsperstrip": 4}),
    "tiles": (STACK[0, 0], {"compression": "zstd", "tile": (16, 16)}),
    "pages": (STACK[0], {}),
    "imagej": (STACK, {"imagej": True, "metadata": {"axes": "TZYX"}}),
    "ome": (STACK, {"ome": True, "metadata": {"axes": "TZYX"}}),
    "jpeg": (BYTES, {"compression": "jpeg"}),
    "png": (STACK[0, 0], {"compression": "png"}),
    "jpeg2000": (STACK[0, 0], {"compression": "jpeg2000"}),
    "float": (STACK[0, 0].astype(np.float64), {}),
}
SEEDS = 30  # of each kind: 390 files
SECONDS = 2  # much more than any takes, on a busy machine


def kind(name, path):
    pixels, options = KINDS[name]
    tifffile.imwrite(path, pixels, **({"photometric": "minisblack"} | options))
    return path


def broken(content, seed):
    """A file with its end cut off, or some bytes changed, most of them in its header."""
    rng = random.Random(seed)
    if rng.random() < 0.25:
        return content[: rng.randrange(len(content))]
    content = bytearray(content)
    reach = len(content) if rng.random() < 0.3 else min(len(content), 400)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        content[rng.randrange(reach)] = rng.choice([0, 255, 1, rng.randrange(256)])
    return bytes(content)


@pytest.fixture
def alarm():
    """Ends whatever takes longer than `SECONDS`."""

    def stop(*_):
        raise TimeoutError(f"it took more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.attack(
    kind="damaged image",
    case="files of all kinds with bytes changed or cut off, 390 of them",
    outcome="each reads or is refused in words, within a bounded time",
)
def test_changed_bytes_are_refused_in_words(tmp_path, alarm, monkeypatch, name):
    monkeypatch.setattr(logging.getLogger("tifffile"), "disabled", True)
    sound = kind(name, tmp_path / "sound.tif").read_bytes()
    path = tmp_path / "broken.tif"
    refused = 0
    for seed in range(SEEDS):
        path.write_bytes(broken(sound, seed))
        for look in (images.promised, lambda path: images.read(path, z=0, t=0)):
            alarm()
            try:
                look(path)
            except ImageError as error:
                assert str(path) in str(error)  # noqa: PT017
                refused += 1
    assert refused > SEEDS / 3


@pytest.mark.attack(
    kind="damaged image",
    case="3,000 pages of different sizes",
    outcome="refused at once, with the first few sizes",
)
def test_pages_of_many_sizes_take_no_time(tmp_path):
    path = tiff(
        tmp_path / "many.tif",
        [grey(width=8 + k // 50, length=8 + k % 50, strips=[b"\1"]) for k in range(3000)],
    )
    start = time.perf_counter()
    with pytest.raises(ImageError, match=r"holds 3000 separate images \(YX \(8, 8\), YX \(9, 8\)"):
        images.read(path)
    with pytest.raises(ImageError, match="and 2995 more"):
        images.promised(path)
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize("target", [8, 150])
@pytest.mark.attack(
    kind="damaged image",
    case="a page chain that goes back to an earlier page, or into the middle of one",
    outcome="refused: the chain is circular or damaged",
)
def test_a_chain_that_goes_back_is_refused(tmp_path, target):
    path = tiff(tmp_path / "circle.tif", [grey(), grey()], chain=target)
    with pytest.raises(ImageError, match="truncated or damaged"):
        images.read(path, axes="ZYX", z=0)


@pytest.mark.attack(
    kind="damaged image",
    case="a page chain that goes on beyond the end of the file",
    outcome="refused, although the first page is whole",
)
def test_a_chain_beyond_the_end_is_refused(tmp_path):
    path = tiff(tmp_path / "cut.tif", [grey()], chain=10**6)
    with pytest.raises(ImageError, match="a page is to be at byte 1000000 of"):
        images.read(path)


@pytest.mark.attack(
    kind="damaged image",
    case="OME metadata with a thousand million planes, or entities that multiply",
    outcome="refused at once; nothing is laid out for planes that are not there",
)
def test_metadata_cannot_claim_time_or_memory(tmp_path):
    head = '<OME xmlns="x"><Image><Pixels DimensionOrder="XYZCT" SizeX="8" SizeY="8" '
    sizes = 'SizeC="1" SizeZ="1000000000" SizeT="1000"'
    many = f'{head}{sizes}><TiffData PlaneCount="1000000000000"/></Pixels></Image></OME>'
    entities = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><OME xmlns="x">&b;</OME>'
    start = time.perf_counter()
    for text, words in ((many, "plane t 0, z 1 cannot be read"), (entities, "document type")):
        page = grey() | {270: ("s", text.encode() + b"\0")}
        path = tiff(tmp_path / "claims.ome.tif", [page])
        with pytest.raises(ImageError, match=words):
            images.read(path, z="max", t=0)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True], ids=["classic", "big"])
def test_both_kinds_and_byte_orders_are_read(tmp_path, order, big):
    pages = [grey(), grey()]
    path = tiff(tmp_path / "made.tif", pages, order=order, big=big)
    assert images.promised(path) == (64, 128)
    expected = np.frombuffer(pages[0]["strips"][0], np.uint8).reshape(8, 8)
    np.testing.assert_array_equal(images.read(path, axes="ZYX", z=1).pixels, expected)


def test_what_a_header_promises_costs_no_time(tmp_path):
    path = kind("ome", tmp_path / "a.ome.tif")
    images.promised(path)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        assert images.promised(path) == (16 * 17, STACK.nbytes)
        times.append(time.perf_counter() - start)
    assert min(times) < 1e-3


@pytest.mark.attack(
    kind="memory",
    case="one plane of a long stack",
    outcome="only that plane is decoded",
)
def test_one_plane_of_a_stack_decodes_no_other(tmp_path, monkeypatch):
    path = tmp_path / "pages.tif"
    tifffile.imwrite(path, STACK[0], photometric="minisblack", compression="zlib")
    decoded = []
    decode = images.tiff_decode.decode
    monkeypatch.setattr(
        images.tiff_decode,
        "decode",
        lambda page, *args, **options: (
            decoded.append(page.offset) or decode(page, *args, **options)
        ),
    )
    np.testing.assert_array_equal(images.read(path, axes="ZYX", z=2).pixels, STACK[0, 2])
    assert len(decoded) == 1
    images.read(path, axes="ZYX", z="mean")
    assert len(decoded) == 4


def test_headers_are_refused_in_a_process_with_little_memory(tmp_path):
    """Counts and offsets near the largest number claim nothing."""
    page = grey() | {270: ("s", b"x" * 9), 700: ("B", b"y" * 9)}
    path = tiff(tmp_path / "a.tif", [page])
    content = bytearray(path.read_bytes())
    at = content.index(b"\xbc\x02\x01\x00")  # tag 700, of bytes
    content[at + 4 : at + 8] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[1])\n"
        "from localbg.io import images\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))\n"
        "try:\n    images.read(sys.argv[2])\n"
        "except images.ImageError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "scripts"), str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "claim more bytes than it has" in done.stdout, done.stderr
