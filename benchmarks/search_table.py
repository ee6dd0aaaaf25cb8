"""Writes what benchmarks/search.py measured into docs/search.md.

python benchmarks/search_table.py [runs/search/table.json]
"""

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "search.md"
BEGIN, END = "<!-- benchmarks/search.py begins -->", "<!-- benchmarks/search.py ends -->"

# Measured by `make demo` (greedy, the same problems). Whoever may ask the verifier's base needs no
# search of the policy, so it stands in the table.
READER = "| *the verifier's base alone, one greedy try* | 92% | 92 (its own) | 1.6% | 0 | 1 | +13 |"


def table(found: dict[str, Any]) -> str:
    """The searches as rows, cheapest first."""
    most = found["tokens"]
    rows = sorted(found["rows"].items(), key=lambda item: item[1]["policy_tokens"])
    return "\n".join([
        f"Pebble and the shipped verifier, {found['problems']} problems of trails (middle), "
        f"`python benchmarks/search.py`. Best-of-64 is right in {found['best_of_64']:.1%} with "
        f"{most:,.0f} policy tokens a problem; differences to it are paired, intervals of 95 %.",
        "",
        "| search | right | policy tokens | of best-of-64's | verifier tokens | calls "
        "| points to best-of-64 |",
        "|---|---|---|---|---|---|---|",
        READER,
        *(_row(name, row, most) for name, row in rows),
    ])  # fmt: skip


def _row(name: str, row: dict[str, Any], most: float) -> str:
    gap = row["vs_best_of_64"]
    ends = f" [{100 * gap['low']:+.1f}, {100 * gap['high']:+.1f}]" if gap["low"] is not None else ""
    lost = f", {row['unfinished']} unfinished" if row["unfinished"] else ""
    search, _, settings = name.partition(":")
    sizes = settings.replace(",", ", ").replace("=", " ")
    return (
        f"| `{search}` {sizes} | {row['accuracy']:.1%} "
        f"[{row['low']:.1%}, {row['high']:.1%}]{lost} | {row['policy_tokens']:,.0f} "
        f"| {row['policy_tokens'] / most:.1%} | {row['verifier_tokens']:,.0f} | "
        f"{row['calls']:,.0f} | {100 * gap['diff']:+.1f}{ends} |"
    )


def main(path: Path) -> None:
    """Replaces what stands between the two marks."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    shown = table(json.loads(path.read_text(encoding="utf-8")))
    PAGE.write_text(f"{head}{BEGIN}\n\n{shown}\n\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/search/table.json"))
