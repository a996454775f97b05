"""Reads every #include under src/ and fails on one that points up or sideways.

The arrows are those of docs/architecture.md: who may include whom.
"""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"

# module -> modules that it may include, besides itself. All may include base.
ARROWS = {
    "base": [],
    "nic": [],
    "wire": [],
    "clock": [],
    "telemetry": ["wire"],
    "packet_io": ["wire", "nic", "bpf"],
    "doctor": ["nic", "packet_io"],
    "pipeline": ["wire", "telemetry", "packet_io", "clock"],
    "traffic": ["wire", "telemetry"],
    "measure": ["wire", "telemetry", "clock", "packet_io", "traffic"],
    "exporter": ["telemetry"],
    "tap": ["telemetry", "bpf"],
    "app": ["nic", "doctor", "wire", "telemetry", "packet_io", "clock", "pipeline", "traffic", "measure", "exporter", "tap"],
}
# The exporter and the tap see records, never packets.
RECORDS = {"telemetry/record.hpp", "telemetry/record_losses.hpp", "telemetry/record_ring.hpp"}
# Backends never see each other.
BACKENDS = {"packet_io/afxdp", "packet_io/replay"}

SOURCES = sorted(p for p in SRC.rglob("*") if p.suffix in {".hpp", ".cpp"})


def includes(path):
    return re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE)


def test_every_folder_has_its_arrows():
    assert {p.relative_to(SRC).parts[0] for p in SOURCES} == set(ARROWS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(SRC)))
def test_includes_point_down(path):
    here = path.relative_to(SRC)
    module = here.parts[0]
    for target in includes(path):
        if target.endswith(".skel.h"):
            assert module in {"packet_io", "tap", "traffic"}, f"{here} includes the BPF skeleton"
            continue
        to = target.split("/")[0]
        assert (ROOT / target).exists() or (SRC / target).exists(), f"{here}: {target} is not there"
        assert to in [module, "base", *ARROWS[module]], f"{here} includes {target}: no such arrow"
        if module in {"exporter", "tap"} and to == "telemetry":
            assert target in RECORDS, f"{here} includes {target}: not a record"
        for backend in BACKENDS:
            if str(here).startswith(backend):
                for other in BACKENDS - {backend}:
                    assert not target.startswith(other), f"{here} includes {target}: another backend"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.suffix == ".hpp"],
                         ids=lambda p: str(p.relative_to(SRC)))
def test_headers_say_what_they_are_for(path):
    assert path.read_text().startswith("/// "), "a header starts with what it is for"
    assert "#pragma once" in path.read_text()


def test_files_hold_one_idea():
    """400 lines is where one looks for the second idea."""
    long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 400}
    assert not long
