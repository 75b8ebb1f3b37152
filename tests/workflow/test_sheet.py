"""Every way to name images gives the right rows, and what is wrong with one is said in words."""

import os

import pytest

from localbg.workflow import sheet
from localbg.workflow.sheet import Image


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return str(path)


def touched(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def resolved(source, *, base=None, spot_radius=3, results="results"):
    return sheet.read_sheet(source, base=base, spot_radius=spot_radius, results=results)


def found(source, *, base=None, spot_radius=3):
    """The images, where nothing may be wrong."""
    images, problems, _ = resolved(source, base=base, spot_radius=spot_radius)
    assert problems == []
    return images


def wrong(source, *, base=None, spot_radius=3):
    """The problems, where there must be some."""
    problems = resolved(source, base=base, spot_radius=spot_radius)[1]
    assert problems
    return problems


def rows(tmp_path, text):
    """A sheet of this text."""
    return written(tmp_path / "images.csv", text)


# Where images come from


def test_a_sheet_gives_every_column_its_type(tmp_path):
    text = (
        "image,path,spot_radius,pixel_size_um,group,axes,channel,z,t,truth\n"
        "b,b.tif,2.5,0.108,treated,TZCYX,1,max,0,truth/b.csv\n"
        "a,a.tif,0.3um,,,,,2,,\n"
    )
    folder = str(tmp_path)
    assert found(rows(tmp_path, text)) == {
        "a": Image("a", f"{folder}/a.tif", "0.3um", z=2),
        "b": Image(
            image="b",
            path=f"{folder}/b.tif",
            spot_radius=2.5,
            pixel_size_um=0.108,
            group="treated",
            axes="TZCYX",
            channel=1,
            z="max",
            t=0,
            truth=f"{folder}/truth/b.csv",
        ),
    }


def test_images_are_sorted_by_id(tmp_path):
    assert list(found(rows(tmp_path, "image,path\nc,1.tif\na,2.tif\nb,3.tif\n"))) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("sheet.csv", "image,path\na,x.tif\n", "utf-8"),
        ("sheet.tsv", "image\tpath\na\tx.tif\n", "utf-8"),
        ("SHEET.TSV", "image\tpath\na\tx.tif\n", "utf-8"),
        ("byte order mark.csv", "image,path\na,x.tif\n", "utf-8-sig"),
        ("windows.csv", "image,path\r\na,x.tif\r\n", "utf-8-sig"),
        ("blanks.csv", " image , path \n a , x.tif \n", "utf-8"),
        ("blank lines.csv", "image,path\n\na,x.tif\n\n,\n\n", "utf-8"),
        ("quoted.csv", '"image","path"\n"a","x.tif"\n', "utf-8"),
        ("more columns.csv", "image,path,comment\na,x.tif,mine\n", "utf-8"),
    ],
)
@pytest.mark.attack(
    kind="sheet",
    case="byte-order marks, quotes, blanks, empty lines",
    outcome="read as meant",
)
def test_sheets_as_people_and_spreadsheets_write_them(tmp_path, name, text, encoding):
    source = written(tmp_path / name, text, encoding)
    assert found(source) == {"a": Image("a", f"{tmp_path}/x.tif", 3)}


def test_paths_are_relative_to_the_sheet_and_not_to_where_one_stands(tmp_path):
    text = "image,path\na,raw/a.tif\nb,../b.tif\nc,/elsewhere/c.tif\n"
    images = found(written(tmp_path / "study" / "images.csv", text))
    assert images["a"].path == f"{tmp_path}/study/raw/a.tif"
    assert images["b"].path == f"{tmp_path}/b.tif"
    assert images["c"].path == "/elsewhere/c.tif"


def test_base_moves_relative_paths_to_another_folder(tmp_path):
    text = "image,path,truth\na,a.tif,a.csv\nb,/elsewhere/b.tif,\nc,http://host/c.tif,\n"
    images = found(rows(tmp_path, text), base="/archive/2024")
    assert (images["a"].path, images["a"].truth) == ("/archive/2024/a.tif", "/archive/2024/a.csv")
    assert images["b"].path == "/elsewhere/b.tif"
    assert images["c"].path == "http://host/c.tif"


