"""What the running program holds in memory, at several rates, with and without a Redis server."""
import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile
import time

import contestants
from bed import Bed, FAR, NEAR, rate

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VALINOR_BUILD", ROOT / "build"))
PROGRAM = BUILD / "src/app/valinor-afxdp"
RATES = (0, 10_000, 100_000, 300_000, None)  # None: as much as a CPU makes
NOT_STORED, STORED = "counted and thrown away", "to Redis, as a stream"
INTERVAL = 0.1  # seconds between two looks

# One queue, with the defaults of conf/nic.yaml: 8192 frames of 2048 bytes, and a worker's ring.
PACKET_MIB = 16
RING_MIB = 16


@dataclasses.dataclass
class Reading:
    store: str
    packets_per_second: float  # received
    held_mib: float  # the most


class RedisServer:
    """Of its own, on a socket file; keeps nothing."""

    def __init__(self, folder):
        self.url = f"unix://{folder}/redis.sock"
        self._process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--appendonly", "no",
             "--dir", folder], stdout=subprocess.PIPE, text=True)
        for line in self._process.stdout:
            if "ready to accept" in line:
                return
        raise RuntimeError("redis-server did not start")

    def stop(self):
        self._process.kill()
        self._process.communicate()


def held_mib(pid):
    """Proportional set size: the resident one has the record ring twice, which is mapped twice in a row."""
    sizes = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return int(re.search(r"^Pss:\s+(\d+) kB$", sizes, re.M)[1]) / 1024


def load(pps, seconds):
    if pps is None:
        return [BUILD / "bench/load", NEAR, "3x9", "0", "0"]
    return ["taskset", "-c", "0", PROGRAM, "gen", NEAR, "--kernel", "--collect-size", "0", "--hops", "3", "--payload", "0",
            "--pps", pps, "--seconds", f"{seconds + 1:g}"]


def measure_one(bed, folder, store, pps, seconds):
    processes, server = [], None
    settings = ["export.redis.enabled=false"]
    try:
        if store == STORED:
            server = RedisServer(folder)
            settings = [f"export.redis.url={server.url}", "export.redis.format=stream",
                        f"export.buffer.spill.dir={folder}/spill"]
        settings += [f"interfaces[0].name={FAR}", "interfaces[0].queues=[0]", "interfaces[0].cpus=[1]",
                     "interfaces[0].mode=copy"]
        program = contestants.Process(bed.program, [
            PROGRAM, "-c", ROOT / "conf/nic.yaml", *[word for setting in settings for word in ("--set", setting)]])
        processes.append(program)
        program.wait_for("ready")
        if pps != 0:
            processes.append(contestants.Process(bed.generator, load(pps, seconds)))
        before = bed.received.read()
        most, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            most = max(most, held_mib(program.pid))
            time.sleep(INTERVAL)
        received = rate(before, bed.received.read(), "xdp_redirect")
        return Reading(store, received, most)
    finally:
        for process in processes:
            process.kill()
        if server:
            server.stop()


def measure(seconds):
    with Bed(1) as bed:
        readings = []
        for store in (NOT_STORED, STORED):
            for pps in RATES:
                with tempfile.TemporaryDirectory() as folder:
                    readings.append(measure_one(bed, folder, store, pps, seconds))
        return readings
