"""A report's page says what its README.md says, holds its figures, runs only its own lines and asks no network."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from bench.errors import BenchError
from bench.page import PAGE, check_page, write_page
from bench.page.build import TEMPLATES, page_text
from bench.page.content import render
from bench.page.pictures import Picture
from bench.report.build import build_report, check_report
from tests.committed import check_out
from tests.pages import Page
from tests.report_fakes import trouble

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<details open onclick=alert(1)><summary>x",
    "<DETAILS/ontoggle=alert(1)>",
    "<details\nopen><b style=x>",
    "<!-- <b> -->",
    "<![CDATA[<b>]]>",
    "<?php <b> ?>",
    "<svg><script>alert(1)</script></svg>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](https://example.org/x.png)",
    "![x](../../../etc/passwd)",
    "![x](//example.org/x.svg)",
    '!["><script>](none.png)',
    "</main><script>alert(1)</script>",
    "<style>*{}</style>",
    "<base href=//example.org>",
    "<meta http-equiv=refresh content=0>",
    '| <script> | " |\n|---|---|\n| <b onclick=x> | </td> |',
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "trouble"
    build_report(trouble(), folder, related={"other": "Does it hold?"})
    return folder


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page((report / PAGE).read_text(encoding="utf-8"))


def read(folder: Path, text: str) -> Page:
    (folder / "README.md").write_text(text, encoding="utf-8")
    return Page(write_page(folder / "README.md").read_text(encoding="utf-8"))


def test_it_says_what_the_markdown_says(report: Path, page: Page) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table"]).parse((report / "README.md").read_text())

    def said(kind: str) -> list[str]:
        inlines = (tokens[at + 1].children or () for at, token in enumerate(tokens) if token.type == f"{kind}_open")
        texts = ([c.content or "\n" * (c.type == "softbreak") for c in each if c.type != "image"] for each in inlines)
        return ["".join(each) for each in texts]

    assert page.fault == ""
    for kind, tags in (("td", ["td"]), ("th", ["th"]), ("heading", ["h1", "h2", "h3"])):
        assert page.texts(*tags) == said(kind)
    paragraphs = {" ".join(text.split()) for text in page.texts("p", "li", "figcaption")}
    assert {" ".join(text.split()) for text in said("paragraph") if text} <= paragraphs
    assert len(page.all("details")) == 1 + sum(t.content.startswith("<details>") for t in tokens)


def test_its_contents_and_links_lead_to_its_headings_as_github_names_them(page: Page) -> None:
    assert len(set(page.ids)) == len(page.ids)
    inside = [unquote(address[1:]) for address in page.addresses if address.startswith("#")]
    assert set(inside) <= set(page.ids)
    assert "findings" in page.ids
    contents = [unquote(a["href"][1:]) for a, _ in page.all("a")][: 1 + len(page.all("h2", "h3"))]
    assert contents == [a["id"] for a, _ in page.all("h1", "h2", "h3")]


def plain(_: str) -> Picture:
    raise AssertionError("there is no figure")


def test_a_fold_with_a_heading_of_its_name_is_called_by_the_heading() -> None:
    named = render("<details><summary>A &lt; b</summary>\n\n### A < b\n\nText.\n\n</details>\n\n## A < b\n", plain)
    assert [(h.level, h.anchor) for h in named.headings] == [(3, "a--b"), (2, "a--b-1")]
    page = Page(named.html)
    assert (page.fault, page.texts("summary"), page.texts("h3")) == ("", ["A < b"], ["A < b"])
    assert Page(render("<details><summary>A</summary>\n\n### B\n\n</details>\n", plain).html).texts("summary") == ["A"]


def test_links_between_reports_lead_to_pages(page: Page) -> None:
    assert [a for a in page.addresses if not a.startswith("#")] == ["../other/report.html"]


def test_each_figure_is_an_image_with_its_words_and_caption(report: Path, page: Page) -> None:
    shown = re.findall(r"!\[([^\]]*)\]\((figures/[^)]*)\)", (report / "README.md").read_text())
    images = [a for a, _ in page.all("img")]
    assert len(shown) == len(images) == len(page.all("figure")) == len(page.all("figcaption")) > 3
    assert [a["alt"] for a in images] == [re.sub(r"\\(.)", r"\1", alt) for alt, _ in shown]
    for attributes in images:
        drawing = ET.fromstring(unquote(attributes["src"].partition(",")[2]))
        names = [each.get("id") for each in drawing.iter() if each.get("id")]
        used = re.findall(r"#([\w.-]+)'?\)?", " ".join(v for e in drawing.iter() for k, v in e.items() if k != "id"))
        assert len(set(names)) == len(names)
        assert set(names) == {name for name in used if name in names}
        assert not [e for e in drawing.iter() if e.tag.rpartition("}")[2] in ("style", "script", "metadata")]
        assert not [k for e in drawing.iter() for k in e.attrib if k == "style" or k.startswith("on")]
        width, height = (float(attributes[k]) for k in ("width", "height"))
        assert width / height == pytest.approx(
            float(drawing.get("viewBox").split()[2]) / float(drawing.get("viewBox").split()[3]), rel=0.01
        )


def test_a_figures_coordinates_stay_within_a_hundredth_of_a_point(report: Path, page: Page) -> None:
    def numbers(text: str) -> list[float]:
        paths = [e.get("d") or "" for e in ET.fromstring(text).iter() if e.tag.endswith("path")]
        return [float(n) for path in paths for n in re.findall(r"-?\d+(?:\.\d+)?", path)]

    shown = re.findall(r"!\[[^\]]*\]\((figures/[^)]*)\)", (report / "README.md").read_text())
    for path, (attributes, _) in zip(shown, page.all("img"), strict=True):
        whole, short = numbers((report / path).read_text()), numbers(unquote(attributes["src"].partition(",")[2]))
        assert len(whole) == len(short) > 50
        assert max(abs(a - b) for a, b in zip(whole, short, strict=True)) <= 0.0051


def test_its_policy_lets_its_own_style_and_script_through_and_nothing_else(page: Page) -> None:
    for tag in ("style", "script"):
        ((attributes, text),) = page.all(tag)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert attributes == {}
        assert page.policy.pop(f"{tag}-src") == [f"'sha256-{digest}'"]
    assert page.policy == {
        "default-src": ["'none'"], "img-src": ["data:"], "base-uri": ["'none'"], "form-action": ["'none'"],
        "style-src": page.policy["style-src"], "script-src": page.policy["script-src"],
    }  # fmt: skip
    assert not [name for name in page.attributes if name.startswith("on") or name in ("style", "srcset", "srcdoc")]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("around", ["{}", "# a\n\n{}", "a {} b", "- {}", "> {}"])
def test_markup_in_the_markdown_becomes_no_more_than_folds(tmp_path: Path, text: str, around: str) -> None:
    page = read(tmp_path, around.format(text) + "\n")
    assert not page.tags & {"svg", "base", "iframe", "object", "embed", "form", "input", "img"}
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert len(page.all("meta")) == 5
    usual = "lang charset http-equiv content name rel href aria-label class id open tabindex"
    assert page.attributes <= set(usual.split())
    assert all(address.startswith("#") for address in page.addresses)


@pytest.mark.parametrize(
    "text", ["<b", "a < b & c > d", "&lt;b&gt; &amp; &#36;", "\"quoted\" 'so'", "שלום <i>x", "\u202e"]
)
def test_text_in_folds_and_cells_is_text(text: str) -> None:
    fold = f"<details><summary>{text.replace('<i>', '&lt;i&gt;')}</summary>\n\nx\n\n</details>\n"
    page = Page(render(fold, plain).html)
    said = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&#36;", "$")
    assert page.texts("summary") == [said.strip()]


def test_columns_of_numbers_stand_to_the_right_and_the_first_of_words_names_its_lines() -> None:
    head = "| rank | model | × leader | runs | note |\n|---|:---:|---|---|---|\n"
    body = "| 1 | a | 1.00 | 10 of 10 | – |\n| – | 3 b | × 1.1 [1.0, 1.2] | 1 of 1, exact | 5 |\n"
    page = Page(render(head + body, plain).html)
    assert [a.get("class") for a, _ in page.all("td")] == ["number", "name", "number", "number", "number"] * 2
    assert "style" not in page.attributes
    nothing = Page(render("| rank | model |\n|---|---|\n| – | a |\n| – | b |\n", plain).html)
    assert [a["class"] for a, _ in nothing.all("td")] == ["number", "name"] * 2


def test_the_same_files_give_the_same_bytes_and_others_are_found_out(report: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(report, copy)
    first = (copy / PAGE).read_bytes()
    assert write_page(copy / "README.md").read_bytes() == first
    assert check_page(copy / "README.md") == check_report(copy) == []
    (copy / PAGE).write_bytes(first.replace(b"Findings", b"findings", 1))
    assert (
        check_page(copy / "README.md")
        == check_report(copy)
        == ["report.html is not what README.md and its figures give"]
    )
    (copy / PAGE).unlink()
    assert check_page(copy / "README.md") == []


def test_a_report_of_a_sweep_under_way_has_no_page(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text("of an earlier one")
    build_report(trouble(), tmp_path, figures=False, page=False)
    assert not (tmp_path / PAGE).exists()


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"README.md cannot be read; write the report again"):
        write_page(tmp_path / "README.md")
    with pytest.raises(BenchError, match=r"x.svg cannot be read \(No such file"):
        read(tmp_path, "![x](figures/x.svg)\n")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "x.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'>")
    with pytest.raises(BenchError, match=r"x.svg is no SVG with a viewBox"):
        read(tmp_path, "![x](figures/x.svg)\n")


def test_committed_reports_become_pages(tmp_path: Path) -> None:
    folder = check_out("reports/chapter15", tmp_path)
    text = page_text(folder / "README.md")
    assert Page(text).fault == ""
    assert len(text) < 3_000_000


@pytest.mark.skipif(shutil.which("node") is None, reason="runs the page's lines by themselves, which takes Node.js")
@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["0.0026 [0.0025, 0.0028]", "–", "0.00011", "1.2e-05", ""], [3, 2, 0, 1, 4]),
        (["× 1.12 [0.97, 1.30]", "× 1.01", "1,200", "∞", "-3"], [4, 1, 0, 2, 3]),
        (["98.76 %", "9.1 %", "100 %"], [1, 0, 2]),
        (["10 of 10", "9 of 10", "1 of 1, exact"], [2, 1, 0]),
        (["b", "a10", "–", "a9", "B"], [3, 1, 0, 4, 2]),
        (["1", "x", "NaN", "0"], [3, 0, 1, 2]),
        (["2", "1 ", "2", "1"], [1, 3, 0, 2]),
    ],
)
def test_tables_sort_by_what_their_cells_say(cells: list[str], expected: list[int]) -> None:
    pure = (TEMPLATES / "page.js").read_text(encoding="utf-8").partition("for (const table")[0]
    script = f"{pure}\nconst t = {json.dumps(cells)};\nconsole.log(JSON.stringify([order(t, 1), order(t, -1)]));"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    upward, downward = json.loads(done.stdout)
    assert upward == expected
    assert sorted(downward) == sorted(expected)
    nothing = [at for at, cell in enumerate(cells) if cell in ("–", "", "NaN")]
    assert downward[len(cells) - len(nothing) :] == upward[len(cells) - len(nothing) :] == nothing