@pytest.mark.parametrize("base", ["https://host/screen", "https://host/screen/"])
def test_base_may_be_an_address(base):
    images = found({"a": "plate 1/a.tif", "b": "http://other/b.tif"}, base=base)
    assert images["a"].path == "https://host/screen/plate 1/a.tif"
    assert images["b"].path == "http://other/b.tif"
    assert images["a"].is_remote
    assert images["b"].is_remote
    assert not found({"a": "a.tif"})["a"].is_remote


def test_a_folder_gives_its_tiffs_and_nothing_else(tmp_path):
    names = ("a.tif", "b.TIFF", "c.ome.tif", "d.png", "e.tif.txt", "f.csv")
    folder = touched(tmp_path / "raw", *names)
    touched(folder / "deeper", "g.tif")
    images = found("raw")
    assert {name: image.path for name, image in images.items()} == {
        "a": "raw/a.tif",
        "b": "raw/b.TIFF",
        "c": "raw/c.ome.tif",
    }


@pytest.mark.attack(kind="names", case="a folder called like a pattern", outcome="a folder")
def test_a_folder_whose_name_has_brackets_is_a_folder(tmp_path):
    touched(tmp_path / "day [1]", "a.tif")
    assert found("day [1]")["a"].path == "day [1]/a.tif"


def test_a_glob_gives_what_it_matches(tmp_path):
    touched(tmp_path / "plate1", "a.tif", "b.tif")
    touched(tmp_path / "plate2" / "deep", "c.tif", "c.png")
    assert list(found("plate1/*.tif")) == ["a", "b"]
    assert list(found("**/*.tif")) == ["a", "b", "c"]
    assert found("./plate1/a*")["a"].path == "plate1/a.tif"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("cell 1.tif", "cell_1"),
        ("cell.1.ome.tiff", "cell.1"),
        ("µ-manager (copy).tif", "_-manager__copy_"),
        ("-dash.tif", "dash"),
        ("+1=2.tif", "1=2"),
    ],
)
def test_ids_from_file_names_are_cleaned(tmp_path, file, name):
    touched(tmp_path / "raw", file)
    assert {key: image.path for key, image in found("raw").items()} == {name: f"raw/{file}"}


def test_a_mapping_may_give_a_path_or_a_row():
    images = found({"b": "raw/b.tif", "a": {"path": "raw/a.tif", "channel": 1, "spot_radius": 2}})
    assert images == {
        "a": Image("a", "raw/a.tif", 2.0, channel=1),
        "b": Image("b", "raw/b.tif", 3),
    }


def test_the_studys_spot_radius_serves_rows_without_one(tmp_path):
    images = found(
        rows(tmp_path, "image,path,spot_radius\na,a.tif,\nb,b.tif,4\n"), spot_radius="0.3um"
    )
    assert [image.spot_radius for image in images.values()] == ["0.3um", 4.0]


# What is wrong with them


@pytest.mark.attack(kind="names", case="an id given twice", outcome="refused, with both lines")
def test_an_id_given_twice_is_named_with_both_lines(tmp_path):
    assert wrong(rows(tmp_path, "image,path\na,1.tif\nb,2.tif\na,3.tif\n")) == [
        f"{tmp_path}/images.csv, line 4: image 'a' is there already ({tmp_path}/images.csv, line "
        "2); ids must be unique, and differ in more than upper and lower case"
    ]


@pytest.mark.attack(
    kind="names",
    case="ids that differ in upper and lower case only",
    outcome="refused: they may be one file",
)
def test_ids_that_differ_only_in_case_are_refused(tmp_path):
    (problem,) = wrong(rows(tmp_path, "image,path\nCell,1.tif\ncell,2.tif\n"))
    assert "image 'cell' is there already" in problem
    assert "differ in more than upper and lower case" in problem


@pytest.mark.attack(
    kind="names",
    case="two files of one name in different folders",
    outcome="refused",
)
def test_two_files_of_the_same_name_are_refused(tmp_path):
    touched(tmp_path / "plate1", "a.tif")
    touched(tmp_path / "plate2", "a.tif")
    (problem,) = wrong("plate*/*.tif")
    assert problem.startswith("images, 'plate2/a.tif': image 'a' is there already")
    assert "(images, 'plate1/a.tif')" in problem


