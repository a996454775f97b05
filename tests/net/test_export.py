"""Records in a stream, and `export`: what goes from one form into another is the same records."""

import csv
import importlib
import os
import pathlib
import pty
import re
import subprocess
import sys

import pytest

import bed as beds
import formats
from bed import Outcome, replay, wait_until
from test_files import make_frames, read_npy

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "share/examples"))
read_records = importlib.import_module("read_records").read_records
read_stream = importlib.import_module("read_stream").read_stream


def export(source, target, *options, url=None):
    done = beds.run(beds.BINARY, *(["--set", f"export.redis.url={url}"] if url else []), "export",
                    "--from", source, "--to", target, *options, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def exported(*words, **how):
    """As export(), which must do all of it; answers how many records it read."""
    outcome = export(*words, **how)
    assert outcome.status == 0, outcome.stderr
    equation = re.search(r"records +([\d,]+) read = ([\d,]+) written \+ ([\d,]+) collapsed \+ 0 lost"
                         r" +complete", outcome.stdout)
    read, written, collapsed = (int(text.replace(",", "")) for text in equation.groups())
    assert read == written + collapsed
    return read


def stream_records(server, key="3:stream"):
    return [record for _, records in read_stream(server.client, key) for record in records]


@pytest.fixture
def capture(folder):
    path = folder / "in.pcap"
    formats.write_pcap(path, [(1_700_000_000_000_000_000 + number, frame)
                              for number, frame in enumerate(make_frames())])
    return path


@pytest.fixture
def stored(capture, redis):
    """The same records twice: the set of run 3 in database 0, its stream in database 1."""
    redis.other = redis.url.replace("db=0", "db=1")
    replay(capture, "run.key=3", url=redis.url)
    outcome = replay(capture, "run.key=3", "export.redis.format=stream", url=redis.other)
    assert outcome.status == 0, outcome.stderr
    redis.client.select(1)
    redis.stream = stream_records(redis)
    redis.client.select(0)
    redis.records = formats.read_records(redis.client, key=3)
    return redis


KEY = ("-k", 3)


def test_a_stream_has_all_fields_and_hops(stored):
    assert len(stored.stream) == len(make_frames())
    by_port = {record["source_port"]: record for record in stored.stream}
    assert [by_port[number]["switch_time_ns"] for number in range(1, 40)] == list(range(1, 40))
    for size in range(4):
        for count in (1, 3, 18):
            record = by_port[1000 + 100 * size + count]
            assert record["format"] == "p4netintel" and record["layout"] == size
            assert len(record["hops"]) == count
            assert len({hop["node_id"] for hop in record["hops"]}) == count


def test_a_stream_becomes_the_set_that_a_run_would_have_stored(stored):
    assert exported(f"stream@{stored.other}", "zset", *KEY, url=stored.url) == len(stored.records)
    assert formats.read_records(stored.client, key=3) == stored.records  # all collapsed
    stored.client.delete(3)
    exported(f"stream@{stored.other}", f"zset@{stored.url}", *KEY)
    assert formats.read_records(stored.client, key=3) == stored.records


@pytest.mark.parametrize("ending", ["npy", "records"])
def test_by_way_of_a_file_it_is_the_same_set(stored, folder, ending):
    path = folder / f"run.{ending}"
    exported(f"stream@{stored.other}", path, *KEY)
    stored.client.delete(3)
    exported(path, "zset", *KEY, url=stored.url)
    assert formats.read_records(stored.client, key=3) == stored.records
    if ending == "npy":
        assert sorted(read_npy(path), key=str) == sorted(stored.records, key=str)
    else:
        with open(path, "rb") as file:
            assert list(read_records(file)) == stored.stream


def test_a_set_becomes_a_stream_of_what_it_knows(stored):
    exported("zset", f"stream@{stored.url.replace('db=0', 'db=2')}", *KEY, url=stored.url)
    stored.client.select(2)
    found = stream_records(stored)
    assert {record["format"] for record in found} == {"valinor_entry"}
    assert ([record["switch_time_ns"] for record in found]
            == [record.time_ns for record in stored.records])
    assert {record["protocol"] for record in found} <= {formats.TCP, formats.UDP}
    exported(f"stream@{stored.url.replace('db=0', 'db=2')}",
             f"zset@{stored.url.replace('db=0', 'db=4')}", *KEY)
    stored.client.select(4)
    assert formats.read_records(stored.client, key=3) == stored.records


def test_a_table_has_a_line_for_each_record(stored, folder):
    path = folder / "run.csv"
    exported(f"stream@{stored.other}", path, *KEY)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for row, record in zip(rows, stored.stream, strict=True):
        assert row["source"] == record["source"]
        assert int(row["received_ns"]) == record["received_ns"]
        assert row["hop_nodes"] == ";".join(str(hop["node_id"]) for hop in record["hops"])
    entries = sorted((int(row["timestamp_ns"]), int(row["flow_key"])) for row in rows)
    assert entries == sorted((record.time_ns, record.key) for record in stored.records)


def test_a_capture_is_read_back_by_replay(stored, folder):
    """Of Valinor-N, whose times fit: the same set."""
    path, few = folder / "run.pcap", folder / "few.pcap"
    formats.write_pcap(few, [(n, formats.valinor_n(n, formats.Flow(source_port=n)).data)
                             for n in range(1, 30)])
    stored.client.flushall()
    replay(few, "run.key=3", url=stored.url)
    records = formats.read_records(stored.client, key=3)
    exported("zset", path, *KEY, url=stored.url)
    stored.client.flushall()
    outcome = replay(path, "run.key=3", url=stored.url)
    assert outcome.status == 0, outcome.stderr
    assert formats.read_records(stored.client, key=3) == records
    assert beds.run("tshark", "-r", path, "-Y", "ip.proto == 253 && !ip.checksum_bad.expert",
                    "-o", "ip.check_checksum:TRUE").stdout.count("\n") == len(records)


def test_a_folder_without_spill_files_is_told(folder):
    (folder / "spill").mkdir()
    export(folder / "spill", folder / "a.csv").assert_error(4, "EXPORT-READ-01", "*.spill")


def test_with_overwrite_the_key_holds_the_source_alone(stored, folder):
    path = folder / "run.npy"
    exported("zset", path, *KEY, url=stored.url)
    stored.client.delete(3)
    stored.client.set(3, "something else")
    export(path, "zset", *KEY, url=stored.url).assert_error(4, "EXPORT-KEY-02", "--overwrite")
    exported(path, "zset", *KEY, "--overwrite", url=stored.url)
    assert formats.read_records(stored.client, key=3) == stored.records
    export(path, f"stream@{stored.other}", *KEY).assert_error(4, "EXPORT-KEY-02", "stream")
    exported(path, f"stream@{stored.other}", *KEY, "--overwrite")
    stored.client.select(1)
    assert len(stream_records(stored)) == len(stored.records)


def test_a_server_that_refuses_restore_gets_the_records_by_zadd(stored, folder):
    path = folder / "run.npy"
    exported("zset", path, *KEY, url=stored.url)
    stored.client.delete(3)
    stored.client.execute_command("ACL", "SETUSER", "default", "-restore")
    outcome = export(path, "zset", *KEY, url=stored.url)
    assert outcome.status == 0 and "by ZADD: RESTORE: NOPERM" in outcome.stderr
    assert formats.read_records(stored.client, key=3) == stored.records


def test_many_records_by_several_shards(redis, folder):
    """Sorted sets of two databases: written apart, read merged by time."""
    capture, path, back = folder / "in.pcap", folder / "run.records", folder / "back.npy"
    count = 100_000
    beds.run(beds.BINARY, "gen", capture, "--format", "valinor-n", "--count", count, "--flows", 50)
    url = redis.url.replace("db=0", "db=1")
    replay(capture, "export.redis.format=stream", url=url)
    assert exported(f"stream@{url}", path) == count
    shards = (f"--set=export.redis.endpoints=[\"{redis.url.replace('db=0', 'db=2')}\"]",)
    assert exported(path, "zset", *shards, url=redis.url) == count
    counts = []
    for database in (0, 2):
        redis.client.select(database)
        counts.append(redis.count())
    assert sum(counts) == count and min(counts) > count / 5
    assert exported("zset", back, *shards, url=redis.url) == count
    times = [record.time_ns for record in read_npy(back)]
    assert times == sorted(times) and len(set(times)) == count


@pytest.mark.parametrize("source, target, code", [
    ("/proc/none", "x.npy", "EXPORT-READ-01"),
    ("/etc/passwd", "x.npy", "EXPORT-READ-02"),
    ("zset", "x.npy", "EXPORT-KEY-01"),
    ("stream", "x.npy", "EXPORT-KEY-01"),
])
def test_a_source_that_is_not_there_is_told(redis, folder, source, target, code):
    export(source, folder / target, url=redis.url).assert_error(4, code)
    assert not list(folder.glob("x.npy*"))


def test_a_server_that_is_away_is_told(redis_away, folder):
    export("zset", folder / "x.npy", url=redis_away.url).assert_error(4, "EXPORT-READ-03")


def test_a_file_that_is_there_is_not_overwritten(stored, folder):
    path = folder / "a.csv"
    path.write_text("mine")
    export("zset", path, *KEY, url=stored.url).assert_error(4, "EXPORT-WRITE-01", "--overwrite")
    assert path.read_text() == "mine"
    exported("zset", path, *KEY, "--overwrite", url=stored.url)
    assert path.read_text() != "mine"


def test_of_a_damaged_file_comes_what_is_whole(stored, folder):
    path, out = folder / "a.npy", folder / "b.npy"
    exported("zset", path, *KEY, url=stored.url)
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 1)
    outcome = export(path, out)
    outcome.assert_error(4, "EXPORT-READ-04", "promises")
    assert len(read_npy(out)) == len(stored.records) - 1


