"""Captures through the same worker and exporter, by a user without any privilege."""

import re

import pytest

import bed as beds
import formats
from bed import replay
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
