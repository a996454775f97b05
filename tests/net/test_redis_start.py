"""What a start finds in Redis, what it makes of it, and what it leaves in the catalogue of runs."""

import contextlib
import ctypes
import itertools
import json
import os
import pathlib

import pytest
import redis as redis_client

import formats
from bed import RedisServer, replay, run as run_command, BINARY, wait_until

HOST_NOT_READY = 4
REFUSE = "run.on_existing=refuse"
_times = itertools.count(1)


def frames(count):
    """Each with a time of its own, so that each record is another one."""
    return [formats.valinor_n(time).data for time in itertools.islice(_times, count)]


def record(program, bed, redis, count, *settings, **how):
    """A run that stores so many more."""
    run = program.start(*settings, **how)
    before = redis.count()
    bed.send(frames(count))
    redis.wait_for(before + count)
    return run.stop()


# --- The key ---------------------------------------------------------------------------------


def test_a_run_is_added_to_or_deleted_only_where_that_is_asked_for(program, redis, bed):
    outcome = record(program, bed, redis, 10, REFUSE)
    assert "key 0 is new" in outcome.stderr
    refused = program.refused(REFUSE)
    refused.assert_error(HOST_NOT_READY, "REDIS-RUN-01", "10 records", "--append", "--overwrite")
    assert refused.stdout == "" and not bed.has_xdp_program()
    outcome = record(program, bed, redis, 5, REFUSE, options=["--append"])
    assert "holds 10 records, more come on top" in outcome.stderr
    assert redis.count() == 15
    run = program.start(REFUSE, options=["--overwrite"])
    assert "holds 15 records, which are deleted" in run.text()
    assert redis.count() == 0
    bed.send(frames(3))
    redis.wait_for(3)
    run.stop()
    assert redis.count() == 3


def test_nothing_is_deleted_for_a_start_that_fails(program, redis, bed):
    record(program, bed, redis, 10)
    program.refused("security.user=nosuchuser", options=["--overwrite"]).assert_error(
        HOST_NOT_READY, "SEC-USER-01")
    assert redis.count() == 10


def test_another_type_is_refused_whatever_is_asked_for(program, redis):
    redis.client.set("0", "somebody's")
    for how in ("refuse", "append", "overwrite"):
        program.refused(f"run.on_existing={how}").assert_error(
            HOST_NOT_READY, "REDIS-TYPE-01", "a string", "rename 0")
    assert redis.client.get("0") == b"somebody's"


def test_overwriting_needs_the_server(start_program, redis_away):
    start_program(redis_away).refused(options=["--overwrite"]).assert_error(
        HOST_NOT_READY, "REDIS-AWAY-01", "ENOENT")


def test_a_replay_asks_too(redis, folder):
    path = folder / "some.pcap"
    run_command(BINARY, "gen", path, "--format", "valinor-n", "--count", 100)
    assert replay(path, url=redis.url).read_books().records["stored"] == 100
    replay(path, url=redis.url).assert_error(HOST_NOT_READY, "REDIS-RUN-01", "100 records")
    again = replay(path, "run.on_existing=append", url=redis.url).read_books()
    assert again.records["collapsed"] == 100
    replay(folder / "none.pcap", "run.on_existing=overwrite", url=redis.url).assert_error(
        HOST_NOT_READY, "PCAP-OPEN-01")
    assert redis.count() == 100
    assert replay(path, "run.on_existing=overwrite", url=redis.url).read_books().records["stored"] == 100


# --- The server ------------------------------------------------------------------------------


def test_a_server_that_may_delete_the_run_is_refused(program, redis, bed):
    redis.client.config_set("maxmemory", "1gb")
    redis.client.config_set("maxmemory-policy", "allkeys-lru")
    program.refused().assert_error(HOST_NOT_READY, "REDIS-EVICT-01", "allkeys-lru",
                                   "redis-cli config set maxmemory-policy noeviction")
    outcome = record(program, bed, redis, 1, "export.redis.require_noeviction=false")
    assert "warning[REDIS-EVICT-01]" in outcome.stderr


def test_a_replica_is_refused(program, redis):
    redis.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    program.refused().assert_error(HOST_NOT_READY, "REDIS-ROLE-01", "it follows 127.0.0.1:1")


def test_what_the_notebooks_would_stumble_over_is_told(program, redis, bed):
    redis.client.set("session", 1)
    outcome = record(program, bed, redis, 1)
    assert "warning[REDIS-KEYS-01]" in outcome.stderr and "'session' (string)" in outcome.stderr


