"""Rows of every format as hypothesis draws them, and labelled traces."""

from hypothesis import strategies as st

from surefoot.core.records import labelled_record, trace_record
from surefoot.core.types import (
    Kind,
    LabelledTrace,
    Problem,
    Step,
    StepLabel,
    Trace,
    Verdict,
)

PIECES = [
    "Step 1: ",
    "Step 2: ",
    "Step 10: ",
    "ки",
    "+",
    "-",
    "\n",
    " ",
    "é",
    "x = 1",
    "\\boxed{2}",
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=5).map("".join)
some_text = texts.filter(str.strip)
steps = st.lists(texts, min_size=1, max_size=4)
shares = st.sampled_from([0, 1, 0.0, 0.25, 1.0])
extras = st.dictionaries(
    st.sampled_from(["ours", "score", "meta"]),
    st.none() | st.integers() | st.lists(texts, max_size=2),
    max_size=2,
)


def with_extras(rows):
    return st.builds(lambda row, extra: {**row, **extra}, rows, extras)


def of(**fields):
    return st.fixed_dictionaries(fields)


@st.composite
def stepwise(draw):
    completions = draw(steps)
    labels = st.lists(
        st.none() | st.booleans() | shares, min_size=len(completions), max_size=len(completions)
    )
    return {"prompt": draw(texts), "completions": completions, "labels": draw(labels)}


tagless = texts.filter(lambda text: "ки" not in text)


@st.composite
def shepherd(draw):
    pieces = draw(st.lists(tagless.map(lambda t: f"{t} "), min_size=1, max_size=4))
    signs = [draw(st.sampled_from("+-")) for _ in pieces]
    label = "".join(piece + sign for piece, sign in zip(pieces, signs, strict=True))
    end = draw(st.sampled_from(["", "\n", " rest"]))
    inputs = "".join(f"{piece}ки" for piece in pieces)
    return {"input": inputs + end, "label": label + end, "task": draw(texts)}


@st.composite
def openrlhf(draw):
    mark = draw(st.sampled_from(["ки", "<extra_0>"]))
    pieces = draw(st.lists(tagless.map(lambda t: f"{t} "), min_size=1, max_size=4))
    label = draw(st.sampled_from([st.sampled_from("+-"), shares]))
    column = draw(st.sampled_from(["value", "label"]))
    return {"input": mark.join([*pieces, ""]), column: [draw(label) for _ in pieces]}


@st.composite
def process_bench(draw):
    solution = draw(steps)
    label = draw(st.integers(-1, len(solution) - 1))
    right = True if label == -1 else draw(st.booleans())
    names = {name: draw(texts) for name in ("id", "generator", "problem")}
    return {**names, "steps": solution, "final_answer_correct": right, "label": label}


@st.composite
def big_bench_mistake(draw):
    solution = draw(steps)
    index = draw(st.none() | st.integers(0, len(solution) - 1))
    names = {name: draw(texts) for name in ("input", "target", "answer")}
    return {**names, "steps": solution, "mistake_index": index}


@st.composite
def prm_bench(draw):
    names = (
        "original_question",
        "modified_question",
        "reason",
        "idx",
        "question",
        "classification",
    )
    numbers = st.lists(st.integers(1, 9), max_size=3)
    return {
        **{name: draw(texts) for name in names},
        "original_process": draw(steps),
        "modified_process": draw(steps),
        "modified_steps": draw(numbers),
        "error_steps": draw(numbers),
    }


@st.composite
def conversations(draw):
    turns = []
    for text in draw(steps):
        turns.append({"role": "user", "content": text})
        turns.append({"role": "assistant", "content": draw(st.sampled_from("+-"))})
    return {"conversations": turns}


@st.composite
def flat_tree(draw):
    question = draw(texts)
    rows = [
        {"solution_prefix": question + text, "mc_value": draw(st.none() | shares)}
        for text in draw(steps)
    ]
    return {"question": question, "final_answer": draw(texts), "reasoning_steps": rows}


def node(children):
    return of(text=texts, mc_value=st.none() | shares, children=st.lists(children, max_size=3))


LEAF = of(text=texts, mc_value=st.none() | shares, children=st.just([]))


@st.composite
def deep_tree(draw):
    root = draw(st.recursive(LEAF, node, max_leaves=6))
    return {"question": root["text"], "final_answer": draw(texts), "reasoning_steps": root}


rated = st.fixed_dictionaries(
    {"text": texts, "rating": st.sampled_from([1, 0, -1, None])},
    optional={"flagged": st.none() | st.booleans(), "source": texts},
)


@st.composite
def prm800k(draw):
    rows = []
    for _ in range(draw(st.integers(0, 4))):
        completions = draw(st.lists(rated, min_size=1, max_size=3))
        chosen = draw(st.none() | st.integers(0, len(completions) - 1))
        human = draw(texts | rated) if chosen is None else None
        rows.append(
            {"completions": completions, "human_completion": human, "chosen_completion": chosen}
        )
    last = {"completions": None, "human_completion": None, "chosen_completion": None}
    end = draw(st.sampled_from(["solution", "found_error", "give_up", "bad_problem"]))
    return {
        "labeler": draw(texts),
        "generation": draw(st.none() | st.integers(0, 9)),
        "is_quality_control_question": draw(st.booleans()),
        "is_initial_screening_question": draw(st.booleans()),
        "question": {"problem": draw(texts), "ground_truth_answer": draw(st.none() | texts)},
        "label": {
            "steps": rows + draw(st.sampled_from([[], [last]])),
            "finish_reason": end,
            "total_time": draw(st.integers(0, 99)),
        },
    }


message = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant"]), "content": texts}
)
text_or_chat = texts | st.lists(message, min_size=1, max_size=3)


@st.composite
def traces(draw, *, soft=False):
    """Labelled traces; some steps without a label, all others right or wrong unless `soft`."""
    solution = draw(steps)
    value = st.none() | st.sampled_from([0, 1, 0.25] if soft else [0, 1])
    made = [
        StepLabel(Kind.VALUE, v or 0, 0 if v is None else 1, "us")
        for v in (draw(value) for _ in solution)
    ]
    problem = Problem(draw(texts), draw(some_text), draw(st.none() | texts), draw(texts))
    verdict = draw(st.none() | st.sampled_from(Verdict))
    trace = Trace(problem, tuple(map(Step, solution)), draw(st.none() | texts), verdict)
    return LabelledTrace(trace, tuple(made))


ROWS = {
    "labels": traces(soft=True).map(labelled_record),
    "traces": traces().map(lambda item: trace_record(item.trace)),
    "prm800k": prm800k(),
    "math_shepherd": shepherd(),
    "trl_stepwise": stepwise(),
    "process_bench": process_bench(),
    "prm_bench": prm_bench(),
    "big_bench_mistake": big_bench_mistake(),
    "rlhflow": conversations(),
    "math_aps": flat_tree(),
    "math_aps_tree": deep_tree(),
    "openrlhf": openrlhf(),
    "step_dpo": of(prompt=texts, initial_reason_steps=texts, chosen=texts, rejected=texts),
    "preference": of(prompt=text_or_chat, chosen=text_or_chat, rejected=text_or_chat),
    "prompt_completion": st.fixed_dictionaries(
        {"prompt": text_or_chat, "completion": text_or_chat}, optional={"label": st.booleans()}
    ),
    "messages": of(messages=st.lists(message, min_size=1, max_size=3)),
}
