"""The HTTP API: validates requests, stores them, rings the doorbell, and answers reads.

It moves no money: the workers do. Inside, imports go one way: app, routes (v1, operations), services, intake, admission, http.
It imports core and nothing of worker. No other package may import it.
"""
