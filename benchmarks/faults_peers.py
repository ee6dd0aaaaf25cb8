"""The peers' side of faults.py: its_hub's beam search and best-of-n, treequest's MCTS.

    PYTHON_WITH_PEERS benchmarks/faults_peers.py      (pip install its-hub treequest)

Neither runs many questions itself: its_hub's are gathered by asyncio, treequest's one after
another, as their own examples do. treequest has no policy, judge or n: its user's function gives
a state and a score. Prints one JSON object.
"""

import asyncio
import json
import logging
import math
import random

import treequest as tq
from its_hub.api import AbstractLanguageModel, AbstractProcessRewardModel
from its_hub.core.algorithms.beam_search import BeamSearch
from its_hub.core.algorithms.bon import BestOfN
from its_hub.core.lms.step_generation import StepGeneration
from its_hub.core.reward_models.llm_judge import LLMJudge

from faults_world import FAULTS, HIT, JUDGED, LENGTH, QUESTIONS, RIGHT, Fault, outcome


class Policy(AbstractLanguageModel):
    """Writes a step for each conversation, or a whole solution."""

    def __init__(self, fault="none", *, whole=False):
        self.fault, self.whole, self.calls, self.items = fault, whole, 0, 0
        self.rng = random.Random(0)

    async def agenerate(self, messages, stop=None, **_):  # noqa: ARG002
        """One reply for each conversation."""
        await asyncio.sleep(0)
        many = isinstance(messages[0], list)
        batch = messages if many else [messages]
        self.calls, self.items = self.calls + 1, self.items + len(batch)
        if self.fault == "worker fails" and f"question {HIT}." in _text(batch[0][0]):
            raise Fault("out of memory")
        replies = [{"role": "assistant", "content": self._write(m)} for m in batch]
        replies = replies[:1] if self.fault == "n ignored" else replies
        return replies if many else replies[0]

    async def agenerate_single(self, messages, stop=None, **_):
        """One reply."""
        return await self.agenerate(messages, stop)

    def _write(self, messages):
        done = _text(messages[-1]).count("step") if len(messages) > 1 else 0
        count = LENGTH - done if self.whole else 1
        words = ["good" if self.rng.random() < RIGHT else "bad" for _ in range(count)]
        text = "\n".join(f"step {word}" for word in words)
        return text + (" END" if done + count >= LENGTH else "")


def _text(message):
    return (message["content"] if isinstance(message, dict) else message.content) or ""


class Judge(Policy):
    """Says nothing that can be read."""

    def _write(self, messages):  # noqa: ARG002
        return JUDGED


class Verifier(AbstractProcessRewardModel):
    """One number a solution."""

    def __init__(self, fault="none"):
        self.fault, self.items = fault, 0

    async def ascore(self, prompt_or_messages, steps):
        """Scores of solutions."""
        await asyncio.sleep(0)
        self.items += len(steps)
        scores = [0.2 if "bad" in text else 0.8 for text in steps]
        if f"question {HIT}." in str(prompt_or_messages):
            return {"short scores": scores[:-1], "NaN score": [*scores[:-1], math.nan]}.get(
                self.fault, scores
            )
        return scores

    def score(self, prompt_or_messages, steps):
        """Not asked for."""
        raise NotImplementedError


def its_hub(fault):
    """20 beam searches of its_hub, or best-of-n by an LLM judge."""

    def run(done):
        policy = Policy(fault, whole=fault == "unparsable judge")
        generation = StepGeneration(max_steps=10, step_token="\n", stop_token="END")
        search = BeamSearch(generation, Verifier(fault), beam_width=4)
        if fault == "unparsable judge":
            search = BestOfN(LLMJudge(Judge()))

        async def solve(i):
            answer = await search.ainfer(policy, f"question {i}.", 8)
            done.append(i)
            return _right(answer["content"])

        async def main():
            return await asyncio.gather(*map(solve, range(QUESTIONS)))

        return asyncio.run(main())

    return run


def _right(text):
    return None if text.count("step") < LENGTH else "bad" not in text


def its_hub_costs():
    """Calls a question, steps scored for each new one, share of unfinished answers."""
    found = {}
    for n in (1, 20, 100):
        policy, verifier = Policy(), Verifier()
        search = BeamSearch(StepGeneration(max_steps=10, step_token="\n", stop_token="END"),
                            verifier, beam_width=4)  # fmt: skip

        async def main(n=n, search=search, policy=policy):
            return await asyncio.gather(*(search.ainfer(policy, f"q{i}", 8) for i in range(n)))

        answers = asyncio.run(main())
        found[f"calls a question, {n} at once"] = policy.calls / n
    found["steps scored for each new one"] = verifier.items / policy.items
    found["unfinished"] = sum(_right(a["content"]) is None for a in answers) / len(answers)
    return found


CALLS = [0]


def treequest(fault, expansions=48):
    """20 trees of treequest's MCTS, a step a node, 48 expansions each; the best whole one."""

    def run(done):
        return [_tree(fault, i, expansions, done) for i in range(QUESTIONS)]

    return run


def _tree(fault, question, expansions, done):
    rng, hit = random.Random(question), question == HIT

    def step(state):
        CALLS[0] += 1
        if fault == "worker fails" and hit:
            raise Fault("out of memory")
        words = state or ()
        if len(words) < LENGTH:
            words = (*words, "good" if rng.random() < RIGHT else "bad")
        score = 0.2 if "bad" in words else 0.8
        return words, math.nan if fault == "NaN score" and hit else score

    algorithm = tq.StandardMCTS()
    state = algorithm.init_tree()
    for _ in range(expansions):
        state = algorithm.step(state, {"step": step}, inplace=True)
    done.append(question)
    pairs = algorithm.get_state_score_pairs(state)
    whole = [(words, score) for words, score in pairs if len(words) == LENGTH]
    return "bad" not in max(whole, key=lambda pair: pair[1])[0] if whole else None


def treequest_costs():
    """The same; its trees know nothing of each other, so many at once change nothing."""
    CALLS[0], questions = 0, 100
    answers = [_tree("none", i, 48, []) for i in range(questions)]
    each = CALLS[0] / questions
    return {
        **{f"calls a question, {n} at once": each for n in (1, 20, 100)},
        "steps scored for each new one": 1.0,
        "unfinished": sum(a is None for a in answers) / questions,
    }


CANNOT = {
    "short scores": "cannot be: its user pairs state and score",
    "unparsable judge": "has no judge",
    "n ignored": "asks for one at a time",
}

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    hub = {fault: outcome(its_hub(fault)) for fault in FAULTS}
    tree = {fault: CANNOT.get(fault) or outcome(treequest(fault)) for fault in FAULTS}
    print(json.dumps({"its_hub": {**hub, **its_hub_costs()},
                      "treequest": {**tree, **treequest_costs()}}))  # fmt: skip
