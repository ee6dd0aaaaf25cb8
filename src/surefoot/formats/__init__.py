"""How others write traces and labels: lossless readers and writers, one small file a format."""

from surefoot.formats.convert import Account, converted, traces_in
from surefoot.formats.detection import Guess, detected, format_of, guessed
from surefoot.formats.files import foreign_rows, read_foreign, write_parquet
from surefoot.formats.nouns import Choices, LeftOut, NeedsThreshold
from surefoot.formats.prm_bench import PRMBenchRow, read_prm_bench
from surefoot.formats.process_bench import ProcessBenchRow, read_process_bench
from surefoot.formats.survey import Survey, survey_record, surveyed
from surefoot.formats.table import FORMATS, Format

__all__ = [
    "FORMATS",
    "Account",
    "Choices",
    "Format",
    "Guess",
    "LeftOut",
    "NeedsThreshold",
    "PRMBenchRow",
    "ProcessBenchRow",
    "Survey",
    "converted",
    "detected",
    "foreign_rows",
    "format_of",
    "guessed",
    "read_foreign",
    "read_prm_bench",
    "read_process_bench",
    "survey_record",
    "surveyed",
    "traces_in",
    "write_parquet",
]
