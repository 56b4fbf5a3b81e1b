"""Names are text: whatever a suite, a plug-in or a machine calls things, it stands as it is everywhere."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from bench.cases.base import Case
from bench.cli.screen import console
from bench.errors import BenchError
from bench.frames import make_frames, select
from bench.frames.base import read_frame, typed, write_frames
from bench.frames.schemas import ABOUT
from bench.metrics.base import metrics
from bench.record import Failure
from bench.report.build import build_report, check_report
from bench.report.markdown import lower, upper
from bench.report.results import Results
from bench.report.tables import all_tables
from bench.suite import read_suite
from bench.task import TargetKind, Task
from bench.text import markdown
from bench.text.figure import LACKING, as_text
from bench.text.files import LONGEST, file_key, is_folder_name
from bench.text.lines import REPLACED, folded, one_line
from bench.text.screen import safe
from bench.tracking.curve import draw_curve
from bench.tracking.items import Metric, Param
from bench.tracking.limits import batches
from tests.fakes import FakeNaive, FakeNetwork, fake_case, fake_curve, fake_plan, fake_record
from tests.generated import Generated
from tests.names import PIECES


def asking(task: str, label: str, name: str, model: object = None) -> Case:
    asked = Task(task, TargetKind.LAST_STEP, 50)
    return Case(Generated(asked=asked, floors={}), model or FakeNetwork(kind=name), label=label, name=name)  # type: ignore[arg-type]


def results_of(*cases: Case) -> Results:
    records = [fake_record(c, s, mse=0.01 + i / 100 + s / 1e4) for i, c in enumerate(cases) for s in (1, 2)]
    return Results(make_frames(select(fake_plan([*cases], records, (1, 2)))))


MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


AROUND = {("", ""): ("", ""), ("# ", ""): ("", ""), ("- ", ""): ("", ""), ("x ", " y"): ("x ", " y"),
          ("[", "](z)"): ("", ""), ("![", "](z)"): ("", ""), ("**", ".** x"): ("", ". x"), ("*", ".*: x"): ("", ".: x"),
          }  # fmt: skip
"""What stands before and after a text, and what is read of that."""


@pytest.mark.parametrize("text", [*PIECES, *map("".join, zip(PIECES, PIECES[1:], PIECES[2:], strict=False))])
def test_markdown_says_a_text_as_it_is_wherever_it_stands(text: str) -> None:
    line, made = one_line(text), markdown.escape(text)
    assert markdown.plain(made) == line
    assert text_of_code(markdown.code(text)) == line
    for (before, after), (read_before, read_after) in AROUND.items() if line else ():
        (inline,) = [t for t in MARKDOWN.parse(before + made + after) if t.type == "inline"]
        said = MARKDOWN.renderer.renderInlineAsText(inline.children or [], MARKDOWN.options, {})
        assert said == read_before + line + read_after


def test_a_reason_that_no_file_can_hold_is_recorded_all_the_same() -> None:
    assert Failure.of(OSError("no file \udc80")).reason == "OSError: no file ?"


def text_of_code(code: str) -> str:
    return "".join(t.content for token in MARKDOWN.parse(code) for t in token.children or ())


def test_no_dollar_is_left_that_could_begin_a_formula() -> None:
    assert markdown.escape("$5 in, $6 out") == r"\$5 in, \$6 out"
    assert "$" not in markdown.html("$x$")


def test_a_code_cell_keeps_bars_and_backticks() -> None:
    row = f"| a | b |\n|---|---|\n| {markdown.code('x|`y``', cell=True)} | z |\n"
    cells = [t.children for t in MARKDOWN.parse(row) if t.type == "inline"]
    assert [child.content for child in cells[2] or ()] == ["x|`y``"]


@pytest.mark.parametrize("backslashes", range(5))
def test_a_code_cell_ends_where_github_ends_it(backslashes: int) -> None:
    """A pair of backslashes is one character to GitHub's reader of cells, and a single one escapes what follows."""
    text = "\\" * backslashes + "|x"
    cell = markdown.code(text, cell=True)
    assert not re.search(r"(?<!\\)(?:\\\\)*\|", cell)
    (inline,) = [t for t in MARKDOWN.parse(f"| a |\n|---|\n| {cell} |\n") if t.type == "inline" and t.content != "a"]
    assert "".join(child.content for child in inline.children or ()) == text


