"""Options that several verbs share: one wording, one type."""

from pathlib import Path
from typing import Annotated

import typer

Problems = Annotated[
    str,
    typer.Argument(
        help="trails:LEVEL, trails:SPLIT:LEVEL[:SEED], gym:NAME[:SEED], gsm8k:SPLIT, "
        "or a .jsonl[.gz] file of problems (ours or GSM8K's)."
    ),
]
Traces = Annotated[Path, typer.Argument(help="A file of traces, as `surefoot sample` writes it.")]
Out = Annotated[str, typer.Option(help='The file to write; "-" is standard output.')]
Policy = Annotated[
    str,
    typer.Option(
        help="pebble or pebble-reader (shipped), a Hub name, a checkpoint folder, a .gguf file, or "
        "a server: http://HOST:PORT/v1#MODEL (several, with commas, share the work)."
    ),
]
Verifier = Annotated[
    str,
    typer.Option(
        help="pebble-verifier (shipped), a folder `surefoot train` wrote, a process reward model "
        "from the Hub (its name or folder), or likelihood:MODEL for the log-probabilities of a "
        "language model, here or at an address."
    ),
]
Family = Annotated[
    str | None,
    typer.Option(
        help="How a verifier from the Hub is read, such as qwen-prm or implicit:REFERENCE "
        "(default: by its name or its config)."
    ),
]
Guide = Annotated[
    str | None,
    typer.Option(
        help="What tilts a local policy's next tokens: vas, llm2 or ending, or "
        "NAME:SETTING=NUMBER,... such as vas:beta=2,top=20, llm2:alpha=0.1,beta=0.25, "
        "ending:temperature=2 (above 1 ends the thinking earlier)."
    ),
]
GuidedBy = Annotated[
    str | None,
    typer.Option(
        help="The verifier that vas asks (of kind vas, ovm or orm) or llm2 (of kind pairwise), at "
        "every token; what it reads is not counted in the cost."
    ),
]
Temperature = Annotated[float, typer.Option(help="0 takes the likeliest token.")]
TopP = Annotated[float, typer.Option(help="Keep the likeliest tokens with this probability.")]
MaxTokens = Annotated[int, typer.Option(help="Most new tokens of one solution.")]
Separator = Annotated[str, typer.Option(help=r"Text that ends a step; \n is a line break.")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Seed = Annotated[int, typer.Option(help="Decides every draw; the order of work does not matter.")]
Limit = Annotated[
    int | None,
    typer.Option(help="Only the first so many (default: all; 200 of an endless source)."),
]
InFlight = Annotated[int, typer.Option(help="Problems worked on at once; decides speed only.")]
JournalPath = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        help="Where finished model calls are kept (default: OUT.journal.sqlite). "
        "Run the same command again after an interruption and it goes on from there.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on stdout.")]
WithoutGold = Annotated[
    bool,
    typer.Option(
        "--without-gold", help="Accept a file's problems without an answer; they stay unchecked."
    ),
]
Aggregation = Annotated[
    str | None,
    typer.Option(
        help="How step scores become one: last, min, product, mean, geometric_mean, sum "
        "(default: by kind)."
    ),
]
BudgetPolicyTokens = Annotated[int | None, typer.Option(help="Most tokens the policy may write.")]
BudgetVerifierTokens = Annotated[
    int | None, typer.Option(help="Most tokens the verifier may read.")
]
BudgetCalls = Annotated[int | None, typer.Option(help="Most calls of policy and verifier.")]
BudgetSeconds = Annotated[float | None, typer.Option(help="Most seconds.")]
Trees = Annotated[
    bool,
    typer.Option(
        "--trees", help="Keep all steps that were tried in each row, for `surefoot view`."
    ),
]
