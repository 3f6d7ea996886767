"""Everything that Teller does with Redis but the token buckets: hints, which carry no money and may be lost at any moment.

Here live the client, what an error of Redis means, and four protocols: shard doorbell, batcher, deliverers' doorbell, final news.
The API, the workers and api.admission.rate_limit may import it. `import redis` is the library here too: imports are absolute.
"""
