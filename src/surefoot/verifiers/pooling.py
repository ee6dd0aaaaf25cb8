"""A verifier behind vLLM's pooling endpoint as a `Scorer`.

    POST {url}/pooling  {"model", "task": "token_classify", "input": [[id, ...], ...]}
      -> {"data": [{"index", "data": [[p_0, p_1], ...]}, ...]}

Texts become ids here, by the template of the checkpoint's family, so the places of the steps
are known. The server gives a row for every id, and those at the places are taken; or, with STEP
pooling, a row for every step tag, and then there must be one a step. vLLM has scored
beside the places, raw or noise before (its issues 16545, 55307), so nothing is believed
unseen: a right and a wrong solution are scored first.

Dimension key: N traces, S steps, R rows, O classes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from surefoot.core.errors import InputError, ModelError
from surefoot.core.types import Problem, Step, StepScores, Trace
from surefoot.policy.http import PATIENT, Patience, Refused, call_json
from surefoot.steps.encode import Encoded
from surefoot.verifiers.formats.files import tokenizer_of
from surefoot.verifiers.formats.marked import Format
from surefoot.verifiers.formats.template import read
from surefoot.verifiers.score import LocalScorer

AT_ONCE = 32  # traces of one request
UNLIMITED = 1 << 20
SUM = "What is 12 + 5?"
EASY = (
    Trace(Problem("easy", SUM), (Step("12 + 5 = 17."), Step("The answer is 17."))),
    Trace(Problem("easy", SUM), (Step("12 + 5 = 41."), Step("The answer is 41."))),
)
"""A right and a wrong solution; the first step tells them apart."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A served model.

    url: of the server, such as "http://localhost:8000". model: its name there.
    key: the server's API key, if it wants one.
    """

    url: str
    model: str
    key: str | None = None
    patience: Patience = PATIENT

    def context(self) -> int:
        """The most tokens it takes, as it says itself; UNLIMITED if it does not say.

        Raises ModelError if it does not serve the model.
        """
        try:
            answer = call_json(self._at("/v1/models"), key=self.key, patience=self.patience)
        except Refused as refused:
            if refused.status == 404:
                return UNLIMITED
            raise
        served = {str(entry.get("id")): entry for entry in answer.get("data") or []}
        if self.model not in served:
            raise ModelError(f"{self.url} serves {sorted(served)}, not {self.model!r}")
        return int(served[self.model].get("max_model_len") or UNLIMITED)

    def rows(self, ids_N: Sequence[Sequence[int]]) -> list[list[list[float]]]:
        """[N][R][O] what the server says of each sequence of ids. One request.

        Raises Refused or ModelError as `call_json`, ModelError if an answer is missing.
        """
        body = {
            "model": self.model,
            "task": "token_classify",
            "input": [list(ids) for ids in ids_N],
            "use_activation": True,
        }
        url = self._at("/pooling")
        answer = call_json(url, body, key=self.key, patience=self.patience)
        try:
            found = {int(entry["index"]): entry["data"] for entry in answer["data"]}
            rows_N = [[[float(p) for p in row] for row in found[n]] for n in range(len(ids_N))]
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the answer of {url} cannot be read ({error!r}); expected rows of numbers for "
                f"each of {len(ids_N)} inputs: is the model served with --runner pooling?"
            ) from error
        return rows_N

    def _at(self, path: str) -> str:
        return self.url.rstrip("/").removesuffix("/v1") + path


def load_served(
    endpoint: Endpoint,
    form: Format,
    *,
    tokenizer: str,
    column: int = -1,
    easy: tuple[Trace, Trace] = EASY,
) -> LocalScorer:
    """The scorer of a served checkpoint, after a self-test.

    form: its family, such as `formats.qwen_prm.QWEN_PRM` or `formats.trl.TRL`.
    tokenizer: folder or Hub name; no weights are fetched.
    column: of P(right) in a row; the last of (wrong, right). With returned_token_ids it is the
      place of the "+" among them.
    easy: a right and a wrong solution whose first steps the verifier must tell apart.

    Raises ModelError if the server cannot be reached, does not serve the model, gives other
    than one row a step or an id, no probabilities, or ranks the easy pair the wrong way
    round. Scoring raises InputError for a trace that does not fit; nothing is cut off.
    """
    template = form.template(tokenizer_of(Path(tokenizer)))
    context = endpoint.context()

    def stream(traces_N: Sequence[Trace]) -> Iterator[tuple[int, StepScores]]:
        encoded_N = [read(template, t, marker=form.marker, context=context) for t in traces_N]
        for start in range(0, len(traces_N), AT_ONCE):
            traces, encoded = traces_N[start : start + AT_ONCE], encoded_N[start : start + AT_ONCE]
            for n, rows in enumerate(_rows(endpoint, traces, encoded)):
                values = _probabilities(_at_steps(rows, encoded[n]), column)
                yield start + n, StepScores(form.kind, values, endpoint.model, len(encoded[n].ids))

    def complete(traces_N: Sequence[Trace]) -> list[StepScores]:
        return [scores for _, scores in stream(traces_N)]

    probe = template(easy[0].problem, easy[0].steps).ids
    parts = ("pooling", endpoint.url, endpoint.model, form.name, str(column), str(probe))
    scorer = LocalScorer(stream, complete, "|".join(parts), form.aggregation, kind=form.kind)
    return _self_tested(scorer, endpoint, easy)


def _rows(
    endpoint: Endpoint, traces: Sequence[Trace], encoded: Sequence[Encoded]
) -> list[list[list[float]]]:
    try:
        return endpoint.rows([e.ids for e in encoded])
    except Refused as refused:
        if refused.overflow:
            longest = max(range(len(traces)), key=lambda n: len(encoded[n].ids))
            raise InputError(
                f"a trace of problem {traces[longest].problem.id!r} has "
                f"{len(encoded[longest].ids)} tokens, which the server does not take: "
                f"{refused.text[:200]}; score shorter traces (nothing is cut off silently)"
            ) from refused
        raise


def _at_steps(rows_R: list[list[float]], encoded: Encoded) -> list[list[float]]:
    """[S] the rows of the steps: all with STEP pooling, else those at the places."""
    steps = len(encoded.ends_S)
    if len(rows_R) == len(encoded.ids):
        return [rows_R[end] for end in encoded.ends_S]
    if len(rows_R) == steps:
        return rows_R
    raise ModelError(
        f"the server gave {len(rows_R)} rows for {steps} steps in {len(encoded.ids)} tokens; "
        "expected one a token (token_classify), or one a step (STEP pooling, with the family's "
        "step tag, which no step may hold)"
    )


def _probabilities(rows_S: list[list[float]], column: int) -> tuple[float, ...]:
    """[S] one column, if the rows are probabilities."""
    for row in rows_S:
        total = sum(row)
        if not all(0 <= p <= 1 for p in row) or (len(row) > 1 and abs(total - 1) > 0.02):
            raise ModelError(
                f"the server gave {row[:4]} for a step; expected probabilities that sum to 1: "
                "serve the model with its activation (softmax) on"
            )
    try:
        return tuple(row[column] for row in rows_S)
    except IndexError:
        raise ModelError(f"the server gives {len(rows_S[0])} classes; no column {column}") from None


def _self_tested(scorer: LocalScorer, endpoint: Endpoint, easy: tuple[Trace, Trace]) -> LocalScorer:
    right, wrong = (scores.values[0] for scores in scorer(easy))
    if not right > wrong:
        good, bad = (trace.steps[0].text for trace in easy)
        raise ModelError(
            f"{endpoint.model!r} at {endpoint.url} scores {good!r} {right:.4g} and {bad!r} "
            f"{wrong:.4g}; expected the first above the second. Is it the family of the "
            "checkpoint, and the column of P(right)? Some versions of vLLM pool the wrong "
            "states: compare with load_scorer on the same traces"
        )
    return scorer


def address_of(name: str) -> tuple[str, str] | None:
    """(url, model) of a verifier named "http://host:port#MODEL"; None if it is not so named."""
    if not name.startswith(("http://", "https://")):
        return None
    url, _, model = name.partition("#")
    if not model:
        raise InputError(f"expected URL#MODEL, such as http://localhost:8000#my-prm, got {name!r}")
    return url, model
