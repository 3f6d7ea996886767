"""The edge to Redis, without the token buckets: hints, which carry no money and may be lost at any moment.

It contains the client, the meaning of Redis' errors, and four protocols: shard doorbell, batcher, deliverer doorbell, final news.
The API and the workers may import it. `import redis` imports the library here too, because imports are absolute.
"""
