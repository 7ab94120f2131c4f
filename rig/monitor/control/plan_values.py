"""A session plan as a form: its fields, what was typed, what is wrong with it.

Everything comes from the config model, so that a new field appears by itself.
"""

from __future__ import annotations

import io
import json
import types
from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    cast,
    get_args,
    get_origin,
)

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from rig.config.faults import faults_of
from rig.config.session import SessionConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

__all__ = [
    "PlanField",
    "PlanMade",
    "make_plan",
    "plan_fields",
    "text_of_plan",
    "values_of_plan",
]

FieldKind = Literal["text", "whole", "number", "yes_no", "choice", "other"]

_KINDS: dict[Any, FieldKind] = {
    str: "text",
    bool: "yes_no",
    int: "whole",
    float: "number",
}
_WANTED = {"whole": "a whole number", "number": "a number", "other": "YAML"}


@dataclass(frozen=True, slots=True)
class PlanField:
    """One field of the form."""

    name: str
    kind: FieldKind
    default: str = ""
    """As it is typed; empty for none."""
    required: bool = False
    about: str = ""
    """What it is, in words."""
    choices: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The field's name for a person."""
        return self.name.replace("_", " ").capitalize()


class PlanMade(NamedTuple):
    """A plan, or what is wrong with what was typed."""

    plan: SessionConfig | None
    faults: Mapping[str, str]
    """By field, in words; what is wrong between fields has the name ""."""


def plan_fields(model: type[SessionConfig] = SessionConfig) -> tuple[PlanField, ...]:
    """Return the fields of a session plan, in the model's order.

    Examples
    --------
    >>> subject, *_ = plan_fields()
    >>> subject.label, subject.kind, subject.required
    ('Subject', 'text', True)
    """
    return tuple(
        _field(name, info)
        for name, info in model.model_fields.items()
        if name != "format"
    )


def make_plan(
    typed: Mapping[str, str], model: type[SessionConfig] = SessionConfig
) -> PlanMade:
    """Make a plan of what was typed, by the rules of a session file.

    Parameters
    ----------
    typed
        Text by field; where it is empty, the field's default is taken.
    """
    data: dict[str, Any] = {"format": _format(model)}
    faults: dict[str, str] = {}
    for field in plan_fields(model):
        text = typed.get(field.name, "").strip()
        if not text:
            if field.required:
                wanted = field.about or "something"
                wanted = wanted[0].lower() + wanted[1:]
                faults[field.name] = f"expected {wanted}, got nothing"
            continue
        try:
            data[field.name] = _value(field.kind, text)
        except (ValueError, YAMLError):
            wanted = _WANTED.get(field.kind, field.kind)
            faults[field.name] = f"expected {wanted}, got {text!r}"
    plan, wrong = _validated(data, model)
    for name, fault in wrong.items():
        faults.setdefault(name, fault)
    return PlanMade(None if faults else plan, faults)


def values_of_plan(plan: SessionConfig) -> Mapping[str, str]:
    """Return a plan as it would be typed."""
    data = plan.model_dump(mode="json")
    return {field.name: _typed(data[field.name]) for field in plan_fields(type(plan))}


def text_of_plan(plan: SessionConfig) -> str:
    """Return a plan as the text of its file."""
    yaml = cast("Any", YAML())
    yaml.width = 4096  # a long note stays one line
    out = io.StringIO()
    yaml.dump(plan.model_dump(mode="json"), out)
    return out.getvalue()


def _validated(
    data: dict[str, Any], model: type[SessionConfig]
) -> tuple[SessionConfig | None, dict[str, str]]:
    try:
        # By way of JSON, as the file is read: the same rules hold for both.
        return model.model_validate_json(json.dumps(data), strict=True), {}
    except ValidationError as error:
        faults = faults_of(error, model, data)
        return None, {
            str(fault.path[0]) if fault.path else "": fault.text
            for fault in faults
            if fault.path or not fault.text.startswith("missing key")
        }


def _field(name: str, info: FieldInfo) -> PlanField:
    bare = _bare(info.annotation)
    choices = get_args(bare) if get_origin(bare) is Literal else ()
    if not all(isinstance(choice, str) for choice in choices):
        choices = ()
    default = (
        None if info.is_required() else info.get_default(call_default_factory=True)
    )
    return PlanField(
        name=name,
        kind="choice" if choices else _KINDS.get(bare, "other"),
        default=_typed(default),
        required=info.is_required(),
        about=(info.description or "").strip().rstrip(".").replace("\n", " "),
        choices=choices,
    )


def _bare(annotation: Any) -> Any:
    """Strip ``Annotated`` and ``| None`` off."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        rest = [arg for arg in get_args(annotation) if arg is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _value(kind: FieldKind, text: str) -> Any:
    match kind:
        case "yes_no":
            return text == "true"
        case "whole":
            return int(text)
        case "number":
            return int(text) if text.removeprefix("-").isdecimal() else float(text)
        case "other":
            return cast("Any", YAML(typ="safe", pure=True)).load(text)
        case _:
            return text


def _typed(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case float():
            return repr(value).removesuffix(".0")
        case _:
            return json.dumps(value)


def _format(model: type[SessionConfig]) -> str:
    return get_args(model.model_fields["format"].annotation)[0]
