"""Webhooks as rows and as bytes: endpoints, secrets, deliveries, signatures, and which URLs may be called.

Nothing is sent here: worker.webhooks sends. The API, the deliverer and core.render may import it.
"""
