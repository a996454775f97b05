"""Redis is away for longer than memory lasts, the program crashes, the disk is full: records wait on
disk, each is stored once, and what cannot be kept is counted."""

import contextlib
import itertools
import struct

import pytest

import formats
from bed import Run, run as run_command, wait_until

_times = itertools.count(1)


def stamped_frames(count):
    """Each with a time of its own, so that each record is another one."""
    times = list(itertools.islice(_times, count))
    return [(formats.valinor_n(time).data, time) for time in times]


def frames(count):
    return [frame for frame, _ in stamped_frames(count)]


def on_disk(folder):
    """Records in the folder's files, read as docs/redis.md describes them: from the first block on,
    as long as numbers go up."""
    records = 0
    for path in (folder / "spill").glob("*.spill"):
        with path.open("rb") as file:
            file.seek(8192)
            expected = None
            while len(header := file.read(56)) == 56:
                magic, _, number, size, count, flags = struct.unpack("=IIQIII28x", header)
                if magic != 0x4b4c4256 or expected not in (None, number):
                    break
                expected = number + 1
                records += count
                file.seek(-(56 + size) % 8 + size, 1)
    return records


def wait_on_disk(folder, records):
    wait_until(lambda: on_disk(folder) >= records, f"{records} records on disk")


@pytest.fixture
def away(start_program, durable_redis, bed, folder):
    """A run whose server has gone for so long that its records go to the disk."""
    class Away:
        program, redis = start_program(durable_redis), durable_redis

        def start(self, *settings):
            # Room for what a test sends at once, however late its turn comes.
            run = self.program.start(
                "interfaces[0].umem.frames=65536", "interfaces[0].rings.rx=16384",
                "interfaces[0].rings.fill=32768", *settings)
            self.redis.kill9()
            return run.wait_for("records go to ")

    made = Away()
    made.folder = folder
    return made


@pytest.mark.parametrize("memory", ["1MiB", "256MiB"])
def test_an_outage_costs_no_record(away, bed, memory):
    run = away.start(f"export.buffer.memory={memory}")
    sent = stamped_frames(10_000)
    bed.send([frame for frame, _ in sent])
    wait_on_disk(away.folder, 10_000)
    away.redis.start()
    away.redis.wait_for(10_000)
    outcome = run.stop()
    assert outcome.records["stored"] == outcome.frames["consumed"] == 10_000
    stored = [record.time_ns for record in formats.read_records(away.redis.client)]
    assert stored == [time for _, time in sent]


def test_a_stop_meanwhile_leaves_them_to_the_next_run(away, bed):
    run = away.start()
    bed.send(frames(3000))
    wait_on_disk(away.folder, 3000)
    outcome = run.stop()
    assert outcome.status == 0
    assert outcome.records["pending"] == 3000
    assert "pending: on disk 3,000" in outcome.stdout
    assert "3,000 records wait in " in outcome.stderr
    assert outcome.stderr.count("warning[RUN-CATALOG-01]") == 1  # its end is not in there
    away.redis.start()
    run = away.program.start()
    away.redis.wait_for(3000)
    bed.send(frames(10))
    away.redis.wait_for(3010)
    records = run.stop().records
    assert (records["recovered"], records["produced"], records["stored"]) == (3000, 10, 3010)
    # And that was all: nothing is stored a second time.
    assert "recovered" not in away.program.start().stop().records


def test_a_crash_costs_nothing_that_is_on_disk(away, bed):
    run = away.start()
    bed.send(frames(3000))
    wait_on_disk(away.folder, 3000)
    run.kill9()
    away.redis.start()
    run = away.program.start()
    assert "3,000 records of an earlier run are in " in run.text()
    away.redis.wait_for(3000)
    assert run.stop().records["stored"] == 3000
    assert away.redis.count() == 3000


def test_what_a_crash_left_is_stored_though_the_key_holds_the_rest(away, bed):
    """run.on_existing: refuse is about other runs."""
    run = away.program.start("run.on_existing=refuse")
    bed.send(frames(10))
    away.redis.wait_for(10)
    away.redis.kill9()
    bed.send(frames(1000))
    wait_on_disk(away.folder, 1000)
    run.kill9()
    away.redis.start()
    refused = away.program.refused("run.on_existing=overwrite")
    refused.assert_error(4, "REDIS-RUN-02", "1,000 records of an earlier run", "--append")
    run = away.program.start("run.on_existing=refuse")
    away.redis.wait_for(1010)
    assert run.stop().records["recovered"] == 1000
    away.program.refused("run.on_existing=refuse").assert_error(4, "REDIS-RUN-01", "1,010 records")


