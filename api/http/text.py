"""The characters that a text may hold."""

import re

# Characters with no place in one line of text, written for the inside of a regular expression's class: control characters (C0, DEL,
# C1), separators of lines and paragraphs, marks that change the direction of the text around them, the byte order mark, and the two
# code points below U+10000 that XML 1.0 cannot carry. docs/decisions/0023-http.md says why these and no others.
UNPRINTABLE = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
FIND_UNPRINTABLE = re.compile(rf"[{UNPRINTABLE}\ud800-\udfff]").search  # and halves of surrogate pairs, which are no characters
PRINTABLE = {"pattern": f"^[^{UNPRINTABLE}]*$"}  # the same, for readers of the OpenAPI document
