"""Plans of runs whose texts a suite, a plug-in or a machine may give, and what a report of any of them holds to."""

import html
import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from matplotlib.text import Text

from bench.cases.base import Case
from bench.frames import read_frames
from bench.page import PAGE
from bench.plan import Plan, Skip
from bench.report.build import build_report
from bench.report.figures.base import figures, label_looks
from bench.report.results import Results
from bench.report.style import as_text, styled
from bench.report.tables import all_tables
from bench.task import Target, TargetKind, Task
from bench.text.lines import one_line
from tests.fakes import FakeNaive, FakeNetwork, fake_plan, fake_record
from tests.generated import Generated
from tests.pages import Page

PIECES = (
    "$", "_", "__", "/", "|", "||", "#", " #", "\\", "\\\\", ":", "*", "**", "?", '"', "'", "`", "``",
    "[", "]", "(", ")", "[x](y)", "![x](y)", "<b>", "</b>", "<!--", "<script>", "&amp;", "&", "&#36;",
    "{{ x }}", "{% if %}", "{heading}", "~~", "^", "=", "+", "-", "- ", "1. ", "1)", ">", "!", "@", "%",
    "%s", "{0}", ".", "..", "...", " ", "  ", "\N{NO-BREAK SPACE}", "a", "B", "x1", "LSTM", "lstm",
    "naive", "(w/a)", "\\alpha", "$\\bm{h}_t$", "$5 in, $6 out", ":rocket:", "NA", "nan", "null",
    "None", "con", "common_1", "throughput", "board/x", "rank", "runs", "模型", "ｌｓｔｍ", "שלום", "مرحبا",
    "é", "e\u0301", "\u0301", "\N{ROCKET}", "\N{WOMAN}\u200d\N{MICROSCOPE}\ufe0f", "\u200b", "\u200f",
    "\u202e", "\x1b[31m", "\x00", "\n", "\r\n", "\t", "ß", "İ", "²", "½", "–", "https://x.org/?a=b&c",
    "www.x.org",
)  # fmt: skip
"""What texts are put together of: markup and formulas, words that mean something elsewhere, signs of other writings."""
PAGE_TAGS = """
html head meta link title style body nav details summary a ul ol li main h1 h2 h3 p strong em code pre br div table
thead tbody tr th td script
"""
PAGE_ATTRIBUTES = "lang charset http-equiv content name rel href aria-label id class tabindex start"
FILE = re.compile(r"figures/[A-Za-z0-9_-]{1,180}\.svg")


def texts(least: int = 0) -> st.SearchStrategy[str]:
    """Texts of few or of very many pieces, and any others."""
    pieces = st.sampled_from(PIECES)
    made = st.lists(pieces, min_size=least, max_size=6) | st.lists(pieces, min_size=30, max_size=60)
    return made.map("".join) | st.text(min_size=least, max_size=20)


def shown(least: int = 1) -> st.SearchStrategy[str]:
    """Texts of which something can be seen."""
    return texts(least).filter(lambda text: bool(one_line(text)))


@st.composite
def named_plans(draw: st.DrawFn) -> Plan:
    """Plans with ordinary scores and any texts; names of cases and of tasks differ, labels may not."""
    tasks = []
    for name in draw(st.lists(shown(), min_size=1, max_size=3, unique=True)):
        kind = draw(st.sampled_from([TargetKind.LAST_STEP, TargetKind.EVERY_STEP, TargetKind.LABEL]))
        if kind.is_class:
            tasks.append(Task(name, kind, 30, features=7))
            continue
        names = draw(st.lists(shown(), min_size=1, max_size=2, unique=True))
        targets = tuple(Target(each, draw(texts())) for each in names)
        tasks.append(Task(name, kind, 50, horizon=2, question=draw(st.sampled_from(["", "a | $b$"])), targets=targets))
    cases: list[Case] = []
    label = shown() | st.sampled_from(["LSTM", "lstm", "LSTM (w/a)", "naive", "Naive"])
    count = draw(st.integers(1, 5))
    names = draw(
        st.lists(shown() | st.sampled_from(["w/a", "W/A", "w/b"]), min_size=count, max_size=count, unique=True)
    )
    for number, name in enumerate(names):
        model = FakeNaive() if number == 1 else FakeNetwork(kind=f"net{number}")
        task = draw(st.sampled_from(tasks))
        cases.append(Case(Generated(asked=task, floors={}), model, label=draw(label), name=name))
    records = []
    for number, case in enumerate(cases):
        for seed in (1, 2) if case.model.trained else (None,):
            if number == 2 and seed == 2:
                records.append(fake_record(case, seed, status="failed", reason=draw(texts())))
                continue
            record = fake_record(
                case, seed, mse=0.01 * (number + 1) + 0.001 * (seed or 0), accuracy=0.9 - 0.01 * number
            )
            records.append(record)
    plan = fake_plan(cases, records, (1, 2))
    suite = plan.suite.model_copy(update={"title": draw(shown())})
    skips = (Skip(cases[0], draw(texts())),) if draw(st.booleans()) else ()
    return replace(plan, suite=suite, skips=skips)


def hold(plan: Plan, folder: Path, draw: bool = True) -> None:
    """Hold the report of a plan to what every report keeps, whatever its texts are; figures as well with ``draw``."""
    build_report(plan, folder, figures=False, related={"other": plan.suite.title})
    results = Results(read_frames(folder))
    _hold_names(plan, results)
    _hold_text((folder / "README.md").read_text(encoding="utf-8"), plan, results)
    _hold_page(Page((folder / PAGE).read_text(encoding="utf-8")), plan, results)
    if draw:
        _hold_figures(results)


