"""How Sphinx builds the documentation: `sphinx-build -W --keep-going docs build/docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scripts")]

import reference_pages  # noqa: E402

import localbg  # noqa: E402

project = "localbg"
author = copyright = "the localbg authors"
release = localbg.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
default_role = "py:obj"
highlight_language = "none"

myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"localbg {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False


def fill(app, page, source):
    """Put what the code says between the markers of a page of the reference."""
    source[0] = reference_pages.fill(source[0])


def setup(app):
    app.connect("source-read", fill)
    # The code may have changed where the page has not.
    app.connect("env-get-outdated", lambda app, env, *changes: reference_pages.PAGES)
