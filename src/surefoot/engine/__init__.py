"""Around a policy or scorer: merging calls (`crew`) and keeping them (`journal`)."""

from surefoot.engine.crew import Crew, OpenCrew
from surefoot.engine.journal import Journal

__all__ = ["Crew", "Journal", "OpenCrew"]
