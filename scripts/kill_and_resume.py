"""Kills the demo at random moments, resumes it each time, and compares the figures.

    python scripts/kill_and_resume.py --whole runs/demo --out runs/killed --kills 20

`--whole` is the folder of an uninterrupted run; it is made first if it is not
there. The run in `--out` is killed with SIGKILL, all its processes at once, and
started again, until it has been killed `--kills` times; then it may finish. All
figures of summary.json but the wall time must be equal, and the journal must
show no call that was made twice.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NOT_FIGURES = ("seconds", "command")


def main() -> int:
    """Returns 0 if every figure is equal, 1 if not."""
    asked = _arguments()
    if asked.out.exists():  # its journal would answer at once, and no kill would hit any work
        raise SystemExit(f"{asked.out} is there already; name a new folder or remove it")
    summary = asked.whole / "summary.json"
    if not summary.is_file():
        subprocess.run(_command(asked.config, asked.whole), check=True)
    whole: dict[str, Any] = json.loads(summary.read_text())
    kills = _killed_run(asked, float(whole["seconds"]))
    killed: dict[str, Any] = json.loads((asked.out / "summary.json").read_text())
    different = [k for k in whole if k not in NOT_FIGURES and whole[k] != killed.get(k)]
    calls, twice = _journal(asked.out / "journal.sqlite")
    print(f"killed {kills} times; {calls} calls in the journal, {twice} of them made twice")
    print(f"figures that differ: {', '.join(different) or 'none'}")
    return int(bool(different or twice or kills < asked.kills))


def _killed_run(asked: argparse.Namespace, whole_seconds: float) -> int:
    """Runs, kills and resumes until the kills are used up and the run has ended."""
    rng = random.Random(asked.seed)
    # A start takes some seconds of its own, so that every life gets a share of the work done.
    share = whole_seconds / (asked.kills + 1)
    kills = 0
    while True:
        run = subprocess.Popen(
            _command(asked.config, asked.out),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        life = asked.start_up + rng.uniform(0, 1.6 * share) if kills < asked.kills else None
        started = time.monotonic()
        try:
            code = run.wait(timeout=life)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            kills += 1
            print(f"kill {kills} after {time.monotonic() - started:.1f} s", flush=True)
            continue
        if code != 0:
            raise SystemExit(f"the run in {asked.out} ended with exit code {code}")
        return kills


def _command(config: str, out: Path) -> list[str]:
    return [sys.executable, "-m", "surefoot", "run", config, "--out", str(out)]


def _journal(path: Path) -> tuple[int, int]:
    """How many calls, and how many were made more than once."""
    with sqlite3.connect(path) as journal:
        query = "select count(*), coalesce(sum(made > 1), 0) from calls"
        calls, twice = journal.execute(query).fetchone()
    return int(calls), int(twice)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--whole", type=Path, default=Path("runs/demo"))
    parser.add_argument("--out", type=Path, default=Path("runs/killed"))
    parser.add_argument("--config", default="demo", help="as for `surefoot run`")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="decides the moments")
    parser.add_argument("--start-up", type=float, default=8.0, help="seconds before work begins")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
