"""`export.redis.format: both`: each record is in the run's sorted set and in its stream, each of which
has books of its own, and neither is held up by the other."""

import json
import re

import pytest
import redis as redis_client

import formats
from bed import replay, run as run_command, BINARY, wait_until
from test_export import read_stream
from test_spill import wait_on_disk

BOTH = ("export.redis.format=both", "export.redis.stream.database=2")
VALINOR = ("--format", "valinor-n", "--flows", 16)


def streamed(server, key="0:stream", database=2):
    """What the stream holds, as records of the sorted set; also where one stands there twice."""
    client = redis_client.Redis(unix_socket_path=str(server.path), db=database)
    return sorted((record["switch_time_ns"], record["source_port"])
                  for _, records in read_stream(client, key) for record in records)


def in_set(server, key=0):
    return sorted((record.time_ns, record.source_port)
                  for record in formats.read_records(server.client, key=key))


def books(outcome):
    """{group: its equation}"""
    lines = re.findall(r"^records +(.*?) = (.*?)   .*\((.*)\)$", outcome.stdout, re.M)
    return {group: {name: int(number.replace(",", ""))
                    for number, name in re.findall(r"([\d,]+) (\w+)", left + " " + right)}
            for left, right, group in lines}


def test_sent_is_what_the_set_and_the_stream_hold(start_program, durable_redis):
    """With a Redis that is killed twice meanwhile."""
    program = start_program(durable_redis)
    run = program.start(*BOTH)
    generator = program.generating(*VALINOR, "--pps", 20_000, "--count", 50_000)
    for quantity in (8_000, 24_000):
        durable_redis.wait_for(quantity)
        durable_redis.restart()
    generator.wait()
    durable_redis.wait_for(50_000)
    wait_until(lambda: len(streamed(durable_redis)) >= 50_000, "all records in the stream")
    outcome = run.stop()
    wanted = {"produced": 50_000, "stored": 50_000, "collapsed": 0, "pending": 0, "lost": 0}
    assert books(outcome) == {"redis zset": wanted, "redis stream": wanted}
    in_the_set = in_set(durable_redis)
    assert len(set(in_the_set)) == 50_000
    assert streamed(durable_redis) == in_the_set


def test_what_one_of_them_does_not_take_waits_on_disk_by_itself(start_program, durable_redis, bed,
                                                                folder):
    """The stream is refused, the set is not; the next run stores the rest of the stream."""
    program = start_program(durable_redis)
    run = program.start(*BOTH)
    stream = redis_client.Redis(unix_socket_path=str(durable_redis.path), db=2)
    stream.set("0:stream", "somebody's")
    bed.send([formats.valinor_n(number).data for number in range(1, 1001)])
    durable_redis.wait_for(1000)
    wait_on_disk(folder, 1000)
    outcome = run.stop()
    assert books(outcome)["redis zset"]["stored"] == 1000
    assert books(outcome)["redis stream"]["pending"] == 1000
    stream.delete("0:stream")
    run = program.start(*BOTH)
    wait_until(lambda: len(streamed(durable_redis)) >= 1000, "the records in the stream")
    outcome = run.stop()
    assert books(outcome)["redis stream"]["recovered"] == 1000
    assert "recovered" not in books(outcome)["redis zset"]
    assert streamed(durable_redis) == in_set(durable_redis)


def test_a_start_looks_at_both_keys(program, redis, bed):
    refuse = (*BOTH, "run.on_existing=refuse")
    run = program.start(*refuse)
    assert "key 0 is new" in run.text() and "key 0:stream is new" in run.text()
    assert "REDIS-KEYS-01" not in run.text()
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    wait_until(lambda: streamed(redis), "the block")
    run.stop()
    refused = program.refused(*refuse)
    refused.assert_error(4, "REDIS-RUN-01", "key 0 of", "key 0:stream of", "1 blocks")
    redis.client.delete(0)
    program.refused(*refuse).assert_error(4, "REDIS-RUN-01", "key 0:stream of")
    run = program.start(*BOTH, options=["--overwrite"])
    assert streamed(redis) == []
    run.stop()


def test_the_database_of_the_notebooks_is_warned_of(program, redis):
    run = program.start("export.redis.format=both")
    assert "warning[REDIS-KEYS-01]" in run.text() and "stream.database" in run.text()
    run.stop()


def test_a_replay_waits_for_all_stores(redis, folder):
    capture = folder / "some.pcap"
    run_command(BINARY, "gen", capture, *VALINOR, "--count", 100_000)
    outcome = replay(capture, *BOTH, "export.file.enabled=true",
                     f"export.file.path={folder}/run.npy", url=redis.url)
    assert outcome.status == 0, outcome.stderr
    assert {group: one["stored"] for group, one in books(outcome).items()} == {
        "redis zset": 100_000, "redis stream": 100_000, "file": 100_000}
    assert streamed(redis) == in_set(redis)


def test_a_replay_by_several_servers_ends_when_all_have_stored(redis, folder):
    capture = folder / "some.pcap"
    run_command(BINARY, "gen", capture, *VALINOR, "--count", 1000)
    other = redis.url.replace("db=0", "db=3")
    outcome = replay(capture, f'export.redis.endpoints=["{other}"]', url=redis.url)
    assert outcome.status == 0 and outcome.read_books().records["stored"] == 1000
    counts = []
    for database in (0, 3):
        redis.client.select(database)
        counts.append(redis.count())
    assert sum(counts) == 1000 and min(counts) > 0


def test_json_has_the_books_of_both(program, redis, bed):
    run = program.start(*BOTH, "observe.output=json")
    bed.send([formats.valinor_n(number).data for number in range(1, 11)])
    redis.wait_for(10)
    run.send_signal(2)
    events = [json.loads(line) for line in run.wait().stdout.splitlines()]
    records = next(event["records"] for event in events if "records" in event and "frames" in event
                   and isinstance(event["records"], list))
    assert [(one["stores"], one["stored"]) for one in records] == [
        ("redis zset", 10), ("redis stream", 10)]


@pytest.mark.parametrize("settings, word", [
    (("export.redis.cluster=true", "export.redis.stream.database=2"), "database 0 only"),
])
def test_what_cannot_be_is_refused(program, settings, word):
    program.refused("export.redis.url=redis://127.0.0.1:1", *settings).assert_error(
        3, "CFG-REDIS-02", word)
