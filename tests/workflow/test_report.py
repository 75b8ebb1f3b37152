"""The report, seen in a browser: tables and figures by name, captions with the run's numbers."""

import base64
import re
import shutil
import time

import numpy as np
import pytest
import tifffile
import yaml

from conftest import ROOT, snakemake
from localbg.core import files
from localbg.io.columns import COLUMNS
from simulate import gaussian_spots
from small_study import read_text

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
WebDriverWait = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait
exceptions = pytest.importorskip("selenium.common.exceptions")

TRUTH = ["accuracy", "accuracy_differences", "accuracy_pooled", "crossvalidation"]
OTHERS = [
    "agreement",
    "columns",
    "comparison",
    "counts",
    "failures",
    "groups",
    "images",
    "look_first",
]
OTHERS += ["completeness", "false_positives", "recovery", "residuals"]
TABLES = sorted(
    [*TRUTH, *OTHERS, "methods", "parameters", "recommendation", "spots", "reliability"]
)
METHODS = ["gaussian", "median", "tophat"]
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run", "--window-size=1600,1000"),
    # Whatever the page would fetch from elsewhere fails, and the console says so.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium without a network."""
    programs = [shutil.which("chromium"), shutil.which("chromedriver")]
    if None in programs:
        pytest.skip("chromium or chromedriver is not installed: the report is not looked at")
    options = webdriver.ChromeOptions()
    for option in OPTIONS:
        options.add_argument(option)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.binary_location = programs[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(programs[1]))
    driver.implicitly_wait(10)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def default_report(browser, default_run, tmp_path_factory):
    """The report of the shipped example."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    make_report(default_run, path, ROOT / "config.yaml", f"images={ROOT / 'data' / 'images.csv'}")
    return path


@pytest.fixture
def page(browser, default_report):
    return Page(browser, default_report)


def make_report(folder, path, config, *values):
    options = ["--configfile", config, *(["--config", *values] if values else [])]
    snakemake(folder, *options, "--report", path)


class Page:
    """A report in the browser, on its first page."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.get(path.as_uri())
        self.find("//nav")

    def find(self, path):
        return self.browser.find_element("xpath", path)

    def press(self, path):
        """Click an element, also one that is still on the move."""
        moved = [exceptions.StaleElementReferenceException]
        wait = WebDriverWait(self.browser, 20, ignored_exceptions=moved)
        script = "arguments[0].click(); return true"
        wait.until(lambda browser: browser.execute_script(script, self.find(path)))

    def click(self, text):
        self.press(f"//nav//*[normalize-space(text())='{text}']")

    def names(self):
        """What the list of results names."""
        self.find("//nav//table//a")
        return [e.text for e in self.browser.find_elements("css selector", "nav td:first-child")]

    def open(self, name):
        """Show a result; its figure is returned when it is there in full."""
        self.press(f"//nav//tr[td[1][text()='{name}']]//a[1]")
        return self.figure()

    def figure(self):
        figure = self.find("//div[contains(@class, 'overflow-auto')]/div/img")
        for _ in range(50):
            if figure.get_property("complete"):
                return figure
            time.sleep(0.1)
        raise AssertionError("the figure is not drawn")

    def describe(self, name):
        """Show what the report says of a result, and return it."""
        self.press(f"//nav//tr[td[1][text()='{name}']]//a[last()]")
        return self.find("//nav//li[contains(@class, 'prose')]").text

    def main(self):
        return self.find(
            "//div[contains(@class, 'overflow-auto') and contains(@class, 'grow')]"
        ).text


def table(run, name):
    return read_text(run / "results" / "tables" / f"{name}.csv")


def test_first_page_says_what_was_run(page, default_run):
    said = page.main().replace("\n", " ")
    assert "Local background subtraction and spot counting" in said
    assert "Images: 3; failed: 0; methods: 3." in said
    for method in METHODS:
        counts = [int(r["n_spots"]) for r in table(default_run, "counts") if r["method"] == method]
        f1 = [float(r["f1"]) for r in table(default_run, "accuracy") if r["method"] == method]
        numbers = f"{sum(counts)} {np.mean(f1):.3g}"
        assert re.search(rf"\b{method} gaussian, sigma.0\.4x .* {re.escape(numbers)}\b", said)
    graph = page.find("//*[contains(@class, 'vega-embed')]//*[name()='canvas' or name()='svg']")
    assert min(graph.size.values()) > 100


def test_first_page_states_the_recommendation(page, default_run):
    said = page.main().replace("\n", " ")
    first = table(default_run, "recommendation")[0]
    assert f"Recommended: {first['method']}. {first['reason']}" in said
    assert f"What would settle it: {first['would_settle']}" in said


def test_the_recommendation_has_a_page_with_the_reasons(page, default_run):
    page.click("0 Recommendation")
    assert page.open("recommendation").get_property("naturalWidth") > 700
    said = page.describe("recommendation")
    for row in table(default_run, "recommendation"):
        assert f"{row['rank']} {row['method']} {row['recommendation']} {row['reason']}" in said


