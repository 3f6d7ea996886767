"""The routes of the contract, a file for each noun or verb.

A route reads its request, calls core or the intake, and renders the answer. api.app mounts them. Other packages may not import
them; they may import one another.
"""
