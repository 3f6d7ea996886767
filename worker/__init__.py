"""The processes behind the queue: `apply` and `sweep` move money, `deliver` sends webhooks.

It imports core and nothing of api. No other package may import it. The money (worker.ledger) and the webhooks (worker.webhooks)
import nothing of each other.
"""