def test_headings_have_the_names_that_github_gives_them() -> None:
    anchors = markdown.Anchors()
    names = ["Table 1. <b> & $x_1$", "Table 1. <b> & $x_1$", "Table 1 b  x_1-1", "Über 模型 e\u0301 ²", "C#"]
    assert [*map(anchors.add, names)] == [
        "table-1-b--x_1", "table-1-b--x_1-1", "table-1-b-x_1-1", "über-模型-e\u0301-", "c",
    ]  # fmt: skip


def test_a_link_meets_its_table_whatever_the_report_is_called() -> None:
    results = results_of(asking("lstm", "a", "x/a"))
    results.about["title"] = "Table 1. Lstm"
    (first, *_) = all_tables(results).values()
    assert first.link == "[Table 1](#table-1-lstm-1)"


def test_labels_that_look_alike_are_told_apart_by_their_cases() -> None:
    rows = results_of(
        asking("t", "LSTM", "w/a"), asking("t", "LSTM", "w/b"), asking("t", "lstm", "W/B"),
        asking("t", "LSTM (w/a)", "y/c"), asking("t", "L\u200bSTM", "w/d"), asking("t", "GRU", "x/y"),
    ).rows  # fmt: skip
    assert [r.name for r in rows] == [
        "LSTM (w/a) (w/a)", "LSTM (w/b)", "lstm (W/B)", "LSTM (w/a) (y/c)", "L\u200bSTM (w/d)", "GRU",
    ]  # fmt: skip


def test_names_that_meet_after_all_are_numbered() -> None:
    rows = results_of(
        asking("t", "a", "b) (c"), asking("t", "A", "z"), asking("t", "a (b)", "c"), asking("t", "A (b)", "y"),
    ).rows  # fmt: skip
    assert len({r.name for r in rows}) == 4


def test_tasks_that_are_called_like_parts_of_a_report_or_like_one_another_keep_their_tables(tmp_path: Path) -> None:
    tasks = (
        "throughput",
        "common_1",
        "Common_1",
        "common",
        "about",
        "cases",
        "board/x",
        "..",
        "con",
        "a/b",
        "a b",
        "a_b",
    )
    tasks += ("ISO_load", "x" * 300, "x" * 299 + "y", "模型", "模型二")
    cases = [asking(task, f"net {i}", f"c/{i}") for i, task in enumerate(tasks)]
    plan = fake_plan(cases, [fake_record(c, s, mse=0.01) for c in cases for s in (1, 2)], (1, 2))
    results = Results(make_frames(select(plan)))
    made = all_tables(results)
    assert [len(board.rows) for board in results.tasks] == [1] * len(tasks)
    assert len({t.heading.lower() for t in made.values()}) == len(made)
    keys = [board.key for board in results.tasks]
    assert len({key.lower() for key in keys}) == len(tasks)
    assert all(re.fullmatch(r"[\w-]+", key, re.ASCII) and len(key) <= LONGEST + 9 for key in keys)
    assert [board.title for board in results.tasks][-5:-2] == ["ISO load", "X" + "x" * 299, "X" + "x" * 298 + "y"]
    assert [board.title for board in results.tasks][9:12] == ["A/b", "a b", "a_b"]


def test_a_task_without_a_name_has_a_heading_all_the_same(tmp_path: Path) -> None:
    case = asking("", "net", "c/1")
    text = build_report(fake_plan([case], [fake_record(case, 1, mse=0.01)], (1,)), tmp_path).read_text(encoding="utf-8")
    assert "\n## Table 1. No name\n" in text
    assert (tmp_path / "figures" / "scores_task_.svg").exists()


def test_a_metric_that_is_called_like_a_column_has_one_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mae = metrics.get("mae")
    monkeypatch.setitem(metrics._entries, "mae", replace(mae, heading="runs"))
    cases = [fake_case("a/b", label="net"), fake_case("a/n", label="naive", model=FakeNaive())]
    plan = fake_plan(cases, [fake_record(c, s, mse=0.25) for c in cases for s in (1, 2)], (1, 2))
    plan = replace(plan, suite=plan.suite.model_copy(update={"metrics": ["mae"]}))
    text = build_report(plan, tmp_path, figures=False).read_text(encoding="utf-8")
    header, _, line = text[text.index("| rank", text.index("### Table 2")) :].splitlines()[:3]
    heads, cells = ([cell.strip() for cell in each.split("|")] for each in (header, line))
    assert cells[heads.index("runs")] == "0.4000"
    assert cells[heads.index("runs (2)")].startswith(("2 of 2", "1 of 1"))


