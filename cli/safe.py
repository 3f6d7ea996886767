"""What a caller of the API has typed, made harmless for a terminal.

Names, references and metadata are any caller's text. A control character in one of them could move the cursor, change colours, or
write a false line. A mark of direction could show an id or an amount reversed. So each is shown as its escape, such as `\\u202e`.
"""

import json
import re
import unicodedata

# Control, format (marks of direction, joiners, byte order), surrogate, private and unassigned characters, and line separators.
UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
NOT_PLAIN = re.compile(r"[^ -~]")


def safe(text: object) -> str:
    """Return the text with an escape for each character that could do more than be seen. Line breaks and tabs are escaped too."""
    return NOT_PLAIN.sub(lambda found: escaped(found[0]), str(text))


def escaped(character: str) -> str:
    if unicodedata.category(character) not in UNSAFE:
        return character
    return json.dumps(character)[1:-1]


def safe_json(value: object, *, indent: int | None) -> str:
    """Return JSON whose texts hold the same escapes: to a program it means what the API has sent."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return NOT_PLAIN.sub(lambda found: found[0] if found[0] == "\n" else escaped(found[0]), text)
