"""Nothing that is read from a file or a network can run code."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "bench"
MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "joblib"}
"""Their files are programs."""
CALLS = {"eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "pd.read_pickle",
         "pandas.read_pickle"}  # fmt: skip


def offences(source: str) -> list[str]:
    """Return what in a module could run code that it reads."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.partition(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module] if (node.module or "").partition(".")[0] in MODULES else []
        elif isinstance(node, ast.Call):
            found += _call(node)
    return found


def _call(node: ast.Call) -> list[str]:
    name = ast.unparse(node.func)
    given = {word.arg: ast.unparse(word.value) for word in node.keywords}
    if name in CALLS:
        return [name]
    if name in ("np.load", "numpy.load") and given.get("allow_pickle", "") != "False":
        return [f"{name} without allow_pickle=False"]
    if name.endswith("load_model") and given.get("safe_mode", "") != "True":
        return [f"{name} without safe_mode=True"]
    if name.endswith("enable_unsafe_deserialization"):
        return [name]
    if given.get("shell", "False") != "False":
        return [f"{name} in a shell"]
    return []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_no_module_runs_code_that_it_reads(path):
    assert not offences(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "exec(text)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "keras.models.load_model(path)",
        "keras.saving.load_model(path, safe_mode=False)",
        "yaml.load(text, Loader=Loader)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_each_would_be_seen(source):
    assert offences(source)


@pytest.mark.parametrize(
    "source",
    ["np.load(path, allow_pickle=False)", "load_model(path, safe_mode=True)", "model.evaluate(x)", "re.compile(a)"],
)
def test_what_is_safe_is_left_alone(source):
    assert not offences(source)