def test_first_page_leads_to_the_results(page):
    page.press("//a[text()='3 Tables']")
    assert page.names() == TABLES


def test_every_table_is_there_by_name_with_its_bytes(page, default_run):
    page.click("3 Tables")
    assert page.names() == TABLES
    for name in TABLES:
        link = page.find(f"//nav//tr[td[1]='{name}']//a[@download='{name}.csv']")
        content = base64.b64decode(link.get_attribute("href").split("base64,")[1])
        assert content == (default_run / "results" / "tables" / f"{name}.csv").read_bytes()


@pytest.mark.parametrize("name", TABLES)
def test_captions_of_tables_explain_their_columns(page, name):
    page.click("3 Tables")
    said = page.describe(name)
    for label, column in COLUMNS.get(name, {}).items():
        assert f"{label}: {column.meaning}" in said


def test_caption_of_counts_states_every_count(page, default_run):
    page.click("3 Tables")
    said = page.describe("counts")
    for row in table(default_run, "counts"):
        assert f"{row['image']} {row['method']} ok {row['n_spots']} " in said


@pytest.mark.parametrize("name", ["agreement", "counts"])
def test_overview_figures_are_there_with_captions(page, name, default_run):
    page.click("1 Counts")
    assert page.names() == ["agreement", "counts"]
    assert page.open(name).get_property("naturalWidth") > 700
    said = page.describe(name)
    rows = table(default_run, {"agreement": "agreement", "counts": "comparison"}[name])
    assert sum(line.startswith(rows[0]["image"] + " ") for line in said.splitlines()) > 0


def test_figures_of_the_assessment_are_there_with_captions(page, default_run):
    said = {}
    for name in ("completeness", "false positives and residuals"):
        page.click("4 Assessment")
        assert page.names() == ["completeness", "false positives and residuals"]
        assert page.open(name).get_property("naturalWidth") == 1560
        said[name] = page.describe(name).replace("\n", " ")
    (row,) = (
        row
        for row in table(default_run, "completeness")
        if (row["image"], row["method"], row["where"]) == ("cell", "median", "all")
    )
    half = " ".join(f"{float(row[f'contrast50{end}']):.3g}" for end in ("", "_low", "_high"))
    assert f"cell cell median {row['injected']} {half} " in said["completeness"]
    assert "an estimate, not the truth" in said["false positives and residuals"]


@pytest.mark.parametrize("image", ["cell", "disc_clean", "disc_noisy"])
def test_each_image_has_panels_with_the_numbers_of_the_run(page, image, default_run):
    page.click("2 Images")
    figure = page.open(image)
    assert figure.get_property("naturalWidth") == 1560
    top = page.browser.execute_script("return arguments[0].getBoundingClientRect().top", figure)
    assert top >= 0, "the top of the figure can't be scrolled to"
    said = page.describe(image)
    shown = files.read_json(default_run / "results" / "figures" / "panels" / f"{image}.json")
    low, high = shown["grey_range"]
    assert f"one range of grey levels, {low} to {high}." in said.replace("\n", " ")
    assert f"±{shown['foreground_limit']}" in said
    assert f"spot radius, {shown['spot_radius']} px" in said.replace("\n", " ")
    for row in table(default_run, "counts"):
        if row["image"] == image:
            assert f"{row['method']} {row['n_spots']} " in said


def test_each_image_has_profiles_one_click_away(page):
    page.click("2 Images")
    page.open("disc_clean")
    page.click("profiles")
    figure = page.figure()
    assert figure.get_property("naturalWidth") == 1560
    assert "Rows of pixels through" in page.describe("disc_clean")


def test_the_browser_has_no_complaints_and_nothing_is_fetched(page):
    page.click("2 Images")
    page.open("cell")
    complaints = [e for e in page.browser.get_log("browser") if e["level"] == "SEVERE"]
    assert complaints == []
    fetched = page.browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert [name for name in fetched if not name.startswith(("data:", "file:", "blob:"))] == []


def test_a_failed_image_is_seen_with_its_reason(browser, tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    pixels = 50 + gaussian_spots((64, 60), [(20, 30, 120, 1.5), (40, 15, 120, 1.5)])
    pixels += np.random.default_rng(0).normal(0, 2, pixels.shape)
    tifffile.imwrite(raw / "good.tif", pixels.round().astype(np.uint8))
    (raw / "torn_.tif").write_bytes((raw / "good.tif").read_bytes()[:40])
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"images": "raw", "compare": ["median"], "max_failed": 1}))
    snakemake(tmp_path, "--configfile", config)
    make_report(tmp_path, tmp_path / "report.html", config)

    page = Page(browser, tmp_path / "report.html")
    (failure,) = table(tmp_path, "failures")
    said = page.main().replace("\n", " ")
    assert "Images: 2; failed: 1; methods: 1." in said
    assert f"torn_ read {failure['reason']}" in said
    page.click("2 Images")
    assert page.names() == ["good", "torn_"]
    assert page.open("torn_").get_property("naturalHeight") < 300
    assert f"read: {failure['reason']}" in page.describe("torn_").replace("\n", " ")
