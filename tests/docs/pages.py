"""The pages of the documentation, taken apart: blocks of code, commands, links, tables."""

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

from conftest import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
# Inline code that is a command.
COMMAND = re.compile(r"(\.venv/bin/|python3? |pip |snakemake |sphinx-build |ruff |snakefmt )")
# Comments before a block: where it is to be written, or what it is part of.
NOTE = re.compile(r"<!-- (into|as in) (\S+) -->")


@dataclass(frozen=True)
class Block:
    """A block of code, or a table as text."""

    kind: str  # the language of a fence; "commands", "diagram" or "table"
    text: str
    into: str | None = None  # the file that the page has the reader write
    as_in: str | None = None  # the file of the run that has the same


def name(page: Path) -> str:
    """A page's path from the root of the project."""
    return page.relative_to(ROOT).as_posix()


@cache
def tokens(page: Path) -> list:
    """What a page consists of."""
    parser = MarkdownIt("commonmark").enable("table")
    return parser.parse(page.read_text(encoding="utf-8"))


def blocks(page: Path) -> list[Block]:
    """All blocks of code and all tables, in their order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found, notes = [], {}
    for token in tokens(page):
        if token.type == "html_block":
            notes = {m[1].replace(" ", "_"): m[2] for m in NOTE.finditer(token.content)}
        elif token.type in ("fence", "code_block", "table_open"):
            if token.type == "table_open":
                kind, text = "table", "\n".join(lines[slice(*token.map)])
            elif token.type == "fence":
                kind, text = token.info.strip(), token.content
            else:
                kind, text = "diagram" if "►" in token.content else "commands", token.content
            found.append(Block(kind, text, notes.get("into"), notes.get("as_in")))
            notes = {}
    return found


def commands(page: Path) -> list[str]:
    """All commands: lines of indented blocks, blocks of bash, and inline code that is one."""
    found = []
    for block in blocks(page):
        if block.kind == "commands":
            found += block.text.strip().splitlines()
        elif block.kind == "bash":
            found.append(block.text.strip())
    return found + [text for text in inline_code(page) if COMMAND.match(text)]


def inline_code(page: Path) -> list[str]:
    """The text of all inline code."""
    inner = [child for token in tokens(page) for child in token.children or ()]
    return [child.content for child in inner if child.type == "code_inline"]


def links(page: Path) -> list[str]:
    """Targets of links and pictures."""
    inner = [child for token in tokens(page) for child in token.children or ()]
    found = [child.attrs.get("href", child.attrs.get("src")) for child in inner]
    return [target for target in found if target]


def anchors(page: Path) -> set[str]:
    """What a link may name within a page: its headings, as GitHub and MyST write them."""
    all_tokens = tokens(page)
    headings = [
        all_tokens[i + 1].content for i, t in enumerate(all_tokens) if t.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def rows(table: str) -> list[dict[str, str]]:
    """Rows of a table in Markdown, by the names of its columns."""
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()]
    cells = [line for line in cells if line]
    head = cells[0]
    return [
        dict(zip(head, line + [""] * (len(head) - len(line)), strict=True)) for line in cells[2:]
    ]


def options(command: str) -> tuple[str, list[str]]:
    """The Python script that a command runs, and the long options that it is given."""
    words = shlex.split(command)
    script = next((word for word in words if word.endswith(".py")), "")
    return script, [word for word in words if word.startswith("--")]
