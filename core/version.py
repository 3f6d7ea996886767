"""The version of Teller; no other file states it. The API's version, "1" as in /v1, belongs to the contract and is independent."""

VERSION = "0.2.0"
