"""The SQLite file in which MLflow keeps runs: tried, brought to the schema of the MLflow here, moved with its folder.

MLflow is a copy of the records, so a file that it cannot use is never mended in place: it is kept, under another name.
"""

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.files import NEW, discard
from bench.pasting import quote

ARTIFACTS = "artifacts"
"""The folder of a run's files, beside the database."""
PUT_AWAY = "put it away, and `bench sync` makes a new one of the records"
_STAMP = "alembic_version"


class Unusable(Exception):
    """Nothing can be tracked here until somebody does what the message says.

    Args:
        fault: What is wrong, and what to do.
        command: The command that does it, for a shell; empty where there is none.
    """

    def __init__(self, fault: str, command: str = ""):
        super().__init__(f"{fault}: {command}" if command else fault)
        self.command = command


@dataclass(frozen=True)
class Experiment:
    """An experiment that is there already."""

    experiment_id: str
    name: str
    tags: dict[str, str]


def uri_of(file: Path) -> str:
    """Return the address of an SQLite file, whatever its path is made of."""
    path = str(file)
    if not any(mark in path for mark in "?#%"):
        return f"sqlite:///{path}"
    from sqlalchemy.engine import URL

    # With its driver, or MLflow would make the folders that the quoted path seems to name.
    return URL.create("sqlite+pysqlite", database=path).render_as_string()


def file_of(uri: str) -> Path | None:
    """Return the file that an address names; None where it names no SQLite file.

    Raises:
        Unusable: It is kept in memory, or is none.
    """
    if not uri.startswith(("sqlite:", "sqlite+")):
        return None
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        name = make_url(uri).database
    except (ArgumentError, ValueError):
        raise Unusable("it is no address of an SQLite file, such as sqlite:////home/me/mlflow.db") from None
    if name in (None, "", ":memory:"):
        raise Unusable("a database in memory keeps nothing; name a file, such as sqlite:////home/me/mlflow.db")
    return None if name.startswith("file:") else Path(name).resolve()


def prepare(uri: str, say: Callable[[str], None] = print) -> Path | None:
    """Make an SQLite file ready for MLflow, where an address names one; return it.

    It is tried at once: MLflow would try an unusable one for minutes. An older one is brought to the schema of the
    MLflow here; as it was it is kept beside it.

    Args:
        uri: The address.
        say: Told in one line where a file was kept.

    Raises:
        OSError: It cannot be used just now.
        Unusable: It is no database of this MLflow, nor of an older one, or may not be written.
    """
    file = file_of(uri)
    if file is None:
        return None
    try:
        str(file).encode("utf-8")
    except UnicodeEncodeError:
        raise Unusable("MLflow takes no path that is not UTF-8; name another folder with --results") from None
    file.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # SQLite's own mode would leave out the group
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o666))
    _try(file)
    _bring(file, say)
    _move(file)
    return file


def away(file: Path, ending: str) -> str:
    """Return the command that keeps a file under another name, which is free."""
    return f"mv {quote(str(file))} {quote(str(_free(file, ending)))}"


def _free(file: Path, ending: str) -> Path:
    names = (f"{file.name}.{ending}{n or ''}" for n in range(1000))
    return next(path for path in map(file.with_name, names) if not os.path.lexists(path))


