"""Judges that follow a protocol: checklists, comparisons, error lists, tools, knowledge."""

from surefoot.annotate.judges.checklist import Checked, Checklist, checked, checklist_of
from surefoot.annotate.judges.errors import StepError, error_list, read_errors, score_of
from surefoot.annotate.judges.knowledge import Grounding, Rectified, grounding, rectified
from surefoot.annotate.judges.meta_ranking import Ranked, meta_ranking
from surefoot.annotate.judges.opinion import Opinion
from surefoot.annotate.judges.pairwise import Comparison, pairwise
from surefoot.annotate.judges.tools import TOOLS, Tool, arithmetic, tool_judge

__all__ = [
    "TOOLS",
    "Checked",
    "Checklist",
    "Comparison",
    "Grounding",
    "Opinion",
    "Ranked",
    "Rectified",
    "StepError",
    "Tool",
    "arithmetic",
    "checked",
    "checklist_of",
    "error_list",
    "grounding",
    "meta_ranking",
    "pairwise",
    "read_errors",
    "rectified",
    "score_of",
    "tool_judge",
]
