"""Rows of files as they are published: JSONL, arrays, gzip, Parquet, folders; and what is none."""

import gzip
import json
import sys
from dataclasses import replace

import pytest
from format_rows import traces
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError, MissingExtra
from surefoot.core.records import labelled_record
from surefoot.formats import FORMATS, Choices, converted, foreign_rows, read_process_bench
from surefoot.formats.convert import Account
from surefoot.formats.files import BATCH, write_parquet

ROWS = [{"prompt": "q", "completions": ["a", "b"], "labels": [True, False]}, {"prompt": "é\n"}]


def read(path):
    return list(foreign_rows(path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.jsonl", "\n".join(map(json.dumps, ROWS))),
        ("rows.json", json.dumps(ROWS, indent=1)),
        ("rows.json", "\n  " + json.dumps(ROWS)),
        ("rows.json", "\n".join(map(json.dumps, ROWS))),
    ],
)
def test_lines_and_arrays(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    assert read(tmp_path / name) == read(tmp_path / f"{name}.gz") == [(1, ROWS[0]), (2, ROWS[1])]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n", "git lfs pull"),
        (b'[{"a": 1}, 3]', "row 2: expected a JSON object, got int"),
        (b'[{"a": 1}', "expected one JSON array"),
        (b'{"a": 1}\noops', "row 2: expected a JSON object"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_rows(tmp_path, content, told):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=told) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_broken_gzip_and_a_missing_file(tmp_path):
    (tmp_path / "rows.jsonl.gz").write_bytes(b"\x1f\x8b no")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "rows.jsonl.gz")
    with pytest.raises(InputError, match="there is none at"):
        read(tmp_path / "none.jsonl")


def test_parquet_comes_back_with_what_only_late_rows_have(tmp_path):
    pytest.importorskip("pyarrow", reason="needs surefoot[data]")
    rows = [{"id": str(i), "meta": {"a": i}, "score": 1} for i in range(BATCH)]
    rows.append({"id": "last", "meta": {"a": 1, "b": "x"}, "score": 0.5, "new": [1]})
    assert write_parquet(tmp_path / "rows.parquet", iter(rows)) == BATCH + 1
    back = [row for _, row in foreign_rows(tmp_path / "rows.parquet")]
    assert back[-1] == rows[-1]
    assert back[0] == {"id": "0", "meta": {"a": 0, "b": None}, "score": 1, "new": None}
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


@settings(max_examples=10)
@given(items=st.lists(traces(soft=True), min_size=1, max_size=3), data=st.data())
def test_our_labels_come_back_from_parquet(tmp_path_factory, items, data):
    pytest.importorskip("pyarrow", reason="needs surefoot[data]")
    notes = st.dictionaries(st.sampled_from(["root_value", "why"]), st.text("ab", max_size=2))
    items = [replace(item, notes=data.draw(notes)) for item in items]
    path, form = tmp_path_factory.mktemp("parquet") / "labels.parquet", FORMATS["labels"]
    write_parquet(path, map(labelled_record, items))
    back = [list(form.labelled(form.read(row), Choices())) for _, row in foreign_rows(path)]
    assert back == [[item] for item in items]


def test_parquet_has_null_for_objects_that_are_empty_everywhere(tmp_path):
    pytest.importorskip("pyarrow", reason="needs surefoot[data]")
    rows = [
        {"notes": {}, "each": [{}, None, {}], "deep": {"er": {}}, "now_and_then": {}},
        {"notes": {}, "each": [], "deep": {"er": {}, "n": 1}, "now_and_then": {"a": [{}]}},
    ]
    write_parquet(tmp_path / "rows.parquet", rows)
    assert [row for _, row in foreign_rows(tmp_path / "rows.parquet")] == [
        {"notes": None, "each": [None] * 3, "deep": {"er": None, "n": None},
         "now_and_then": {"a": None}},
        {"notes": None, "each": [], "deep": {"er": None, "n": 1}, "now_and_then": {"a": [None]}},
    ]  # fmt: skip


@pytest.mark.parametrize("value", [[1, "x"], {"b": 2}, 2**70, "\ud800", "x"])
def test_parquet_names_the_field_that_does_not_fit(tmp_path, value):
    pytest.importorskip("pyarrow", reason="needs surefoot[data]")
    rows = [{"a": 1, "odd": 1}] * 2 + [{"a": 1, "odd": value}]
    with pytest.raises(InputError, match=r"Parquet table: field 'odd' .*; write \.jsonl instead"):
        write_parquet(tmp_path / "rows.parquet", rows)
    assert not list(tmp_path.iterdir())


