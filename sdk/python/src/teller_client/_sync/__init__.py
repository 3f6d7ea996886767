"""The client for threads. Written from `_async` by `python -m tests.sdk.generate`: do not edit."""
