"""Webhooks: endpoints, secrets and deliveries as rows, signatures, and the rules for URLs and addresses.

Nothing is sent from here: worker.webhooks sends. The API, the deliverer and core.render may import it.
"""
