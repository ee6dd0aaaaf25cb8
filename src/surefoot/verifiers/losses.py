"""Verifier losses: pure functions under their formulas, in logits form and float32.

The logits form matters: log(sigmoid(z)) has gradient 0 once the sigmoid rounds
to 0 or 1, so a confidently wrong score would never be corrected.

Dimension key: N traces, S steps, T tokens.
"""

import torch
import torch.nn.functional as F

IGNORED = -100.0  # target of a step without evidence; id of a token without loss


def known_steps(targets_NS: torch.Tensor, highest: float = 1.0) -> torch.Tensor:
    """[N, S] where there is a target, in [0, highest].

    Raises ValueError if there is none at all (a mean over nothing would be 0 or NaN, and training
    would seem to succeed), or if one is out of range: a cross-entropy with y = -1 has no lower
    bound, and training would end with a fine loss and a useless verifier.
    """
    known_NS = targets_NS != IGNORED
    if not known_NS.any():
        raise ValueError(
            f"none of {targets_NS.numel()} steps has a target; were all labels cut off or unknown?"
        )
    wrong_NS = known_NS & ~((targets_NS >= 0) & (targets_NS <= highest))  # NaN is wrong, too
    if wrong_NS.any():
        place = tuple(wrong_NS.nonzero()[0].tolist())
        raise ValueError(
            f"the target at {place} of the batch is {float(targets_NS[place])}; expected 0 to "
            f"{highest:g}, or {IGNORED:g} for none"
        )
    return known_NS


def step_loss(logits_NS: torch.Tensor, targets_NS: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of step scores with hard or soft targets (Math-Shepherd, arXiv:2312.08935).

        -mean_t [ y_t log s(z_t) + (1 - y_t) log(1 - s(z_t)) ],  s the logistic function

    over the steps whose target is not IGNORED. logits_NS: any real numbers;
    targets_NS: in [0, 1] or IGNORED. Raises ValueError if every step is ignored.
    """
    known = known_steps(targets_NS)
    return F.binary_cross_entropy_with_logits(logits_NS[known].float(), targets_NS[known].float())


def token_loss(logprobs_NT: torch.Tensor, weights_NT: torch.Tensor) -> torch.Tensor:
    """Language-model loss that keeps the verifier a reader (Cobbe et al., arXiv:2110.14168).

        - sum_t w_t log P(token t | before) / sum_t w_t

    0 if no token has weight. logprobs_NT, weights_NT: [N, T].
    """
    total = weights_NT.sum()
    return -(logprobs_NT.float() * weights_NT).sum() / total.clamp(min=1.0)


def word_loss(logprobs_NS2: torch.Tensor, targets_NS: torch.Tensor) -> torch.Tensor:
    """Language-model loss of the word that says whether a step is right.

        -mean_t [ y_t log P(yes) + (1 - y_t) log P(no) ]      P over the whole vocabulary

    logprobs_NS2: of "no" and "yes"; targets_NS: in [0, 1] or IGNORED. Raises ValueError if every
    step is ignored.
    """
    known = known_steps(targets_NS)
    no, yes = logprobs_NS2[known].float().unbind(-1)
    y = targets_NS[known].float()
    return -(y * yes + (1 - y) * no).mean()


def squared_loss(estimates_NS: torch.Tensor, targets_NS: torch.Tensor) -> torch.Tensor:
    """mean_t (v_t - y_t)^2 over the steps with a target, in [0, 1]. Raises ValueError if there is
    none."""
    known = known_steps(targets_NS)
    return F.mse_loss(estimates_NS[known].float(), targets_NS[known].float())
