"""lm-evaluation-harness on GSM8K through `surefoot serve`, from a local file.

    SUREFOOT_TOKENS=secret surefoot serve --port 8000 &
    OPENAI_API_KEY=secret python scripts/gateway_lm_eval.py http://127.0.0.1:8000 pebble+vote8 \
        $SUREFOOT_DATA/gsm8k/test.jsonl.gz --count 50

Needs `pip install lm-eval`, in any environment (`--lm-eval` names its command). Fails unless every
problem was answered with some text. Pebble speaks only of coins and beads, so its score is low.
"""

import argparse
import gzip
import json
import subprocess
import tempfile
from itertools import islice
from pathlib import Path

TASK = """
task: surefoot_gsm8k
dataset_path: json
dataset_kwargs:
  data_files:
    test: {rows}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer.split('### ')[-1].rstrip()}}}}"
generation_kwargs:
  until: ["Q:", "</s>", "<|im_end|>"]
  do_sample: true
  temperature: 0.8
filter_list:
  - name: last-number
    filter:
      - function: regex
        group_select: -1
        regex_pattern: "(-?[$0-9.,]{{2,}})|(-?[0-9]+)"
      - function: take_first
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""


def main() -> int:
    """Returns 0 if the run was whole."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with gzip.open(asked.problems, "rt") as lines:
            rows = list(islice(lines, asked.count))
        (folder / "rows.jsonl").write_text("".join(rows))
        (folder / "task.yaml").write_text(TASK.format(rows=folder / "rows.jsonl"))
        subprocess.run(_command(asked, folder), check=True)
        [results] = folder.rglob("results_*.json")
        [samples] = folder.rglob("samples_*.jsonl")
        said = [json.loads(line) for line in samples.read_text().splitlines()]
        scores = json.loads(results.read_text())["results"]["surefoot_gsm8k"]
    texts = [row["resps"][0][0] for row in said]
    answered = sum(bool(text.strip()) for text in texts)
    print(f"{len(said)} problems, {answered} answered; {scores}")
    print(f"the first answer: {texts[0]!r}")
    return 0 if answered == len(rows) else 1


def _command(asked: argparse.Namespace, folder: Path) -> list[str]:
    place = f"base_url={asked.url}/v1/chat/completions,model={asked.model}"
    settings = "num_concurrent=8,max_retries=1,max_gen_toks=512,max_length=32768"
    return [
        asked.lm_eval, "--model", "local-chat-completions", "--model_args", f"{place},{settings}",
        "--apply_chat_template", "--include_path", str(folder), "--tasks", "surefoot_gsm8k",
        "--output_path", str(folder), "--log_samples",
    ]  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of the server, without /v1")
    parser.add_argument("model")
    parser.add_argument("problems", type=Path, help="GSM8K's test.jsonl.gz")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--lm-eval", default="lm_eval", help="the command")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
