"""The language that Salesforce answers in: that of the user who asks, for its own texts and for nobody else's."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from pydantic_core import from_json, to_json

from destination_testbench.org.exchange import OrgReply

ENGLISH = "en_US"
# Texts of the org's own people and programs: no language setting changes them.
OF_OTHERS = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "DUPLICATES_DETECTED",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
    "NOT_SIMULATED",
}
# What real orgs answered; tests/fixtures/real names the sources.
KNOWN: dict[tuple[str, str], tuple[re.Pattern[str], str]] = {
    ("fr", "DUPLICATE_VALUE"): (
        re.compile(r"duplicate value found: (\S+) duplicates value on record with id: (\S+)"),
        r"valeur en double trouvée : \1 duplique une valeur dans l'enregistrement ID : \2",
    ),
    ("ja", "REQUIRED_FIELD_MISSING"): (
        re.compile(r"Required fields are missing: \[(.*)\]"),
        r"値を入力してください: [\1]",
    ),
    ("es", "CANNOT_EXECUTE_FLOW_TRIGGER"): (
        re.compile(r"We can't save this record because the [“\"](.*?)[”\"] process failed\."),
        r'No podemos guardar este registro porque se produjo un error en el proceso "\1".',
    ),
}
# Where no answer of a real org is known: a sentence that tells nothing, then the API names and ids of the English text.
UNKNOWN = {
    "fr": "Impossible de traiter votre demande.",
    "ja": "処理を完了できませんでした。",
    "es": "No se pudo procesar la solicitud.",
}
LANGUAGES = (ENGLISH, *UNKNOWN)
NAMES = re.compile(
    r"\b\w+__(?:c|pc|r)\b|(?<=')[A-Za-z]\w*(?=')|(?<=of type )[A-Z]\w+|(?<=found: )\w+(?= duplicates)"
    r"|(?<=field )[A-Z]\w+|\b[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?\b"
)
LISTED = re.compile(r"(?:\[|fields: )([A-Za-z][\w, ]*)(?=\]|\.)")


def spoken(reply: OrgReply, language: str) -> OrgReply:
    """The same answer in a language: codes, fields and ids stay, and so does what the org's own people have written."""
    if language == ENGLISH or not reply.headers.get("Content-Type", "").startswith("application/json"):
        return reply
    try:
        body = from_json(reply.body)
    except ValueError:
        return reply
    return replace(reply, body=to_json(translated(body, language)))


def translated(value: Any, language: str) -> Any:
    """A part of an answer with the texts of its errors in a language."""
    if isinstance(value, list):
        return [translated(item, language) for item in value]
    if not isinstance(value, dict):
        return value
    code = value.get("errorCode", value.get("statusCode"))
    if isinstance(code, str) and isinstance(value.get("message"), str):
        return {**value, "message": text_in(language, code, value["message"], value.get("fields") or [])}
    return {key: translated(item, language) for key, item in value.items()}


def text_in(language: str, code: str, text: str, fields: list[str]) -> str:
    """One text of Salesforce's in a language."""
    known = KNOWN.get((language, code))
    if known and known[0].search(text):
        return known[0].sub(known[1], text)
    if code in OF_OTHERS:
        return text
    listed = [name.strip() for found in LISTED.findall(text) for name in found.split(",")]
    names = dict.fromkeys([*NAMES.findall(text), *listed, *fields])
    return " ".join([UNKNOWN[language], *names])
