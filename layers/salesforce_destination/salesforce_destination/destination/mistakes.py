"""What is wrong in one key of a destination file, in the words of the file and never in pydantic's."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from salesforce_destination.errors import Mistake

Table = Mapping[str, Any]

_TABLE_KINDS = ("model_type", "model_attributes_type", "tuple_type")
_WORDS: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing.", "Add it."),
    "string_type": ("must be text.", 'Write it in quotes: "...".'),
    "string_too_short": ("is empty.", "Write something."),
    "bool_type": ("must be true or false.", "Write it without quotes."),
    "int_type": ("must be a whole number.", "Write it without quotes."),
    "dict_type": ("must be a table.", 'Write { a = "b", c = "d" }.'),
    "list_type": ("must be a list.", 'Write it in brackets: ["..."].'),
    "too_short": ("is empty.", "Write what each value becomes, or remove it."),
    "string_too_long": ("is longer than 255 characters.", "Shorten it."),
}
_TO_THE_TOP = "Move it to the top of the file, before every [table]."
_BOUNDS = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le")}
_KINDS_OF_VALUE = ("str", "bool", "int", "float")  # how pydantic names the members of a union at the end of a place


def in_words(error: ValidationError, model: type[BaseModel], table: Table) -> list[Mistake]:
    """Say what pydantic found in a table as a person would: by key, what is wrong, what would be right."""
    found: dict[str, Mistake] = {}
    for details in error.errors(include_url=False):
        details["loc"] = _as_written(details["loc"], table)
        told_elsewhere = "create_missing" in details["loc"][-2:-1] or "campaign" in details["loc"][2:3]
        if told_elsewhere or (details["type"] == "too_short" and details["input"]):
            continue  # what these may be has several forms; a list counts as empty where its entries have mistakes
        if details["loc"][-1] == "[key]":
            key = _key(details["loc"][:-1])
            found[key] = Mistake(key, "is not a status.", "Write realized, existing or exited.")
        elif details["type"] != "extra_forbidden" and details["loc"][-1] in _KINDS_OF_VALUE:
            key = _key(details["loc"][:-1])
            has_dot = isinstance(details["input"], dict)  # TOML divides a key at its dots
            cure = 'Put a key with a dot in quotes: "1.5".' if has_dot else 'Put text in quotes: "...".'
            found.setdefault(key, Mistake(key, "must be text, a number, true or false.", cure))
        else:
            key = _key(details["loc"])
            found.setdefault(key, _mistake(key, dict(details), model))
    below = {key.rpartition(".")[2] for key, mistake in found.items() if mistake.cure == _TO_THE_TOP}
    return [mistake for key, mistake in found.items() if key not in below]


def _as_written(loc: tuple[int | str, ...], table: Table) -> tuple[int | str, ...]:
    """A place as the file has it, where one entry stands for a list of one, or one name for a table by sObject."""
    if len(loc) > 1 and loc[1] == 0 and not isinstance(table.get(str(loc[0])), list | tuple):
        loc = loc[:1] + loc[2:]
    return tuple(part for part in loc if part != "")


def _mistake(key: str, details: dict[str, Any], model: type[BaseModel]) -> Mistake:
    kind, context = _kind(key, details), details.get("ctx", {})
    if kind in _TABLE_KINDS or (kind == "missing" and key in _tables_of(model)):
        return _no_table(key, details, model)
    if kind == "missing" and "." not in key:
        return Mistake(key, "is missing.", _TO_THE_TOP.replace("Move", "Add"))
    if kind in _WORDS:
        return Mistake(key, *_WORDS[kind])
    if kind == "extra_forbidden":
        return _unknown(key, details["loc"], model)
    if kind == "literal_error":
        expected = context["expected"].replace("'", '"')
        return Mistake(key, f"is {shown(details['input'])}.", f"Write {expected}.")
    if kind == "string_pattern_mismatch":
        return _misspelled(key, details["input"])
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return Mistake(key, f"is {shown(details['input'])}.", f"Write {words} {context[bound]}.")
    return Mistake(key, str(context.get("error", "cannot be read.")))


def _kind(key: str, details: dict[str, Any]) -> str:
    """Pydantic's kind of a mistake, or the plainer one where a person writes one name for a list or a table of them."""
    kind = str(details["type"])
    if kind in ("tuple_type", "dict_type") and (key == "salesforce_object" or key.endswith((".target", ".person"))):
        return "string_type"
    if kind == "tuple_type" and key.endswith((".objects", ".only", ".except")):
        return "list_type"
    return "string_too_short" if kind == "too_short" and not key.endswith(".values") else kind