def _try(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:  # locked, or no leave to open it
        if file.exists() and not os.access(file, os.R_OK | os.W_OK):
            fault = f"{file} may not be written by this user; let its owner do chmod a+rw {quote(str(file))}"
            raise Unusable(fault) from None
        raise OSError(f"{file} cannot be used now ({error})") from None
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise Unusable(f"{file} is no usable database ({found}); {PUT_AWAY}", away(file, "broken"))


def _bring(file: Path, say: Callable[[str], None]) -> None:
    """Bring an older database to the newest schema: on a copy, whose content it takes over at the end."""
    tables, revision = _schema(file)
    if not tables or (revision is None and "experiments" in tables):  # new, or its first start was cut short
        return
    if revision is None:
        raise Unusable(f"{file} is a database of something else than MLflow; {PUT_AWAY}", away(file, "other"))
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError
    from mlflow import __version__
    from mlflow.store import db_migrations

    scripts = ScriptDirectory(str(Path(db_migrations.__file__).parent))
    if revision in scripts.get_heads():
        return
    try:
        known = scripts.get_revision(revision) is not None
    except CommandError:
        known = False
    if not known:
        raise Unusable(f"{file} is of a newer MLflow than {__version__}; {PUT_AWAY}", away(file, revision))
    kept = _free(file, revision)
    new = file.with_name(f"{NEW}{kept.name}")
    try:
        for copy in (kept, new):
            os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            _copy(file, copy)
        command = [sys.executable, "-W", "ignore", "-m", "mlflow", "db", "upgrade", uri_of(new)]
        upgrade = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if upgrade.returncode:
            discard(kept)
            fault = f"{file} is of another MLflow than {__version__}, which cannot upgrade it; {PUT_AWAY}"
            raise Unusable(fault, away(file, revision))
        _copy(new, file)
    finally:
        discard(new)
    say(f"{file} was of an older MLflow and is upgraded to {__version__}; as it was it is kept in {kept}")


def _schema(file: Path) -> tuple[set[str], str | None]:
    """Return the tables of a database, and the revision of MLflow's schema; None where it has none."""
    with closing(sqlite3.connect(file)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if _STAMP in tables else None
    return tables, found[0] if found else None


def _copy(file: Path, to: Path) -> None:
    """Copy a database's content, with what is not in the file yet, whole or not at all."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def _move(file: Path) -> None:
    """Have experiments and runs whose artifacts lie beside this database name them there.

    MLflow names a run's folder by its whole path, which changes when the results are moved, copied, or seen under
    another path. Artifacts that are still found where they were are left to be found there.
    """
    here = file.with_name(ARTIFACTS)
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as connection:
        query = "SELECT experiment_id, artifact_location FROM experiments WHERE artifact_location IS NOT NULL"
        for experiment, location in connection.execute(query).fetchall():
            there = _local(location)
            if there is None or there.name != ARTIFACTS or there == here or _same(there, here):
                continue
            query = "SELECT run_uuid, artifact_uri FROM runs WHERE experiment_id = ?"
            for run, uri in connection.execute(query, (experiment,)).fetchall():
                if not (uri or "").startswith(location):
                    continue
                inside = uri[len(location) :]
                if Path(f"{here}{unquote(inside)}").exists() or not Path(f"{there}{unquote(inside)}").exists():
                    moved = here.as_uri() + inside
                    connection.execute("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", (moved, run))
            moved = here.as_uri()
            query = "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?"
            connection.execute(query, (moved, experiment))
        connection.commit()


def _local(location: str) -> Path | None:
    """Return the folder that an artifact location names on this machine; None for one elsewhere."""
    parts = urlsplit(location)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(location) if location.startswith("/") else None


def _same(there: Path, here: Path) -> bool:
    try:
        return there.samefile(here)
    except OSError:
        return False


def read_experiments(file: Path) -> list[Experiment]:
    """Return the experiments that are not deleted, the one that was changed last first; none of a database without."""
    query = (
        "SELECT experiment_id, name, key, value FROM experiments LEFT JOIN experiment_tags USING (experiment_id) "
        "WHERE lifecycle_stage = 'active' ORDER BY last_update_time DESC, experiment_id, key"
    )
    found: dict[str, Experiment] = {}
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as connection:
        for number, name, key, value in connection.execute(query):
            found.setdefault(str(number), Experiment(str(number), name, {})).tags[key] = value
    return list(found.values())


def drop_init_lock(uri: str) -> None:
    """Remove the file by which MLflow locks the making of tables: another user of the machine could not open it."""
    from sqlalchemy.engine import make_url

    name = hashlib.md5(str(make_url(uri)).encode(), usedforsecurity=False).hexdigest()
    discard(Path(tempfile.gettempdir(), f"db_init_lock-{name}"))
