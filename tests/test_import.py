"""`import surefoot` is light: it takes numpy and nothing else, in a fresh interpreter."""

import json
import subprocess
import sys

import pytest

from source_tree import modules
from test_layers import CLI_ONLY, HEAVY, HEAVY_AT_TOP, SCRIPTS, allowed

MODULES_AT_MOST = 450  # numpy alone is about 150; torch alone is over 800
PROGRAM = """
import json, sys, time
for name in {blocked}:
    sys.modules[name] = None  # as if it were not installed
before, started = len(sys.modules), time.perf_counter()
for name in {names}:
    __import__(name)
print(json.dumps({{"seconds": time.perf_counter() - started, "count": len(sys.modules) - before,
                   "loaded": sorted({{name.split(".")[0] for name in sys.modules}})}}))
"""


def loaded_by(*names: str, blocked: set[str] = frozenset()) -> dict[str, object]:
    program = PROGRAM.format(blocked=sorted(blocked), names=list(names))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_import_surefoot_is_light():
    found = loaded_by("surefoot")
    print(f"import surefoot: {found['count']} modules, {found['seconds']:.2f} s")
    assert not set(found["loaded"]) & (HEAVY | CLI_ONLY)
    assert found["count"] <= MODULES_AT_MOST


def test_the_command_starts_light():
    pytest.importorskip("typer", reason="needs surefoot[cli]")
    found = loaded_by("surefoot.cli.main")
    print(f"import surefoot.cli.main: {found['count']} modules, {found['seconds']:.2f} s")
    assert not set(found["loaded"]) & HEAVY


def test_what_needs_no_model_imports_with_numpy_alone():
    light = [
        module.name
        for module in modules()
        if not allowed(module, HEAVY_AT_TOP)
        and module.path not in SCRIPTS
        and module.stage in {"", "core", "tasks", "sandbox", "trees", "annotate", "evaluate"}
        and not module.path.endswith("_worker.py")
    ]
    found = loaded_by(*light, blocked=HEAVY | CLI_ONLY)
    print(f"{len(light)} light modules: {found['count']} modules, {found['seconds']:.2f} s")
