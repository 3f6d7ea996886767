"""The routes for operators: health and readiness, metrics, the pages of the API and of its problems.

They need no key of a caller. api.app mounts them; nothing else may import them.
"""
