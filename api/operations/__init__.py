"""The routes for operators: health and readiness, metrics, the pages of the API and of its problems.

They need no API key. api.app mounts them; other packages may not import them.
"""
