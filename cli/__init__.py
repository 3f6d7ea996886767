"""The command `teller`."""
