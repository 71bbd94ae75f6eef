"""Parse the front matter of a text file into values with their line numbers.

Supported formats: YAML between lines of `---` (Jekyll, Hugo, Eleventy, Hexo and most others), TOML between lines of
`+++` (Hugo, Zola), a JSON object (Hugo), a format named in the first line (`---json`, `---toml`; Eleventy), and headers
without delimiters (`Title: ...`; Pelican, MultiMarkdown). Scalars are not converted: `2019` and `no` can be a tag or a
title as well as a number or a boolean.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from blogapp.values import frozen

LARGEST = 64 * 1024  # characters
NODES_AT_MOST = 5_000
DEEPEST = 20
NULLS = {"", "~", "null", "Null", "NULL"}
TRUE = {"true", "yes", "on", "1", "y"}
FALSE = {"false", "no", "off", "0", "n", "none", "never"}

Value = str | list[Any] | dict[str, Any] | None


class FrontMatterError(Exception):
    """The front matter cannot be read. `line` is the line in the file, from 1; the message says what to do."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


@frozen
class Note:
    """A remark for the author of a file, with its line in the file."""

    line: int
    sentence: str


@frozen
class Field:
    """One entry of front matter: its name, its line in the file, and its value, not converted."""

    name: str
    line: int
    value: Value


@dataclass
class FrontMatter:
    """A file's front matter and body. `fields` is keyed by the normalised name (`post_status`, `postStatus` ->
    `poststatus`); `body_line` is the line of the file on which the body begins."""

    body: str
    body_line: int
    fields: dict[str, Field] = field(default_factory=dict)

    def add(self, name: str, line: int, value: Value) -> None:
        key = normalise(name)
        if key in self.fields:
            raise FrontMatterError(line, f"`{name}` is given twice.")
        self.fields[key] = Field(name, line, value)


def normalise(name: str) -> str:
    """Return `name` in lower case without separators: `post_status`, `Post-Status` and `postStatus` are equal."""
    return re.sub(r"[\W_]+", "", name).lower()


def parse_front_matter(text: str) -> FrontMatter:
    """Split `text` (with `\\n` as line endings) into front matter and body. Raises FrontMatterError."""
    lines = text.split("\n")
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    first = lines[start].rstrip().lower()
    if first in {"---", "---yaml", "---yml"}:
        return _fenced(lines, start, ("---", "..."), _add_yaml)
    if first in {"+++", "---toml"}:
        return _fenced(lines, start, (first[:3],), _add_toml)
    if first == "---json":
        return _fenced(lines, start, ("---",), _add_json)
    if first in {"---js", "---javascript", "---coffee"}:
        raise FrontMatterError(start + 1, "front matter in JavaScript cannot be read; write it as YAML.")
    if first.startswith("{") and not first.startswith(("{%", "{{")):
        return _json_object(text, lines, start)
    if re.match(r"[A-Za-z][\w .-]*:(\s|$)", lines[start]):
        return _headers(lines, start)
    raise FrontMatterError(1, "there is no title: a file begins with ---, `title: ...` and another ---.")


def _fenced(
    lines: list[str], start: int, ends: tuple[str, ...], add: Callable[[FrontMatter, str, int], None]
) -> FrontMatter:
    for number in range(start + 1, len(lines)):
        if lines[number].rstrip() in ends:
            matter = FrontMatter("\n".join(lines[number + 1 :]), number + 2)
            source = "\n".join(lines[start + 1 : number])
            if len(source) > LARGEST:
                raise FrontMatterError(start + 1, "the front matter is longer than 64 KB; is its end missing?")
            add(matter, source, start + 2)
            return matter
    raise FrontMatterError(start + 1, f"the front matter has no end; write {ends[0]} on a line of its own below it.")


def _add_yaml(matter: FrontMatter, source: str, first_line: int) -> None:
    try:
        node = yaml.SafeLoader(source).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise FrontMatterError(*_explain(error, source.split("\n"), mark.line if mark else 0, first_line)) from None
    except yaml.reader.ReaderError as error:
        line = first_line + source[: error.position].count("\n")
        raise FrontMatterError(line, "there is a character here that YAML does not allow; delete it.") from None
    except RecursionError:
        raise FrontMatterError(first_line, "the front matter is nested too deeply.") from None
    if node is None:
        return
    if not isinstance(node, yaml.MappingNode):
        raise FrontMatterError(first_line, "the front matter must be lines of `key: value`.")
    counted = _Nodes(first_line)
    for key, value in node.value:
        matter.add(str(key.value), first_line + key.start_mark.line, counted.value_of(value))


class _Nodes:
    """Convert YAML nodes to values, and count them: with aliases, a few lines can expand to billions of nodes."""

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.number = 0

    def value_of(self, node: yaml.Node, depth: int = 0) -> Value:
        self.number += 1
        if self.number > NODES_AT_MOST or depth > DEEPEST:
            raise FrontMatterError(
                self.first_line + node.start_mark.line, "the front matter is nested too deeply or has too many values."
            )
        if isinstance(node, yaml.SequenceNode):
            return [self.value_of(each, depth + 1) for each in node.value]
        if isinstance(node, yaml.MappingNode):
            return {str(key.value): self.value_of(value, depth + 1) for key, value in node.value}
        text = str(node.value)
        return None if getattr(node, "style", None) is None and text in NULLS else text