@pytest.mark.parametrize(
    ("name", "odd"),
    [("a/b", "/"), ("a b", " "), ("é", "é"), ("a{b}", "{}"), (".a", "."), ("-a", "-"), ("", "")],
)
@pytest.mark.attack(
    kind="names",
    case="ids that fit no file name",
    outcome="refused with the characters",
)
def test_ids_that_fit_no_file_name_are_refused(name, odd):
    (problem,) = wrong({name: "a.tif"})
    assert problem == (
        f"images, {name}: image id '{name}' has characters that don't fit a file name ('{odd}'); "
        "expected letters, digits and _ . + = - and no . + = - in front"
    )


@pytest.mark.parametrize(
    ("header", "missing", "hint"),
    [
        ("images,path", "image", "found images, path. Did you mean 'images'?"),
        ("image,paht", "path", "found image, paht. Did you mean 'paht'?"),
        ("image,group", "path", "found image, group."),
        ("image:path", "image", "found image:path."),
    ],
)
def test_a_missing_column_is_named_with_what_was_found(tmp_path, header, missing, hint):
    path = rows(tmp_path, f"{header}\na,a.tif\n")
    assert f"{path}: column '{missing}' is missing; {hint}" in "\n".join(wrong(path))


@pytest.mark.attack(kind="sheet", case="a misspelt optional column", outcome="refused, not ignored")
def test_a_misspelt_optional_column_is_refused(tmp_path):
    path = rows(tmp_path, "image,path,spot_radus,Channel\na,a.tif,3,1\n")
    assert wrong(path) == [
        f"{path}: unknown column 'spot_radus'. Did you mean 'spot_radius'?",
        f"{path}: unknown column 'Channel'. Did you mean 'channel'?",
    ]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("channel", "GFP", "channel is 'GFP'; expected an index counted from 0"),
        ("channel", "-1", "channel is '-1'; expected an index counted from 0"),
        ("channel", "1.5", "channel is '1.5'; expected an index counted from 0"),
        ("channel", "max", "channel is 'max'; expected an index counted from 0"),
        ("channel", "inf", "channel is 'inf'; expected an index counted from 0"),
        ("t", "nan", "t is 'nan'; expected an index counted from 0"),
        ("z", "maximum", "z is 'maximum'; expected an index counted from 0, max or mean"),
        ("pixel_size_um", "0", "pixel_size_um is 0.0; expected µm per pixel, greater than 0"),
        ("pixel_size_um", "-1", "pixel_size_um is -1.0; expected µm per pixel, greater than 0"),
        ("pixel_size_um", "0.1um", "pixel_size_um is '0.1um'; expected µm per pixel"),
        ("pixel_size_um", "inf", "pixel_size_um is inf; expected µm per pixel, greater than 0"),
        ("spot_radius", "2x", "spot_radius is '2x'; expected pixels or µm (0.3um)"),
        ("spot_radius", "-2", "spot_radius is -2.0; expected a length"),
        ("spot_radius", "0", "spot_radius is 0.0; expected a length"),
        ("spot_radius", "0um", "spot_radius is '0um'; expected a length"),
        ("spot_radius", "small", "spot_radius is 'small'; expected a length"),
        ("spot_radius", "nan", "spot_radius is nan; expected a length"),
        ("path", "", "path is empty; expected the image's file"),
    ],
)
@pytest.mark.attack(
    kind="sheet",
    case="a cell of the wrong kind",
    outcome="named with its line and what fits",
)
def test_a_wrong_cell_is_named_with_its_line_and_what_fits(tmp_path, column, value, expected):
    cells = {"image": "b", "path": "b.tif"} | {column: value}
    columns = list(cells)
    first = ["a", "a.tif", ""][: len(columns)]
    lines = [columns, first, list(cells.values())]
    path = rows(tmp_path, "\n".join(map(",".join, lines)) + "\n")
    (problem,) = wrong(path)
    assert problem.startswith(f"{path}, line 3: {expected}")


def test_whole_numbers_written_as_decimals_are_indices(tmp_path):
    path = rows(tmp_path, "image,path,channel,z\na,a.tif,1.0,2.0\n")
    assert (found(path)["a"].channel, found(path)["a"].z) == (1, 2)


def test_the_spot_radius_may_name_its_pixels(tmp_path):
    path = rows(tmp_path, "image,path,spot_radius\na,a.tif,3px\n")
    assert found(path)["a"].spot_radius in (3, "3px")


def test_a_spot_radius_of_the_config_in_spot_radii_is_refused():
    assert "spot_radius is '2x'" in wrong({"a": "a.tif"}, spot_radius="2x")[0]


