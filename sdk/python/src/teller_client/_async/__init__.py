"""The client for asyncio. `python -m tests.sdk.generate` makes the one for threads, `_sync`, from it."""
