"""Labels of several sources made one: consensus, Dawid-Skene, label model, metric fusion."""

from surefoot.annotate.fuse.channels import (
    Channel,
    Fused,
    first_error_posteriors,
    fit_channels,
)
from surefoot.annotate.fuse.consensus import consensus
from surefoot.annotate.fuse.dawid_skene import DawidSkene, dawid_skene
from surefoot.annotate.fuse.label_model import LabelModel, balance_of_two, label_model
from surefoot.annotate.fuse.labels import (
    by_consensus,
    by_dawid_skene,
    by_label_model,
    by_metric,
    by_posterior_of_all,
    by_step_dawid_skene,
)
from surefoot.annotate.fuse.metric import MetricFused, metric_fusion
from surefoot.annotate.fuse.rollouts import rollout_evidence
from surefoot.annotate.fuse.sources import (
    aligned,
    by_posterior,
    first_error_votes,
    joint_usage,
    merged,
    step_votes,
    trace_in,
    trace_key,
    with_beliefs,
)

__all__ = [
    "Channel",
    "DawidSkene",
    "Fused",
    "LabelModel",
    "MetricFused",
    "aligned",
    "balance_of_two",
    "by_consensus",
    "by_dawid_skene",
    "by_label_model",
    "by_metric",
    "by_posterior",
    "by_posterior_of_all",
    "by_step_dawid_skene",
    "consensus",
    "dawid_skene",
    "first_error_posteriors",
    "first_error_votes",
    "fit_channels",
    "joint_usage",
    "label_model",
    "merged",
    "metric_fusion",
    "rollout_evidence",
    "step_votes",
    "trace_in",
    "trace_key",
    "with_beliefs",
]
