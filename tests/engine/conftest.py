"""A journal in a fresh folder, and a stream that squares and remembers what it was asked."""

import pytest

from surefoot.engine import Journal


class Squares:
    """A `Stream`: answers n with n * n; `asked` lists each batch."""

    def __init__(self, fails_at=None):
        self.asked = []
        self.fails_at = fails_at

    def __call__(self, requests):
        self.asked.append(list(requests))
        for index, request in enumerate(requests):
            if request == self.fails_at:
                raise RuntimeError(f"the model broke at {request}")
            yield index, request * request


@pytest.fixture(scope="session")
def squares():
    return Squares


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "calls.sqlite")
    yield journal
    journal.close()


@pytest.fixture(scope="session")
def recorded():
    """`stream` through a journal, with sensible settings."""

    def through(journal, stream, kind="square", model="m", key=lambda n: str(n).encode()):
        return journal.recorded(
            stream, kind=kind, model=model, key=key, encode=lambda r: [r], decode=lambda v: v[0]
        )

    return through
