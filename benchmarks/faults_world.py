"""The mock world of faults.py and how what happens in it is told. Needs nothing but Python.

20 questions of 6 steps, each right with chance 0.75; a verifier that sees every wrong step. One
fault at a time, on question 7 alone or (a judge, a backend) on all.
"""

QUESTIONS, LENGTH, RIGHT, HIT = 20, 6, 0.75, 7
FAULTS = ("none", "short scores", "NaN score", "unparsable judge", "n ignored", "worker fails")
JUDGED = "I cannot say which of them is best."


class Fault(RuntimeError):
    """What a worker raises in "worker fails"."""


def outcome(run):
    """In words what a run came to. run(done) -> [question] is its answer right? None unfinished.

    done: a list to which every question that ends is added, so that it is known who was lost.
    """
    done = []
    try:
        answers = run(done)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is its outcome
        told = " ".join(str(error).split())[:110]
        return f"raises {type(error).__name__} ({told}); {len(done)} of {QUESTIONS} had finished"
    lost = sum(answer is None for answer in answers)
    rest = f", {lost} unfinished" if lost else ""
    return f"goes on: {sum(map(bool, answers))} of {len(answers)} right{rest}"
