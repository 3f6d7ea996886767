"""Intake: accepted transfers are stored in micro-batches, the doorbell is rung, and requests wait for outcomes.

A 202 is answered after the COMMIT, never before. Routes and services may import it. It imports api.admission, api.http and core.
"""
