"""Submits transfers one by one over HTTP to a running Teller, and waits until all are final.

python -m tests.load http://127.0.0.1:8000 OPERATOR_KEY 2000
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests import flood
from tests.caller import Caller

WALLETS = 20
BALANCE = 100_000
FINAL_WITHIN_S = 60.0


def load(url: str, key: str, count: int) -> None:
    """Fail unless every transfer is accepted, then applied, and no cent is missing."""
    caller = Caller(url, key)
    wallets = [caller.new_wallet(BALANCE) for _ in range(WALLETS)]
    posts = [flood.between(wallets, 1) for _ in range(count)]
    began = time.monotonic()

    ids = accepted(url, posts, key)
    accepted_s = time.monotonic() - began
    outcomes = Counter(caller.wait_final(id, FINAL_WITHIN_S)["status"] for id in ids)
    final_s = time.monotonic() - began

    assert outcomes == {"applied": count}
    assert sum(caller.balance(wallet) for wallet in wallets) == WALLETS * BALANCE
    caller.close()
    print(f"load: {count} transfers accepted in {accepted_s:.1f} s, all final and read in {final_s:.1f} s")


def accepted(url: str, posts: Sequence[flood.Post], key: str) -> list[str]:
    """Send the posts, and those that a busy machine answered 503 again with their keys; return the ids of their transfers."""
    ids: list[str] = []
    deadline = time.monotonic() + FINAL_WITHIN_S
    while posts:
        assert time.monotonic() < deadline, f"{len(posts)} transfers were not accepted within {FINAL_WITHIN_S} s"
        answers = flood.send_all(url, posts, key=key)
        assert {status for status, _ in answers} <= {200, 202, 503}
        ids += [body["id"] for status, body in answers if status != 503]
        posts = [post for post, (status, _) in zip(posts, answers, strict=True) if status == 503]
    return ids


if __name__ == "__main__":
    load(sys.argv[1], sys.argv[2], int(sys.argv[3]))
