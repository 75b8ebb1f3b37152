"""The page of promises says what the tests try."""

import subprocess
import sys

import promises
from conftest import ROOT

pytest_plugins = ["pytester"]


def test_the_page_is_what_the_tests_say():
    command = [sys.executable, str(ROOT / "tests" / "promises.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_each_way_is_a_row_with_its_tries():
    tries = {
        ("names", "two|ids", "refused", "tests/test_a.py::test_b"): 3,
        ("inputs", "a wrong key", "named", "tests/test_a.py::test_a"): 1,
    }
    text = promises.page(tries)
    assert "Tried in 2 ways by 2 tests, 4 runs of them in all." in text
    assert r"| two\|ids | refused | `tests/test_a.py::test_b` | 3 |" in text
    assert text.index("## Inputs") < text.index("| a wrong key |") < text.index("## Names")
    assert "## Web" not in text


def test_a_mark_that_lacks_something_is_named(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.attack(kind="inputs", case="a", outcome="b")
        @pytest.mark.parametrize("k", [1, 2])
        def test_right(k): ...

        @pytest.mark.parametrize(
            "k",
            [1, pytest.param(2, marks=pytest.mark.attack(kind="web", case="c", outcome="d"))],
        )
        def test_one_of_two(k): ...

        @pytest.mark.attack(kind="unheard of", case="a", outcome="b")
        def test_wrong(): ...
        """
    )
    found = promises.Attacks()
    pytester.inline_run("--collect-only", plugins=[found])
    name = "test_a_mark_that_lacks_something_is_named.py"
    assert found.tries == {
        ("inputs", "a", "b", f"{name}::test_right"): 2,
        ("web", "c", "d", f"{name}::test_one_of_two"): 1,
    }
    assert found.wrong == [
        f"{name}::test_wrong: {{'kind': 'unheard of', 'case': 'a', 'outcome': 'b'}}"
    ]
