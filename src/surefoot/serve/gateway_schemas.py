"""What the gateway is asked and what it answers, in the shapes of OpenAI's API.

What would change an answer and cannot be honoured (tools, penalties, log-probabilities) is
refused; what would not (`user`, `metadata`) is ignored. Numbers are not read from text.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from surefoot.core.types import Kind


def _whole(text: str) -> str:
    """JSON may hold halves of characters, which no tokenizer takes and no answer can repeat."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text has a lone surrogate, which is no character") from None
    return text


Text = Annotated[str, AfterValidator(_whole)]
Count = Annotated[int, Field(ge=1, le=1 << 40)]
Amount = Annotated[int, Field(ge=0, le=1 << 40)]
Seed = Annotated[int, Field(ge=-(1 << 63), le=(1 << 63) - 1)]
Stop = Annotated[Text, Field(min_length=1)]
Words = Annotated[Text, Field(pattern=r"\S")]
Zero = Annotated[float, Field(ge=0, le=0)]
Empty = Annotated[dict[str, Any], Field(max_length=0)]


class Shape(BaseModel):
    """Strict in types, deaf to names it does not know."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


# --- questions -------------------------------------------------------------


class SearchOptions(Shape):
    """How to search, and what it may cost; a name that is not known is an error."""

    model_config = ConfigDict(extra="forbid")

    strategy: Annotated[
        Text | None, Field(description="A search that the server offers, instead of the model's.")
    ] = None
    policy_tokens: Annotated[Amount | None, Field(description="Most the policy may write.")] = None
    verifier_tokens: Annotated[Amount | None, Field(description="Most the verifier may read.")] = (
        None
    )
    calls: Annotated[Amount | None, Field(description="Most calls of both.")] = None
    seconds: Annotated[
        float | None, Field(ge=0, description="Most seconds; the best so far is the answer.")
    ] = None


class StreamOptions(Shape):
    """include_usage: a last chunk tells what it cost."""

    include_usage: bool | None = None


class Generation(Shape):
    """What both kinds of completion are asked with."""

    model: Text
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[
        Count | None, Field(description="Most tokens of one solution that a search tries.")
    ] = None
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    seed: Seed | None = None
    n: Count | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    surefoot: SearchOptions | None = None
    presence_penalty: Zero | None = None
    frequency_penalty: Zero | None = None
    logit_bias: Empty | None = None
    top_k: Annotated[None, Field(description="Not supported.")] = None
    min_p: Annotated[None, Field(description="Not supported.")] = None

    @property
    def stops(self) -> list[str]:
        """The texts that end a solution."""
        return [self.stop] if isinstance(self.stop, str) else self.stop or []


class TextPart(Shape):
    """A piece of a message's text."""

    type: Literal["text"]
    text: Text


class Message(Shape):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[TextPart]

    @property
    def text(self) -> str:
        """All of its text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class TextFormat(Shape):
    """The only format of an answer."""

    type: Literal["text"]


class ChatRequest(Generation):
    """A conversation to answer; the last message is the user's."""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_completion_tokens: Count | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    tool_choice: Literal["none"] | None = None
    functions: Annotated[list[Any], Field(max_length=0)] | None = None
    response_format: TextFormat | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: Annotated[None, Field(description="Not supported.")] = None


class TextRequest(Generation):
    """Texts to continue, each a problem."""

    prompt: Words | Annotated[list[Words], Field(min_length=1)]
    echo: Literal[False] | None = None
    suffix: Annotated[None, Field(description="Not supported.")] = None
    best_of: Annotated[int, Field(ge=1, le=1)] | None = None
    logprobs: Annotated[None, Field(description="Not supported.")] = None

    @property
    def prompts(self) -> list[str]:
        """One or more."""
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


class ProblemIn(Shape):
    """A question. answer: the accepted one, where labels need it."""

    id: Text = "asked"
    problem: Words
    answer: Text | None = None


class TraceIn(Shape):
    """One solution in its steps."""

    problem: ProblemIn | Words
    steps: Annotated[list[Words], Field(min_length=1)]


class ScoreRequest(Shape):
    """Traces for the verifier."""

    traces: Annotated[list[TraceIn], Field(min_length=1)]


class LabelRequest(Shape):
    """Traces to label, by one of the server's methods."""

    traces: Annotated[list[TraceIn], Field(min_length=1)]
    method: Text
    seed: Seed = 0


# --- answers ---------------------------------------------------------------


class Fault(BaseModel):
    """What is wrong, where, and of what sort."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """Every answer that is no 200."""

    error: Fault


class SearchCost(BaseModel):
    """What the whole search spent."""

    policy_tokens: int
    verifier_tokens: int
    calls: int
    seconds: float


class CompletionDetails(BaseModel):
    """reasoning_tokens: written in the search, and not in the answer."""

    reasoning_tokens: int


class UsageOut(BaseModel):
    """The prompt counts once; completion_tokens is all that the policy wrote."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionDetails
    surefoot: SearchCost


class Remarks(BaseModel):
    """About one choice. answer: the final answer that was read; why: the search ended early."""

    answer: str | None
    score: float | None
    candidates: int
    why: str | None


class SearchRemarks(BaseModel):
    """seed: the same one gives the same answer again."""

    seed: int
    search: str
    choices: list[Remarks]


class AnswerMessage(BaseModel):
    """The chosen solution."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ChatChoice(BaseModel):
    """One of n."""

    index: int
    message: AnswerMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class TextChoice(BaseModel):
    """One of n for each prompt."""

    index: int
    text: str
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class Completed(BaseModel):
    """What both kinds of answer have."""

    id: str
    created: int
    model: str
    system_fingerprint: str
    usage: UsageOut
    surefoot: SearchRemarks


class ChatCompletion(Completed):
    """The answer to a conversation."""

    object: Literal["chat.completion"] = "chat.completion"
    choices: list[ChatChoice]


class TextCompletion(Completed):
    """The answer to prompts."""

    object: Literal["text_completion"] = "text_completion"
    choices: list[TextChoice]


class ModelOut(BaseModel):
    """A policy, or a search over it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "surefoot"


class ModelList(BaseModel):
    """All that is served."""

    object: Literal["list"] = "list"
    data: list[ModelOut]


class ScoreOut(BaseModel):
    """values: one a step. score: of the whole trace, by what the values mean."""

    index: int
    kind: Kind
    values: list[float]
    score: float
    by: str
    tokens: int


class ScoreList(BaseModel):
    """Scores in the order of the traces."""

    object: Literal["list"] = "list"
    data: list[ScoreOut]
    usage: SearchCost


class LabelOut(BaseModel):
    """Evidence about one step; value and hard are null without any."""

    kind: Kind
    successes: float
    tries: int
    by: str
    value: float | None
    hard: bool | None


class LabelledOut(BaseModel):
    """labels: one a step."""

    index: int
    labels: list[LabelOut]
    notes: dict[str, str]
    usage: SearchCost


class LabelList(BaseModel):
    """Labels in the order of the traces."""

    object: Literal["list"] = "list"
    data: list[LabelledOut]
    usage: SearchCost


class Health(BaseModel):
    """status: "ok" while requests are taken. in_flight: searches that run or wait."""

    status: Literal["ok"] = "ok"
    in_flight: int
