import pytest

from bench.errors import BenchError
from bench.suite import override, read_suite

GOOD = 'name = "mine"\ncases = ["chapter15/linear"]\nseeds = [1, 2]\n'


def write(folder, text, name="mine"):
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)


def test_the_committed_suites_select_what_they_say():
    chapter = read_suite("chapter15")
    assert chapter.seeds == [42, 43, 44]
    selected = chapter.select()
    assert len(selected) == len({c.name for c in selected}) >= 40
    assert {c.recipe.epochs for c in selected if c.recipe} == {2, 20, 60}
    assert all(c.recipe is None or c.recipe.epochs == 2 for c in read_suite("smoke").select())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD.replace("seeds", "sedes"), r"mine.toml: unknown key 'sedes'; did you mean seeds"),
        (GOOD.replace("[1, 2]", '["a"]'), r"mine.toml: key 'seeds.0': input should be a valid integer, is 'a'"),
        (GOOD.replace("[1, 2]", "[1, 1]"), r"key 'seeds': value error, names one value twice"),
        (GOOD.replace("[1, 2]", "[-1]"), r"key 'seeds.0': input should be greater than or equal to 0, is -1"),
        (GOOD.replace("[1, 2]", "[true]"), r"key 'seeds.0': input should be a valid integer, is True"),
        (GOOD.replace("[1, 2]", "3"), r"key 'seeds': input should be a valid list, is 3"),
        ("seeds = [1]\ncases = ['x']", r"key 'name' is missing"),
        (GOOD + "[recipe]\nepoch = 3", r"unknown key 'recipe.epoch'; did you mean epochs"),
        (GOOD + "[recipe]\nepochs = '3'", r"key 'recipe.epochs': input should be a valid integer, is '3'"),
        (GOOD + "[recipe]\nepochs = 0", r"key 'recipe.epochs': input should be greater than 0, is 0"),
        (GOOD + "[recipe]\noptimizer = 'adm'", r"key 'recipe.optimizer': input should be 'adam'"),
        (GOOD.replace('"mine"', '"other"'), r"key 'name' is 'other', expected 'mine'"),
        (GOOD + "]", r"mine.toml: not valid TOML"),
    ],
)
def test_a_fault_names_file_key_and_what_was_expected(tmp_path, text, complaint):
    with pytest.raises(BenchError, match=complaint):
        read_suite(write(tmp_path, text)).select()


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
    text = text.replace("MODEL", 'model = { name = "simple_rnn", units = [3] }, published = { valid_mse = 0.5 }')
    naive, small = read_suite(write(tmp_path, text)).select()
    assert naive.name == "chapter15/naive_next_step"
    assert small.dataset.n_series == 100
    assert small.model.units == (3,)
    assert small.recipe.epochs == 1
    assert small.published.valid_mse == 0.5
    with pytest.raises(BenchError, match=r"model 'simple_rnn': units\.0: Input should be a valid integer"):
        read_suite(write(tmp_path, text.replace("[3]", '["3"]'))).select()
    with pytest.raises(BenchError, match="dataset 'waves_next_step': n_series: Input should be a valid integer"):
        read_suite(write(tmp_path, text.replace("= 100", '= "100"'))).select()
    wrong = text.replace("units", "unit")
    with pytest.raises(BenchError, match="model 'simple_rnn': unit: Extra inputs"):
        read_suite(write(tmp_path, wrong)).select()
    with pytest.raises(BenchError, match="unknown model 'simple_rn'; did you mean simple_rnn"):
        read_suite(write(tmp_path, text.replace('"simple_rnn"', '"simple_rn"'))).select()


def test_overrides_change_the_digest_only_where_they_change_something():
    suite = read_suite("chapter15")
    assert override(suite) == suite
    assert override(suite, seeds=[42, 43, 44], devices=["cpu"]).digest == suite.digest
    assert override(suite, cases=["chapter15/*"]).digest == suite.digest
    few = override(suite, cases=["*gru"], seeds=[1], epochs=3)
    assert few.digest != suite.digest
    assert {c.name.rpartition("/")[2] for c in few.select()} == {
        "seq2seq_gru", "conv_gru", "reber_gru", "reber_exercise_gru",
    }  # fmt: skip
    assert all(c.recipe.epochs == 3 for c in few.select())
    assert all(c.published.valid_mse is None for c in few.select()), "published under another recipe"
    assert any(c.published.valid_mse for c in override(suite, cases=["*gru"]).select())
    with pytest.raises(BenchError, match="unknown case 'nonesuch'"):
        override(suite, cases=["nonesuch"])
    with pytest.raises(BenchError, match="seeds"):
        override(suite, seeds=[-1])
