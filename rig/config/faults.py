"""From what pydantic finds to what a person reads.

A pydantic error speaks of types, tags and positions in a model; here it becomes
a place in the file and a sentence: what was expected, what came, what to do.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    cast,
    get_args,
    get_origin,
)

from pydantic import BaseModel

from rig.config.base import NAME_PATTERN, Fault, Faults
from rig.config.nearest import nearest

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

__all__ = ["faults_of"]

_Path = tuple[str | int, ...]
_Model = type[BaseModel]

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "path_type": "a path",
    "string_type": "text",
    "finite_number": "a finite number",
    "model_type": "a section (lines of `key: value`)",
    "model_attributes_type": "a section (lines of `key: value`)",
    "dict_type": "a section (lines of `key: value`)",
    "tuple_type": "a list",
    "list_type": "a list",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} in it",
    "too_long": "at most {max_length} in it",
}
_PATTERNS = {
    NAME_PATTERN: "a name of small letters, digits and _ that begins with a letter",
    r"^[A-Za-z0-9][A-Za-z0-9_-]*$": "a name of letters, digits, - and _",
}


def faults_of(error: ValidationError, model: _Model, data: Any) -> list[Fault]:
    """Return what a validation found wrong, in a person's words.

    Parameters
    ----------
    error
        What pydantic raised.
    model
        The model that was asked for.
    data
        The plain data that it was given.
    """
    faults: list[Fault] = []
    meant: set[_Path] = set()
    details = error.errors(include_url=False)
    for detail in details:
        if _is_only_of_others(detail):
            continue
        path, owner = _locate(model, detail["loc"], data)
        if detail["type"] == "extra_forbidden":
            guess = nearest(str(path[-1]), owner.model_fields) if owner else None
            there = guess in _keys(data, path[:-1])
            if guess and not there:
                meant.add((*path[:-1], guess))
            text = _unknown(str(path[-1]), guess, owner, there=there)
            faults.append(Fault(path, text))
        elif detail["type"] == "value_error":
            faults += _from_validator(detail, path)
        else:
            faults.append(_plain(detail, path, owner))
    # A key that was written wrongly is not missed as well.
    return [fault for fault in faults if not _is_missed(fault, meant)]


def _is_only_of_others(detail: ErrorDetails) -> bool:
    """Tell of a list that is too short only because what is wrong in it is left out."""
    if detail["type"] != "too_short" or not isinstance(detail["input"], list):
        return False
    given = cast("list[Any]", detail["input"])
    return len(given) >= detail.get("ctx", {}).get("min_length", 0)


def _is_missed(fault: Fault, meant: set[_Path]) -> bool:
    return any(
        fault.path == path[:-1] and fault.text.startswith(f"missing key {path[-1]} ")
        for path in meant
    )


def _plain(detail: ErrorDetails, path: _Path, owner: _Model | None) -> Fault:
    kind, context, got = detail["type"], detail.get("ctx", {}), detail["input"]
    match kind:
        case "missing":
            return _missing(path, owner)
        case "union_tag_not_found":
            key = context["discriminator"].strip("'")
            return Fault(
                path, f"missing key {key} that says which kind of section it is"
            )
        case "union_tag_invalid":
            key = context["discriminator"].strip("'")
            expected = context["expected_tags"]
            return Fault((*path, key), _choice(expected, context["tag"]))
        case "literal_error":
            return Fault(path, _choice(context["expected"], got))
        case "string_pattern_mismatch":
            pattern = context["pattern"]
            expected = _PATTERNS.get(pattern, f"text that matches {pattern}")
        case _ if kind in _EXPECTED:
            expected = _EXPECTED[kind].format(**context)
        case _:
            expected = detail["msg"].removeprefix("Input should be ")
    quote = kind == "string_type" and isinstance(got, int | float | bool)
    hint = ": put it in quotes" if quote else ""
    return Fault(path, f"expected {expected}, got {_show(got)}{hint}")


def _from_validator(detail: ErrorDetails, path: _Path) -> list[Fault]:
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, Faults):
        return [Fault((*path, *fault.path), fault.text) for fault in error.faults]
    return [Fault(path, str(error))]


def _missing(path: _Path, owner: _Model | None) -> Fault:
    *parent, key = path
    if isinstance(key, int):
        text = f"missing value {key + 1}: expected a longer list"
    else:
        field = owner.model_fields.get(key) if owner else None
        about = (field.description or "").split("\n")[0] if field else ""
        text = f"missing key {key} {f'({about})' if about else '(it has no default)'}"
    return Fault(tuple(parent), text)


def _choice(expected: str, got: Any) -> str:
    options = [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]
    close = nearest(got, options) if isinstance(got, str) else None
    hint = f"; did you mean {close}?" if close else ""
    if len(options) == 1:
        return f"expected {options[0]}, got {_show(got)}{hint}"
    return f"expected one of {', '.join(options)}, got {_show(got)}{hint}"


def _unknown(key: str, guess: str | None, owner: _Model | None, *, there: bool) -> str:
    if guess and there:
        return f"unknown key; did you mean {guess}, which is there already? remove one"
    if guess:
        return f"unknown key; did you mean {guess}?"
    if owner is None:
        return "unknown key; remove it"
    for name, field in owner.model_fields.items():
        if any(key in model.model_fields for model in _models(field.annotation)):
            return f"unknown key; did you mean {name}.{key}?"
    return f"unknown key; remove it, or choose among {', '.join(owner.model_fields)}"


def _show(value: Any) -> str:
    match value:
        case None:
            return "null (nothing)"
        case bool():
            return str(value).lower()
        case dict():
            return "a section"
        case list():
            return f"a list of {len(cast('list[Any]', value))}"
        case _:
            return repr(value)


def _keys(data: Any, path: _Path) -> list[str]:
    for part in path:
        data = _step(data, part)
    return list(cast("Mapping[str, Any]", data)) if isinstance(data, Mapping) else []


def _step(value: Any, part: str | int) -> Any:
    if isinstance(value, Mapping):
        return cast("Mapping[Any, Any]", value).get(part)
    if (
        isinstance(value, Sequence)
        and isinstance(part, int)
        and part < len(cast("Sequence[Any]", value))
    ):
        return cast("Sequence[Any]", value)[part]
    return None


def _locate(model: _Model, loc: _Path, data: Any) -> tuple[_Path, _Model | None]:
    """Return where in the file a pydantic location is, and the model it is in.

    A location names the chosen member of each tagged union and marks keys; the
    file knows neither.
    """
    path: list[str | int] = []
    at: Any = model
    owner: _Model | None = None
    for part in loc:
        at = _bare(at)
        members = _models(at)
        if len(members) > 1:
            chosen = _chosen(members, data)
            if chosen is not None and part in _tags(chosen):
                at = chosen
                continue
        if part == "[key]":
            continue
        owner = at if isinstance(at, type) and issubclass(at, BaseModel) else None
        at = _inside(at, part)
        data = _step(data, part)
        path.append(part)
    return tuple(path), owner


def _inside(at: Any, part: str | int) -> Any:
    if isinstance(at, type) and issubclass(at, BaseModel):
        field = at.model_fields.get(str(part))
        return field.annotation if field else None
    arguments = get_args(at)
    if get_origin(at) is dict:
        return arguments[1]
    if get_origin(at) is tuple and isinstance(part, int):
        many = len(arguments) == 2 and arguments[1] is Ellipsis
        return arguments[0] if many else arguments[min(part, len(arguments) - 1)]
    return None


def _bare(annotation: Any) -> Any:
    """Strip ``Annotated`` and ``| None`` off."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        rest = [arg for arg in get_args(annotation) if arg is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _models(annotation: Any) -> list[_Model]:
    """Return the model, or the members of a union of models."""
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in {Union, types.UnionType}:
        return [model for arg in get_args(annotation) for model in _models(arg)]
    return []


def _tags(model: _Model) -> list[str]:
    return [
        value
        for name in ("kind", "mode")
        if name in model.model_fields
        and get_origin(model.model_fields[name].annotation) is Literal
        for value in get_args(model.model_fields[name].annotation)
    ]


def _chosen(members: list[_Model], data: Any) -> _Model | None:
    for member in members:
        if any(_step(data, name) in _tags(member) for name in ("kind", "mode")):
            return member
    return None
