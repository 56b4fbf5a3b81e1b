"""Where runs are tracked, as a URI; and what of it, and of errors that quote it, may be shown and kept."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

from bench.tracking.database import uri_of

_USER = re.compile(r"(\w://)[^\s/?#]*@")
_QUERY = re.compile(r"(?<=[\w/])\?[^\s'\")>]*")
_REASONS = {
    "Connection refused": "connection refused",
    "timed out": "no answer in time",
    "NameResolutionError": "no host of that name",
    "error responses": "the server has an error",
}
"""What hides in the long texts of requests and MLflow."""
_CREDENTIALS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
"""Environment variables from which MLflow takes secrets that do not stand in the URI."""


def tracking_uri(results: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Return MLFLOW_TRACKING_URI, or that of an SQLite file in the results folder."""
    return environ.get("MLFLOW_TRACKING_URI", "").strip() or uri_of(results.resolve() / "mlflow.db")


def safe_uri(uri: str) -> str:
    """Return the URI without user, password, query and fragment, for people and logs.

    Of one that cannot be read for sure (an unescaped ``/``, ``?`` or ``@`` in a password), only the scheme.
    """
    parts = _split(uri)
    if parts is None:
        return f"{uri.partition('://')[0]}://..." if "://" in uri else "..."
    if not parts.netloc:
        return uri.partition("?")[0].partition("#")[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def redacted(text: str, uri: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a text that may quote the URI, or parts of it, without its secrets.

    Users and queries of all URIs go; empty where the URI cannot be read for sure.
    """
    parts = _split(uri)
    if parts is None:
        return ""
    secrets = {
        form for secret in _secrets(parts, environ) for form in (secret, unquote(secret), quote(secret, safe=""))
    }
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "...")
    return _QUERY.sub("", _USER.sub(r"\1", text))


def explain(error: Exception, uri: str) -> str:
    """Return an error as one short line without the URI's secrets."""
    text = str(error)
    for told, short in _REASONS.items():
        if told in text:
            return short
    line = next(iter(redacted(text, uri).splitlines()), "")
    return f"{type(error).__name__}: {line:.160}" if line else type(error).__name__


def _split(uri: str) -> SplitResult | None:
    """Return the parts of a URI; None where user and password may not end where they seem to."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    sure = not parts.netloc or ("@" not in parts.path + parts.query + parts.fragment and parts.netloc.count("@") < 2)
    return parts if sure else None


def _secrets(parts: SplitResult, environ: Mapping[str, str]) -> Iterator[str]:
    values = [parts.netloc.rpartition("@")[0] if parts.netloc else "", parts.password, parts.query, parts.fragment]
    values += [value for _, value in parse_qsl(parts.query)]
    values += [environ.get(name) for name in _CREDENTIALS]
    yield from filter(None, values)