def test_a_report_of_odd_names_is_what_its_csvs_give(tmp_path: Path) -> None:
    cases = [
        asking("$t$ | <b>", label, f"odd/{i}") for i, label in enumerate(("NA", "null", "-", "模型\r", "[red]x[/]"))
    ]
    records = [fake_record(c, s, mse=0.01 + i / 100) for i, c in enumerate(cases) for s in (1, 2)]
    build_report(fake_plan(cases, records, (1, 2)), tmp_path)
    assert check_report(tmp_path) == []
    assert all(re.fullmatch(r"[\w-]+\.svg", p.name, re.ASCII) for p in (tmp_path / "figures").iterdir())


@pytest.mark.parametrize("more", ["", "a\rb"])
def test_every_text_comes_back_from_a_csv(tmp_path: Path, more: str) -> None:
    texts = [
        "a\nb",
        "a\r\nb",
        'q"x',
        "'",
        " lead ",
        "NA",
        "nan",
        "",
        "-",
        "null",
        "\t",
        "a,b",
        "\ufeffx",
        "True",
        "1e5",
        "\u2028",
    ]
    made = typed([{"key": str(i), "text": t} for i, t in enumerate([*texts, more])], ABOUT)
    write_frames(tmp_path, {"about": made})
    read = read_frame(tmp_path / "about.csv", ABOUT)
    assert read["text"].tolist() == [*texts, more]


def test_names_of_files_are_safe_short_and_unlike() -> None:
    texts = [
        "",
        "..",
        "con",
        "Con",
        "a/b",
        "a\\b",
        "a:b",
        "x" * 300,
        "x" * 299 + "y",
        "模型",
        "COMMON_1",
        "A b",
        "a b",
        "aux",
    ]
    keys: list[str] = []
    for text in texts:
        keys.append(file_key(text, keys, reserved="common_"))
    assert len({key.lower() for key in keys}) == len(texts)
    for key in keys:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", key)
        assert len(key) < LONGEST + 20
        assert not key.lower().startswith("common_")
        assert key.lower() not in ("con", "aux")
    assert file_key("ten_steps") == "ten_steps"


@pytest.mark.parametrize(
    ("name", "fit"),
    [("a-b_c.d", True), ("a.", False), ("con", False), ("NUL.x", False), ("", False), (".a", False), ("a b", False),
     ("a" * 100, True), ("a" * 101, False), ("é", False), ("com1", False), ("console", True)],
)  # fmt: skip
def test_a_suite_is_called_like_a_folder(name: str, fit: bool) -> None:
    assert is_folder_name(name) == fit


CASE = '[[cases]]\nname = {name}\ndataset = "waves_next_step"\nmodel = "linear"\nlabel = {label}\n'


@pytest.mark.parametrize(
    ("title", "name", "label", "complaint"),
    [
        ('" "', '"a"', '"b"', "key 'title': is blank"),
        ('"t"', '"a"', '"\\u3000"', r"key 'cases.0.label': is blank"),
        ('"t"', '"a"', '"\\u200d"', r"key 'cases.0.label': is blank"),
        ('"t"', '"\\u0301"', '"b"', r"key 'cases.0.name': is blank"),
        ('"t"', '"a"', '"a\\u001bb"', r"key 'cases.0.label': holds a control character"),
        ('"t"', '"a"', '"a\\u202eb"', r"key 'cases.0.label': holds a control character"),
        ('"t"', '"a"', '"a\\u200bb"', r"key 'cases.0.label': holds a control character"),
        ('"a\\nb"', '"a"', '"b"', r"key 'title': holds a control character"),
    ],
)
def test_what_cannot_be_shown_is_refused_when_a_suite_is_read(
    tmp_path: Path, title: str, name: str, label: str, complaint: str
) -> None:
    suite = tmp_path / "odd.toml"
    suite.write_text(
        f'name = "odd"\ntitle = {title}\nseeds = [1]\n' + CASE.format(name=name, label=label), encoding="utf-8"
    )
    with pytest.raises(BenchError, match=complaint) as caught:
        read_suite(str(suite))
    assert "\n" not in str(caught.value)


