"""Writing on file systems that lack an operation, with the umask's modes; reading what lies beside records."""

import errno
import fcntl
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from bench import files
from bench.cli.app import call
from bench.doctor import machine
from bench.errors import BenchError
from bench.files import NEW, lacking, written_whole
from bench.lock import LOCK, SOFT_LOCK, hold
from bench.store import Store
from tests.fakes import fake_record

ROOT = Path(__file__).parent.parent
LACKING = [errno.EPERM, errno.ENOSYS, errno.EIO, errno.EACCES, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.EINVAL]


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    made.prepare()
    return made


def refuse(monkeypatch, where, name, number):
    """Have a call fail as a file system does that lacks it."""

    def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(where, name, refused)


class TestRecords:
    @pytest.mark.parametrize("number", LACKING)
    def test_without_hard_links(self, store, monkeypatch, number):
        refuse(monkeypatch, os, "link", number)
        record = fake_record("fake/rnn")
        assert [store.write(record).attempt for _ in range(2)] == [1, 2]
        assert len(store.read()) == len(list(store.folder.iterdir())) == 2

    @pytest.mark.parametrize("number", LACKING)
    def test_without_links_and_renaming(self, store, monkeypatch, number):
        refuse(monkeypatch, os, "link", number)
        refuse(monkeypatch, Path, "rename", number)
        record = fake_record("fake/rnn")
        assert [store.write(record).attempt for _ in range(2)] == [1, 2]
        assert len(store.read()) == len(list(store.folder.iterdir())) == 2

    def test_a_name_taken_meanwhile_is_not_overwritten(self, store, monkeypatch):
        """Without links another writer may be at the same name: between the look at it and the renaming."""
        record = fake_record("fake/rnn")
        refuse(monkeypatch, os, "link", errno.ENOSYS)
        claim = store.folder / f"{NEW}{record.key}.json"
        claim.touch()
        assert store.write(record).attempt == 2
        assert claim.exists()
        claim.unlink()
        (store.folder / f"{record.key}.json").symlink_to("nowhere")
        assert store.write(record).attempt == 3

    def test_a_link_that_was_made_and_then_refused_is_one_record(self, store, monkeypatch):
        """A network file system that hears no answer asks again, and is told that the name is taken."""
        link = os.link

        def twice(source, target):
            link(source, target)
            link(source, target)

        monkeypatch.setattr(os, "link", twice)
        assert store.write(fake_record("fake/rnn")).attempt == 1
        assert len(list(store.folder.iterdir())) == 1

    @pytest.mark.parametrize("number", sorted(files.NO_SYNC))
    def test_without_syncing(self, store, monkeypatch, number):
        refuse(monkeypatch, os, "fsync", number)
        record = store.write(fake_record("fake/rnn"))
        assert store.read() == [record]

    @pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
    def test_what_did_not_get_to_the_disk_is_no_record(self, store, monkeypatch, number):
        refuse(monkeypatch, os, "fsync", number)
        with pytest.raises(OSError, match=os.strerror(number)) as error:
            store.write(fake_record("fake/rnn"))
        assert error.value.filename.endswith(".json")
        assert list(store.folder.iterdir()) == []

    @pytest.mark.parametrize("number", [errno.EPERM, errno.EBUSY, errno.ENOSYS])
    def test_where_nothing_can_be_removed(self, store, monkeypatch, number):
        old = store.folder / f"{NEW}old"
        old.touch()
        os.utime(old, (1e9, 1e9))
        refuse(monkeypatch, Path, "unlink", number)
        store.prepare()
        record = store.write(fake_record("fake/rnn"))
        assert store.read() == [record]

    @pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
    def test_a_copy_that_fails_leaves_the_name_free(self, store, monkeypatch, number):
        refuse(monkeypatch, os, "link", errno.ENOSYS)
        refuse(monkeypatch, Path, "rename", errno.ENOSYS)
        refuse(monkeypatch, Path, "read_bytes", number)
        with pytest.raises(OSError, match=os.strerror(number)):
            store.write(fake_record("fake/rnn"))
        assert list(store.folder.iterdir()) == []


