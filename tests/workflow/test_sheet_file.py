"""Sheets are read as people and spreadsheets write them, or refused in words."""

import csv
import time

import pytest

from localbg.io import delimited
from localbg.workflow import sheet


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def attack(case, outcome):
    return pytest.mark.attack(kind="sheet", case=case, outcome=outcome)


def resolved(content, name="images.csv"):
    """Images, problems and notes of a sheet."""
    with open(name, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return sheet.read_sheet(name, base=None, spot_radius=3, results="results")


ROWS = "image{0}path{0}pixel_size_um\na{0}a.tif{0}{1}\n"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(
            ROWS.format(";", "0,108"),
            "x.csv",
            marks=attack("semicolons and decimal commas (Excel in much of Europe)", "read"),
        ),
        (ROWS.format("\t", "0,108"), "x.tsv"),
        pytest.param(
            ROWS.format("\t", "0.108"), "x.csv", marks=attack("tabs in a file named .csv", "read")
        ),
        (ROWS.format(",", "0.108"), "x.tsv"),
        (ROWS.format("|", "0.108"), "x.txt"),
        pytest.param(
            "sep=;\r\n" + ROWS.format(";", "0,108").replace("\n", "\r\n"),
            "x.csv",
            marks=attack("Excel's first line `sep=;`", "read"),
        ),
        ('"sep=|"\n' + ROWS.format("|", "0.108"), "x.csv"),
        pytest.param(
            ROWS.format("\t", "0.108").encode("utf-16"),
            "x.txt",
            marks=attack("UTF-16 with its mark (Excel's 'Unicode text')", "read"),
        ),
        pytest.param(
            ROWS.format(";", "0,108").replace("\n", "\r").encode("utf-8-sig"),
            "x.csv",
            marks=attack("line ends of old Macs", "read"),
        ),
        pytest.param(
            "image;path;pixel_size_um;;\n\na;a.tif;0,108;;\n;;;;\n",
            "x.csv",
            marks=attack("empty columns at the end", "read"),
        ),
        ("\n\n" + ROWS.format(",", "0.108"), "x.csv"),
        ('image;"path";"pixel_size_um"\n"a";"a.tif";"0,108"\n', "x.csv"),
    ],
)
def test_a_sheet_is_read_whatever_wrote_it(content, name):
    images, problems, notes = resolved(content, name)
    assert (problems, notes) == ([], [])
    assert images == {"a": sheet.Image("a", "a.tif", 3, pixel_size_um=0.108)}


def test_a_comma_stands_for_a_point_in_numbers_only_and_with_a_unit():
    text = "image;path;spot_radius;group;channel\na;b,1.tif;0,3um;1,5;1,0\n"
    (image,) = resolved(text)[0].values()
    assert (image.path, image.spot_radius, image.group) == ("b,1.tif", "0.3um", "1,5")
    assert image.channel == 1


@attack("a decimal comma in a sheet with commas", "refused: 1,000 may mean either")
def test_a_decimal_comma_between_commas_is_refused():
    _, problems, _ = resolved('image,path,pixel_size_um\na,a.tif,"0,108"\n')
    assert problems == [
        "images.csv, line 2: pixel_size_um is '0,108'; expected µm per pixel, greater than 0 "
        "(1e-06 to 1e+06)"
    ]


@pytest.mark.parametrize("before", ["sep=;\n", "\n\n", ""])
def test_lines_are_counted_as_the_editor_counts_them(before):
    _, problems, _ = resolved(f"{before}image;path;z\na;a.tif;1\n\nb;b.tif;top\n")
    assert problems[0].startswith(f"images.csv, line {4 + before.count(chr(10))}: z is 'top'")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            "image,path,group\na,a.tif,caf\xe9\n".encode("latin-1"),
            "is not a text file in UTF-8 (invalid continuation byte); save it as 'CSV UTF-8'",
            marks=attack("a sheet in Latin-1", "refused, with how to save it"),
        ),
        pytest.param(
            b"PK\x03\x04\x14\x00\x06\x00",
            "is not a text file in UTF-8, but a spreadsheet's own format; save it as 'CSV UTF-8'",
            marks=attack("an .xlsx named .csv", "refused as what it is"),
        ),
        pytest.param(
            b"image,path\na,\x00a.tif\n",
            "is not a text file in UTF-8, but bytes that no text has",
            marks=attack("zero bytes in a sheet", "refused in words"),
        ),
        pytest.param(
            'image,path\na,"a.tif\n' + "b,b.tif\n" * 20_000,
            "field larger than field limit (131072); is a quotation mark missing?",
            marks=attack("a quotation mark that nothing closes, long sheet", "refused in words"),
        ),
        pytest.param(
            'image,path\na,"a.tif\nb,b.tif\n',
            r"path is 'a.tif\nb,b.tif'; expected text without line breaks",
            marks=attack("a quotation mark that nothing closes, short sheet", "no row vanishes"),
        ),
        pytest.param(
            'image,path,group\na,a.tif,"x\ny"\n',
            r"group is 'x\ny'; expected text without line breaks, control characters",
            marks=attack("a line break in a group", "refused; no table has half a row"),
        ),
        ("image,path,group\na,a.tif,x\x1b[31m\n", r"group is 'x\x1b[31m'; expected text without"),
        ("image,path,\na,a.tif,3\n", "line 2: has more cells than columns"),
        (
            "image;path;z\na;a.tif\n",
            "images.csv, line 2: has fewer cells than columns",
        ),
    ],
)
def test_a_sheet_that_cannot_be_read_is_refused_in_words(content, expected):
    images, problems, _ = resolved(content)
    assert "a" not in images
    assert any(expected in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        *(("Z", "z"), ("Channel", "channel"), ("Spot Radius", "spot_radius"), ("GROUP", "group")),
        *(("ch", "channel"), ("timepoint", "t"), ("Frame", "t"), ("pixel_size", "pixel_size_um")),
        *(("Pixel size (µm)", "pixel_size_um"), ("radius", "spot_radius"), ("chanel", "channel")),
        *(("z-slice", "z"), ("axis", "axes"), ("ground truth", "truth"), ("pixel_size_nm", "")),
    ],
)
@attack("a column `Z`, `ch`, `pixel_size` or `radius`", "refused, naming the column meant")
def test_a_column_that_looks_like_ours_is_refused(column, meant):
    _, problems, _ = resolved(f"image,path,{column}\na,a.tif,1\n")
    meant = meant or "pixel_size_um"
    assert problems == [f"images.csv: unknown column '{column}'. Did you mean '{meant}'?"]


