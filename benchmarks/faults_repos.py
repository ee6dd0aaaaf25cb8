"""Columns of faults.py for openr, llm-reasoners and thinkbooster, from their repositories, once.

    PYTHON benchmarks/faults_repos.py OPENR LLM_REASONERS THINKBOOSTER > outside.json

The arguments are checkouts (54ae004, f94e5ac and 51ca08e were measured). What their modules import
and beam search does not use is replaced by mocks. thinkbooster searches all questions at once, the
others one at a time. Prints one JSON object.
"""

import importlib
import json
import logging
import math
import random
import sys
from functools import partial
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

from faults_world import FAULTS, HIT, LENGTH, QUESTIONS, RIGHT, Fault, outcome

COUNTED = {"calls": 0, "scored": 0, "new": 0}


def mocked(*names):
    """Empty stand-ins for modules that are not there."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = MagicMock()


def words(rng, fault, question, count):
    """Next words, all at once; fewer where a backend ignores n."""
    COUNTED["calls"] += 1
    if fault == "worker fails" and question == HIT:
        raise Fault("out of memory")
    count = 1 if fault == "n ignored" else count
    COUNTED["new"] += count
    return ["good" if rng.random() < RIGHT else "bad" for _ in range(count)]


def one_by_one(search):
    """A run of search(fault, question) over all questions."""

    def run(fault, questions, done):
        answers = []
        for question in questions:
            answers.append(search(fault, question))
            done.append(question)
        return answers

    return run


def column(run, cannot):
    """Outcomes and costs of a library's run(fault, questions, done)."""
    told = {
        fault: cannot.get(fault) or outcome(partial(run, fault, range(QUESTIONS)))
        for fault in FAULTS
    }
    for n in (1, 20, 100):
        COUNTED.update(calls=0, scored=0, new=0)
        answers = run("none", range(100, 100 + n), [])
        told[f"calls a question, {n} at once"] = COUNTED["calls"] / n
    told["steps scored for each new one"] = COUNTED["scored"] / COUNTED["new"]
    told["unfinished"] = sum(a is None for a in answers) / len(answers)
    return told


# --- openr -----------------------------------------------------------------


def openr(folder):
    """Its beam search: 2 beams of 4."""
    sys.path.insert(0, folder)
    mocked("loguru", "requests", "fastchat", "fastchat.conversation", "transformers", "torch",
           "torch.nn", "torch.distributed")  # fmt: skip
    sys.modules["envs"] = package = ModuleType("envs")
    package.__path__ = [f"{folder}/envs"]
    from envs.base_env import CoTEnv
    from reason.guided_search.tree import SearchTree

    class Env(CoTEnv):
        sep, stop_str = "\n", "END"

        def _is_correct(self, completion):  # noqa: ARG002
            return False

        def get_reward(self):
            return 0.0

    def search(fault, question):
        rng = random.Random(question)

        def write(input_str, config):
            last = " END" if input_str.count("step") + 1 >= LENGTH else ""
            drawn = words(rng, fault, question, config.n)
            texts = [f"step {word} {rng.random()}{last}\n" for word in drawn]
            size = len(texts)
            return SimpleNamespace(text=texts, num_tokens=[1] * size, completion_tokens=size,
                                   logp_avg_by_len=[-1.0] * size,
                                   finish_reason=["stop"] * size)  # fmt: skip

        def judge(pairs):
            rows = [_scores(text) for _, text in pairs]
            COUNTED["scored"] += sum(map(len, rows))
            if question == HIT and fault == "short scores":
                return [row[:-1] for row in rows]
            if question == HIT and fault == "NaN score":
                return [*rows[:-1], [*rows[-1][:-1], math.nan]]
            return rows

        config = {"max_actions": 4, "max_length": 10, "generation_config": {}}
        env = Env(config, [{"question": "?", "answer": "x"}], write, "", "", "{question}",
                  reset=False)  # fmt: skip
        [best, *_] = sorted(SearchTree(cfg={}).beam_search(env, 2, 10, judge),
                            key=lambda found: -found["value"])  # fmt: skip
        return "bad" not in best["text"] if "END" in best["text"] else None

    return column(one_by_one(search), {"unparsable judge": "has no judge in its searches"})


