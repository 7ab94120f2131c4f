"""The figures of an alignment, read back: JSON has no NaN, so null stands for it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

from offline.alignment.result import Alignment

__all__ = ["alignment_from_json"]


def alignment_from_json(text: str | bytes) -> Alignment:
    """Return the alignment whose `to_json` this is.

    Raises
    ------
    msgspec.MsgspecError
        If it is something else.
    """
    return msgspec.convert(
        _with_nan(msgspec.json.decode(text), inspect.type_info(Alignment)), Alignment
    )


def _with_nan(value: Any, kind: inspect.Type) -> Any:
    """Put NaN where a number must stand and null was written."""
    match kind:
        case inspect.FloatType():
            return float("nan") if value is None else value
        case inspect.StructType() if isinstance(value, dict):
            kinds = {field.encode_name: field.type for field in kind.fields}
            return {
                name: _with_nan(one, kinds.get(name, inspect.AnyType()))
                for name, one in value.items()
            }
        case inspect.VarTupleType() if isinstance(value, list):
            return [_with_nan(one, kind.item_type) for one in value]
        case inspect.UnionType() if value is not None:
            return _with_nan(value, _struct_of(kind))
        case _:
            return value


def _struct_of(kind: inspect.UnionType) -> inspect.Type:
    structs = [one for one in kind.types if isinstance(one, inspect.StructType)]
    return structs[0] if structs else inspect.AnyType()
