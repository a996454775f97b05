"""scripts/demo shows what it promises, and leaves nothing behind."""

import os
import pathlib
import signal
import subprocess

import pytest

from bed import run as run_command

ROOT = pathlib.Path(__file__).parents[2]


def leftovers(process):
    namespaces = run_command("ip", "netns", "list").stdout
    return f"valinor-demo-{process.pid}-" in namespaces


def start(binary, *words):
    return subprocess.Popen([ROOT / "scripts/demo", *words], text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={**os.environ, "VALINOR_BINARY": str(binary)})


@pytest.mark.parametrize("scene, words", [
    ("host", ["20000 replies with the very traces", "equal", "Everything balanced"]),
    ("tap", ["packets left", "Everything balanced"]),
])
def test_a_scene(binary, scene, words):
    with start(binary, scene) as demo:
        shown, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0, shown
    for word in words:
        assert word in shown
    assert not leftovers(demo)


@pytest.mark.parametrize("scene", ["host", "tap"])
def test_a_scene_that_is_broken_off(binary, scene):
    with start(binary, scene) as demo:
        shown = ""
        while "ready" not in shown:
            line = demo.stdout.readline()
            assert line, shown
            shown += line
        demo.send_signal(signal.SIGTERM)
        shown, _ = demo.communicate(timeout=30)
    assert demo.returncode == 143, shown
    assert not leftovers(demo)


def test_an_unknown_scene(binary):
    with start(binary, "nosuch") as demo:
        shown, _ = demo.communicate(timeout=10)
    assert demo.returncode == 2 and "no such scene" in shown
