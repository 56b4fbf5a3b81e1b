"""Files written whole or not at all, with the modes that the umask gives, on file systems that lack an operation too.

What a file system lacks (hard links, renaming, syncing, unlinking; FUSE, network and object stores, mounts of
containers) is done another way, whatever error it gives. What can lose data is raised: no room, a broken disk.
"""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NEW = ".new-"
"""How names of files begin that are being written."""
LEFTOVER_S = 60.0
"""Such a file that is older belongs to a writer that was killed: a write takes milliseconds."""
LASTING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors that another way of doing the same meets as well."""
NO_SYNC = frozenset(
    {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.ENOTTY}
)
"""Errors of a file system that has no syncing; any other says that what was written may be lost."""


def create(folder: Path, ending: str = "") -> tuple[int, Path]:
    """Make a new empty file in a folder, its name with this ending; return it opened for writing, and its path.

    Raises:
        OSError: It cannot be made.
    """
    while True:
        path = folder / f"{NEW}{secrets.token_hex(6)}{ending}"
        with suppress(FileExistsError):
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), path


def sync(handle: int) -> None:
    """Wait until an open file is on the disk, where its file system can say so.

    Raises:
        OSError: It did not get there.
    """
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise


def put(new: Path, path: Path) -> bool:
    """Give a written file a name; return False where that is taken: nothing is overwritten. ``new`` may stay.

    Raises:
        OSError: It cannot be done in any way.
    """
    try:
        os.link(new, path)
    except FileExistsError:
        return _is_same(new, path)  # a network file system that asks twice is told so of its own link
    except OSError as error:
        if error.errno in LASTING:
            raise
        return _put_unlinked(new, path)
    return True


def lacking(folder: Path) -> str:
    """Return in words what a folder's file system lacks that no other way can stand for; empty for nothing.

    What is written whole has to be read again under its name, and a name that is taken has to stay what it is. Some
    network and object stores let a second writer in, which would lose a record.

    Raises:
        OSError: It cannot be written.
    """
    path = folder / f"{NEW}{secrets.token_hex(6)}"
    made = []
    try:
        for content in (b"1", b"2"):
            handle, new = create(folder)
            made.append(new)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            if put(new, path) != (content == b"1"):
                return "a file cannot be given a name, or takes one that is taken"
        if path.read_bytes() != b"1" or path.name not in os.listdir(folder):  # noqa: PTH208 - a name is all that is asked
            return "what was written is not what is read"
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            return "a file that is there is made anew (O_EXCL is not heeded)"
    finally:
        for each in (path, *made):
            discard(each)
    return ""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of ``path`` at the end; nothing is left of a write that fails.

    What is no file, such as a pipe or ``/dev/stdout``, is written to itself; a link's target is replaced, not the link.

    Raises:
        OSError: It cannot be written.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    handle, new = create(path.parent, path.suffix[:8])  # by which pandas knows what to write
    os.close(handle)
    try:
        yield new
        _replace(new, path)
    finally:
        discard(new)


def discard(path: Path) -> None:
    """Remove a file, where that can be done."""
    with suppress(OSError):
        path.unlink()


def remove_leftovers(folder: Path, *beginnings: str) -> None:
    """Remove what killed writers left in a folder, and what else begins so and is as old."""
    for beginning in (NEW, *beginnings):
        for path in folder.glob(f"{beginning}*"):
            with suppress(OSError):  # a writer is at work and that was its file, or it is another user's
                if time.time() - path.stat().st_mtime > LEFTOVER_S:
                    path.unlink()


def _put_unlinked(new: Path, path: Path) -> bool:
    """Do as `put` without a hard link: claim the name by a file beside it, then rename."""
    claim = path.with_name(f"{NEW}{path.name}")
    try:
        os.close(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except FileExistsError:
        return False
    try:
        if os.path.lexists(path):
            return _is_same(new, path)
        try:
            new.rename(path)
        except OSError as error:
            if error.errno in LASTING:
                raise
            _copy(new, path)
        return True
    finally:
        discard(claim)


def _copy(new: Path, path: Path) -> None:
    """Write a file's content to a name that is free, which stays free where that fails."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(new.read_bytes())
            file.flush()
            sync(file.fileno())
    except BaseException:
        discard(path)
        raise


def _replace(new: Path, path: Path) -> None:
    try:
        new.replace(path)
    except OSError as error:
        if error.errno in LASTING:
            raise
        shutil.copyfile(new, path)  # it is open elsewhere, mounted by itself, or nothing can be renamed here


def _is_same(new: Path, path: Path) -> bool:
    try:
        return new.samefile(path)
    except OSError:
        return False
