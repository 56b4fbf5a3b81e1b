import pytest

from bench.cases.base import Published
from bench.errors import BenchError
from bench.models.base import models
from bench.plan import make_plan
from bench.suite import Suite, override, read_suite
from tests.committed import suites

GOOD = 'name = "mine"\ncases = ["chapter15/linear"]\nseeds = [1, 2]\n'
AUTO = GOOD.replace("[1, 2]", '"auto"') + "[auto_seeds]\n"
IN_PLACE = 'name = "mine"\nseeds = [1]\n[[cases]]\nname = "small"\ndataset = "waves_next_step"\nmodel = "linear"\n'


def write(folder, text, name="mine"):
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)


def test_the_committed_suites_select_what_they_say():
    chapter = read_suite("chapter15")
    assert chapter.seeds == list(range(42, 52))
    selected = chapter.select()
    assert len(selected) == len({c.name for c in selected}) >= 42
    assert {c.recipe.epochs for c in selected if c.recipe} == {2, 20, 60}
    assert all(c.recipe is None or c.recipe.epochs == 2 for c in read_suite("smoke").select())


def test_the_data_seed_suite_has_every_honest_wave_case_and_varies_all_seeds_together():
    suite = read_suite("chapter15-data-seeds")
    assert (suite.seeds, suite.data_seeds, suite.throughput) == (list(range(42, 52)), "seeds", False)
    ours = {c.name for c in suite.select()}
    for case in read_suite("chapter15").select():
        faulty = any(e.variant not in ("corrected", "scored on the same positions") for e in case.errata)
        if case.dataset.name.startswith("waves") and not faulty:
            assert case.name in ours
    assert not {c.name for c in suite.select() if c.model.leaks_target}


def test_the_matched_suite_compares_like_with_like():
    suite = read_suite("chapter15-matched")
    assert (suite.seeds, suite.throughput) == (list(range(42, 52)), False)
    trained = [c for c in suite.select() if c.recipe]
    assert {c.dataset.name for c in suite.select()} == {"waves_every_step"}
    by_rate = {}
    for case in trained:
        by_rate.setdefault(case.recipe.learning_rate, set()).add(case.variant_of or case.name)
    assert set(by_rate) == {0.001, 0.003, 0.01, 0.03}
    assert by_rate[0.001] == by_rate[0.003] == by_rate[0.01] == by_rate[0.03]
    assert len(by_rate[0.001]) == 9
    assert len({c.recipe.model_copy(update={"learning_rate": 0.5}) for c in trained}) == 1


def test_the_backends_suite_is_the_chapters_with_fewer_seeds_where_runs_take_long():
    suite, chapter = read_suite("chapter15-backends"), read_suite("chapter15")
    assert (suite.seeds, suite.rank, suite.data_seeds) == (chapter.seeds, chapter.rank, chapter.data_seeds)
    assert suite.seeds_on == {"torch": [42, 43, 44]}
    specs = {backend: [s for s in make_plan(suite, []).specs if s.backend == backend] for backend in suite.backends}
    theirs = {s.run_id for s in make_plan(chapter, []).specs if s.backend == "tensorflow"}
    assert {s.run_id for s in specs["tensorflow"]} == theirs, "the chapter's own runs, done once"
    seeds = {backend: sorted({s.model_seed for s in found}) for backend, found in specs.items()}
    assert seeds == {"tensorflow": chapter.seeds, "jax": chapter.seeds, "torch": [42, 43, 44]}
    assert {s.case for s in specs["jax"]} == {s.case for s in specs["tensorflow"]} < {s.case for s in specs["torch"]}


def test_seeds_of_one_backend_are_in_the_digest_where_they_are_set_and_go_with_what_a_command_says():
    suite = read_suite("chapter15-backends")
    assert suite.model_copy(update={"seeds_on": {}}).digest != suite.digest
    assert override(suite, seeds=suite.seeds) == suite
    assert override(suite, seeds=[42, 7]).seeds_on == {}, "the command's seeds are those of every backend"
    assert override(suite, backends=["torch"]).seeds_on == suite.seeds_on
    assert override(suite, backends=["jax"]).seeds_on == {}
    assert override(suite, seeds=[7], backends=["torch"]).seeds_on == {}


