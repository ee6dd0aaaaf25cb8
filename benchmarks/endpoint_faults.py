"""500 problems through a proxy that spoils 30 % of all answers: is any lost, is any paid for twice?

    python benchmarks/endpoint_faults.py [--upstream http://127.0.0.1:8000/v1#MODEL]

Without --upstream a small server that knows the answers is started. Two solutions of each problem
are asked for in one request, through the journal; then everything is asked for again, which must
reach no server. Prints a summary of what happened and writes results/endpoint_faults.json; exits
with 1 if anything was lost or paid for twice.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "scripts"), str(HERE.parent / "tests" / "policy")]

from small_server import Script, SmallServer, serving  # noqa: E402

from misbehaving_proxy import Proxy  # noqa: E402
from surefoot.core.seeds import rng_for  # noqa: E402
from surefoot.engine import Crew, Journal  # noqa: E402
from surefoot.engine.calls import served_calls  # noqa: E402
from surefoot.policy.endpoint import load_endpoint, probed  # noqa: E402
from surefoot.policy.http import Patience  # noqa: E402
from surefoot.policy.sampling import Sampling  # noqa: E402
from surefoot.policy.served import Reply  # noqa: E402
from surefoot.tasks import trails  # noqa: E402

SLOW = 6.0  # seconds that a slow body takes; the client gives a try half of it
PATIENCE = Patience(tries=20, first=0.1, longest=2.0, deadline=300.0, timeout=SLOW / 2)


def proxied(stack: ExitStack, upstream: str, share: float) -> tuple[Proxy, str]:
    """A proxy before an address, and the address to use instead."""
    url, _, model = upstream.partition("#")
    origin, _, path = url.removeprefix("http://").partition("/")
    proxy = Proxy(("127.0.0.1", 0), f"http://{origin}", share=share, slow=SLOW, seed=0)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    stack.callback(proxy.shutdown)
    return proxy, f"http://127.0.0.1:{proxy.server_port}/{path}#{model}"


def run(
    upstream: str, problems: int, share: float, max_tokens: int, folder: Path
) -> dict[str, Any]:
    """Asks twice; the figures of both."""
    with ExitStack() as stack:
        asked = list(trails.problems("test", problems, level="easy"))
        upstream = upstream or stack.enter_context(serving(SmallServer(Script(asked))))
        abilities = probed(upstream)
        proxy, address = proxied(stack, upstream, share)
        policy = load_endpoint(
            address, sampling=Sampling(0.8, max_tokens=max_tokens), choices=2,
            patience=PATIENCE, abilities=abilities, say=print,
        )  # fmt: skip
        journal = Journal(folder / "faults.sqlite")
        kept = policy.through(
            lambda p: served_calls(p.served.stream, p.fingerprint, journal, reply=Reply)
        )

        def solve(problem: Any) -> list[Any]:
            [drawn] = kept(problem, [()], count=2, rng=rng_for(0, problem.id))
            return drawn

        started = time.monotonic()
        first = Crew(32).map(solve, asked)
        seconds = time.monotonic() - started
        ledger, tries = proxy.ledger(), dict(policy.served.servers.happened)
        again = Crew(32).map(solve, asked)
        return {
            "problems": len(asked),
            "completions": sum(map(len, first)),
            "lost": sum(2 - len(drawn) for drawn in first),
            "tokens": sum(c.tokens for drawn in first for c in drawn),
            "seconds": round(seconds, 1),
            "what_the_client_saw": dict(sorted(tries.items())),
            "what_the_proxy_did": ledger,
            "journal_calls": journal.count(),
            "journal_made_twice": journal.made_twice(),
            "second_run_requests": sum(policy.served.servers.happened.values())
            - sum(tries.values()),
            "second_run_the_same": again == first,
        }


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upstream", default="")
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--max-tokens", type=int, default=16)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "endpoint_faults.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = run(given.upstream, given.problems, given.share, given.max_tokens, Path(folder))
    text = json.dumps({"upstream": given.upstream or "scripted", **figures}, indent=1)
    print(text)
    given.out.write_text(text + "\n", encoding="utf-8")
    bad = figures["lost"] or figures["journal_made_twice"] or figures["second_run_requests"]
    raise SystemExit(1 if bad or figures["what_the_proxy_did"]["answered_twice"] else 0)


if __name__ == "__main__":
    main()