def test_a_crash_in_the_midst_of_draining_stores_each_once(away, bed):
    run = away.start()
    for _ in range(2):
        bed.send(frames(10_000))
    wait_on_disk(away.folder, 20_000)
    away.redis.start()
    wait_until(lambda: away.redis.count() > 0, "the first records")
    run.kill9()
    run = away.program.start()
    away.redis.wait_for(20_000)
    run.stop()
    assert away.redis.count() == 20_000


def test_records_of_other_runs_go_to_their_own_keys(away, bed):
    for key in (5, 6):
        if key == 6:
            away.redis.start()
        run = away.start(f"run.key={key}")
        bed.send(frames(100 * key))
        wait_on_disk(away.folder, 100 * key)
        run.kill9()
    away.redis.start()
    run = away.program.start("run.key=7")
    away.redis.wait_for(500, key=5)
    away.redis.wait_for(600, key=6)
    # The run of key 6 may have stored some of key 5's before its server went.
    assert 600 <= run.stop().records["recovered"] <= 1100
    assert away.redis.count(7) == 0


def overfill(away):
    """31,000 fit into 1 MiB of memory, some thousands on disk."""
    away.program.generate("--format", "valinor-n", "--count", 60_000, "--pps", 60_000, "--flows", 16)


def assert_lost_and_counted(run, redis):
    redis.start()
    wait_until(lambda: redis.count() > 0, "records")
    outcome = run.stop(status=6)
    assert 0 < outcome.lost["spill_full"] < outcome.records["produced"]
    assert outcome.records["stored"] == redis.count() == (
        outcome.records["produced"] - outcome.lost["spill_full"])
    # An analysis must not take the gap for an idle link.
    assert " records of packets from " in outcome.stderr


def test_what_exceeds_the_room_on_disk_is_counted(away, bed):
    run = away.start("export.buffer.spill.max=64KiB", "export.buffer.memory=1MiB")
    overfill(away)
    assert_lost_and_counted(run, away.redis)


def test_a_full_disk_is_counted(away, bed):
    """The file system is full before the file is."""
    (away.folder / "spill").mkdir()
    run_command("mount", "-t", "tmpfs", "-o", "size=128k", "none", away.folder / "spill")
    try:
        run = away.start("export.buffer.memory=1MiB")
        overfill(away)
        assert_lost_and_counted(run, away.redis)
    finally:
        run_command("umount", "-l", away.folder / "spill")


def test_without_a_folder_it_runs_and_says_so(program, bed, redis):
    run = program.start("export.buffer.spill.dir=/proc/none")
    assert "warning[SPILL-OPEN-01]" in run.text()
    assert "make the folder /proc/none" in run.text()
    bed.send(frames(1))
    redis.wait_for(1)
    run.stop()


def test_another_stores_records_are_left_alone(away, bed):
    run = away.start()
    bed.send(frames(100))
    wait_on_disk(away.folder, 100)
    run.stop()
    run = away.program.start("export.redis.url=redis://127.0.0.1:1/0")
    assert "warning[SPILL-OTHER-01]" in run.text()
    assert "100 records for redis unix:///" in run.text()
    run.stop()
    away.redis.start()
    run = away.program.start()
    away.redis.wait_for(100)
    run.stop()


def test_two_programs_have_a_file_each(away, bed, start_program):
    """Of the same key, on the same machine: they meet in Redis, not on disk."""
    first = away.start()
    bed.send(frames(100))
    wait_on_disk(away.folder, 100)
    second = Run(["ip", "netns", "exec", bed.gen, *away.program.command(
        "interfaces=[{name: veth-gen, mode: copy}]")[4:]])
    try:
        second.wait_for("ready")
        assert len(list((away.folder / "spill").glob("*.spill"))) == 2
        second.stop()
    finally:
        with contextlib.suppress(ProcessLookupError):
            second.kill9()
    away.redis.start()
    away.redis.wait_for(100)
    first.stop()