def _no_table(key: str, details: dict[str, Any], model: type[BaseModel]) -> Mistake:
    header, given, is_list = _header(key.partition("[")[0], model), details["input"], details["type"] == "tuple_type"
    if key == "memberships" and isinstance(given, str):
        return Mistake(key, "does not belong here.", "Move it under [profiles].")
    problem = f"must be {'a list of tables' if is_list else 'a table'}."
    if details["type"] == "missing":
        problem = "is missing."
    elif isinstance(given, dict if is_list else list):
        problem = f"has {'single' if is_list else 'double'} brackets."
    return Mistake(key, problem, f"Write {header}.")


def _header(name: str, model: type[BaseModel]) -> str:
    is_list = name != "identity" and get_origin(_fields(model)[name].annotation) is tuple
    return f"[[{name}]]" if is_list else f"[{name}]"


def _unknown(key: str, loc: Sequence[int | str], model: type[BaseModel]) -> Mistake:
    """A key may be right and in the wrong place: TOML gives it to the last table above it."""
    if (name := str(loc[-1])) in _fields(model):
        return Mistake(key, "does not belong here.", _TO_THE_TOP)
    if f"{name}s" in _keys_beside(loc, model):
        return Mistake(key, "is not a known key.", f"Did you mean {name}s?")
    if under := [_header(table, model) for table, inner in _tables_of(model).items() if name in _fields(inner)]:
        return Mistake(key, "does not belong here.", f"Move it under {' or '.join(under)}.")
    return Mistake(key, "is not a known key.", nearest(name.lower(), _keys_beside(loc, model)))


def _tables_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    return {name: inner for name, field in _fields(model).items() for inner in _models_in(field.annotation)}


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a table, by the names that the file has for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _misspelled(key: str, text: str) -> Mistake:
    if key == "api_version":
        return Mistake(key, f"is {shown(text)}.", 'Write a version such as "66.0".')
    if odd := odd_character(text) or next((char for char in text if not char.isascii() or char == " "), ""):
        clean = "_".join(as_typed(text).strip("'\"").split())
        cure = f"Write {shown(clean)}." if clean.isascii() else "Type the name anew."
        return Mistake(key, f"is {shown(text)}, which contains {code_point(odd)}.", cure)
    cure = "Start with a letter, then use letters, digits and _."
    return Mistake(key, f"is {shown(text)}, which is not an API name.", cure)


def _key(loc: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _keys_beside(loc: Sequence[int | str], model: type[BaseModel]) -> list[str]:
    for part in loc[:-1]:
        if isinstance(part, str):
            model = next(iter(_models_in(_fields(model)[part].annotation)), model)
    return list(_fields(model))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)