@pytest.mark.parametrize("words, why", [
    (("--from", "zset"), "--to is required"),
    (("--from", "zset", "--to", "run.xls"), "--to wants zset, stream, or a file that ends in"),
    (("--from", "zset@http://x", "--to", "a.npy"), "redis url"),
    (("--from", "a.npy", "--to", "a.npy2"), "--to wants"),
    (("--from", "zset", "--to", "zset"), "are the same"),
    (("--from", "zset", "--to", "a.npy", "--time", "noon.."), "'noon' is no time such as"),
    (("--from", "zset", "--to", "a.npy", "--time", "2s..1s"), "ends before it begins"),
])
def test_a_wrong_command_line_is_told(words, why):
    done = beds.run(beds.BINARY, "export", *words, check=False)
    assert done.returncode == 2 and why in done.stderr


def test_one_key_cannot_be_source_and_target(redis):
    export("zset", f"zset@{redis.url}", url=redis.url).assert_error(2, "EXPORT-SAME-01")


def test_a_terminal_sees_a_bar_and_a_pipe_does_not(redis, folder):
    capture, path = folder / "in.pcap", folder / "run.npy"
    beds.run(beds.BINARY, "gen", capture, "--format", "valinor-n", "--count", 20_000)
    replay(capture, url=redis.url)
    command = [str(word) for word in (beds.BINARY, "--set", f"export.redis.url={redis.url}",
                                      "export", "--from", "zset", "--to", path)]
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stderr=follower, stdout=subprocess.PIPE) as process:
        os.close(follower)
        said = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:  # the program has ended
                break
            said += part
        process.wait()
    os.close(leader)
    assert process.returncode == 0
    assert re.search(rb"export  \[#*-*\] +\d+ %", said), said
    assert "[" not in export("zset", path, "--overwrite", url=redis.url).stderr


