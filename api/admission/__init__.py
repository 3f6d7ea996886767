"""Admission: which caller a key names, how many requests it may send a second, and how much of the queue it may fill.

All of it is decided before anything is stored. Routes, services and intake may import it. It imports api.http and core.
"""