def test_the_forecast(program, redis, bed):
    redis.client.config_set("maxmemory", "100mb")
    outcome = record(program, bed, redis, 1, "run.expected_rate=100000", "run.duration=1h")
    assert "warning[REDIS-MEMORY-01]" in outcome.stderr and "expected: 62 GiB" in outcome.stderr


def test_a_server_that_comes_later_is_looked_at_then(start_program, folder, bed):
    server = RedisServer(folder, options=("--maxmemory", "1gb", "--maxmemory-policy",
                                          "allkeys-lru"))
    try:
        run = start_program(server).start(REFUSE)
        assert "not there yet" in run.text()
        bed.send(frames(10))
        server.start()
        server.wait_for(10)
        run.wait_for("warning[REDIS-EVICT-01]")
        run.wait_for("allkeys-lru")
        outcome = run.stop()
        assert outcome.records["stored"] == 10
        assert "REDIS-RUN-01" not in outcome.stderr  # they are its own
    finally:
        server.stop()


def test_scores_that_count_from_the_first_record(program, redis, bed):
    times = [1_700_000_000_000_000_001 % (1 << 48) + 7 * number for number in range(20)]
    run = program.start("export.redis.score=run-relative")
    bed.send([formats.valinor_n(time).data for time in times[:10]])
    redis.wait_for(10)
    run.stop()
    run = program.start("export.redis.score=run-relative")
    bed.send([formats.valinor_n(time).data for time in times[10:]])
    redis.wait_for(20)
    run.stop()
    entries = redis.client.zrange("0", 0, -1, withscores=True)
    assert [int(member[:16], 16) for member, _ in entries] == times
    assert [score for _, score in entries] == [7 * number for number in range(20)]


# --- The catalogue ---------------------------------------------------------------------------


def catalogue(server, database=1):
    """Its entries."""
    client = redis_client.Redis(unix_socket_path=str(server.path), db=database,
                                decode_responses=True)
    return {key: client.hgetall(key) for key in client.keys()}


def entry_of(server):
    (name, entry), = catalogue(server).items()
    assert name.startswith("valinor:run:0:")
    return entry


def test_an_entry_says_what_the_run_was(program, redis, bed):
    run = program.start("run.name=incast", "export.redis.username=default",
                        wrap=["env", "VALINOR_REDIS_PASSWORD=never-shown"])
    wait_until(lambda: catalogue(redis), "the entry")
    entry = entry_of(redis)
    assert (entry["state"], entry["key"], entry["name"]) == ("running", "0", "incast")
    assert "end" not in entry
    bed.send(frames(10))
    redis.wait_for(10)
    outcome = run.stop()
    entry = entry_of(redis)
    assert (entry["state"], entry["why"], entry["exit_status"]) == ("ended", "SIGINT", "0")
    queues = json.loads(entry["queues"])
    assert [(one["interface"], one["queue"], one["obtained"]) for one in queues] == [
        (bed.host_interface, number, "copy") for number in range(2)]
    assert json.loads(entry["records"])[0]["stored"] == 10
    assert json.loads(entry["frames"])["received"] == outcome.frames["received"]
    assert json.loads(entry["gaps"]) == [] and entry["gaps_left_out"] == "0"
    assert int(entry["start_ns"]) < int(entry["end_ns"])
    assert int(entry["clock_bound_ns"]) > 0 and "TSC" in entry["clock"]
    assert entry["host"] and entry["kernel"].startswith("Linux ")
    effective = run_command(BINARY, "-c", program.config, "--set", "run.name=incast", "--set",
                            "export.redis.username=default", "check", "--print-effective").stdout
    assert entry["config"] == effective
    assert "never-shown" not in str(entry) + outcome.stderr
    assert redis.client.keys() == [b"0"]  # the notebooks' database
    assert "valinor:run:0:" in outcome.stderr


def test_a_run_that_crashed_is_still_running_there(program, redis):
    run = program.start()
    wait_until(lambda: catalogue(redis), "the entry")
    run.kill9()
    assert entry_of(redis)["state"] == "running"


