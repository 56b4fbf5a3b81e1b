"""What is wrong with an address that will never take runs, and the command that helps, in place of MLflow's words."""

import re
import sys
from urllib.parse import urlsplit

from bench.pasting import quote
from bench.tracking.database import Unusable

MEND, UNSET = "mend MLFLOW_TRACKING_URI, or keep runs in the results folder", "unset MLFLOW_TRACKING_URI"
PYTHON = quote(sys.executable)
_PACKAGES = {
    "psycopg": "'psycopg[binary]'",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "pyodbc": "pyodbc",
    "pymysql": "pymysql",
}
"""Modules of databases, and the packages that have them."""
_NO_ADDRESS = ("UnsupportedModelRegistryStoreURIException", "InvalidUrlException", "NoSuchModuleError", "ArgumentError")
"""Errors of MLflow, requests and SQLAlchemy on an address that means nothing to them."""
_STRANGE = re.compile(
    r"error code (3\d\d|4(?!01|03|08|25|29)\d\d|501)|not in a valid JSON format|INTERNAL_ERROR: Response: \{|"
    r"ENDPOINT_NOT_FOUND|no id"
)
"""What is said of an answer that no MLflow server of this version gives."""


def unusable(error: Exception, uri: str) -> Unusable | None:
    """Return what to do about an error on connecting; None for one that may pass."""
    text = str(error)
    if isinstance(error, ModuleNotFoundError) and error.name in _PACKAGES:
        package = _PACKAGES[error.name]
        return Unusable("it needs a package that is not installed", f"{PYTHON} -m pip install {package}")
    if isinstance(error, PermissionError) and "db_init_lock" in text:
        return Unusable("another user's MLflow left a lock in the temporary folder", 'export TMPDIR="$(mktemp -d)"')
    if "out-of-date database schema" in text:
        upgrade = f'{PYTHON} -m mlflow db upgrade "$MLFLOW_TRACKING_URI"'
        return Unusable("the database is of another version of MLflow; make a backup of it, then upgrade it", upgrade)
    if "maintenance mode" in text:
        return Unusable("MLFLOW_ALLOW_FILE_STORE forbids to keep runs in files", "unset MLFLOW_ALLOW_FILE_STORE")
    if "databricks" in uri.partition(":")[0] and "onfiguration" in text:
        return Unusable("it needs a login to Databricks", "databricks auth login")
    if type(error).__name__ in _NO_ADDRESS or "Unity Catalog" in text or _has_no_host(uri):
        return Unusable(f"it is no address that MLflow knows; {MEND}", UNSET)
    if not uri.lower().startswith(("http:", "https:")):
        return None
    if re.search(r"error code 40[13]\b|UNAUTHENTICATED|PERMISSION_DENIED", text):
        return Unusable(
            "the server wants to know who asks, or refuses it; "
            "export MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        )
    if _STRANGE.search(text):
        return Unusable(f"what answers there is no MLflow server, or one of another version; {MEND}", UNSET)
    return None


def _has_no_host(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme in ("http", "https") and not parts.hostname