@pytest.mark.parametrize("text", ["image,path\n", "image,path\n\n\n", "image,path\n,\n , \n"])
def test_a_sheet_without_rows_is_refused(tmp_path, text):
    path = rows(tmp_path, text)
    assert wrong(path) == [f"{path}: has no rows; expected one per image"]


def test_an_empty_sheet_is_refused(tmp_path):
    path = rows(tmp_path, "")
    assert f"{path}: column 'image' is missing; found an empty file." in wrong(path)


@pytest.mark.parametrize(("line", "how"), [("a,a.tif,1", "more"), ("a", "fewer")])
@pytest.mark.attack(
    kind="sheet",
    case="a line with too many or too few cells",
    outcome="refused with its number",
)
def test_a_line_of_the_wrong_length_is_refused(tmp_path, line, how):
    path = rows(tmp_path, f"image,path\n{line}\nb,b.tif\n")
    assert wrong(path) == [f"{path}, line 2: has {how} cells than columns"]


@pytest.mark.attack(
    kind="sheet",
    case="a spreadsheet's own format in place of text",
    outcome="refused in words",
)
def test_a_spreadsheets_own_format_is_refused(tmp_path):
    path = tmp_path / "images.csv"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    (problem,) = wrong(str(path))
    assert problem.startswith(f"{path}: is not a text file in UTF-8")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("images.csv", "images: there is no sheet or folder 'images.csv' (looked from {here})"),
        ("raw/*.tif", "images: no file matches 'raw/*.tif' (looked from {here})"),
        ("empty", "images: no TIFF file (.tif, .tiff) in the folder 'empty' (looked from {here})"),
        ({}, "images: the mapping is empty; expected id: {{path: …}}"),
    ],
)
def test_no_images_at_all_says_where_they_were_looked_for(tmp_path, source, expected):
    (tmp_path / "empty").mkdir()
    assert wrong(source) == [expected.format(here=tmp_path)]


def test_every_problem_is_reported_and_sound_rows_are_kept(tmp_path):
    path = rows(tmp_path, "image,path,z\na,a.tif,\nb c,b.tif,x\nA,,\nd,d.tif,1\n")
    images, problems, _ = resolved(path)
    assert list(images) == ["a", "d"]
    assert [problem.split(": ")[0] for problem in problems] == [
        f"{path}, line 3",
        f"{path}, line 3",
        f"{path}, line 4",
        f"{path}, line 4",
    ]


# Files that the rows name


def test_a_missing_image_is_named_with_its_path(tmp_path):
    touched(tmp_path, "a.tif")
    images = found({"a": "a.tif", "b": "raw/b.tif", "c": "http://host/c.tif"})
    assert sheet.missing_files(images) == ["image 'b': there is no file raw/b.tif"]


def test_a_folder_in_place_of_an_image_is_no_file(tmp_path):
    (tmp_path / "a.tif").mkdir()
    assert sheet.missing_files(found({"a": "a.tif"})) == [
        "image 'a': a.tif is a folder; expected a file"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "No such file"),
        (
            "",
            "expected a csv with columns y and x (or axis-0, axis-1), found an empty file",
        ),
        (
            "Y,X\n1,2\n",
            "expected a csv with columns y and x (or axis-0, axis-1), found Y, X",
        ),
        ("y,x\n1,2\n3,four\n", "line 3: y='3', x='four' are not numbers"),
        ("y,x\n1\n", "line 2: y='1', x=None are not numbers"),
        ("y,x\n1,nan\n", "line 2: y='1', x='nan' are not numbers"),
    ],
)
@pytest.mark.attack(
    kind="truth",
    case="a truth file without positions",
    outcome="refused before any job",
)
def test_a_truth_without_points_is_refused(tmp_path, text, expected):
    touched(tmp_path, "a.tif")
    if text is not None:
        written(tmp_path / "a.csv", text)
    (problem,) = sheet.missing_files(found({"a": {"path": "a.tif", "truth": "a.csv"}}))
    assert problem.startswith("image 'a': truth a.csv: ")
    assert expected in problem


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_truth_that_may_not_be_read_is_named(tmp_path):
    touched(tmp_path, "a.tif")
    os.chmod(written(tmp_path / "a.csv", "y,x\n"), 0)
    (problem,) = sheet.missing_files(found({"a": {"path": "a.tif", "truth": "a.csv"}}))
    assert "Permission denied" in problem