# --- A part of a run ---------------------------------------------------------------------------


def partly_exported(*words, **how):
    """As export(); answers how many records are in the target and how many are not."""
    outcome = export(*words, **how)
    assert outcome.status == 0, outcome.stderr
    read, written, collapsed, lost, outside = (int(number) for number in re.search(
        r"records +(\d+) read = (\d+) written \+ (\d+) collapsed \+ (\d+) lost \+ (\d+) outside"
        r" +complete", outcome.stdout).groups())
    assert read == written + collapsed + lost + outside and lost == 0
    return written + collapsed, outside


def test_of_whole_records_the_time_of_arrival_counts(stored, folder):
    out = folder / "part.records"
    date, middle, count = "2023-11-14T22:13:20", 20, len(make_frames())
    source = f"stream@{stored.other}"
    assert partly_exported(source, out, *KEY, "--time", f"{date}Z..{date}.{middle:09}Z") == (
        middle, count - middle)
    with open(out, "rb") as file:
        early = list(read_records(file))
    window = f"{1_700_000_000_000_000_000 + middle}.."
    assert partly_exported(source, out, *KEY, "--overwrite", "--time", window) == (
        count - middle, middle)
    with open(out, "rb") as file:
        assert early + list(read_records(file)) == stored.stream


@pytest.mark.parametrize("score", ["epoch", "run-relative"])
def test_of_a_set_the_entrys_own_time_counts(stored, capture, folder, score):
    stored.client.delete(3)
    replay(capture, "run.key=3", f"export.redis.score={score}", url=stored.url)
    out = folder / "part.npy"
    written, outside = partly_exported("zset", out, *KEY, "--time", "5ns..10ns", url=stored.url)
    assert (written, outside) == (5, len(stored.records) - 5)
    assert [record.time_ns for record in read_npy(out)] == [5, 6, 7, 8, 9]
    again = folder / "again.csv"
    assert partly_exported(out, again, "--time", "..7ns") == (2, 3)


