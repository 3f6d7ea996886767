"""The routes of webhooks: endpoints and their secrets, deliveries and their attempts.

They only read and write rows. The deliverer (worker.webhooks) sends. api.app mounts them; nothing else may import them.
"""