@attack("columns `plate`, `date`, `well`", "kept out, and listed in a note")
def test_other_columns_are_listed_and_left_alone():
    images, problems, notes = resolved("image,path,plate,date,well,time\na,a.tif,1,2,3,4\n")
    assert problems == []
    assert list(images) == ["a"]
    assert notes == ["images.csv: columns that are not used: plate, date, well, time"]


def test_a_column_of_ours_may_have_a_near_namesake():
    images, problems, notes = resolved("image,path,channel,channels\na,a.tif,1,both\n")
    assert problems == ["images.csv: unknown column 'channels'. Did you mean 'channel'?"] or images
    images, problems, notes = resolved("image,path,spot_radius,radius\na,a.tif,2,7\n")
    assert problems == []
    assert images["a"].spot_radius == 2
    assert notes == ["images.csv: columns that are not used: radius"]


@attack("a folder, a device or a gigabyte in place of a sheet", "refused before it is read")
def test_a_sheet_is_a_file_of_some_size(monkeypatch):
    with pytest.raises(ValueError, match="is a device; expected a file"):
        delimited.read("/dev/zero", sheet.COLUMNS, 1000)
    with pytest.raises(ValueError, match="is a folder; expected a file"):
        delimited.read(".", sheet.COLUMNS, 1000)
    monkeypatch.setattr(sheet, "MOST_BYTES", 2_000_000)
    _, problems, _ = resolved("image,path\n" + "a,a.tif\n" * 300_000)
    assert problems == ["images.csv: has 2 MB; expected 2 MB at most"]


@attack("a sheet of 100,000 rows", "read in seconds")
def test_a_long_sheet_is_read_in_seconds():
    with open("long.csv", "w", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(sheet.COLUMNS)
        for n in range(100_000):
            rows.writerow([f"i{n}", f"raw/{n}.tif", "2,5", "0,1", f"g{n % 7}", "YX", *[""] * 5])
    start = time.perf_counter()
    images, problems, _ = sheet.read_sheet("long.csv", base=None, spot_radius=3, results="results")
    assert problems == []
    assert len(images) == 100_000
    assert images["i99999"].spot_radius == 2.5
    assert time.perf_counter() - start < 30


@pytest.mark.parametrize(
    ("there", "written", "expected"),
    [
        ("a\u0308.tif", "\u00e4.tif", "composed in another way (Unicode NFD)"),
        ("raw/a.tif", "raw\\a.tif", "write / in place of"),
    ],
)
def test_a_path_that_is_nearly_right_is_helped(tmp_path, monkeypatch, there, written, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_bytes(b"II*")
    rows, problems, _ = sheet.read_sheet(
        {"a": {"path": written}}, base=None, spot_radius=3, results="results"
    )
    assert problems == []
    (problem,) = sheet.missing_files(rows)
    assert expected in problem


@pytest.mark.attack(
    kind="sheet",
    case="the same plane of a file under two ids",
    outcome="counted twice, and said at the end of the run",
)
def test_a_plane_under_two_ids_is_noted():
    rows = {"a": {"path": "x.tif"}, "b": {"path": "x.tif", "z": 1}, "c": {"path": "./x.tif"}}
    _, problems, notes = sheet.read_sheet(rows, base="raw", spot_radius=3, results="results")
    assert problems == []
    assert notes == ["the same plane of the same file is counted twice: a and c"]
