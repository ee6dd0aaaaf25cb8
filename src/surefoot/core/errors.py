"""Every error Surefoot raises on purpose.

    SurefootError
      InputError          a file, row or field is not what was expected  (also a ValueError)
      KindError           scores or labels of a kind that does not fit   (also a ValueError)
      ModelError          a model, checkpoint or tokenizer cannot be used
      TooLong             a text does not fit into a model's context     (an InputError, too)
      MissingExtra        an optional package is not installed           (also an ImportError)
      OverBudget          the budget is spent
      Stopped             whoever asked for the work does not want it any more
      StorageError        a result could not be written or read back     (also an OSError)

A message says what was expected, what came, and what to do about it. Each class
derives from the built-in error it refines, so callers may catch either.
"""

import importlib
from types import ModuleType


class SurefootError(Exception):
    """The base of all; catch it to catch everything Surefoot raises on purpose."""


class InputError(SurefootError, ValueError):
    """A file, row or field is not what was expected; the message names it."""


class KindError(SurefootError, ValueError):
    """Scores or labels of one kind were used as if they were of another."""


class ModelError(SurefootError):
    """A model, checkpoint or tokenizer cannot be used as asked."""


class TooLong(InputError, ModelError):
    """A text does not fit into a model's context: shorten it, or use another model."""


class MissingExtra(SurefootError, ImportError):
    """An optional package is needed and not installed."""


class OverBudget(SurefootError):
    """The budget is spent; what was found so far is kept by whoever catches this."""


class Stopped(SurefootError):
    """Whoever asked for the work does not want it any more."""


class StorageError(SurefootError, OSError):
    """A result could not be written or read back; what was stored before is intact."""


def need(module: str, extra: str) -> ModuleType:
    """Imports an optional package, or says which extra installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{module} is needed here and cannot be imported ({error}); "
            f"install it with: pip install 'surefoot[{extra}]'"
        ) from error
