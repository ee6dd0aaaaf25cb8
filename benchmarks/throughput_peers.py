"""The peers' side of throughput.py: its_hub's beam search and treequest's trees.

    PYTHON_WITH_PEERS benchmarks/throughput_peers.py      (pip install its-hub treequest)

The same world: 6 steps, each right with chance 0.75, no two alike; a call takes 20 ms and 1 ms an
item; policy and verifier share a device that takes `lanes` calls at a time. Prints one JSON object.
"""

import asyncio
import json
import random
import time

import treequest as tq
from its_hub.api import AbstractLanguageModel, AbstractProcessRewardModel
from its_hub.core.algorithms.beam_search import BeamSearch
from its_hub.core.lms.step_generation import StepGeneration

CALL, ITEM, LENGTH, RIGHT = 0.020, 0.001, 6, 0.75
LANES = (8, 64)


class Device:
    """Takes its time, `lanes` calls at once."""

    def __init__(self, lanes):
        self.free = asyncio.Semaphore(lanes)

    async def work(self, items):
        """One call."""
        async with self.free:
            await asyncio.sleep(CALL + ITEM * items)


class Policy(AbstractLanguageModel):
    """Writes steps."""

    def __init__(self, device):
        self.device, self.rng = device, random.Random(0)
        self.calls = self.items = 0

    async def agenerate(self, messages, stop=None, **_):  # noqa: ARG002
        """One step for each conversation."""
        many = isinstance(messages[0], list)
        batch = messages if many else [messages]
        self.calls, self.items = self.calls + 1, self.items + len(batch)
        await self.device.work(len(batch))
        replies = [{"role": "assistant", "content": self._step(m)} for m in batch]
        return replies if many else replies[0]

    async def agenerate_single(self, messages, stop=None, **_):
        """One step."""
        return await self.agenerate(messages, stop)

    def _step(self, messages):
        last = messages[-1]
        role = last["role"] if isinstance(last, dict) else last.role
        text = (last["content"] if isinstance(last, dict) else last.content) or ""
        done = text.count("step") if role == "assistant" else 0
        word = "good" if self.rng.random() < RIGHT else "bad"
        return f"step {word} {self.rng.random()}" + (" END" if done + 1 >= LENGTH else "")


class Verifier(AbstractProcessRewardModel):
    """One number a solution."""

    def __init__(self, device):
        self.device = device
        self.calls = self.items = 0

    async def ascore(self, prompt_or_messages, steps):  # noqa: ARG002
        """Scores of solutions."""
        self.calls, self.items = self.calls + 1, self.items + len(steps)
        await self.device.work(len(steps))
        return [0.2 if "bad" in text else 0.8 for text in steps]

    def score(self, prompt_or_messages, steps):
        """Not asked for."""
        raise NotImplementedError


async def beams(questions, lanes=1, *, gathered=True):
    """Seconds, calls and steps scored of so many beam searches.

    gathered: all under way at once, by the user's asyncio; or one after another, as a loop over
    its `infer` runs them.
    """
    device = Device(lanes)
    policy, verifier = Policy(device), Verifier(device)
    generation = StepGeneration(max_steps=10, step_token="\n", stop_token="END")
    search = BeamSearch(generation, verifier, beam_width=4)
    started = time.perf_counter()
    searches = [search.ainfer(policy, f"question {i}", 8) for i in range(questions)]
    if gathered:
        answers = await asyncio.gather(*searches)
    else:
        answers = [await one for one in searches]
    return {
        "seconds": time.perf_counter() - started,
        "policy_calls": policy.calls,
        "verifier_calls": verifier.calls,
        "new_steps": policy.items,
        "steps_scored": verifier.items,
        "unfinished": sum("END" not in str(a) and str(a).count("step") < LENGTH for a in answers),
    }


def tree_microseconds(nodes, *, inplace):
    """treequest's own time for each node of a StandardMCTS."""
    rng, algorithm = random.Random(0), tq.StandardMCTS()
    state = algorithm.init_tree()
    started = time.perf_counter()
    for _ in range(nodes):
        state = algorithm.step(state, {"a": lambda _: ("x", rng.random())}, inplace=inplace)
    return 1e6 * (time.perf_counter() - started) / nodes


if __name__ == "__main__":
    found = {f"beam_{n}": asyncio.run(beams(n)) for n in (1, 20, 100)}
    found |= {f"wall_{lanes}": asyncio.run(beams(100, lanes))["seconds"] for lanes in LANES}
    found["wall_infer"] = asyncio.run(beams(100, 8, gathered=False))["seconds"]
    found["treequest_us_per_node_1000"] = tree_microseconds(1000, inplace=True)
    found["treequest_us_per_node_200_copying"] = tree_microseconds(200, inplace=False)
    print(json.dumps(found))