def test_texts_that_a_user_has_a_reason_to_write_are_read(tmp_path: Path) -> None:
    labels = ["$5 in, $6 out", "GRU $\\bm{h}_t$", "模型\u3000一", "שלום", "\N{WOMAN}\u200d\N{MICROSCOPE}\ufe0f", "a|b",
              "x" * 300, "می\u200cخواهم", "[red]", "<b>", "{{ x }}", "10\N{NO-BREAK SPACE}%"]  # fmt: skip
    names = ["w/a|b", "w/`c`", "w/d\\e", "w/$f$", "w/模型", *(f"w/{i}" for i in range(5, 11)), "y" * 300]
    suite = tmp_path / "odd.toml"
    cases = "".join(CASE.format(name=f"'{n}'", label=f"'{t}'") for n, t in zip(names, labels, strict=True))
    suite.write_text(f"name = 'odd'\ntitle = '{labels[0]}'\nseeds = [1]\n{cases}", encoding="utf-8")
    read = read_suite(str(suite)).select()
    assert [case.label for case in read] == labels
    assert [case.name for case in read] == names


def test_names_of_cases_that_differ_in_the_form_of_a_letter_alone_are_one(tmp_path: Path) -> None:
    suite = tmp_path / "odd.toml"
    cases = "".join(CASE.format(name=f"'{n}'", label="'x'") for n in ("é", "e\u0301"))
    suite.write_text(f"name = 'odd'\nseeds = [1]\n{cases}", encoding="utf-8")
    with pytest.raises(BenchError, match="'é' is defined twice; rename one"):
        read_suite(str(suite)).select()


def test_a_figure_shows_what_its_font_has_and_is_no_wider_than_its_room() -> None:
    assert as_text("$x_1$ \\alpha") == "$x_1$ \\alpha"
    assert as_text("模型 1") == f"{LACKING * 2} 1"
    assert as_text("a\x1bb\nc") == f"a{REPLACED}b c"
    assert as_text("\N{WOMAN}\ufe0f x").startswith(LACKING)
    wide, narrow = as_text("W" * 300), as_text("i" * 300)
    assert len(wide) < len(narrow) <= 60
    assert as_text("W" * 20) == "W" * 20


@pytest.mark.parametrize(
    "title", ["$\\bm{h}_t$", "$5 in, $6 out", "$", "模型 \N{ROCKET}", "\x1b[31m", "", "W" * 300, "_hidden"]
)
def test_a_picture_of_a_run_takes_any_title(title: str) -> None:
    curve = fake_curve(title, [("mse", "", "", 0.01)], 3)
    assert draw_curve(curve, title).startswith(b"\x89PNG")


def test_a_screen_shows_markup_and_commands_to_a_terminal_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    screen = console()
    screen.print("[red]x[/] :rocket: \x1b[31m \u202e \x07\ny")
    from rich.table import Table

    table = Table("a", title="\x1b]0;t\x07[b]")
    table.add_row("[/] \x1b[2J")
    screen.print(table)
    said = capsys.readouterr().out
    assert "[red]x[/] :rocket: " in said
    assert "[/] " in said
    assert "[b]" in said
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", said)
    assert safe("a\tb\nc\x9b") == f"a\tb\nc{REPLACED}"


def test_keys_that_differ_in_case_alone_stay_apart_in_every_store_of_mlflow() -> None:
    items = [
        Metric("valid/Load", 1.0, 0),
        Metric("valid/load", 2.0, 0),
        Metric("valid/load", 3.0, 0, 1),
        Param("x", "1"),
    ]
    (batch,) = batches(items)
    assert len({m.key.lower() for m in batch.metrics}) == 2
    assert batch.metrics[1].key == batch.metrics[2].key
    assert batch.params == [Param("x", "1")]


@pytest.mark.parametrize("name", ["xLSTM", "iTransformer", "gru_8", "LSTM", "模型", "\\$x", "1x", ""])
def test_a_sentence_that_begins_with_a_name_leaves_it_as_it_is(name: str) -> None:
    assert upper(f"{name} leads") == f"{name} leads"
    assert name == "LSTM" or lower(name) == name
    assert lower("LSTM with a bias") == "LSTM with a bias"
    assert (upper("least-squares, fitted"), lower("The steps")) == ("Least-squares, fitted", "the steps")


def test_texts_that_look_alike_are_one_when_folded() -> None:
    assert folded("ＬＳＴＭ  x") == folded("lstm\N{NO-BREAK SPACE}X") == folded("ls\u200dtm x")
    assert folded("lstm x") != folded("lstmx")
