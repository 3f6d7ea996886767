"""The routes of webhooks: endpoints, secrets that sign, deliveries and their attempts.

They only read and write rows. The deliverer (worker.webhooks) sends. api.app mounts them; other packages may not import them.
"""
