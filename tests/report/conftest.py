"""A made-up but realistic run: the demo's names, four verifiers, traces of word problems."""

import math
import random

import pytest

VERIFIERS = ("own verifier", "shipped verifier", "reader's likelihood", "policy's likelihood")
TOKENS = 61.4  # of one solution


def rising(start, gain, n):
    return start + gain * math.log2(n) - 0.006 * math.log2(n) ** 2


def curve(start, gain):
    sizes = (1, 2, 4, 8, 16)
    rates = [min(rising(start, gain, n), 0.99) for n in sizes]
    return [
        {"tokens": TOKENS * n, "accuracy": r, "low": r - 0.043, "high": r + 0.041, "n": n}
        for n, r in zip(sizes, rates, strict=True)
    ]


def made_curves():
    curves = {
        "perfect scorer": curve(0.42, 0.135),
        "majority": curve(0.42, 0.045),
        "random scorer": [
            {**p, "accuracy": 0.42, "low": 0.38, "high": 0.46} for p in curve(0.42, 0)
        ],
    }
    gains = {"own verifier": 0.085, "shipped verifier": 0.112, "reader's likelihood": 0.07}
    for name in VERIFIERS:
        curves[f"best-of-n, {name}"] = curve(0.42, gains.get(name, 0.038))
        curves[f"weighted vote, {name}"] = curve(0.42, gains.get(name, 0.05) - 0.004)
    return curves


@pytest.fixture
def summary():
    return made_summary()


@pytest.fixture
def details():
    return made_details()


def made_summary():
    methods, paired = {}, {}
    for name, points in made_curves().items():
        last = points[-1]
        methods[name] = {k: last[k] for k in ("accuracy", "low", "high")} | {
            "policy_tokens": last["tokens"],
            "verifier_tokens": 1893.6 if "verifier" in name else 0.0,
        }
    base = methods["majority"]["accuracy"]
    for name, row in methods.items():
        if name != "majority":
            diff = row["accuracy"] - base
            paired[name] = {"diff": diff, "low": diff - 0.027, "high": diff + 0.026}
    return {
        "title": "Choosing among 16 solutions of trails (middle)",
        "command": "surefoot demo --out runs/demo --seed 7",
        "seconds": 512.4,
        "seed": 7,
        "policy": "pebble",
        "problems": 400,
        "methods": methods,
        "paired_vs_majority": paired,
        "label_quality": {
            "rollouts": {
                "step_accuracy": 0.937,
                "first_error_accuracy": 0.846,
                "no_error_accuracy": 0.971,
                "first_error_f1": 0.904,
                "tokens_per_trace": 1618.25,
                "traces": 200,
            },
            "outcomes": {
                "step_accuracy": 0.741,
                "first_error_accuracy": 0.183,
                "no_error_accuracy": 1.0,
                "first_error_f1": 0.309,
                "tokens_per_trace": 0.0,
                "traces": 3000,
            },
        },
        "coverage": {str(p["n"]): p["accuracy"] for p in made_curves()["perfect scorer"]},
        "greedy": {"pebble": 0.4675, "pebble-reader": 0.5525},
        "verifiers": {
            "own verifier": {"first_error_f1": 0.713, "auc": 0.871, "brier": 0.142, "ece": 0.038},
            "shipped verifier": {
                "first_error_f1": 0.802,
                "auc": 0.921,
                "brier": 0.101,
                "ece": 0.024,
            },
            "reader's likelihood": {"first_error_f1": 0.522, "auc": 0.764},
            "policy's likelihood": {"first_error_f1": 0.397, "auc": 0.612},
        },
    }


def made_bins(bend, seed):
    draw = random.Random(seed)
    bins = []
    for b in range(10):
        count = int(900 * (abs(b - 4.6) / 4.6) ** 2) + draw.randrange(30)
        score = (b + 0.5) / 10 + draw.uniform(-0.02, 0.02)
        outcome = min(max(score - bend * math.sin(math.pi * score) + draw.gauss(0, 0.02), 0), 1)
        filled = {"score": score, "outcome": outcome} if count else {"score": None, "outcome": None}
        bins.append({"low": b / 10, "high": (b + 1) / 10, "count": count, **filled})
    return bins


def made_details():
    return {
        "curves": made_curves(),
        "calibration": {"own verifier": made_bins(0.12, 1), "shipped verifier": made_bins(0.04, 2)},
        "traces": [made_trace(random.Random(i), scored=i < 30) for i in range(60)],
    }


def made_trace(draw, *, scored):
    mia, more, times = draw.randrange(4, 40), draw.randrange(2, 20), draw.randrange(2, 5)
    ben = draw.randrange(3, 30)
    right = [mia + more, (mia + more) * times, (mia + more) * times + ben]
    slip = draw.choice([None, None, 0, 1, 2])
    said = list(right)
    if slip is not None:
        said[slip] += draw.choice([-10, -1, 1, 10])
        for t in range(slip + 1, 3):
            said[t] = said[t - 1] * times if t == 1 else said[1] + ben
    texts = [
        f"Sam = Mia + {more} = {mia} + {more} = {said[0]}",
        f"Zoe = Sam * {times} = {said[0]} * {times} = {said[1]}",
        f"Ida = Zoe + Ben = {said[1]} + {ben} = {said[2]}",
        f"The answer is {said[2]}",
    ]
    wrong = [slip is not None and t >= slip for t in range(4)]
    reasons = [
        None if not w else "arithmetic" if t == slip else "carries a wrong number"
        for t, w in enumerate(wrong)
    ]
    fooled = slip is not None and draw.random() < 0.35
    steps = []
    for text, bad, reason in zip(texts, wrong, reasons, strict=True):
        base = 0.88 if fooled or not bad else 0.16
        value = min(max(draw.gauss(base, 0.11), 0.01), 0.99)
        steps.append(
            {
                "text": text,
                "score": value if scored else None,
                "truth": "wrong" if bad else "correct",
                "reason": reason,
                "label": None
                if scored
                else draw.choice([0, 0.125])
                if bad
                else draw.choice([1, 0.875]),
            }
        )
    return {
        "problem": f"Sam has {more} more coins than Mia. Mia has {mia} coins. Zoe has {times} "
        f"times as many coins as Sam. Ben has {ben} coins. Ida has as many coins as Zoe and Ben "
        "together. How many coins does Ida have?",
        "gold": str(right[2]),
        "answer": str(said[2]),
        "verdict": "correct" if said[2] == right[2] else "wrong",
        "total": min(s["score"] for s in steps) if scored else None,
        "steps": steps,
        "chosen_by": ["own verifier"] if scored and (fooled or slip is None) else [],
    }