@pytest.mark.parametrize("name", suites())
def test_a_committed_suite_has_a_title_and_cases(name):
    suite = read_suite(name)
    assert suite.title
    assert suite.select()
    assert suite.baseline in models.names()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD.replace("seeds", "sedes"), r"mine.toml: unknown key 'sedes'; did you mean seeds"),
        (GOOD.replace("[1, 2]", '["a"]'), r"mine.toml: key 'seeds.0': input should be a valid integer, is 'a'"),
        (GOOD.replace("[1, 2]", "[1, 1]"), r"key 'seeds': names one value twice"),
        (GOOD.replace("[1, 2]", "[-1]"), r"key 'seeds.0': input should be greater than or equal to 0, is -1"),
        (GOOD.replace("[1, 2]", "[true]"), r"key 'seeds.0': input should be a valid integer, is True"),
        (GOOD.replace("[1, 2]", "3"), r"key 'seeds': input should be a valid list, is 3"),
        ("seeds = [1]\ncases = ['x']", r"key 'name' is missing"),
        (GOOD + "[recipe]\nepoch = 3", r"unknown key 'recipe.epoch'; did you mean epochs"),
        (GOOD + "[recipe]\nepochs = '3'", r"key 'recipe.epochs': input should be a valid integer, is '3'"),
        (GOOD + "[recipe]\nepochs = 0", r"key 'recipe.epochs': input should be greater than 0, is 0"),
        (GOOD + "[recipe]\noptimizer = 'adm'", r"key 'recipe.optimizer': input should be 'adam'"),
        (GOOD.replace("[1, 2]", "[]"), r"key 'seeds': list should have at least 1 item"),
        (GOOD + "seeds_on.torch = [1]", r"key 'seeds_on': 'torch' is not in backends; name it there, or"),
        (
            GOOD + "seeds_on.tensorflow = [3]",
            r"'seeds_on': .* names 3, which is not in seeds or is there",
        ),
        (
            GOOD + "seeds_on.tensorflow = [1, 1]",
            r"'seeds_on': .* names 1, which is not in seeds or is there",
        ),
        (GOOD + "seeds_on.tensorflow = []", r"key 'seeds_on.tensorflow': list should have at least 1 item"),
        (
            AUTO.replace("[auto_seeds]", "seeds_on.tensorflow = [1]"),
            r"'seeds_on': .* nothing where seeds is",
        ),
        (GOOD.replace("[1, 2]", '"atuo"'), r"key 'seeds': input should be 'auto', is 'atuo'"),
        (GOOD + "[auto_seeds]\nleast = 12", r"key 'auto_seeds': means nothing where seeds is a list"),
        (AUTO + "least = 9", r"key 'auto_seeds.least': at least 10: stopping earlier .* cover 90 to 92 %"),
        (AUTO + "least = 10\ncap = 9", r"key 'auto_seeds.cap': must not be less than least, is 9"),
        (AUTO + "step = 0", r"key 'auto_seeds.step': input should be greater than 0, is 0"),
        (AUTO + "width = 1", r"key 'auto_seeds.width': input should be greater than 1, is 1"),
        (AUTO + "least = 31", r"key 'auto_seeds.cap': must not be less than least, is 30"),
        (AUTO + "first = 4294967290", r"key 'auto_seeds.first': input should be less than 4294966296"),
        (AUTO + "frist = 1", r"unknown key 'auto_seeds.frist'; did you mean first"),
        (GOOD + "throughput = 1", r"key 'throughput': input should be a valid boolean, is 1"),
        (GOOD + "[grid]\nlearning_rat = [1.0]", r"unknown key 'grid.learning_rat'; did you mean learning_rate"),
        (GOOD + "[grid]\nlearning_rate = 0.1", r"key 'grid.learning_rate': input should be a valid list, is 0.1"),
        (GOOD + "[grid]\nlearning_rate = ['a']", r"key 'grid.learning_rate.0': input should be a valid number, is 'a'"),
        (GOOD + "[grid]\nlearning_rate = []", r"key 'grid.learning_rate': list should have at least 1 item"),
        (GOOD + "[grid]\nepochs = [1, 1]", r"key 'grid.epochs': names one value twice"),
        (GOOD + "[grid]\nepochs = [1.5]", r"key 'grid.epochs.0': input should be a valid integer"),
        (GOOD + "[grid]\nepochs = [1]\n[recipe]\nepochs = 2", r"key 'grid': .* epochs, which recipe sets to one"),
        (GOOD + 'only = ["chapter15/deep_rnn"]', r"suite 'mine': unknown case 'chapter15/deep_rnn'"),
        (GOOD.replace('"mine"', '"other"'), r"key 'name' is 'other', expected 'mine'"),
        (GOOD.replace('"mine"', '"a/b"'), r"key 'name': a suite's name is 1 to 100 letters"),
        (GOOD.replace('"mine"', '"../mine"'), r"key 'name': a suite's name is"),
        (GOOD.replace('"mine"', '"mi|ne"'), r"key 'name': a suite's name is"),
        (GOOD.replace('"mine"', '"mine\\n"'), r"key 'name': a suite's name is"),
        (GOOD + 'title = "a\\u0007b"', r"key 'title': holds a control character"),
        (GOOD + f'title = "{301 * "a"}"', r"key 'title': string should have at most 300 characters"),
        (GOOD + "]", r"mine.toml: not valid TOML"),
    ],
)
def test_a_fault_names_file_key_and_what_was_expected(tmp_path, text, complaint):
    with pytest.raises(BenchError, match=complaint) as caught:
        read_suite(write(tmp_path, text)).select()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (IN_PLACE.replace('"small"', '"a,b"'), r"key 'cases.0.name': a case's name holds no comma"),
        (IN_PLACE.replace('"small"', '"a\\nb"'), r"key 'cases.0.name': holds a control character"),
        (IN_PLACE.replace('"small"', '"a\\u202eb"'), r"key 'cases.0.name': holds a control character"),
        (IN_PLACE.replace('"small"', '"../b"'), r"key 'cases.0.name': a case's name is NAME or FAMILY/N"),
        (IN_PLACE.replace('"small"', '"a//b"'), r"key 'cases.0.name': a case's name is NAME or FAMILY/N"),
        (IN_PLACE.replace('"small"', '" a"'), r"key 'cases.0.name': a case's name is NAME or FAMILY/NAME"),
        (IN_PLACE.replace('"small"', '""'), r"key 'cases.0.name': string should have at least 1 character"),
        (IN_PLACE.replace("small", "a" * 301), r"key 'cases.0.name': string should have at most 300 characters"),
        (IN_PLACE + 'label = "a\\u001bb"', r"key 'cases.0.label': holds a control character"),
        (
            IN_PLACE + 'published = { source = "a\\tb" }',
            r"key 'cases.0.published.source': holds a control",
        ),
        (IN_PLACE + "modle = 1", r"unknown key 'cases.0.modle'; did you mean model"),
        (IN_PLACE + "recipe = { epoch = 1 }", r"unknown key 'cases.0.recipe.epoch'; did you mean epochs"),
        (IN_PLACE + "published = { nota = 1 }", r"unknown key 'cases.0.published.nota'; did you mean note"),
        (IN_PLACE.replace("dataset", "#"), r"key 'cases.0.dataset' is missing"),
        (GOOD.replace('["chapter15/linear"]', "[3]"), r"key 'cases.0': input should be a valid dictionary"),
    ],
)
def test_a_fault_of_a_case_in_place_names_its_key(tmp_path, text, complaint):
    with pytest.raises(BenchError, match=complaint) as caught:
        read_suite(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_name_may_be_what_people_write(tmp_path):
    for name in ("GRU (20 units)", "my/größe 3", "a.b-c_d=2"):
        (case,) = read_suite(write(tmp_path, IN_PLACE.replace("small", name))).select()
        assert case.name == name
    assert Suite.model_validate({"name": "2026-11_a.b", "cases": ["x"], "seeds": [1]}).name == "2026-11_a.b"


def test_digests_of_suites_stay_what_they_are():
    """A digest names a sweep: keys that came later must not change it where they are not used."""
    assert read_suite("smoke").digest == "1f44fa46"
    assert override(read_suite("chapter15"), seeds=[42, 43, 44]).digest == "666ee0ac"
    table = {"dataset": "waves_next_step", "model": {"name": "simple_rnn", "units": [3]}}
    case = {"name": "small", **table, "published": {"values": {"mse": 0.5}}}
    assert Suite.model_validate({"name": "mine", "seeds": [1], "cases": [case]}).digest == "58b74811"


def test_what_changes_no_run_is_not_in_the_digest(tmp_path):
    plain = read_suite(write(tmp_path, GOOD))
    assert plain.throughput
    assert read_suite(write(tmp_path, GOOD + "throughput = false")).digest == plain.digest
    assert read_suite(write(tmp_path, GOOD + "[grid]\nepochs = [1, 2]")).digest != plain.digest
    auto = read_suite(write(tmp_path, AUTO)).digest
    assert len({plain.digest, auto, read_suite(write(tmp_path, AUTO + "cap = 20")).digest}) == 3


def test_an_unknown_case_offers_close_matches(tmp_path):
    suite = read_suite(write(tmp_path, GOOD.replace("linear", "linaer")))
    with pytest.raises(BenchError, match="unknown case 'chapter15/linaer'; did you mean chapter15/linear"):
        suite.select()


def test_a_case_can_be_defined_in_place(tmp_path):
    text = """
name = "mine"
seeds = [1]
cases = ["chapter15/naive_next_step", { name = "small", DATASET, MODEL, recipe = { epochs = 1 }, label = "s" }]
"""
    text = text.replace("DATASET", 'dataset = { name = "waves_next_step", n_series = 100 }')
    text = text.replace("MODEL", 'model = { name = "simple_rnn", units = [3] }, published = { values = { mse = 0.5 } }')
    naive, small = read_suite(write(tmp_path, text)).select()
    assert naive.name == "chapter15/naive_next_step"
    assert small.dataset.n_series == 100
    assert small.model.units == (3,)
    assert small.recipe.epochs == 1
    assert small.published.values == {"mse": 0.5}
    with pytest.raises(BenchError, match=r"parameter 'units\.0': input should be a valid integer, is \"3\""):
        read_suite(write(tmp_path, text.replace("[3]", '["3"]'))).select()
    with pytest.raises(BenchError, match="'waves_next_step': parameter 'n_series': input should be a valid integer"):
        read_suite(write(tmp_path, text.replace("= 100", '= "100"'))).select()
    wrong = text.replace("units", "unit")
    with pytest.raises(BenchError, match="'small': model 'simple_rnn' has no parameter 'unit'; did you mean units"):
        read_suite(write(tmp_path, wrong)).select()
    with pytest.raises(BenchError, match="unknown model 'simple_rn'; did you mean simple_rnn"):
        read_suite(write(tmp_path, text.replace('"simple_rnn"', '"simple_rn"'))).select()


def test_overrides_change_the_digest_only_where_they_change_something():
    suite = read_suite("chapter15")
    assert override(suite) == suite
    assert override(suite, seeds=list(range(42, 52)), devices=["cpu"]).digest == suite.digest
    assert override(suite, cases=["chapter15/*"]).digest == suite.digest
    few = override(suite, cases=["*gru"], seeds=[1], epochs=3)
    assert few.digest != suite.digest
    assert {c.name.rpartition("/")[2] for c in few.select()} == {
        "seq2seq_gru", "conv_gru", "reber_gru", "reber_exercise_gru",
    }  # fmt: skip
    assert all(c.recipe.epochs == 3 for c in few.select())
    assert all(not c.published.values for c in few.select()), "published under another recipe"
    assert any(c.published.values for c in override(suite, cases=["*gru"]).select())
    with pytest.raises(BenchError, match="unknown case 'nonesuch'"):
        override(suite, cases=["nonesuch"])


def test_a_case_that_one_backend_alone_runs_is_chosen_on_it_and_said_elsewhere():
    suite = read_suite("chapter15")
    (chosen,) = override(suite, cases=["seq2seq_lstm_torch"], backends=["torch"]).select()
    assert chosen.name == "chapter15/seq2seq_lstm_torch"
    alone = r"'chapter15/seq2seq_lstm_torch' cannot be run: .* runs on torch alone, not on tensorflow"
    for pattern in ("seq2seq_lstm_torch", "chapter15/seq2seq_lstm_t*"):
        with pytest.raises(BenchError, match=alone):
            override(suite, cases=[pattern])
    assert {case.name for case in override(suite, cases=["seq2seq_lstm*"]).select()} == {"chapter15/seq2seq_lstm"}


def test_an_override_has_to_fit():
    suite = read_suite("chapter15")
    with pytest.raises(BenchError, match="seeds"):
        override(suite, seeds=[-1])


def test_published_values_are_of_the_sources_own_data():
    own, other = (
        Suite.model_validate({"name": "s", "cases": ["chapter15/linear"], "seeds": [1], "data_seeds": seeds})
        for seeds in ([42], "seeds")
    )
    assert own.select()[0].published.values
    assert other.select()[0].published == Published()


def test_several_data_seeds_are_refused_with_the_way_to_write_them(tmp_path):
    told = r"""several draws write seeds = \[3, 4\] and data_seeds = "seeds", is \[3, 4\]$"""
    with pytest.raises(BenchError, match=rf"key 'data_seeds': .*{told}"):
        read_suite(write(tmp_path, GOOD + "data_seeds = [3, 4]\n"))
    for wrong, words in (('"seed"', "should be 'seeds'"), ("[]", "at least 1 item")):
        with pytest.raises(BenchError, match=f"key 'data_seeds': .*{words}"):
            read_suite(write(tmp_path, GOOD + f"data_seeds = {wrong}\n"))


def test_what_ranks_and_what_is_equivalent_are_stated():
    suite = Suite(name="s", cases=["chapter15/linear"], seeds=[1])
    assert (suite.rank, suite.equivalence, suite.equivalence_points) == ("best", 0.05, 1.0)
    assert {read_suite(name).rank for name in suites() if name.startswith("chapter15")} == {"last"}
    changed = suite.model_copy(update={"equivalence": 0.1, "equivalence_points": 2.0})
    assert changed.digest == suite.digest, "how a report is read"
    assert suite.model_copy(update={"rank": "last"}).digest != suite.digest, "automatic seeds go by it"
    for key, value in {"rank": "first", "equivalence": 0, "equivalence_points": 100}.items():
        with pytest.raises(ValueError, match=key):
            Suite.model_validate(suite.model_dump() | {key: value})
