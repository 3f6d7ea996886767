"""python -m worker apply | sweep"""

import argparse
import sys

from core import db, log, settings
from core.doorbell import Doorbell
from core.settings import Settings
from worker.apply import Applier
from worker.jobs import allowed
from worker.listen import listen
from worker.process import Process
from worker.sweep import Sweeper


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m worker", description="Apply transfers.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("apply", help="drain shards when their doorbells ring; run as many as you like")
    verbs.add_parser("sweep", help="drain shards that waited too long, without Redis; run one, or more")
    verb = parser.parse_args().verb
    configured = settings.load()
    log.configure(configured.log_level)
    process = Process(configured.heartbeat_file)
    {"apply": run_apply, "sweep": run_sweep}[verb](configured, process)
    return 0


def run_apply(configured: Settings, process: Process) -> None:
    doorbell = Doorbell(configured.redis_url)
    applier = Applier(lambda: db.connect(configured.database_url), doorbell)
    listen(process, configured.redis_url, allowed(applier))
    applier.close()
    doorbell.close()


def run_sweep(configured: Settings, process: Process) -> None:
    doorbell = Doorbell(configured.redis_url)
    applier = Applier(lambda: db.connect(configured.database_url), doorbell)
    sweeper = Sweeper(lambda: db.connect(configured.database_url), applier)
    sweeper.run(process)
    sweeper.close()
    applier.close()
    doorbell.close()


if __name__ == "__main__":
    sys.exit(main())
