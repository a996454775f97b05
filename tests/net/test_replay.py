"""Captures through the same worker and exporter, by a user without any privilege."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

import pytest

import bed as beds
import formats
from bed import replay, wait_until
from test_formats import GOLDEN, golden_frames, read_golden
from test_records import make_hops, make_p4netintel

CAPTURES = sorted((GOLDEN.parent / "captures").glob("*.pcap"))
GOLDEN_PCAP = GOLDEN.parent / "golden.pcap"


@pytest.mark.parametrize("capture", [GOLDEN_PCAP, *CAPTURES], ids=lambda path: path.stem)
def test_every_frame_of_a_capture_is_accounted(capture):
    outcome = replay(capture)
    assert outcome.status == 0, outcome.stderr
    outcome.read_books()
    packets = beds.run("capinfos", "-Mrc", capture).stdout
    assert outcome.frames["received"] == int(re.search(r"packets:\s+(\d+)", packets)[1])
    assert outcome.records["produced"] == outcome.frames["consumed"]


def test_the_golden_records_are_what_the_golden_frames_say(redis, folder):
    # golden.pcap keeps its times; P4NetIntel's records carry them.
    times = {data: time_ns for time_ns, data in formats.read_pcap(GOLDEN_PCAP)}
    outcome = replay(GOLDEN_PCAP, url=redis.url).read_books()
    expected = []
    for name, frame in golden_frames().items():
        data = read_golden()[name]
        expected.append(frame.record(frame.time_ns or times[data]))
    assert sorted(formats.read_records(redis.client), key=str) == sorted(expected, key=str)
    assert outcome.frames["received"] == len(read_golden())
    assert outcome.frames["consumed"] == len(expected)
    assert outcome.frames["passed"] == len(read_golden()) - len(expected)


def test_reflected_frames_are_written_swapped(folder):
    frames = make_p4netintel(2) + [formats.valinor_n(number) for number in range(10)]
    path, out = folder / "in.pcap", folder / "out.pcap"
    formats.write_pcap(path, [(1000 * i, frame.data) for i, frame in enumerate(frames)])
    outcome = replay(path, "role=reflect", out=out).read_books()
    assert outcome.frames["transmitted"] == len(frames)
    assert formats.read_pcap(out) == [(1000 * i, frame.reflected())
                                      for i, frame in enumerate(frames)]


def test_microsecond_and_nanosecond_captures_give_the_same_records(redis, folder):
    frames = [(1_700_000_000_000_001_000 + 2000 * number, frame.data)
              for number, frame in enumerate(make_p4netintel(3))]
    records = {}
    for key, nanoseconds in enumerate((True, False)):
        path = folder / f"{key}.pcap"
        formats.write_pcap(path, frames, nanoseconds=nanoseconds)
        replay(path, "run.key=1", url=redis.url).read_books()
        records[nanoseconds] = formats.read_records(redis.client, key=1)
        redis.client.flushall()
    assert records[True] == records[False]
    assert [record.time_ns for record in records[True]] == [time_ns for time_ns, _ in frames]


def test_a_capture_of_the_first_bytes_keeps_the_length_on_the_wire(redis, folder):
    """As tcpdump -s 400 would have it."""
    frame = formats.p4netintel(1, make_hops(3, 1), payload=bytes(1000))
    path = folder / "short.pcap"
    formats.write_pcap(path, [(5000, frame.data[:400], len(frame.data))])
    replay(path, url=redis.url).read_books()
    assert formats.read_records(redis.client) == [frame.record(5000)]


@pytest.mark.parametrize("options", [
    ("--format", "valinor-n"),
    *(("--format", "p4netintel", "--collect-size", size, "--hops", hops, "--int-host")
      for size in formats.LAYOUTS for hops in (1, 18)),
], ids=lambda options: "-".join(str(option).lstrip("-") for option in options))
def test_what_gen_writes_replay_reads(redis, folder, options):
    path = folder / "gen.pcap"
    payload = ("--payload", 0)  # 18 hops of 72 bytes are near the MTU
    beds.run(beds.BINARY, "gen", path, *options, *payload, "--flows", 5, "--count", 100)
    outcome = replay(path, url=redis.url).read_books()
    assert outcome.frames["consumed"] == outcome.records["stored"] == 100
    assert len({record.key for record in formats.read_records(redis.client)}) == 5


# --- A capture waits for Redis ---------------------------------------------------------------

MANY = 300_000  # more than the record ring and 1 MiB of memory hold


@pytest.fixture
def many(folder):
    path = folder / "many.pcap"
    beds.run(beds.BINARY, "gen", path, "--format", "valinor-n", "--payload", 0, "--count", MANY)
    return path


@pytest.fixture
def start_replay(folder):
    """start_replay(capture, server): the replay, meanwhile; little memory."""
    runs = []

    def start(capture, server):
        runs.append(beds.Run([str(word) for word in (
            beds.BINARY, "--set", f"export.redis.url={server.url}", "--set",
            "export.buffer.memory=1MiB", "replay", capture)]))
        return runs[-1]

    yield start
    for run in runs:
        if run.is_running():
            run.kill9()


def test_a_capture_that_is_faster_than_redis_loses_nothing(start_replay, many, redis):
    outcome = start_replay(many, redis).wait()
    assert outcome.status == 0, outcome.stderr
    assert outcome.read_books().records["stored"] == redis.count() == MANY


def test_a_capture_waits_for_a_redis_that_starts_later(start_replay, many, redis_away):
    run = start_replay(many, redis_away).wait_for("records wait in memory")
    redis_away.start()
    outcome = run.wait()
    assert outcome.status == 0, outcome.stderr
    assert outcome.read_books().records["stored"] == redis_away.count() == MANY


def bytes_read(run, capture):
    for fd in pathlib.Path(f"/proc/{run.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile: a connection
            if os.readlink(fd) == str(capture.resolve()):
                info = pathlib.Path(f"/proc/{run.pid}/fdinfo/{fd.name}").read_text()
                return int(re.search(r"^pos:\s+(\d+)", info)[1])
    return 0


def test_a_signal_ends_a_replay_that_waits_for_redis(start_replay, many, redis_away):
    """The rest of the capture is not read; what was read is accounted."""
    run = start_replay(many, redis_away).wait_for("records wait in memory")
    # More than libpcap buffers: packets have been read.
    wait_until(lambda: bytes_read(run, many) > 1 << 20, "a megabyte of the capture read")
    outcome = run.stop(status=6)
    received = outcome.frames["received"]
    assert 0 < received < MANY
    assert outcome.records["produced"] == received
    assert outcome.lost == {"unflushed_at_stop": received}
    assert "stopping: SIGINT" in outcome.stdout


def test_a_redis_that_never_comes_is_given_up(start_replay, many, redis_away):
    """After 30 s; then the capture is read to its end, and every record accounted."""
    run = start_replay(many, redis_away)
    wait_until(lambda: not run.is_running(), "the replay to give up", seconds=60)
    outcome = run.wait()
    assert outcome.status == 6
    assert "no record was stored for 30 s" in outcome.stderr
    outcome.read_books()
    assert outcome.frames["received"] == MANY
    assert outcome.lost == {"memory_full": MANY - outcome.lost["unflushed_at_stop"],
                            "unflushed_at_stop": outcome.lost["unflushed_at_stop"]}


def test_a_signal_ends_a_replay_whose_input_is_silent(folder):
    path = folder / "three.pcap"
    formats.write_pcap(path, [(i, formats.valinor_n(i).data) for i in range(3)])
    with subprocess.Popen([beds.BINARY, "--set", "export.redis.enabled=false", "replay", "-"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=False) as process:
        process.stdin.write(path.read_bytes())
        process.stdin.flush()

        def is_reading():
            names = pathlib.Path(f"/proc/{process.pid}/task").glob("*/comm")
            return "replay\n" in [name.read_text() for name in names]

        wait_until(is_reading, "the replay to read")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: process.poll() is not None, "the replay to end")
        stdout, stderr = process.stdout.read().decode(), process.stderr.read().decode()
    outcome = beds.Outcome(process.returncode, stdout, stderr).read_books()
    assert outcome.status == 0, stderr
    assert "stopping: SIGTERM" in stdout
    assert outcome.frames["received"] == 3


def test_an_empty_capture(folder):
    path = folder / "empty.pcap"
    formats.write_pcap(path, [])
    outcome = replay(path)
    assert outcome.status == 0
    assert outcome.read_books().frames["received"] == 0


def test_frames_of_no_bytes_are_accounted(folder):
    path = folder / "nothing.pcap"
    formats.write_pcap(path, [(0, b""), (1, b"\x12"), (2, bytes(13))])
    outcome = replay(path).read_books()
    assert outcome.frames["received"] == 3
