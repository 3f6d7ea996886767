"""The version of Teller, stated here alone. The API's version, "1" as in /v1, is that of the contract and changes apart."""

VERSION = "0.2.0"
