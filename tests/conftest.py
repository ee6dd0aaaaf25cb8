"""For all tests: one thread a process, no network, properties that give the same verdict twice."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: small tensors, and few cores
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a missing model fails at once

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "surefoot",
    deadline=None,  # a busy machine is not a bug
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", parent=settings.get_profile("surefoot"), max_examples=2000)
settings.load_profile(os.environ.get("SUREFOOT_HYPOTHESIS", "surefoot"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets; the test is skipped, by name, where there is none."""
    folder = os.environ.get("SUREFOOT_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("SUREFOOT_DATA does not name a folder of data sets")
    return Path(folder)
