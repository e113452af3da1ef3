"""
The private key of the JWT bearer grant, as people paste it.

A console's key/value form turns the line breaks of a PEM text into blanks or into the two characters `\\n`. Both are
mended here: the text between the two marks is base64, in which neither means anything.
"""

from __future__ import annotations

import re
import textwrap

from salesforce_destination.errors import CredentialsError

_PEM = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<base64>[A-Za-z0-9+/=\s]+)-----END (?P=label)-----")
_RSA = ("PRIVATE KEY", "RSA PRIVATE KEY")
_CURE = "Store the whole PEM text of an RSA key without a passphrase, from its -----BEGIN line to its -----END line."


def read_private_key(text: str) -> str:
    """
    Give the private key in the text with its lines restored, or say what was pasted in its place.

    A certificate beside the key, as in many .pem files, is left out.
    """
    if "ENCRYPTED" in text:
        raise CredentialsError("private_key", "is protected by a passphrase.", _CURE)
    found = list(_PEM.finditer(text.replace("\\r", "").replace("\\n", "\n")))
    key = next((pem for pem in found if pem["label"] in _RSA), None)
    if key is None:
        raise CredentialsError("private_key", "is not an RSA private key." if found else "is not PEM text.", _CURE)
    lines = textwrap.wrap("".join(key["base64"].split()), 64)
    return "\n".join([f"-----BEGIN {key['label']}-----", *lines, f"-----END {key['label']}-----", ""])