class TestWrittenWhole:
    @pytest.mark.parametrize("number", [errno.EACCES, errno.EBUSY, errno.EXDEV, errno.ENOSYS, errno.EPERM, errno.EIO])
    def test_what_cannot_be_replaced_is_written_over(self, tmp_path, monkeypatch, number):
        path = tmp_path / "README.md"
        path.write_text("before, and longer than what comes after")
        refuse(monkeypatch, Path, "replace", number)
        with written_whole(path) as new:
            new.write_text("after")
        assert path.read_text() == "after"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_write_that_fails_leaves_what_was_there(self, tmp_path):
        path = tmp_path / "README.md"
        path.write_text("before")
        with pytest.raises(TypeError), written_whole(path) as new:
            new.write_text(new.write_text("af"))
        assert path.read_text() == "before"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_link_stays_a_link_and_a_pipe_a_pipe(self, tmp_path):
        target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
        link.symlink_to(target)
        with written_whole(link) as new:
            new.write_text("text")
        assert (link.is_symlink(), target.read_text()) == (True, "text")
        os.mkfifo(pipe)
        with written_whole(pipe) as new:
            assert new == pipe

    def test_the_longest_name_can_be_written(self, tmp_path):
        path = tmp_path / ("x" * 251 + ".csv")
        with written_whole(path) as new:
            new.write_text("text")
        assert path.read_text() == "text"

    def test_an_export_keeps_what_its_name_says(self, tmp_path, store):
        import pandas as pd

        with written_whole(tmp_path / "a.csv.gz") as new:
            pd.DataFrame({"a": [1]}).to_csv(new, index=False)
        assert (tmp_path / "a.csv.gz").read_bytes()[:2] == b"\x1f\x8b"


WRITING = """
import os, pathlib, sys
os.umask(int(sys.argv[2], 8))
from bench.frames import write_frames
from bench.lock import hold
from bench.store import Store
from bench.tracking.client import MlflowTracker
from bench.child_process import prepare_process
from tests.fakes import fake_record
from tests.tracking_fakes import fake_measurement
import pandas as pd
folder = pathlib.Path(sys.argv[1])
with hold(folder):
    store = Store(folder)
    store.prepare()
    store.write(fake_record("fake/rnn"))
    store.write_measurement(fake_measurement())
    write_frames(folder / "report", {"runs": pd.DataFrame({"a": [1]})})
    from bench.tracking.database import prepare
    prepare(f"sqlite:///{folder / 'mlflow.db'}")
    (folder / "held").write_bytes((folder / ".lock.json").read_bytes())
    os.chmod(folder / "held", (folder / ".lock.json").stat().st_mode)
prepare_process(os.getppid(), folder / "log", None)
"""


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_all_that_is_written_has_the_umask_s_modes(tmp_path, umask):
    folder = tmp_path / "results"
    folder.mkdir()
    folder.chmod(0o2777)
    command = [sys.executable, "-c", WRITING, str(folder), oct(umask)]
    subprocess.run(command, cwd=ROOT, check=True)
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {LOCK, "held", "runs.csv", "mlflow.db", "log"}
    assert {path.parent.name for path in written} == {"results", "records", "measurements", "report"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o666 & ~umask}
    folders = [path for path in folder.rglob("*") if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o2777 & ~umask}
    assert {path.stat().st_gid for path in [*written, *folders]} == {folder.stat().st_gid}


