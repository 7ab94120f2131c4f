"""A YAML file as plain data that remembers on which line each value stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from rig.config.base import Fault
from rig.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Document", "read_document"]

_TAG = "tag:yaml.org,2002:"
_SCALARS = {_TAG + kind for kind in ("int", "float", "bool", "null")}
_MERGE = _TAG + "merge"

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A config file that was read, whether what it says is right or not."""

    path: Path
    data: Any
    """Mappings, lists and scalars; dates stay the text that was written."""
    lines: dict[_Path, int]
    """Line, from 1, of each key and list item."""
    faults: list[Fault] = field(default_factory=list[Fault])
    """What is wrong with the file itself, such as a key that stands twice."""

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line of a value, or of its nearest parent that is there."""
        for end in range(len(path), 0, -1):
            if (line := self.lines.get(tuple(path[:end]))) is not None:
                return line
        return 1

    def describe(self, fault: Fault) -> str:
        """Return a fault as ``file:line: path: text``."""
        return f"{self.path}:{self.line(fault.path)}: {fault}"


def read_document(path: Path) -> Document:
    """Read a YAML file.

    Raises
    ------
    ConfigError
        If the file is missing, empty, no text or no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"Expected a YAML file at {path}, got {error.strerror}: check the path"
        raise ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: expected text in UTF-8, got a byte at {error.start} that is not"
        raise ConfigError(msg) from error
    yaml = cast("Any", YAML(typ="safe", pure=True))
    try:
        node = yaml.compose(text)
        if node is None:
            msg = f"{path}:1: expected keys and values, got an empty file"
            raise ConfigError(msg)
        document = Document(path, None, {})
        data = _Builder(yaml.constructor, document).build(node, ())
    except MarkedYAMLError as error:
        raise ConfigError(_syntax(path, error)) from error
    except (YAMLError, RecursionError, ValueError) as error:
        msg = f"{path}: expected YAML, got text that is not: {error}"
        raise ConfigError(msg) from error
    return Document(path, data, document.lines, document.faults)


def _syntax(path: Path, marked: MarkedYAMLError) -> str:
    error = cast("Any", marked)
    mark = error.problem_mark or error.context_mark
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    reason = error.problem or error.context or "it cannot be read"
    if "\\t" in reason:
        reason += " (indent with spaces, not with tabs)"
    return f"{path}{place}: expected YAML, got a syntax error: {reason}"


class _Builder:
    """Turns YAML's nodes into plain data and notes their lines."""

    def __init__(self, constructor: Any, document: Document) -> None:
        self._constructor = constructor
        self._lines = document.lines
        self._faults = document.faults
        self._above: list[Any] = []

    def build(self, node: Any, path: _Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if _is(node, ScalarNode):
            return self._scalar(node)
        if any(node is above for above in self._above):
            self._faults.append(Fault(path, "expected a value, got an alias to itself"))
            return None
        self._above.append(node)
        try:
            if _is(node, SequenceNode):
                return [self.build(item, (*path, k)) for k, item in _items(node)]
            return self._mapping(node, path)
        finally:
            self._above.pop()

    def _scalar(self, node: Any) -> Any:
        if node.tag in _SCALARS:
            return self._constructor.construct_object(node)
        return str(node.value)

    def _mapping(self, node: Any, path: _Path) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = {**self._merge(value_node, path), **merged}
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            line, key = key_node.start_mark.line + 1, str(key_node.value)
            inside = (*path, key)
            if not _is(key_node, ScalarNode):
                self._faults.append(Fault(path, f"expected a word on line {line}"))
            elif key in result:
                text = (
                    f"expected this key once, got it on line {self._lines[inside]} "
                    f"and again on line {line}: remove one"
                )
                self._faults.append(Fault(inside, text))
            else:
                self._lines[inside] = line
                result[key] = self.build(value_node, inside)
        return {**merged, **result}

    def _merge(self, node: Any, path: _Path) -> dict[str, Any]:
        """Return what a ``<<:`` brings in; the first of several wins."""
        merged: dict[str, Any] = {}
        for _, part in _items(node) if _is(node, SequenceNode) else [(0, node)]:
            if _is(part, MappingNode):
                merged = {**self._mapping(part, path), **merged}
            else:
                self._faults.append(Fault(path, "expected << to bring in a section"))
        return merged


def _is(node: Any, kind: type[Any]) -> bool:
    return isinstance(node, kind)


def _items(node: Any) -> list[tuple[int, Any]]:
    return list(enumerate(cast("list[Any]", node.value)))
