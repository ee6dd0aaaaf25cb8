"""Who writes solutions: a scripted double, local models, and Pebble, the shipped one.

The local policy lives in `surefoot.policy.local` and needs torch:
pip install 'surefoot[models]'.
"""

from surefoot.policy.scripted import ScriptedPolicy

__all__ = ["ScriptedPolicy"]