class TestReading:
    def test_what_is_no_record_is_passed_over(self, store, monkeypatch):
        record = store.write(fake_record("fake/rnn"))
        text = (store.folder / f"{record.key}.json").read_text()
        for name in (
            f"._{record.key}.json",
            f".{record.key}.json.swp",
            f".#{record.key}.json",
            f"{record.key}.json~",
            f"{record.key}.json.bak",
            f"{record.key} (conflicted copy).json",
            f"{record.key} (1).json",
            f"{record.key}.sync-conflict-20260101-120000-ABCDEFG.json",
            f"{record.key}-LAPTOP.json",
            f"Copy of {record.key}.json",
            ".nfs0000000000000001",
            ".DS_Store",
            "Thumbs.db",
            "desktop.ini",
            "notes.json",
        ):
            for content in (text, "", "\0\x05\x16"):
                if (name, content) != ("notes.json", text):
                    (store.folder / name).write_text(content)
                    assert store.read() == [record], (name, content)
        (store.folder / "a-folder-1.json").mkdir()
        (store.folder / "a-loop-1.json").symlink_to("a-loop-1.json")
        (store.folder / "to-nowhere-1.json").symlink_to("nowhere")
        os.mkfifo(store.folder / "a-pipe-1.json")
        monkeypatch.chdir(store.folder)  # the path of a socket may have a hundred characters
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("a-socket-1.json")
        assert store.read() == [record]
        assert store.write(record).attempt == 2

    def test_a_record_under_another_name_alone_is_not_lost(self, store):
        record = store.write(fake_record("fake/rnn"))
        path = store.folder / f"{record.key}.json"
        path.rename(path.with_name("renamed by somebody.json"))
        with pytest.raises(BenchError, match=f"its content belongs to {record.key}.json"):
            store.read()

    def test_a_record_that_may_not_be_read_is_not_called_broken(self, store, monkeypatch, capsys):
        other = store.write(fake_record("fake/gru"))
        record = store.write(fake_record("fake/rnn"))
        path = store.folder / f"{record.key}.json"
        read = Path.read_bytes

        def read_bytes(self):
            if self == path:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return read(self)

        monkeypatch.setattr(Path, "read_bytes", read_bytes)
        for verb in ("report", "plan", "results"):
            assert call([verb, "smoke", "--results", str(store.results)]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert f"{path} cannot be read: Permission denied; the record may be good" in line
            assert f"chmod -R a+rX {store.folder}" in line
            assert "move" not in line
        assert call(["doctor", "--json", "--results", str(store.results)]) == 1
        assert "1 good, 1 that cannot be read" in capsys.readouterr().out
        path.unlink()
        assert store.read() == [other]

    @pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
    def test_a_broken_disk_is_not_called_a_broken_record(self, store, monkeypatch, number):
        store.write(fake_record("fake/rnn"))
        refuse(monkeypatch, Path, "read_bytes", number)
        with pytest.raises(BenchError, match=f"cannot be read: {os.strerror(number)}; .* try again") as said:
            store.read()
        assert "move" not in str(said.value)

    def test_a_folder_that_may_not_be_read_is_not_empty(self, store, monkeypatch):
        """Or all of its runs would be done again."""
        store.write(fake_record("fake/rnn"))
        refuse(monkeypatch, os, "listdir", errno.EACCES)
        refuse(monkeypatch, os, "scandir", errno.EACCES)
        with pytest.raises(BenchError, match=f"{store.folder} cannot be read: Permission denied"):
            store.read()

    def test_what_vanishes_while_it_is_read_is_no_fault(self, store, monkeypatch):
        store.write(fake_record("fake/rnn"))
        refuse(monkeypatch, Path, "read_bytes", errno.ENOENT)
        assert store.read() == []


def test_a_results_folder_that_cannot_be_written_is_read(tmp_path, monkeypatch, capsys):
    """A colleague's: nothing is made in it, no lock is taken."""
    store = Store(tmp_path / "theirs")
    store.prepare()
    store.write(fake_record("fake/rnn"))
    before = sorted(store.results.rglob("*"))
    opened = os.open

    def read_only(path, flags, *args, **options):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and str(path).startswith(str(store.results)):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return opened(path, flags, *args, **options)

    monkeypatch.setattr(os, "open", read_only)
    for verb in ("plan", "results"):
        call([verb, "smoke", "--results", str(store.results)])
        assert "Read-only" not in capsys.readouterr().err
    assert call(["sync", "smoke", "--results", str(store.results)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot write to the results folder" in line
    assert sorted(store.results.rglob("*")) == before


HOLDING = """
import fcntl, os, pathlib, sys
def flock(handle, operation):
    raise OSError(int(sys.argv[2]), os.strerror(int(sys.argv[2])))
fcntl.flock = flock
from bench.lock import hold
with hold(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""
NO_LOCKS = [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.EIO]


class Mount(NamedTuple):
    mountpoint: str
    fstype: str
    opts: str


def heedless(path, flags, mode=0o777, opened=os.open):
    """Open as a file system does that makes a file anew which is there."""
    return opened(path, (flags & ~os.O_EXCL) | (os.O_TRUNC if flags & os.O_EXCL else 0), mode)


class TestLacking:
    """A file system that lacks what no other way can stand for is refused in a line."""

    @pytest.mark.parametrize(
        ("where", "name", "instead", "why"),
        [
            (os, "open", heedless, "O_EXCL is not heeded"),
            (os, "link", lambda new, path: shutil.copyfile(new, path), "takes one that is taken"),
            (os, "link", lambda new, path: None, "a file cannot be given a name"),
            (os, "listdir", lambda folder: [], "what was written is not what is read"),
        ],
    )
    def test_what_would_lose_records_is_refused(self, tmp_path, monkeypatch, capsys, where, name, instead, why):
        monkeypatch.setattr(where, name, instead)
        assert call(["run", "smoke", "--results", str(tmp_path), "--no-track"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"the file system of the results folder {tmp_path} would lose records: " in line
        assert why in line
        assert not list(tmp_path.rglob("*.json"))

    def test_a_good_one_lacks_nothing_and_nothing_is_left(self, tmp_path, monkeypatch):
        assert lacking(tmp_path) == ""
        refuse(monkeypatch, os, "link", errno.EPERM)
        assert lacking(tmp_path) == ""
        assert not list(tmp_path.iterdir())


class TestLock:
    @pytest.mark.parametrize("number", NO_LOCKS)
    def test_without_locks_a_file_stands_for_one(self, tmp_path, monkeypatch, number):
        refuse(monkeypatch, fcntl, "flock", number)
        for _ in range(2):
            with hold(tmp_path):
                assert (tmp_path / SOFT_LOCK).exists()
                assert machine.check_lock(tmp_path).status == "ok"
                gone = f"where that is gone, rm {tmp_path / SOFT_LOCK}"
                with pytest.raises(BenchError, match=f"held by process {os.getpid()} .*{gone}"), hold(tmp_path):
                    pass
        assert not (tmp_path / SOFT_LOCK).exists()
        assert machine.check_lock(tmp_path).found == "free"

    @pytest.mark.parametrize(
        ("kind", "options", "file"),
        [
            ("nfs4", "rw,vers=4.2,local_lock=none", False),
            ("nfs", "rw,vers=3,nolock,local_lock=all", True),
            ("nfs4", "rw,local_lock=flock", True),
            ("ext4", "rw", False),
        ],
    )
    def test_a_lock_that_no_other_machine_sees_is_a_file(self, tmp_path, monkeypatch, kind, options, file):
        mounts = [Mount("/", "ext4", "rw,nolock"), Mount(str(tmp_path.parent), kind, options)]
        monkeypatch.setattr("psutil.disk_partitions", lambda all: mounts)
        with hold(tmp_path):
            assert (tmp_path / SOFT_LOCK).exists() == file
            with pytest.raises(BenchError, match=f"held by process {os.getpid()} "), hold(tmp_path):
                pass

    def test_such_a_file_of_a_dead_process_is_given_up(self, tmp_path, monkeypatch):
        command = [sys.executable, "-c", HOLDING, str(tmp_path), str(errno.ENOLCK)]
        with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, cwd=ROOT) as process:
            assert process.stdout.readline() == "held\n"
            refuse(monkeypatch, fcntl, "flock", errno.ENOLCK)
            with pytest.raises(BenchError, match=f"held by process {process.pid} "), hold(tmp_path):
                pass
            process.kill()
            process.wait()
        assert (tmp_path / SOFT_LOCK).exists()
        with hold(tmp_path):
            pass


@pytest.mark.parametrize("total", [None, 0])
def test_a_file_system_that_does_not_say_how_much_is_free_is_no_full_one(tmp_path, monkeypatch, total):
    def usage(path):
        if total is None:
            raise OSError(errno.ENOSYS, "Function not implemented")
        return SimpleNamespace(total=total, free=0)

    monkeypatch.setattr(machine.shutil, "disk_usage", usage)
    found = machine.check_disk(tmp_path)
    assert (found.status, found.found) == ("ok", f"unknown room in {tmp_path}")
