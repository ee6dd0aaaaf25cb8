"""Shared by the tests of tasks: where the data is, and one warm comparer."""

import os
from pathlib import Path

import pytest

from surefoot.tasks.equal import Comparer


@pytest.fixture(scope="session")
def gsm8k():
    """The folder of GSM8K's files."""
    folder = Path(os.environ.get("SUREFOOT_DATA", "")) / "gsm8k"
    if "SUREFOOT_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("set SUREFOOT_DATA to the folder that holds gsm8k/ to run this test")
    return folder


@pytest.fixture(scope="session")
def comparer():
    pytest.importorskip("math_verify", reason="needs surefoot[maths]")
    with Comparer() as comparer:
        comparer.compare("1", r"\sqrt{1}")  # warm
        yield comparer
