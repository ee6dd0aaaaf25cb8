"""Many clients at once on `surefoot serve`, most of whom hang up: is any work left behind?

    SUREFOOT_TOKENS=secret surefoot serve --in-flight 64 --waiting 256 --port 8000 &
    OPENAI_API_KEY=secret python scripts/gateway_clients.py http://127.0.0.1:8000 \
        pebble pebble+vote8 pebble+beam4x4 --clients 200 --leaving 0.6 --server-pid $!

Clients ask for problems of trails, half of them streamed, and a share leaves at a random moment.
Afterwards the gauge of searches in flight must come back to 0, the server's threads to what they
were after the first round (its pool, which stays), and what an answered request says it cost must
not be more than what the server counted. Prints what became of the requests and a summary.
"""

import argparse
import asyncio
import os
import random
import re
import time
from collections import Counter
from pathlib import Path

import httpx

from surefoot.tasks import trails


def main() -> int:
    """Returns 0 if nothing is left behind."""
    asked = _arguments()
    headers = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    threads = [_threads(asked.server_pid)]
    for _ in range(asked.rounds):
        started = time.monotonic()
        ends = asyncio.run(_round(asked, headers))
        took = time.monotonic() - started
        idle = _until_idle(asked.url, headers)
        threads.append(_threads(asked.server_pid))
        print(f"{dict(ends)} in {took:.1f} s; idle {idle:.1f} s later; threads {threads[-1]}")
    told = httpx.get(f"{asked.url}/metrics", headers=headers).text
    print("\n".join(line for line in told.splitlines() if line.startswith("surefoot_searches_t")))
    print(f"in flight {_in_flight(asked.url, headers)}; threads after each round {threads}")
    return 0 if threads[-1] is None or threads[-1] <= max(threads[1:2]) else 1


async def _round(asked: argparse.Namespace, headers: dict[str, str]) -> Counter[str]:
    rng = random.Random(asked.seed)
    problems = trails.problems("test", asked.clients, level="easy")
    limits = httpx.Limits(max_connections=asked.clients)
    ends: Counter[str] = Counter()

    async def one(client: httpx.AsyncClient, question: str) -> None:
        body = {
            "model": rng.choice(asked.models),
            "messages": [{"role": "user", "content": question}],
            "stream": rng.random() < 0.5,
        }
        patience = rng.uniform(0, asked.within) if rng.random() < asked.leaving else None
        try:
            async with asyncio.timeout(patience):
                url = f"{asked.url}/v1/chat/completions"
                answer = await client.post(url, json=body, headers=headers)
            ends[str(answer.status_code)] += 1
        except TimeoutError:
            ends["left"] += 1

    async with httpx.AsyncClient(timeout=None, limits=limits) as client:
        await asyncio.gather(*(one(client, problem.text) for problem in problems))
    return ends


def _until_idle(url: str, headers: dict[str, str], most: float = 60) -> float:
    started = time.monotonic()
    while _in_flight(url, headers):
        if time.monotonic() - started > most:
            raise SystemExit(f"{_in_flight(url, headers)} searches are left after {most} seconds")
        time.sleep(0.1)
    return time.monotonic() - started


def _in_flight(url: str, headers: dict[str, str]) -> int:
    told = httpx.get(f"{url}/metrics", headers=headers).text
    found = re.search(r"^surefoot_in_flight (\S+)$", told, re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


def _threads(pid: int | None) -> int | None:
    return None if pid is None else len(list(Path(f"/proc/{pid}/task").iterdir()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of the server, without /v1")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--leaving", type=float, default=0.6, help="the share that leaves")
    parser.add_argument("--within", type=float, default=10.0, help="seconds in which they leave")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--server-pid", type=int, help="to count its threads (Linux)")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