@pytest.mark.parametrize("target", ["zset", "stream", "a.npy"])
def test_where_nothing_is_within_nothing_is_overwritten(stored, folder, target):
    out = f"{target}@{stored.url}" if target != "a.npy" else folder / target
    source = folder / "all.npy"
    exported("zset", source, *KEY, url=stored.url)
    exported(source, out, *KEY, *(["--overwrite"] if target == "zset" else []))
    dump = [stored.client.dump(key) for key in ("3", "3:stream")]
    outcome = export(source, out, *KEY, "--overwrite", "--time", "2030-01-01T00:00:00Z..")
    outcome.assert_error(4, "EXPORT-TIME-01", "from 1ns to 1700000000", "--time 1ns..")
    assert [stored.client.dump(key) for key in ("3", "3:stream")] == dump
    if target == "a.npy":
        assert sorted(read_npy(out), key=str) == sorted(read_npy(source), key=str)


# --- A run that writes a stream ---------------------------------------------------------------


def test_a_run_that_is_killed_stores_each_record_once(start_program, durable_redis, bed, folder):
    program = start_program(durable_redis)
    # Room for what the test sends at once, however late the program's turn comes.
    settings = ("export.redis.format=stream", "run.key=3", "interfaces[0].umem.frames=65536",
                "interfaces[0].rings.rx=16384", "interfaces[0].rings.fill=32768")

    def times():
        return sorted(record["switch_time_ns"] for record in stream_records(durable_redis))

    run = program.start(*settings)
    durable_redis.kill9()
    run.wait_for("records go to ")
    bed.send([formats.valinor_n(number).data for number in range(1, 3001)])
    outcome = run.stop()
    assert outcome.records["pending"] == 3000
    out = folder / "spilled.records"
    assert exported(folder / "spill", out) == 3000
    with open(out, "rb") as file:
        assert [record["switch_time_ns"] for record in read_records(file)] == list(range(1, 3001))
    durable_redis.start()
    run = program.start(*settings)
    wait_until(lambda: durable_redis.client.xlen("3:stream") > 0, "the first block")
    run.kill9()
    outcome = program.start(*settings).stop()
    assert outcome.records["lost"] == 0
    wait_until(lambda: times() == list(range(1, 3001)), "each record, once")


def test_a_stream_is_added_to_or_deleted_only_where_that_is_asked_for(program, redis, bed):
    stream, times = ("export.redis.format=stream", "run.on_existing=refuse"), iter(range(1, 100))

    def held():
        return sorted(record["switch_time_ns"] for record in stream_records(redis, "0:stream"))

    def record(count, *options):
        run = program.start(*stream, options=options)
        before = len(held()) if "--overwrite" not in options else 0
        sent = [next(times) for _ in range(count)]
        bed.send([formats.valinor_n(number).data for number in sent])
        wait_until(lambda: len(held()) >= before + count, "the records in the stream")
        return run.stop(), sent

    outcome, first = record(10)
    assert "key 0:stream is new" in outcome.stderr
    blocks = redis.client.xlen("0:stream")
    refused = program.refused(*stream)
    refused.assert_error(4, "REDIS-RUN-01", "key 0:stream of", f"{blocks} blocks", "--append",
                         "--overwrite")
    assert refused.stdout == "" and not bed.has_xdp_program() and held() == first
    outcome, second = record(5, "--append")
    assert f"holds {blocks} blocks, more come on top" in outcome.stderr
    assert held() == first + second
    blocks = redis.client.xlen("0:stream")
    outcome, third = record(3, "--overwrite")
    assert f"holds {blocks} blocks, which are deleted" in outcome.stderr
    assert held() == third
    redis.client.delete("0:stream")
    redis.client.set("0:stream", "somebody's")
    for how in ("--append", "--overwrite"):
        program.refused(*stream, options=[how]).assert_error(4, "REDIS-TYPE-01", "a string",
                                                             "rename 0:stream")
    assert redis.client.get("0:stream") == b"somebody's"