def nearest(word: str, known: Sequence[str]) -> str:
    """Name the key that was probably meant, or all there are."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Known keys: {', '.join(known)}."


def shown(value: Any) -> str:
    """A value of the file as TOML writes it, with code points for what nobody sees."""
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else repr(value)
    cut = visible(text[:60]) + "..." * (len(text) > 60)
    return f'"{cut}"' if isinstance(value, str) else cut


_KEYBOARD = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u00b4", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | {"\u2026": "..."}
)
"""What text programs write in place of what was typed."""

_NO_GLYPH = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10)))
"""Characters that show nothing, although Unicode calls them printable."""


def is_hidden(char: str) -> bool:
    """Whether nobody sees a character, or takes it for a blank."""
    return not char.isprintable() or char in _NO_GLYPH


def visible(text: str) -> str:
    """A text with `<U+200B>` in place of what nobody sees."""
    return "".join(f"<U+{ord(char):04X}>" if is_hidden(char) else char for char in text)


def code_point(char: str) -> str:
    """A character by its number and name, and as it is where that is seen."""
    glyph = "" if is_hidden(char) or char == " " else f"{char} "
    return f"{glyph}U+{ord(char):04X} ({unicodedata.name(char, 'control character').lower()})"


def odd_character(text: str, *, for_people: bool = False) -> str:
    """The first character that nobody sees or no keyboard has, a blank at either end among them; empty without one.

    A text `for_people` may hold typographic characters, and what joins letters of other scripts and emoji.
    """
    if text != text.strip():
        return text[0] if text[0].isspace() else text[-1]
    for before, char in zip(f" {text}", text, strict=False):
        joins = for_people and not before.isascii() and char in f"\u200c\u200d{_NO_GLYPH}"
        if (is_hidden(char) and not joins) or (not for_people and ord(char) in _KEYBOARD):
            return char
    return ""


def as_typed(text: str) -> str:
    """A text without hidden characters, and with those of the keyboard in place of typographic ones."""
    blanks = (" " if char.isspace() else char for char in text.translate(_KEYBOARD))
    return "".join(char for char in blanks if not is_hidden(char)).strip()


class Places:
    """Where the keys of a file stand, as people count: the third audience, by its name, and the line it begins in."""

    def __init__(self, text: str, table: Table) -> None:
        self._table = table
        self._lines: dict[str, int] = {}
        counts: Counter[str] = Counter()
        within = ""
        for number, line in enumerate(text.split("\n"), 1):
            if header := re.match(r"\s*(\[\[?)\s*([\w-]+)\s*\]", line):
                within = f"{header[2]}[{counts[header[2]]}]" if header[1] == "[[" else header[2]
                counts[header[2]] += len(header[1]) - 1
                self._lines = {header[2]: number, within: number} | self._lines
            elif key := re.match(r"\s*([\w-]+)\s*=", line):
                self._lines.setdefault(f"{within}.{key[1]}".removeprefix("."), number)
        if any(count != len(table.get(name, ())) for name, count in counts.items() if count):
            self._lines = {}  # what looks like a header stands in a text of several lines

    def line(self, key: str) -> int:
        """The line of an entry of a list, of any other key, or of the table that lacks it; 0 where it is not known."""
        whole, bracket, _ = key.partition("]")
        known = (self._lines.get(name) for name in (whole + bracket, key.partition("[")[0], key.rpartition(".")[0]))
        return next(filter(None, known), 0)

    def of(self, key: str) -> str:
        """Name the place of a key."""
        line = self.line(key)
        if (entry := re.match(_ENTRY, key)) is None:
            return f"line {line}: {key}" if line else key
        index = int(entry[2])
        found = dict(tables(self._table, entry[1])).get(f"{entry[1]}[{index}]", {})
        name = found.get("name") or found.get("id") or found.get("target")
        name = next(iter(name.values()), "") if isinstance(name, dict) else name
        words = f"{entry[1].removesuffix('s')} {index + 1}" + (f", '{visible(name)}'" if isinstance(name, str) else "")
        _, dot, rest = key.partition("].")
        return words + (f", line {line}" if line else "") + (f": {visible(rest)}" if dot else "")

    def placed(self, mistake: Mistake) -> Mistake:
        """A mistake with the place of its key, and of those in its sentence."""
        problem = re.sub(_ENTRY, lambda found: self.of(f"{found[1]}[{found[2]}]"), mistake.problem)
        return replace(mistake, place=self.of(mistake.key), problem=problem)


_ENTRY = r"\b(mappings|audiences|identity)\[(\d+)\](?:\.([\w-]+))?"

_VALUES: Sequence[tuple[str, str, str]] = (
    (r"\{[^}]*", "has no } in this line.", "Write the whole table in one line."),
    (r"\{(.*),\s*\}", "has a comma before }.", r"Write: KEY = {\1 }"),
    (r"\{\s*[^\s={}]+\s*:.*\}", "has a colon after a key.", 'Write: KEY = { a = "b", c = "d" }'),
    (r"\{.*\}", "lacks a comma, or quotes, between { and }.", 'Write: KEY = { a = "b", "c d" = "e" }'),
    (r"[,;]?", "has no value after =.", "Write one, or remove the line."),
    (r"[=>]+ *(.+)", "has two signs in place of one =.", r"Write: KEY = \1"),
    (r"(\"[^\"]*\"|'[^']*'|[^\s\"']+) +[\w-]+ *=[^=].*", "has two keys.", "Give each a line of its own."),
    (r"(\"[^\"]*\"|'[^']*'|true|false|\d+) *([^\w\s\"'.])+", r"has \2 at its end.", r"Write: KEY = \1"),
    (r"(?i)(true|yes|on)[,;]?", r"has \1, but TOML knows only true and false.", "Write: KEY = true"),
    (r"(?i)(false|no|off)[,;]?", r"has \1, but TOML knows only true and false.", "Write: KEY = false"),
    (r"(?i)(null|none|nil)[,;]?", r"has \1, which TOML does not know.", "Remove the line: then the key has no value."),
    (r"0\d+|\d{20,}|\d+([.,_' ]\d*)+", "has a number that TOML cannot read.", "Write digits alone, such as 80."),
    (r"([^\"'\[{`][^\"'`]*)[\"'`][,;]?", "lacks the quote before the text.", r'Write: KEY = "\1"'),
    (r"[\"']([^\"']*)", "lacks the quote after the text.", r'Write: KEY = "\1"'),
    (r"`?([^\"'\[{`\d][^\"'`]*?|\d+[^\"'`]+?)[`,;]*", "has a text without quotes.", r'Write: KEY = "\1"'),
    (r"\"([^'\"]*\\[^']*)\"", "has a backslash between double quotes.", r"Write: KEY = '\1'"),
    (r"\"([^']*\"[^']*)\"", "has double quotes between double quotes.", r"Write: KEY = '\1'"),
    (r"'([^\"\\]*'[^\"\\]*)'", "has single quotes between single quotes.", r'Write: KEY = "\1"'),
    (r"[\"'](.*[\"'].*)[\"']", "has quotes between quotes.", r"Write: KEY = '''\1'''"),
)
_LINES: Sequence[tuple[str, str, str]] = (
    (r"(<{7}|>{7}|={7}).*", "is a mark of git: two versions were not merged.", "Keep one, and remove the marks."),
    (r"(//|--|/\*|;|%|<!--).*", r"begins with \1.", "Begin a comment with #."),
    (r"[{}].*", "has a curly bracket, as JSON has.", "Write TOML: docs/destination-file.md has examples."),
    (r"- .*", "begins with a dash, as in YAML.", "Begin each entry with [[mappings]] or [[audiences]]."),
    (r"=.*", "has no key before =.", "Write one."),
    (r"[\"'](\w+) *= *(.*)", "has a quote before the key.", r"Write: \1 = \2"),
    (r"(\w+) *:=? *(.*)", "has a colon after the key.", r"Write: \1 = \2"),
    (r"(\w+) *([\"'].*)", "has no = after the key.", r"Write: \1 = \2"),
    (r"\w+( +\w+)+ *=.*", "has a blank in the key.", "Write _ in its place, as in mapping_id."),
    (r"\[[\[ ]*(mappings|audiences)[\] ]*", "has brackets that do not match.", r"Write: [[\1]]"),
    (r"\[[\[ ]*(\w+)[\] ]*", "has brackets that do not match.", r"Write: [\1]"),
    (r"[\w ,]+", "has no = and no value.", "Write: key = value. A comment begins with #."),
)
"""What people write in place of TOML, what is wrong with it, what would be right. The first that fits counts."""


def toml_mistake(error: ValueError | RecursionError, text: str) -> Mistake:
    """Say why a text is no TOML: where, with the line and a caret, and what would be right."""
    lines = text.replace("\r\n", "\n").rstrip().split("\n")
    said = "Nested" if isinstance(error, RecursionError) else str(error)
    found = re.search(r"line (\d+), column (\d+)", said)
    at_end = (len(lines), len(lines[-1]) + 1)
    too_much = (lines.index(max(lines, key=len)) + 1, 1)  # too long a number, or too many brackets in each other
    number, column = (int(found[1]), int(found[2])) if found else at_end if "at end" in said else too_much
    line = lines[min(number, len(lines)) - 1]
    column = 1 if said.startswith("Cannot") else column
    start = max(0, column - 50)
    before, after = visible(line[start : column - 1]), visible(line[column - 1 : start + 70])
    place = f"line {number}"
    words = _toml_words(said, lines[:number], line, column - 1)
    return Mistake(place, *words, place, f"    {before}{after}\n    {' ' * len(before)}^")


def _toml_words(error: str, lines: Sequence[str], line: str, column: int) -> tuple[str, str]:
    if duplicate := re.search(r"Duplicate inline table key '(.*)' \(at", error):
        return f"has {shown(duplicate[1])} for the second time.", "Keep one."
    code, char = re.sub(r"\s+#.*", "", line).strip(), line[column : column + 1]
    if char and is_hidden(char):
        return f"contains {code_point(char)}.", "Remove it, or type a blank in its place."
    if error.startswith("Cannot"):
        return _written_twice(code, lines)
    if error == "Nested":
        return "has too many brackets within brackets.", "Write fewer."
    if error.startswith("Unclosed") and not re.match(r"[\w.-]+\s*=\s*\{", code):
        return "comes before the end of a list, which has no ] yet.", "Add it."
    typed = as_typed(code)
    problem, cure = _what_is_meant(typed)
    quote = next((char for char in code if char.translate(_KEYBOARD) in ("'", '"') and not char.isascii()), "")
    if quote or (char and not char.isascii()):
        right = f"Write: {typed}" if quote else "Letters of a key go from a to z."
        return f"contains {code_point(quote or char)}.", cure or right
    fallback = f"is not valid TOML: {error.partition(' (')[0]}."
    return problem or fallback, cure or "Compare it with docs/destination-file.md."


def _what_is_meant(code: str) -> tuple[str, str]:
    statement = re.fullmatch(r"([\w.-]+)\s*=\s*(.*)", code, re.ASCII)
    for pattern, problem, cure in _VALUES if statement else _LINES:
        if match := re.fullmatch(pattern, statement[2] if statement else code):
            key = statement[1] if statement else ""
            return match.expand(problem), match.expand(cure).replace("KEY", key)
    return "", ""


def _written_twice(code: str, lines: Sequence[str]) -> tuple[str, str]:
    name, is_header = re.sub(r"^\W*([\w-]+).*", r"\1", code), code.startswith("[")
    above = [number for number, line in enumerate(lines[:-1], 1) if re.match(rf"\W*{re.escape(name)}\b", line)]
    first = f", first in line {above[0 if is_header else -1]}" if above else ""
    cure = "Keep one." if is_header else "Keep one, or begin another entry above it."
    if is_header and name in ("mappings", "audiences"):
        cure = f"Write [[{name}]], in double brackets, each time."
    return f"has {f'[{name}]' if is_header else name} for the second time{first}.", cure


def tables(table: Table, key: str) -> list[tuple[str, Table]]:
    """The entries of a list of tables, each with its key in the file; what is no table is left to others to find."""
    entries = table.get(key)
    listed = entries if isinstance(entries, list | tuple) else []
    return [(f"{key}[{index}]", entry) for index, entry in enumerate(listed) if isinstance(entry, dict)]


def part(table: Table, key: str) -> Table:
    """The table under a key, empty where there is none."""
    found = table.get(key)
    return found if isinstance(found, dict) else {}


def objects_of(table: Table) -> list[str]:
    """The sObjects that a file names."""
    named = table.get("salesforce_object")
    return [name for name in (named if isinstance(named, list | tuple) else [named]) if isinstance(name, str)]


def rules_of(table: Table) -> list[tuple[str, Table]]:
    """The rules by which records are found, each with its key in the file."""
    found = table.get("identity")
    alone = found[0] if isinstance(found, tuple) and len(found) == 1 else found  # the only one of a file that was read
    return [("identity", alone)] if isinstance(alone, dict) else tables(table, "identity")
