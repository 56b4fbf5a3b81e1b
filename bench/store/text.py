"""A record as text: JSON with a checksum, a line a field."""

import json
from typing import Any

from pydantic import BaseModel

from bench.digest import digest


def to_json(record: BaseModel) -> str:
    """Return a record as JSON with its checksum, as the store writes it: a line a field."""
    body = json.loads(record.model_dump_json())
    whole = body | {"checksum": digest(body, 64)}
    return "{\n" + ",\n".join(f'"{key}": {json.dumps(whole[key], sort_keys=True)}' for key in sorted(whole)) + "\n}\n"


def body_of(text: str, newest: int) -> dict[str, Any]:
    """Return the fields of a record that `to_json` wrote, of schema ``newest`` at most.

    Raises:
        ValueError: Not JSON, cut short, edited by hand, or of a later schema.
    """
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("not a record")
    checksum = body.pop("checksum", None)
    if checksum != digest(body, 64):
        raise ValueError("its checksum does not match its content")
    version = body.get("schema_version")
    if isinstance(version, int) and version > newest:
        raise ValueError(f"it has schema {body['schema_version']}, this version reads up to {newest}")
    return body
