import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.errors import BenchError
from bench.registry import Registry, close_matches
from bench.report.errata import asides
from bench.report.figures.base import figures
from bench.report.parts import columns, overlays, sections


def test_a_duplicate_names_both_places():
    registry: Registry[type] = Registry("thing")

    @registry.register("a")
    class First:
        pass

    with pytest.raises(
        BenchError, match=r"thing 'a' is registered twice: in test_registry.py:\d+ and in test_reg"
    ) as e:

        @registry.register("a")
        class Second:
            pass

    places = [word for word in str(e.value).replace(";", "").split() if word.startswith("test_registry.py:")]
    assert len(set(places)) == 2
    assert registry.get("a") is First


def test_an_unknown_name_offers_close_matches():
    registry: Registry[int] = Registry("thing")
    registry.add("wavenet", 1)
    registry.add("linear", 2)
    with pytest.raises(BenchError, match="unknown thing 'wavnet'; did you mean wavenet"):
        registry.get("wavnet")
    with pytest.raises(BenchError, match="known: wavenet, linear"):
        registry.get("zzz")


def test_names_keep_the_order_of_registration():
    registry: Registry[int] = Registry("thing")
    for name in ("b", "a", "c"):
        registry.add(name, 0)
    assert registry.names() == ["b", "a", "c"]


@pytest.mark.parametrize(("code", "reason"), [("def x(:", "SyntaxError: "), ("import nonesuch_", "No module named")])
def test_a_file_that_cannot_be_imported_is_one_line(code, reason, tmp_path, monkeypatch):
    package = tmp_path / "some_plugins"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "oops.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry("thing", "some_plugins")
    for _ in range(2):
        with pytest.raises(BenchError, match=r"module 'some_plugins.oops' cannot be imported \(") as caught:
            registry.names()
        assert reason in str(caught.value)
    del sys.modules["some_plugins"]


def test_a_module_of_a_user_that_is_not_found_is_a_line_that_says_where_to_name_its_folder():
    registry = Registry("thing", "no_such_plugins")
    with pytest.raises(BenchError, match="or move it away, and PYTHONPATH has to name the folder that it is in, or it"):
        registry.names()


def test_a_thread_that_asks_while_another_imports_waits_for_all_of_it(tmp_path, monkeypatch):
    package = tmp_path / "slow_plugins"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import threading\nfrom bench.registry import Registry\n"
        "registry = Registry('thing', 'slow_plugins')\nimported, go_on = threading.Event(), threading.Event()\n"
    )
    (package / "one.py").write_text(
        "from slow_plugins import go_on, imported, registry\nimported.set()\ngo_on.wait(60)\nregistry.add('one', 1)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import slow_plugins

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(slow_plugins.registry.get, "one")
        assert slow_plugins.imported.wait(60)
        second = threads.submit(slow_plugins.registry.get, "one")
        slow_plugins.go_on.set()
        assert (first.result(60), second.result(60)) == (1, 1)
    for name in ("slow_plugins", "slow_plugins.one"):
        del sys.modules[name]


@pytest.mark.parametrize("registry", [asides, columns, figures, overlays, sections], ids=lambda r: r.kind)
def test_a_registry_finds_its_entries_without_another_one_that_happens_to_be_asked_first(registry):
    """Else a process's first report lacks what its second one shows (findings are made after all sections)."""
    places = (f"{registry._package}.", "bench.families.")
    for name in registry.names():
        assert f"{registry.origin(name)}.".startswith(places), name


def test_a_hint_names_a_line_of_names_at_most():
    names = [f"model_{number}" for number in range(45)]
    assert close_matches("zzz", names) == f"known: {', '.join(names[:20])} and 25 more"
    assert close_matches("zzz", names[:20]) == f"known: {', '.join(names[:20])}"
    assert close_matches("zzz", []) == "known: none"
