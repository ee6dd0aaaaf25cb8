"""Mutated rows of every file that a verb reads, through every verb that reads it.

    python scripts/fuzz.py --rows 5000 --seed 0
    python scripts/fuzz.py --rows 200 labels found

No command may end in a traceback, take over 2 s of CPU time, leave a half-written file, or lose a
field without a word; each that fails says so in one line. Prints a line for each kind of file and
an example of each fault; exit code 1 if there is one. Everything runs in this process (about 50
commands a second on one core); no model is loaded. `tests/cli/fuzzing.py` has the rows, what is
done to them and the verbs.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cli"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # models that are not there are not looked for

from fuzzing import ROWS, Findings, Fuzzer, table  # noqa: E402


def main() -> int:
    """Returns 0 if nothing was found, 1 if something was."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("kinds", nargs="*", help="kinds of file, by default all")
    parser.add_argument("--rows", type=int, default=5000, help="mutated rows of each kind")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    unknown = set(asked.kinds) - ROWS.keys()
    if unknown:
        parser.error(f"kinds must be of {', '.join(ROWS)}, got {', '.join(sorted(unknown))}")
    found: dict[str, Findings] = {}
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(Path(folder))
        for kind in asked.kinds or ROWS:
            found[kind] = Findings()
            fuzzer.fuzz(kind, asked.rows, asked.seed, found[kind])
            print(f"{kind}: {found[kind].faults.total()} faults", file=sys.stderr, flush=True)
    print(table(found))
    for kind, findings in found.items():
        for what, (verb, line) in findings.examples.items():
            print(f"\n{kind}, {findings.faults[what]} times: {what}")
            print(f"  surefoot {' '.join(verb)}\n  {line[:2000]!r}")
        for verb, line in findings.lost[:1]:
            print(f"\n{kind}, {len(findings.lost)} times: a field was lost without a word")
            print(f"  surefoot {' '.join(verb)}\n  {line[:2000]!r}")
    return int(any(findings.faults or findings.lost for findings in found.values()))


if __name__ == "__main__":
    sys.exit(main())
