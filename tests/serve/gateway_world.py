"""A gateway over a scripted policy, on a free port, and what to ask it."""

import threading
import time
from collections.abc import Mapping
from contextlib import contextmanager

from surefoot.annotate import calculator
from surefoot.core.types import Kind, StepScores
from surefoot.engine import OpenCrew
from surefoot.policy import ScriptedPolicy
from surefoot.search import beam, best_of_n, majority
from surefoot.serve import Limits, Served, gateway, nothing_to_check, one_solution, uniform
from surefoot.serve.gateway_server import bound, server

TOKEN = "s3cret"
RIGHT = ["2 + 2 = 4", "The answer is 4"]
WRONG = ["2 + 2 = 5", "The answer is 5"]
QUESTION = [{"role": "user", "content": "How much is 2 + 2?"}]


class Anything(Mapping):
    """The same script for every problem."""

    def __init__(self, solutions):
        self.solutions = solutions

    def __getitem__(self, key):
        return self.solutions

    def __contains__(self, key):
        return True

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 1


def length(traces):
    """A verifier: right steps hold a 4. It reads one token a step."""
    return [
        StepScores(Kind.VALUE, tuple(0.9 if "4" in s.text else 0.1 for s in t.steps), "fours",
                   len(t.steps))
        for t in traces
    ]  # fmt: skip


def scripted(*solutions, wrap=lambda sample: sample, drawn=None):
    """What a gateway serves: solutions, voted on, chosen among, searched through."""
    policy = wrap(ScriptedPolicy(Anything(solutions or (RIGHT, RIGHT, RIGHT, RIGHT, WRONG))))

    def sampler(sampling):
        if drawn is not None:
            drawn.append(sampling)
        return policy

    shared = {"check": nothing_to_check}
    searches = {
        "": uniform(one_solution, shared),
        "vote9": uniform(majority, {**shared, "n": 9}),
        "best_of_4": uniform(best_of_n, {**shared, "n": 4}),
        "beam2x2": uniform(beam, {**shared, "beams": 2, "width": 2}),
    }
    return Served(
        name="toy",
        sampler=sampler,
        searches=searches,
        score=length,
        labellers={"calculator": lambda trace, *, sample, seed: calculator(trace)},
        fingerprint="toy-1",
    )


@contextmanager
def serving(served, *, tokens=(TOKEN,), size=16, crew=None, **limits):
    """The address of a real server in a thread; on the way out nothing of it may be left."""
    before = set(threading.enumerate())
    crew = crew or OpenCrew(size)
    app = gateway(served, crew=crew, tokens=tokens, limits=Limits(**limits))
    socket = bound("127.0.0.1", 0)
    running = server(app, grace=0.0)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [socket]})
    thread.start()
    try:
        until(lambda: running.started)
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(20)
    assert not thread.is_alive(), "the server does not stop"
    until(lambda: not {t for t in set(threading.enumerate()) - before if "surefoot" in t.name})


def until(condition, seconds=20):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.005)
