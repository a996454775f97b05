"""Runs build/bench/count_path, as it is or under callgrind."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VALINOR_BUILD", ROOT / "build"))


def require_valgrind(script):
    if not shutil.which("valgrind"):
        sys.exit(f"{script}: valgrind is missing.  scripts/install-dependencies bench")


def _run(command, *patterns):
    """What each pattern finds in the output, as numbers."""
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True)
    found = [re.search(pattern, done.stdout + done.stderr, re.M) for pattern in patterns]
    if done.returncode != 0 or not all(found):
        sys.exit(done.stdout + done.stderr)
    return [float(match[1]) for match in found]


def instructions(arguments, out="/dev/null"):
    """That a packet costs. `arguments` are count_path's, `out` becomes callgrind's file."""
    packets, collected = _run(
        ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measured_turn",
         f"--callgrind-out-file={out}", BUILD / "bench/count_path", *arguments],
        r"^(\d+) packets$", r"Collected : (\d+)")
    return collected / packets


def nanoseconds(arguments):
    """That a packet takes."""
    return _run([BUILD / "bench/count_path", *arguments], r"^([\d.]+) ns a packet$")[0]


def frame_bytes(traffic):
    """Without FCS."""
    return int(_run([BUILD / "bench/count_path", "collect", traffic, "64"], r"^(\d+) bytes a frame$")[0])