def test_gaps_are_in_the_entry(start_program, redis_away, bed):
    program = start_program(redis_away)
    run = program.start("export.buffer.memory=1MiB", "export.buffer.on_full=drop_newest")
    program.generate("--format", "valinor-n", "--pps", 60_000, "--count", 40_000)
    run.wait_for("records are lost from now on")
    redis_away.start()
    redis_away.wait_for((1 << 20) // 34)
    outcome = run.stop(status=6)
    entry = entry_of(redis_away)
    gaps = json.loads(entry["gaps"])
    assert sum(gap["records"] for gap in gaps) == outcome.lost["memory_full"]
    assert {gap["reason"] for gap in gaps} == {"memory_full"}
    for gap in gaps:
        assert int(entry["start_ns"]) <= gap["from_ns"] <= gap["to_ns"] <= int(entry["end_ns"])
    assert entry["exit_status"] == "6"


@contextlib.contextmanager
def held_up(pid, name):
    """One thread of a program stands still."""
    seize, interrupt, detach, wall = 0x4206, 0x4207, 17, 0x40000000
    tid, = (int(task.name) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            if (task / "comm").read_text().strip() == name)
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (seize, interrupt):
        assert ptrace(request, tid, None, None) == 0, os.strerror(ctypes.get_errno())
    os.waitpid(tid, wall)
    try:
        yield
    finally:
        assert ptrace(detach, tid, None, None) == 0, os.strerror(ctypes.get_errno())


def test_what_finds_its_ring_full_is_in_the_entry(program, redis, bed):
    """The exporter's thread is held up for as long as the packets come."""
    run = program.start()
    with held_up(run.pid, "exporter"):
        program.generate("--format", "p4netintel", "--hops", 18, "--flows", 16, "--pps", 20_000,
                         "--count", 30_000)
        wait_until(lambda: bed.received() >= 30_000, "the packets")
    outcome = run.stop(status=6)
    entry = entry_of(redis)
    gaps = [gap for gap in json.loads(entry["gaps"]) if gap["reason"] == "ring_full"]
    assert sum(gap["records"] for gap in gaps) == outcome.lost["ring_full"] > 0
    assert {gap["store"] for gap in gaps} == {"all"}
    assert {gap["ring"] for gap in gaps} <= {f"{bed.host_interface}/{queue}" for queue in (0, 1)}
    for gap in gaps:
        assert int(entry["start_ns"]) < gap["from_ns"] <= gap["to_ns"] < int(entry["end_ns"])
    assert redis.count() == outcome.records["stored"] == 30_000 - outcome.lost["ring_full"]


@pytest.mark.parametrize("settings, says", [
    (["export.redis.metadata_db=none"], ""),
    (["export.redis.metadata_db=5"], "in database 5"),
])
def test_the_catalogue_is_where_it_is_asked_for(program, redis, bed, settings, says):
    outcome = record(program, bed, redis, 1, *settings)
    assert catalogue(redis) == {}
    assert len(catalogue(redis, 5)) == bool(says) == ("  catalogue  " in outcome.stderr)
    assert says in outcome.stderr


def test_the_catalogue_is_never_among_the_records(program, redis, bed):
    url = f"export.redis.url=unix://{redis.path}?db=1"
    program.refused(url, "export.redis.metadata_db=1").assert_error(3, "CFG-REDIS-02", "notebooks")
    run = program.start(url)
    assert "  catalogue  " not in run.text()
    run.stop()


def test_a_catalogue_that_is_refused_costs_no_record(start_program, folder, bed):
    server = RedisServer(folder, options=("--user", "writer", "on", "nopass", "~0", "+@all",
                                          "-hset")).start()
    try:
        program = start_program(server)
        run = program.start("export.redis.username=writer")
        run.wait_for("warning[RUN-CATALOG-01]")
        bed.send(frames(10))
        server.wait_for(10)
        outcome = run.stop()
        assert outcome.records["stored"] == 10
        assert outcome.stderr.count("RUN-CATALOG-01") == 1
    finally:
        server.stop()


def test_the_entry_stands_beside_the_file_too(program, redis, bed, folder):
    """Also where there is no Redis, and after all rights are gone."""
    run = program.start("export.redis.enabled=false", "export.file.enabled=true",
                        f"export.file.path={folder}/run.npy", "security.user=nobody")
    path = folder / "run.npy.json"
    wait_until(lambda: path.read_text().endswith("}\n"), "the entry")
    assert json.loads(path.read_text())["state"] == "running"
    bed.send(frames(10))
    wait_until(lambda: (folder / "run.npy").stat().st_size == 320 + 340, "the records")
    run.stop()
    entry = json.loads(path.read_text())
    assert (entry["state"], entry["redis"]) == ("ended", "")
    assert entry["records"][0]["stored"] == 10
    assert path.read_text().endswith("}\n")
