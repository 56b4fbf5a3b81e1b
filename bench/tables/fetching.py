"""A file that a suite names by its address: fetched once into a cache folder, whole or not at all, and checked."""

import http.client
import os
from hashlib import sha256 as new_digest
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from bench.digest import digest, digest_of_file
from bench.errors import BenchError
from bench.files import written_whole
from bench.streams import say
from bench.tables.suffixes import SUFFIXES

HERE = ("127.0.0.1", "localhost", "::1")
"""Hosts that may be asked without encryption."""
MOST_BYTES = 2**30
"""A larger file is not fetched."""
CHUNK = 2**18
TIMEOUT_S = 30.0
"""So long a server may say nothing."""


def address_fault(url: str) -> str:
    """Return what is wrong with an address, and what to do; empty for nothing."""
    try:
        parts = urlsplit(url)
        host, named = parts.hostname, parts.username
    except ValueError:
        return f"url is {url!r}: no address; write it as https://host/file.csv"
    if named is not None:
        return "url holds a user's name, which records would show; take it out, or fetch the file yourself"
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in HERE)):
        return f"url is {url!r}: expected https://host/file.csv"
    return ""


def file_name(url: str) -> str:
    """Return what a file at an address is called, with a suffix that says CSV or Parquet."""
    name = PurePosixPath(urlsplit(url).path).name or "file"
    return name if Path(name).suffix.lower() in SUFFIXES else f"{name}.csv"


def cache_folder() -> Path:
    """Return where fetched files lie: ``sequence-bench`` in XDG_CACHE_HOME, or in ``~/.cache``.

    Raises:
        BenchError: There is no home.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        raise BenchError("there is no home folder to keep fetched files in; set XDG_CACHE_HOME to a folder") from None
    return base / "sequence-bench"


def located(path: str, url: str, sha256: str) -> str:
    """Return the file that a dataset reads: ``path`` where it is there or there is no ``url``, else what that gave.

    Args:
        path: Of a file here; empty for none.
        url: Where it is fetched from; empty for nowhere.
        sha256: What its content has to be; empty for anything.

    Raises:
        BenchError: It cannot be fetched, or is not what ``sha256`` says.
    """
    if path and (Path(path).exists() or not url):
        if sha256 and Path(path).is_file() and (found := digest_of_file(path)) != sha256:
            raise BenchError(f"{path}: {_unlike(found, sha256)}; put the right file there, or mend sha256")
        return path
    kept = cache_folder() / digest([url, sha256]) / file_name(url)
    if not (kept.is_file() and (not sha256 or digest_of_file(str(kept)) == sha256)):
        _fetch(url, sha256, kept, path)
    return str(kept)


def _fetch(url: str, sha256: str, kept: Path, path: str) -> None:
    """Fetch a file into the cache.

    Raises:
        BenchError: It cannot be fetched or written, is too large, cut short, or is not what ``sha256`` says.
    """
    instead = f"put the file at {path}" if path else "name a file that is here with path"
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(kept) as new, new.open("wb") as file:
            found, size = _copy(url, file)
            if sha256 and found != sha256:
                raise BenchError(f"{url}: {_unlike(found, sha256)}; nothing was kept; mend sha256, or {instead}")
    except HTTPError as error:
        error.close()
        raise BenchError(f"{url}: the server answers {error.code} ({error.reason}); mend url, or {instead}") from None
    except URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise BenchError(f"{url} cannot be fetched ({reason}); connect this machine, or {instead}") from None
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise BenchError(f"{url} cannot be fetched ({reason}); try again, or {instead}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise BenchError(f"{kept} cannot be written ({reason}); set XDG_CACHE_HOME to a folder with room") from None
    checked = (
        "sha256 as stated" if sha256 else f'no sha256 was stated to hold it to; sha256 = "{found}" wants this very file'
    )
    say(f"bench: fetched {url} ({size / 1e6:.3g} MB) to {kept}; {checked}")


def _copy(url: str, file: IO[bytes]) -> tuple[str, int]:
    """Write what an address gives to a file; return its digest and its size in bytes.

    Raises:
        BenchError: It is too large, or cut short.
        OSError: It cannot be fetched or written.
    """
    total, size = new_digest(), 0
    request = Request(url, headers={"User-Agent": "sequence-bench", "Accept-Encoding": "identity"})
    with build_opener(_Redirects()).open(request, timeout=TIMEOUT_S) as answer:
        length = answer.headers.get("Content-Length", "")
        told = int(length) if length.isdecimal() else None
        while max(size, told or 0) <= MOST_BYTES and (chunk := answer.read(CHUNK)):
            size += len(chunk)
            total.update(chunk)
            file.write(chunk)
    if max(size, told or 0) > MOST_BYTES:
        most = f"larger than {MOST_BYTES / 1e9:.2g} GB"
        raise BenchError(f"{url}: {most}, which is not fetched; put what you need of it in a file here")
    if told is not None and size != told:
        raise BenchError(f"{url}: {size} of {told} bytes came; try again")
    return total.hexdigest(), size


class _Redirects(HTTPRedirectHandler):
    """Follows an address to another one that would be taken itself."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if fault := address_fault(newurl):
            fp.close()
            raise BenchError(f"{req.full_url} leads elsewhere, and {fault}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _unlike(found: str, stated: str) -> str:
    return f"its sha256 is {found}, not {stated} as stated"
