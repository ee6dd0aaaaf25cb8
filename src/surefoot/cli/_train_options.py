"""The options of `surefoot train`, each with its help."""

from pathlib import Path
from typing import Annotated

import typer

Labels = Annotated[
    Path,
    typer.Argument(
        help="Labelled traces, as `surefoot label` writes them (orm, ovm, vas, implicit-*: any)."
    ),
]
Out = Annotated[Path, typer.Option(help="The verifier's folder.")]
Base = Annotated[str, typer.Option(help="The language model to start from.")]
Kind = Annotated[
    str,
    typer.Option(
        help="What it learns. From step labels: prm, prm-three-way, sorm, alphamath, pav, "
        "birm, pairwise, next-token, generative, p-true, oprm, weak-to-strong, maths-only. "
        "From how traces came out: orm, ovm, vas, implicit-ce, implicit-dpo, implicit-kto, "
        "implicit-nca."
    ),
]
Targets = Annotated[
    str | None,
    typer.Option(
        help="soft: the share of tries that succeeded; hard: did any? "
        "If not given, what the kind is known for: soft, and hard for sorm."
    ),
]
Balance = Annotated[
    bool, typer.Option("--balance", help="Weigh right and wrong steps to equal halves (prm).")
]
Epochs = Annotated[int, typer.Option(help="Passes over the traces.")]
Rate = Annotated[float, typer.Option(help="Peak learning rate of the language model.")]
HeadRate = Annotated[float, typer.Option(help="Peak learning rate of the head.")]
LmWeight = Annotated[float, typer.Option(help="Weight of the language-model loss on right traces.")]
LoraRank = Annotated[
    int, typer.Option(help="Train adapters of this rank and the head; 0 trains all weights.")
]
BatchTokens = Annotated[int, typer.Option(help="Padded tokens of one update.")]
MicroTokens = Annotated[
    int | None,
    typer.Option(help="Padded tokens of one forward pass (less memory), if not all at once."),
]
Recompute = Annotated[
    bool, typer.Option("--recompute", help="Gradient checkpointing: less memory, more time.")
]
Dtype = Annotated[str, typer.Option(help="float32, or bfloat16 for mixed precision.")]
SaveEvery = Annotated[int, typer.Option(help="Updates between saved states.")]
EvaluateEvery = Annotated[
    int | None, typer.Option(help="Updates between evaluations, if not those of an epoch.")
]
Patience = Annotated[
    int | None,
    typer.Option(
        help="Stop after so many evaluations without a lower held-out loss, and keep the best."
    ),
]
LogWith = Annotated[
    str, typer.Option(help="Where figures go as well: tensorboard, wandb, trackio, none.")
]
HeldOut = Annotated[float, typer.Option(help="Share of the problems kept for the final metrics.")]
