"""The console: what waits, where money is, and what to do, in a browser. A client of the HTTP API with the person's own key."""
