"""The commands of docs/operating/month-end.md are run, on the bookings that the page tells of."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.system import ROOT
from tests.walkthrough import comparable, steps
from tests.world import World, deposit, transfer, withdrawal

PAGE = ROOT / "docs" / "operating" / "month-end.md"


def test_the_page_on_the_months_end_shows_what_its_commands_print(world: World, tmp_path: Path) -> None:
    ada, bob = world.new_wallets(0, 0)
    booked = [
        *(deposit(ada, 100_000, reference="inv-101"), deposit(ada, 25_000, reference="inv-102")),
        *(deposit(bob, 7_550, reference="inv-103"), withdrawal(ada, 40_000, reference="pay-7")),
        transfer(ada, bob, 5, reference="inv-104"),  # between clients: no bank knows of it
    ]
    for one in booked:
        world.submit(one)
        world.drain()
    [csv] = re.findall(r"```csv\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "november.csv").write_text(csv)

    for step in steps(PAGE):
        commands = step.commands.replace("python -m core", f"{sys.executable} -m core")
        printed = subprocess.run(
            ["bash", "-eu"],
            input=commands,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": world.url, "TELLER_ADMIN_DATABASE_URL": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        ).stdout
        assert comparable(printed) == comparable(step.output or ""), commands
