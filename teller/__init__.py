"""The command `teller` as it is installed. Its name is the package's own, so no other package hides it."""
