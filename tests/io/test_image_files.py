"""A folder or a glob gives the study's own images, and says which others it leaves out."""

import os

import pytest

from localbg.workflow import sheet


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def touched(*names):
    for name in names:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        open(name, "w").close()


def taken(source, results="results"):
    """Paths of the images, and the notes; there may be no problem."""
    images, problems, notes = sheet.read_sheet(source, base=None, spot_radius=3, results=results)
    assert problems == []
    return [image.path for image in images.values()], notes


def refused(source, results="results"):
    """The one problem."""
    images, problems, _ = sheet.read_sheet(source, base=None, spot_radius=3, results=results)
    assert images == {}
    (problem,) = problems
    return problem


def inputs(case, outcome):
    return pytest.mark.attack(kind="inputs", case=case, outcome=outcome)


@inputs("`**/*.tif` in a study that has run before", "results are no images, under any name")
def test_results_of_an_earlier_run_are_no_images():
    touched("a.tif", "results/image/a.tif", "results/mask/x/a.tif", ".snakemake/storage/b.tif")
    os.symlink("results", "again")
    os.symlink("results/image/a.tif", "linked.tif")
    for results in ("results", "./results/", "raw/../results", os.path.abspath("results")):
        assert taken("**/*.tif", results)[0] == ["a.tif"]
    assert taken("*.tif")[0] == ["a.tif"]


@inputs("images and results in one folder", "refused, naming the results folder")
def test_images_that_lie_under_the_results_are_said_to():
    touched("results/a.tif")
    assert refused("results") == (
        f"images: no TIFF file (.tif, .tiff) in the folder 'results' (looked from {os.getcwd()}); "
        "1 lie under the results folder 'results', so are no images"
    )


@inputs("hidden files and folders, macOS's `._a.tif` among them", "never taken")
@pytest.mark.parametrize("source", ["raw", "raw/*", "raw/**", "raw/**/*.tif", "raw/.*", "raw/.*/*"])
def test_hidden_files_are_no_images(source):
    touched("raw/a.tif", "raw/._a.tif", "raw/.trash/b.tif", "raw/.c.tif")
    images, _, _ = sheet.read_sheet(source, base=None, spot_radius=3, results="results")
    assert [image.path for image in images.values()] in (["raw/a.tif"], [])


def test_a_study_below_a_hidden_folder_has_images():
    touched(".lab/raw/a.tif")
    assert taken(".lab/raw")[0] == taken(".lab/raw/*.tif")[0] == [".lab/raw/a.tif"]


@inputs("`images: one.tif`", "one image, and no sheet of nonsense")
def test_a_tiff_is_one_image():
    touched("one.tif", "x[1].ome.tif", "x1.ome.tif")
    assert taken("one.tif")[0] == ["one.tif"]
    assert taken("x[1].ome.tif")[0] == ["x[1].ome.tif"]


@inputs("brackets in names of folders (`exp[1]`)", "what is there by that name is no pattern")
def test_a_path_that_is_there_is_a_path(tmp_path):
    touched("exp[1]/a.tif", "exp1/b.tif", "exp[1]/raw?/c.tif")
    with open("exp[1]/images.csv", "w") as file:
        file.write("image,path\na,a.tif\n")
    assert taken("exp[1]/images.csv")[0] == ["exp[1]/a.tif"]
    assert taken("exp[1]/*.tif")[0] == ["exp[1]/a.tif"]
    assert taken("exp[1]/raw?/*.tif")[0] == ["exp[1]/raw?/c.tif"]
    assert taken("exp[1]/**/*.tif")[0] == ["exp[1]/a.tif", "exp[1]/raw?/c.tif"]
    assert taken(f"{tmp_path}/exp[1]")[0] == [f"{tmp_path}/exp[1]/a.tif"]
    assert taken("exp?/*.tif")[0] == ["exp1/b.tif"]


@inputs("a folder that is linked into itself", "each file is taken once")
def test_a_file_that_is_met_twice_is_one_image():
    touched("raw/a.tif", "raw/deep/b.tif")
    os.symlink("..", "raw/deep/up")
    os.symlink("raw/deep", "again")
    assert taken("**/*.tif")[0] == ["raw/a.tif", "again/b.tif"]


@pytest.mark.attack(
    kind="formats", case="microscope files beside the TIFFs", outcome="a note says what is left out"
)
def test_images_that_are_not_taken_are_named_in_a_note():
    touched("raw/a.tif", "raw/b.czi", "raw/c.CZI", "raw/d.nd2", "raw/notes.txt", "raw/day2/e.tif")
    note = (
        "images, '{}': left out 2 .czi, 1 .nd2 (only TIFF is read: export them as TIFF) and TIFF "
        "files in 'raw/day2' (name that folder, or a glob such as 'raw/**/*.tif')"
    )
    for source in ("raw", "raw/*"):
        assert taken(source) == (["raw/a.tif"], [note.format(source)])
    assert taken("raw/*.tif")[1] == []
    assert taken("raw/**/*")[1] == [note.format("raw/**/*").split(" and TIFF")[0]]


@pytest.mark.attack(
    kind="formats",
    case="a folder of microscope files only",
    outcome="refused, naming them and the way out",
)
def test_a_folder_without_tiffs_says_what_it_has():
    touched("raw/b.czi", "raw/day2/e.tif", "data/x.dat")
    problem = refused("raw")
    assert problem.startswith("images: no TIFF file (.tif, .tiff) in the folder 'raw' (looked from")
    assert "; there are 1 .czi (only TIFF is read" in problem
    assert "TIFF files in 'raw/day2'" in problem
    assert refused("data/*.dat").startswith("images: no TIFF file (.tif, .tiff) matches 'data/*.")


@inputs("an address in place of a sheet", "refused, with what to write instead")
def test_an_address_is_no_sheet():
    assert "'http://host/a.tif' is an address; expected a sheet" in refused("http://host/a.tif")


@inputs("a named pipe as sheet or image", "refused; nothing waits for it")
def test_a_pipe_is_refused_and_never_opened():
    os.mkfifo("images.csv")
    os.mkfifo("a.tif")
    assert refused("images.csv") == "images.csv: is a named pipe; expected a file"
    images, _, _ = sheet.read_sheet("a.tif", base=None, spot_radius=3, results="results")
    assert sheet.missing_files(images) == ["image 'a': a.tif is a named pipe; expected a file"]
    assert sheet.missing_files(
        sheet.read_sheet({"d": "/dev/zero"}, base=None, spot_radius=3, results="r")[0]
    ) == ["image 'd': /dev/zero is a device; expected a file"]
