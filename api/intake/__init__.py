"""Intake: stores accepted transfers in micro-batches, rings the doorbells, and lets requests wait for outcomes.

The API answers 202 after COMMIT, never before. Routes and services may import this package. It imports api.admission, api.http
and core.
"""