def text_fault(plan: Plan) -> str:
    """Hold the text of a plan's report; return nothing, or raise what is wrong: a property for `make torture`."""
    with tempfile.TemporaryDirectory() as folder:
        hold(plan, Path(folder), draw=False)
    return ""


def figures_fault(plan: Plan) -> str:
    """Hold a plan's report with its figures, which take most of the time."""
    with tempfile.TemporaryDirectory() as folder:
        hold(plan, Path(folder))
    return ""


def _hold_names(plan: Plan, results: Results) -> None:
    """Texts come back from the CSVs, and rows and files have names of their own."""
    assert {r.case: r.label for r in results.rows} == {c.name: c.label for c in plan.cases}
    for rows in (results.rows, *(board.rows for board in results.leaderboards)):
        assert len({one_line(r.name) for r in rows}) == len(rows)
    keys = [board.key for board in results.leaderboards]
    assert len({key.lower() for key in keys}) == len(keys)


def _hold_text(text: str, plan: Plan, results: Results) -> None:
    """The Markdown says each text as it is: no markup, no cell, no heading and no link comes of it."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inlines = [child for token in tokens for child in token.children or ()]
    assert not [t.content for t in inlines if t.type in ("html_inline", "image", "s_open", "hardbreak")]
    raw = [t.content.strip() for t in tokens if t.type == "html_block"]
    assert all(re.fullmatch(r"<details><summary>[^<>]*</summary>|</details>", each) for each in raw)
    heads = [_said(tokens[at + 1]) for at, t in enumerate(tokens) if t.type == "heading_open"]
    tables = list(all_tables(results).values())
    titles = [heading for heading in heads if heading.startswith("Table ")]
    assert heads[0] == one_line(plan.suite.title)
    assert [one_line(t.heading) for t in tables] == titles
    folded = [html.unescape(each[18:-10]) for each in raw if each != "</details>"]
    assert set(folded) <= set(heads)
    assert len(titles) == len(set(titles)) == len(tables)
    anchors = set(_github(heads))
    links = [str(t.attrs["href"]) for t in inlines if t.type == "link_open"]
    assert {unquote(link[1:]) for link in links if link.startswith("#")} <= anchors
    assert {link for link in links if not link.startswith("#")} == {"../other/README.md"}
    for lines in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines.splitlines()}) == 1
    cells = list(_cells(tokens))
    for board in results.leaderboards:
        own = [cell.removesuffix(marks) for row in board.rows for cell in cells for marks in [board.marks(row)]]
        assert {one_line(row.name) for row in board.rows} <= set(own)
    assert [[one_line(r.name), one_line(r.case)] for r in results.rows] == [row[:2] for row in _last_table(tokens)]


def _hold_page(page: Page, plan: Plan, results: Results) -> None:
    """The page says each text as it is: no element, no attribute, no script and no address comes of it."""
    assert page.fault == ""
    assert page.tags <= set(PAGE_TAGS.split())
    assert page.attributes <= set(PAGE_ATTRIBUTES.split())
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert page.texts("h1") == [one_line(plan.suite.title)] == page.texts("title")
    inside = {unquote(address[1:]) for address in page.addresses if address.startswith("#")}
    assert inside <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert {address for address in page.addresses if not address.startswith("#")} == {"../other/report.html"}
    titles = {one_line(table.heading) for table in all_tables(results).values()}
    assert titles <= set(page.texts("h2", "h3"))
    assert {one_line(r.name) for r in results.rows} <= set(page.texts("td"))


def _hold_figures(results: Results) -> None:
    """Every label in a figure is a row's name as it is, or cut; nothing is a formula, and nothing warns."""
    with styled():
        for board in results.leaderboards:
            for plan in sorted(figures.entries(), key=lambda plan: plan.order):
                picture = plan.draw(results, board, label_looks(results)) if plan.wanted(results, board) else None
                if picture is None:
                    continue
                picture.draw_without_rendering()
                written = [t for t in picture.findobj(Text) if t.get_text()]
                assert not any(t.get_parse_math() or t.get_usetex() for t in written)
                if plan.name == "scores":
                    names = Counter(as_text(r.name) + board.marks(r) for r in board.rows if len(r.values(board.score)))
                    assert not names - Counter(t.get_text() for t in written)


def _said(token: Token) -> str:
    """Return the text of a paragraph, a cell or a heading."""
    return "".join(t.content for t in token.children or () if t.type in ("text", "code_inline"))


def _cells(tokens: list[Token]) -> Iterator[str]:
    return (_said(tokens[at + 1]) for at, t in enumerate(tokens) if t.type == "td_open")


def _last_table(tokens: list[Token]) -> list[list[str]]:
    """Return the texts of the last table's lines."""
    first = max(at for at, t in enumerate(tokens) if t.type == "table_open")
    rows: list[list[str]] = []
    for at, t in enumerate(tokens[first:], start=first):
        if t.type == "tr_open":
            rows.append([])
        elif t.type == "td_open":
            rows[-1].append(_said(tokens[at + 1]))
    return rows[1:]


def _github(headings: list[str]) -> Iterator[str]:
    """Yield what GitHub calls headings: letters, marks, digits and connectors stay, one that is there gets a number."""
    seen: Counter[str] = Counter()
    for text in headings:
        kept = [c for c in text.lower() if c in " -" or re.match("L|M|Nd|Nl|Pc", unicodedata.category(c))]
        name = first = "".join(kept).replace(" ", "-")
        while name in seen:
            seen[first] += 1
            name = f"{first}-{seen[first]}"
        seen[name] += 0
        yield name