def test_a_name_may_be_wrong_about_parquet(tmp_path):
    pytest.importorskip("pyarrow", reason="needs surefoot[data]")
    write_parquet(tmp_path / "rows.jsonl", [{"a": 1}])
    assert read(tmp_path / "rows.jsonl") == [(1, {"a": 1})]
    (tmp_path / "rows.parquet").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(InputError, match="git lfs pull"):
        read(tmp_path / "rows.parquet")


def test_parquet_refuses_rows_of_no_one_type_and_keeps_the_old_file(tmp_path):
    pytest.importorskip("pyarrow", reason="needs surefoot[data]")
    path = tmp_path / "rows.parquet"
    write_parquet(path, [{"a": 1}])
    with pytest.raises(InputError, match=r"do not fit a Parquet table: .*; write \.jsonl"):
        write_parquet(path, [{"a": 1}, {"a": "x"}])
    assert [row for _, row in foreign_rows(path)] == [{"a": 1}]
    assert [file.name for file in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_parquet_file_that_is_none(tmp_path):
    pytest.importorskip("pyarrow", reason="needs surefoot[data]")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match="as Parquet"):
        read(tmp_path / "rows.parquet")


@pytest.mark.parametrize("package", ["pyarrow", "datasets"])
def test_a_missing_package_names_its_extra(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    path = tmp_path if package == "datasets" else tmp_path / "rows.parquet"
    if path != tmp_path:
        path.write_bytes(b"PAR1")
    with pytest.raises(MissingExtra, match=r"pip install 'surefoot\[data\]'"):
        read(path)


def test_a_folder_that_datasets_saved(tmp_path):
    datasets = pytest.importorskip("datasets", reason="needs surefoot[data]")
    rows = [{"id": "a", "generator": "m", "problem": "q", "steps": ["x"],
             "final_answer_correct": True, "label": -1}]  # fmt: skip
    saved = datasets.Dataset.from_list(rows)
    saved.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict({"test": saved}).save_to_disk(str(tmp_path / "splits"))
    assert [row.id for row in read_process_bench(tmp_path / "one")] == ["a"]
    assert [row.id for row in read_process_bench(tmp_path / "splits" / "test")] == ["a"]
    with pytest.raises(InputError, match=r"splits \['test'\]; name one"):
        read(tmp_path / "splits")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is not a folder that `datasets` saved"):
        read(tmp_path / "empty")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_trl_rows_load_with_typed_features_as_its_users_load_them(data, tmp_path, suffix):
    datasets = pytest.importorskip("datasets", reason="needs surefoot[data]")
    from surefoot.core.records import write_all

    out, account = tmp_path / f"rows{suffix}", Account("rows")
    source = foreign_rows(data / "openr_samples" / "math_aps.jsonl.gz")
    rows = converted(
        source, FORMATS["math_aps"], FORMATS["trl_stepwise"], Choices(threshold=0.5), account
    )
    (write_parquet if suffix == ".parquet" else write_all)(out, rows)
    features = datasets.Features({
        "prompt": datasets.Value("string"),
        "completions": datasets.List(datasets.Value("string")),
        "labels": datasets.List(datasets.Value("bool")),
    })  # fmt: skip
    kind = "parquet" if suffix == ".parquet" else "json"
    cache = str(tmp_path / "cache")
    loaded = datasets.load_dataset(kind, data_files=str(out), split="train", cache_dir=cache)
    assert loaded.features == features  # without being told
    assert len(loaded) == account.written == 124
    [first, *_] = [row for _, row in foreign_rows(out)]
    assert loaded[0] == first
    assert all(type(label) is bool for row in loaded for label in row["labels"])


@pytest.mark.parametrize("row", [{"a": 2**70}, {"a": "\ud800"}, {"\ud800": 1}])
def test_what_no_table_holds_is_told_and_nothing_is_left(tmp_path, row):
    pytest.importorskip("pyarrow", reason="needs surefoot[data]")
    with pytest.raises(InputError, match=r"fit.* a Parquet table.*write \.jsonl instead"):
        write_parquet(tmp_path / "x.parquet", [row])
    assert list(tmp_path.iterdir()) == []
