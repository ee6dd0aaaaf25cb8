"""Files of rows in every encoding and layout that people send; what is none is named."""

import gzip
import json

import pytest

from surefoot.core.errors import InputError
from surefoot.core.reading import BLOCK, one_per_line
from surefoot.core.records import read_all, read_chosen, read_rows

ROWS = [{"a": 1, "text": "é\n{"}, {"a": {"b": [1, {"c": "]"}]}}, {"a": None}]
LAYOUTS = {
    "lines": "\n".join(map(json.dumps, ROWS)),
    "array on a line": json.dumps(ROWS),
    "pretty array": json.dumps(ROWS, indent=2),
    "pretty objects": "\n".join(json.dumps(row, indent=4) for row in ROWS),
    "pretty objects apart": "\n\n".join(json.dumps(row, indent="\t") for row in ROWS) + "\n",
    "blank lines first": "\n \n" + "\n\n".join(map(json.dumps, ROWS)),
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32"]  # the last two write their mark
MARKED_BIG_ENDIAN = b"\xfe\xff" + LAYOUTS["lines"].encode("utf-16-be")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_in_every_encoding_is_read(tmp_path, layout, encoding):
    content = LAYOUTS[layout].encode(encoding)
    for name, stored in (("rows.jsonl", content), ("rows.json.gz", gzip.compress(content))):
        path = tmp_path / name
        path.write_bytes(stored)
        assert [record for _, record in read_rows(path)] == ROWS
        assert read_all(path, dict) == ROWS
        numbers = [row for row, _ in read_rows(path)]
        assert read_chosen(path, numbers[1:2]) == {numbers[1]: ROWS[1]}


def test_names_may_be_wrong_about_compression_and_the_mark_about_its_side(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    path.write_text(LAYOUTS["lines"])
    assert read_all(path, dict) == ROWS
    path = tmp_path / "rows.jsonl"
    path.write_bytes(gzip.compress(LAYOUTS["lines"].encode()))
    assert read_all(path, dict) == ROWS
    path.write_bytes(MARKED_BIG_ENDIAN)
    assert read_all(path, dict) == ROWS


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PAR1 and so on", "is a Parquet file"),
        (b"PK\x03\x04 and so on", "is a zip archive"),
        (b"\x28\xb5\x2f\xfd and so on", "compressed with zstd"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (gzip.compress(b"PAR1", mtime=0), "is a Parquet file"),
        ('{"a": 1}'.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b'{"a": "\xff"}\n', "cannot be read after row 0"),
        (b"\x1f\x8b no", "cannot be read"),
        (b'[{"a": 1}, 3]', "row 2: expected a JSON object, got int"),
        (b'{"a":\n 1}\n[2]', "row 2: expected a JSON object, got list"),
        (b'{\n "a": 1,\n "b" 2\n}', r"line 3 column 6: Expecting ':' delimiter"),
        (b'[\n {"a": 1},\n', "line 3 column 1: .* expected one JSON array"),
        (b"[" * 100_000, "nests too deeply"),
        (b'[{"a": 1},\n{"b": [{"c": %b}]}]' % (b"9" * 5000), "row 2: field 'b' holds an integer"),
        (b'{"a":\n 1}\n{"b": %b}' % (b"9" * 5000), "row 2: field 'b' holds an integer of 5000"),
        (b'{"a": 1\n{"a": 2}\n', "row 1: expected a JSON object, got .* mend or delete it"),
        (b'{"a": 1}\n{"a":\n', "row 2: expected a JSON object, got .* mend or delete it"),
        (b"id,problem\n1,q\n", "row 1: expected a JSON object, got 'id,problem'"),
        (b"3\n", "row 1: expected a JSON object, got int"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_rows_is_named_once(tmp_path, content, told):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=told) as caught:
        read_all(path, dict)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("text", ['[{"a": 1}, 3, {"a": 2}]', '{"a":\n 1}\n[3]\n{"a": 2}'])
def test_broken_rows_of_whole_files_are_told_and_the_others_read(tmp_path, text):
    path, told = tmp_path / "rows.json", []
    path.write_text(text)
    rows = list(read_rows(path, broken=lambda row, why: told.append((row, why))))
    assert rows == [(1, {"a": 1}), (3, {"a": 2})]
    [(row, why)] = told
    assert (row, why.split(",")[0]) == (2, "expected a JSON object")


def test_a_long_first_line_is_a_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"a": "x" * BLOCK}, {"a": 2}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert one_per_line(path)
    assert read_all(path, dict) == rows


def test_an_empty_file_has_no_rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    for content in ("", "\n \n", "[]", "\ufeff"):
        path.write_text(content, encoding="utf-8")
        assert read_all(path, dict) == []
