"""The page served: who may see what, and that it shows the files as they are now."""

import pytest
from viewer_files import HOSTILE, RIGHT_TRACE, WRONG_TRACE, found, other, trace, write

from surefoot.core.errors import InputError
from surefoot.core.types import Verdict

fastapi = pytest.importorskip("fastapi", reason="FastAPI is not installed")
testclient = pytest.importorskip("fastapi.testclient", reason="httpx is not installed")


def client_of(paths, guards=()):
    from surefoot.serve.viewer import viewer_router

    app = fastapi.FastAPI()
    app.include_router(viewer_router(paths, guards=guards))
    return testclient.TestClient(app)


@pytest.fixture
def beam(tmp_path):
    return write(tmp_path / "beam.jsonl", found(RIGHT_TRACE))


def test_the_page_holds_nothing_of_a_run_and_the_routes_do(beam):
    client = client_of([beam])
    page = client.get("/view")
    assert page.status_code == 200
    assert "Mia has 14 coins" not in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    index = client.get("/view/index.json").json()
    assert [run["name"] for run in index["runs"]] == ["beam"]
    view = client.get("/view/tree.json", params={"run": "beam", "problem": "p-1"}).json()
    assert view["steps"] == ["", *(step.text for step in RIGHT_TRACE.steps)]


def test_data_wants_the_gateway_s_token_and_the_page_does_not(beam):
    def guard(authorization: str = fastapi.Header("")):
        if authorization != "Bearer secret":
            raise fastapi.HTTPException(401, detail="a bearer token is needed")

    client = client_of([beam], guards=[fastapi.Depends(guard)])
    assert client.get("/view").status_code == 200
    for path in ("/view/index.json", "/view/tree.json?run=beam&problem=p-1"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"Authorization": "Bearer secret"}).status_code == 200


@pytest.mark.parametrize(
    "query", [{"run": "beam", "problem": "p-9"}, {"run": "no", "problem": "p-1"}]
)
def test_what_is_not_there_is_said(beam, query):
    answer = client_of([beam]).get("/view/tree.json", params=query)
    assert answer.status_code == 404
    assert "open the page again" in answer.json()["detail"]


def test_a_file_that_grows_is_read_again(beam):
    client = client_of([beam])
    assert len(client.get("/view/index.json").json()["runs"][0]["attempts"]) == 1
    wrong = trace([s.text for s in WRONG_TRACE.steps], Verdict.WRONG, "18", other(2))
    write(beam, found(RIGHT_TRACE), found(wrong))
    [run] = client.get("/view/index.json").json()["runs"]
    assert [attempt["right"] for attempt in run["attempts"]] == [1, 0]
    view = client.get("/view/tree.json", params={"run": "beam", "problem": "p-2"}).json()
    assert view["ends"]["2"]["verdict"] == "wrong"


def test_a_folder_gains_runs(tmp_path, beam):
    client = client_of([tmp_path])
    write(tmp_path / "mcts.jsonl", found(RIGHT_TRACE, method="mcts"))
    names = [run["name"] for run in client.get("/view/index.json").json()["runs"]]
    assert names == ["beam", "mcts"]


def test_hostile_texts_are_data(tmp_path):
    steps = tuple(HOSTILE)
    file = write(tmp_path / "h.jsonl", found(trace(steps, Verdict.WRONG, HOSTILE[0])))
    answer = client_of([file]).get("/view/tree.json", params={"run": "h", "problem": "p-1"})
    assert "<" not in answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["steps"][1:] == [text.replace("\ud800", "?") for text in HOSTILE]


def test_what_is_no_run_is_told_at_the_start(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        client_of([tmp_path])