def _scores(text):
    said = [line for line in text.split("\n") if line]
    return [0.2 if "bad" in line else 0.8 for line in said]


# --- llm-reasoners ---------------------------------------------------------


def llm_reasoners(folder):
    """Its beam search: 2 beams of 4; the user writes get_actions and reward."""
    sys.path.insert(0, folder)
    mocked("torch", "transformers", "reasoners.agent")
    from reasoners import SearchConfig, WorldModel
    from reasoners.algorithm import BeamSearch

    class World(WorldModel):
        def init_state(self):
            return ()

        def step(self, state, action):
            return (*state, action), {}

        def is_terminal(self, state):
            return len(state) >= LENGTH

    class Config(SearchConfig):
        def __init__(self, fault, question):
            super().__init__()
            self.fault, self.question, self.rng = fault, question, random.Random(question)

        def get_actions(self, state):  # noqa: ARG002
            return words(self.rng, self.fault, self.question, 4)

        def fast_reward(self, state, action):  # noqa: ARG002
            return 0.0, {}

        def reward(self, state, action, **_):
            COUNTED["scored"] += 1
            if self.question == HIT and self.fault == "NaN score":
                return math.nan, {}
            return (0.2 if "bad" in (*state, action) else 0.8), {}

    def search(fault, question):
        found = BeamSearch(beam_size=2, max_depth=10)(World(), Config(fault, question))
        state = found.terminal_state
        return None if state is None or len(state) < LENGTH else "bad" not in state

    cannot = {
        "short scores": "cannot be: its user pairs action and reward",
        "unparsable judge": "has no judge of its own",
    }
    return column(one_by_one(search), cannot)


# --- thinkbooster ----------------------------------------------------------


def thinkbooster(folder):
    """Its beam search: 2 beams of 4, all questions in one call a step."""
    sys.path.insert(0, folder)
    while True:  # mock what is not there, one module after another
        try:
            from llm_tts.generators.base import StepCandidate
            from llm_tts.strategies.strategy_beam_search import StrategyBeamSearch

            break
        except ModuleNotFoundError as error:
            sys.modules[error.name] = MagicMock()

    def run(fault, questions, done):
        rngs = {q: random.Random(q) for q in questions}

        def write(requests, trajectories, candidates_per_step, **_):
            COUNTED["calls"] += 1
            before = COUNTED["calls"]
            rows = [
                [candidate(word, len(steps) + 1 >= LENGTH) for word in
                 words(rngs[int(asked[0]["content"])], fault, int(asked[0]["content"]),
                       candidates_per_step)]
                for asked, steps in zip(requests, trajectories, strict=True)
            ]  # fmt: skip
            COUNTED["calls"] = before
            return rows

        def candidate(word, last):
            return StepCandidate(f"step {word}\n", [1], True, last)

        def judge(chats, trajectories, **_):
            return [scored(int(c[0]["content"]), t) for c, t in
                    zip(chats, trajectories, strict=True)]  # fmt: skip

        def scored(question, steps):
            COUNTED["scored"] += len(steps)
            row = _scores("".join(step.text for step in steps))
            spoilt = {"short scores": row[:-1], "NaN score": [*row[:-1], math.nan]}
            return spoilt.get(fault, row) if question == HIT else row

        generator = MagicMock(generate_step_candidates_batch=write, context_budget=4096,
                              step_token_limit=256, thinking_mode=False)  # fmt: skip
        scorer = MagicMock(score_trajectories_batch=judge)
        search = StrategyBeamSearch(generator, scorer, 2, 4, 10)
        found = search.generate_trajectories_batch(
            [[{"role": "user", "content": str(q)}] for q in questions]
        )
        done.extend(questions)
        texts = [answer["trajectory"] for answer in found]
        return [None if t.count("step") < LENGTH else "bad" not in t for t in texts]

    return column(run, {"unparsable judge": "takes 0.0 (read in its code, not run)"})


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    found = {"openr": openr(sys.argv[1]), "llm-reasoners": llm_reasoners(sys.argv[2])}
    print(json.dumps({**found, "thinkbooster": thinkbooster(sys.argv[3])}))
