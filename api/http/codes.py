"""Codes in responses other than problem codes: of fields, rejected transfers and deliveries. GET /problems explains them."""

from collections.abc import Mapping
from typing import Final

from core.ledger.refusals import Refusal
from core.render import FAILURE_DETAILS

FIELDS: Final[Mapping[str, str]] = {
    "required": "The field is missing or empty.",
    "unknown_field": "The request has no such field. Check its spelling; names are in lower case.",
    "wrong_type": "The value is of another JSON type, or not of the form that the OpenAPI document gives.",
    "too_long": "The text has too many characters, or the list too many items.",
    "invalid_string": "The text holds a character that is not allowed, such as a control character.",
    "amount_not_integer": "An amount is a JSON integer of minor units (cents, yen), without a fraction, an exponent or quotes.",
    "amount_not_positive": "An amount is at least 1.",
    "amount_too_large": "An amount, and the sum of one side's lines, is at most 9007199254740991 (2^53 - 1).",
    "same_wallet": "Source and destination of a transfer are two wallets.",
    "too_few_lines": "A transfer with lines has a debit, a credit, and at least three lines; a capture has a credit.",
    "too_many_lines": "A transfer with lines has at most 32 of them; `credits` of a capture at most 31.",
    "duplicate_wallet": "A transfer has one line a wallet: this one stands in another line, or is the hold's own.",
    "unbalanced": "Debits and credits have the same sum. The credits of a capture sum to its amount, where that is given.",
    "invalid_id": "The text is no id of this type. An id begins with its type, such as wal_, and 26 characters follow.",
    "wallet_not_found": "There is no such wallet, or it is not the caller's to move money out of.",
    "currency_mismatch": "A wallet of the transfer has another currency. A currency that is left out is USD.",
    "currency_unknown": "The text is no alphabetic code of ISO 4217, or one without a minor unit, such as XAU.",
    "metadata_invalid": "Metadata is a flat object of at most 20 strings, with keys of 1 to 40 and values of up to 500 characters.",
    "seconds_out_of_range": "A number of seconds is too small or too large. The OpenAPI document gives both limits.",
    "time_invalid": "The text is no RFC 3339 time with an offset, or the time lies more than 366 days ahead.",
    "unknown_parameter": "The path has no such query parameter. `detail` lists those that it has.",
    "repeated_parameter": "A query parameter is given once.",
    "out_of_range": "The number of a query parameter is too small or too large. `detail` gives both limits.",
    "unknown_value": "The value of a query parameter is none of those that `detail` lists.",
    "url_invalid": "The text is no URL that a webhook can be sent to.",
    "url_forbidden": "Webhooks go to https URLs on port 443 or 8443, with a public name and without a user.",
}

DELIVERIES: Final[Mapping[str, str]] = {
    "url_forbidden": FIELDS["url_forbidden"],
    "name_not_found": "The receiver's name has no address.",
    "address_forbidden": "The receiver's name leads to an address that webhooks are not sent to.",
    "not_connected": "The receiver did not accept a connection.",
    "tls_failed": "The receiver's certificate is not valid for its name, or TLS failed in another way.",
    "disconnected": "The receiver closed the connection before it had answered.",
    "answer_invalid": "The receiver's answer was not HTTP.",
    "answer_too_large": "The receiver's answer was larger than 64 KiB.",
    "timed_out": "The receiver took longer than 15 seconds.",
}

DISABLED: Final[Mapping[str, str]] = {
    "requested": "The endpoint was disabled by its owner.",
    "gone": "The receiver answered 410.",
    "failing": "Each delivery of five days failed.",
}

# What to do after a rejection. A rejected transfer is final: another attempt is another request, with a new key.
AFTER_REJECTIONS: Final[Mapping[str, str]] = {
    Refusal.DEADLINE_PASSED: "Send it anew if it is still wanted, with more time in apply_within_s.",
    Refusal.WALLET_CLOSED: "Use another wallet of the client: a closed one stays closed.",
    Refusal.WALLET_FROZEN: "GET the wallet to see what is frozen. Send it anew once an operator has lifted that.",
    Refusal.HOLD_CLOSED: "GET the hold. Where it has ended, ask the payer again.",
    Refusal.HOLD_EXCEEDED: "GET the hold for what is left, and capture no more than that.",
    Refusal.REVERSAL_EXCEEDED: "GET the transfer for what is left, and reverse no more than that; up_to reverses what there is.",
    Refusal.WALLET_HAS_HOLDS: "Then close it anew.",
    Refusal.WALLET_NOT_EMPTY: "Close it anew with sweep_to_wallet_id, or empty it first.",
    Refusal.DEBIT_LIMIT_EXCEEDED: "Send less, or have an operator raise the limit.",
    Refusal.DAILY_LIMIT_EXCEEDED: "Send it anew tomorrow (UTC), send less, or have an operator raise the limit.",
    Refusal.MONTHLY_LIMIT_EXCEEDED: "Send it anew next month (UTC), send less, or have an operator raise the limit.",
    Refusal.INSUFFICIENT_FUNDS: "Send it anew once the wallet has more available, or send less.",
    Refusal.BALANCE_LIMIT_EXCEEDED: "Send less, use another wallet, or have an operator raise the limit.",
    Refusal.INTERNAL: "Send it anew; if that is rejected too, tell the operator the transfer's id.",
}

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "errors[].code": FIELDS,
    "failure.code": {
        str(code): f"{detail[0].upper()}{detail[1:]}. {AFTER_REJECTIONS[code]}" for code, detail in FAILURE_DETAILS.items()
    },
    "attempts[].error": DELIVERIES,
    "disabled_reason": DISABLED,
}


def explain(code: str) -> dict[str, object] | None:
    """Return the fields of responses that hold this code, and its meaning. None for an unknown code."""
    meanings = {place: codes[code] for place, codes in SECTIONS.items() if code in codes}
    return {"code": code, "found_in": list(meanings), "explanation": next(iter(meanings.values()))} if meanings else None


def explain_all() -> list[dict[str, object]]:
    """Return all codes explained, each once."""
    codes = dict.fromkeys(code for section in SECTIONS.values() for code in section)
    return [explained for code in codes if (explained := explain(code))]