def _explain(error: yaml.MarkedYAMLError, lines: list[str], number: int, first_line: int) -> tuple[int, str]:
    """The line in the file and an explanation of a common mistake, or else the YAML parser's own message."""
    problem = str(error.problem or "")
    line = lines[number] if number < len(lines) else ""
    key, colon, rest = line.partition(":")
    key = key.strip()
    at = first_line + number
    if "mapping values are not allowed" in problem and colon:
        if re.search(r":(\s|$)", rest):
            quoted = rest.strip().replace("\\", "\\\\").replace('"', '\\"')
            return at, f'there is a second colon in this line; put the {key} in quotes: `{key}: "{quoted}"`.'
        return at, "this line is indented and so belongs to the line above it; remove the spaces before it."
    if "found character '\\t'" in problem or "\t" in line[: len(line) - len(line.lstrip())]:
        return at, "there is a tab here; YAML indents with spaces only."
    if "cannot start any token" in problem or "found undefined alias" in problem or "expected alphabetic" in problem:
        return at, f"`{rest.strip()[:1] or line.strip()[:1]}` has a meaning in YAML; put the text in quotes."
    if "end of stream" in problem or "quoted scalar" in str(error.context or ""):
        opened = first_line + (error.context_mark.line if error.context_mark else number)
        return opened, "a quotation mark or bracket that is opened here is not closed (the front matter is not YAML)."
    if "could not find expected ':'" in problem:
        context = first_line + (error.context_mark.line if error.context_mark else number)
        return context, "there is no colon after the first word of this line: write `key: value`."
    if "flow sequence" in str(error.context or "") or "flow mapping" in str(error.context or ""):
        context = first_line + (error.context_mark.line if error.context_mark else number)
        return context, "a bracket that is opened here is not closed (the front matter is not YAML)."
    if "block mapping" in str(error.context or "") and re.match(r"\s*\w+:\s*['\"]", line):
        quoted = rest.strip().replace("'", "''")
        return at, f"something follows the closing quotation mark; write `{key}: '{quoted}'`."
    return at, f"the front matter is not YAML: {problem or 'it cannot be read'}."


def _add_toml(matter: FrontMatter, source: str, first_line: int) -> None:
    try:
        values = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = first_line + (int(found.group(1)) - 1 if found else 0)
        sentence = re.sub(r" \(at .*\)", "", str(error))
        raise FrontMatterError(line, f"the front matter is not TOML: {sentence[:1].lower()}{sentence[1:]}.") from None
    except (RecursionError, ValueError):
        raise FrontMatterError(first_line, "the front matter cannot be read as TOML.") from None
    _add_values(matter, values, source.split("\n"), first_line)


def _add_json(matter: FrontMatter, source: str, first_line: int) -> None:
    try:
        values = json.loads(source, object_pairs_hook=lambda pairs: _without_repeats(pairs, first_line))
    except json.JSONDecodeError as error:
        raise FrontMatterError(first_line + error.lineno - 1, f"the front matter is not JSON: {error.msg}.") from None
    except (RecursionError, ValueError):
        raise FrontMatterError(first_line, "the front matter cannot be read as JSON.") from None
    if not isinstance(values, dict):
        raise FrontMatterError(first_line, 'the front matter must be an object: `{"title": "..."}`.')
    _add_values(matter, values, source.split("\n"), first_line)


def _without_repeats(pairs: list[tuple[str, Any]], first_line: int) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        raise FrontMatterError(first_line, f"`{next(n for n in names if names.count(n) > 1)}` is given twice.")
    return values


def _json_object(text: str, lines: list[str], start: int) -> FrontMatter:
    offset = len("\n".join(lines[:start])) + (1 if start else 0)
    try:
        _, end = json.JSONDecoder().raw_decode(text, offset + len(lines[start]) - len(lines[start].lstrip()))
    except json.JSONDecodeError as error:
        raise FrontMatterError(error.lineno, f"the front matter is not JSON: {error.msg}.") from None
    except (RecursionError, ValueError):
        raise FrontMatterError(start + 1, "the front matter cannot be read as JSON.") from None
    if end - offset > LARGEST:
        raise FrontMatterError(start + 1, "the front matter is longer than 64 KB.")
    matter = FrontMatter(text[end:].partition("\n")[2], text.count("\n", 0, end) + 2)
    _add_json(matter, text[offset:end], start + 1)
    return matter


def _add_values(matter: FrontMatter, values: dict[str, Any], lines: list[str], first_line: int) -> None:
    for name, value in values.items():
        pattern = re.compile(rf"""\s*\[*\s*["']?{re.escape(name)}["']?\s*[=:\].]""")
        line = next((number for number, each in enumerate(lines) if pattern.match(each)), 0)
        matter.add(name, first_line + line, _as_typed(value))


def _as_typed(value: Any, depth: int = 0) -> Value:
    if depth > DEEPEST:
        return None
    if isinstance(value, dict):
        return {str(name): _as_typed(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_typed(each, depth + 1) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _headers(lines: list[str], start: int) -> FrontMatter:
    """Parse `Title: ...` lines up to an empty line; an indented line continues the value above it."""
    found: list[tuple[str, int, list[str]]] = []
    end = start
    for number in range(start, len(lines)):
        line = lines[number]
        end = number
        header = re.match(r"([A-Za-z][\w .-]*?)[ \t]*:(?:[ \t]+(.*))?$", line)
        if header:
            found.append((header.group(1), number + 1, [(header.group(2) or "").strip()]))
        elif line.startswith((" ", "\t")) and line.strip() and found:
            found[-1][2].append(line.strip())
        else:
            break
    else:
        end = len(lines)
    if "title" not in {normalise(name) for name, _, _ in found} or (end < len(lines) and lines[end].strip()):
        raise FrontMatterError(1, "there is no title: a file begins with ---, `title: ...` and another ---.")
    matter = FrontMatter("\n".join(lines[end:]), end + 1)
    for name, line_number, values in found:
        matter.add(name, line_number, " ".join(values).strip() or None)
    return matter
