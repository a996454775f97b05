"""Redis comes late, dies, comes back, stays away, is full of something else."""

import pathlib
import shutil
import signal

import pytest

import formats
from bed import BINARY, RedisServer, replay, run as run_command, wait_until

VALINOR = ("--format", "valinor-n", "--flows", 16)


def test_records_wait_for_a_redis_that_starts_later(start_program, redis_away, bed):
    run = start_program(redis_away).start()
    frames = [formats.valinor_n(number) for number in range(100)]
    bed.send([frame.data for frame in frames])
    redis_away.start()
    redis_away.wait_for(100)
    outcome = run.stop()
    assert set(formats.read_records(redis_away.client)) == {frame.record() for frame in frames}
    assert outcome.records["stored"] == 100
    assert "back after" in outcome.stderr


def test_nothing_is_lost_when_redis_is_killed_and_comes_back(start_program, durable_redis):
    """An acknowledged record survives kill -9; what was not acknowledged is sent again."""
    program = start_program(durable_redis)
    run = program.start()
    generator = program.generating(*VALINOR, "--pps", 20_000, "--count", 50_000)
    for quantity in (8_000, 24_000):
        durable_redis.wait_for(quantity)
        durable_redis.restart()
    generator.wait()
    durable_redis.wait_for(50_000)
    outcome = run.stop()
    assert outcome.frames["received"] == 50_000
    # A batch that was stored, but not acknowledged before the kill, is all the same "stored".
    assert outcome.records == {"produced": 50_000, "stored": 50_000, "collapsed": 0, "pending": 0,
                               "lost": 0}
    assert durable_redis.count() == 50_000
    assert "lost: " in outcome.stderr and "back after" in outcome.stderr


def test_what_redis_never_took_is_accounted_and_shows_in_the_exit_status(start_program, redis,
                                                                         bed):
    run = start_program(redis).start("export.buffer.on_full=drop_newest")
    bed.send([formats.valinor_n(number).data for number in range(30)])
    redis.wait_for(30)
    redis.kill9()
    bed.send([formats.valinor_n(1000 + number).data for number in range(70)])
    outcome = run.stop(status=6)
    assert outcome.records == {"produced": 100, "stored": 30, "collapsed": 0, "pending": 0,
                               "lost": 70}
    assert outcome.lost == {"unflushed_at_stop": 70}
    assert "70 records not stored in time" in outcome.stderr


def test_a_full_buffer_loses_the_newest_and_counts_them(start_program, redis_away):
    program = start_program(redis_away)
    run = program.start("export.buffer.memory=1MiB", "export.buffer.on_full=drop_newest")
    sent = program.generate(*VALINOR, "--pps", 60_000, "--count", 60_000)
    redis_away.start()
    room = (1 << 20) // 34
    redis_away.wait_for(room)
    outcome = run.stop(status=6)
    assert outcome.records["produced"] == sent == 60_000
    assert room <= outcome.records["stored"] == redis_away.count() < 60_000
    assert outcome.lost == {"memory_full": 60_000 - outcome.records["stored"]}


def test_packets_of_an_interface_cannot_wait(program, redis, folder):
    block = "export.buffer.on_full=block"
    refused = program.refused(block)
    refused.assert_error(3, "CFG-BUFFER-01", "is for a replay", "on_full: spill")
    capture = folder / "some.pcap"
    run_command(BINARY, "gen", capture, *VALINOR, "--count", 100)
    outcome = replay(capture, block, url=redis.url)
    assert outcome.status == 0 and outcome.read_books().records["stored"] == 100
    tapped = run_command(BINARY, "--set", block, "tap", "-i", "lo", check=False)
    assert tapped.returncode == 3 and "error[CFG-BUFFER-01]" in tapped.stderr


def test_a_key_of_another_type_is_left_alone_until_somebody_repairs_it(program, redis, bed):
    """It got there after the start, which would have refused it."""
    run = program.start("run.key=7")
    redis.client.set("7", "somebody's")
    bed.send([formats.valinor_n(number).data for number in range(10)])
    run.wait_for("WRONGTYPE")
    assert redis.client.get("7") == b"somebody's"
    redis.client.rename("7", "8")
    redis.wait_for(10, key=7)
    assert run.stop().records["stored"] == 10


def test_a_full_redis_is_waited_for(program, redis, bed):
    """OOM is an answer that changes when somebody makes room."""
    redis.client.config_set("maxmemory", "1")
    run = program.start()
    bed.send([formats.valinor_n(number).data for number in range(10)])
    run.wait_for("OOM")
    redis.client.config_set("maxmemory", "0")
    redis.wait_for(10)
    assert run.stop().records["stored"] == 10


def test_a_redis_that_hangs_is_left_and_found_again(program, redis, bed):
    run = program.start("export.redis.timeouts.command=100ms")
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    redis.sigstop()
    bed.send([formats.valinor_n(2).data])
    run.wait_for("ETIMEDOUT")
    redis.send_signal(signal.SIGCONT)
    redis.wait_for(2)
    outcome = run.stop()
    assert outcome.records["produced"] == 2
    assert outcome.records["stored"] + outcome.records["collapsed"] == 2


@pytest.fixture
def hosts(bed):
    """Gives the bed's namespace an /etc/hosts of its own."""
    folder = pathlib.Path("/etc/netns") / bed.host

    def write(*lines):
        folder.mkdir(parents=True)
        (folder / "hosts").write_text("".join(line + "\n" for line in lines))

    yield write
    shutil.rmtree(folder, ignore_errors=True)


def test_an_address_that_answers_nothing_hides_no_other_of_its_host(start_program, bed, hosts,
                                                                    folder):
    """A server with a dead IPv6 address, which is tried first."""
    bed.add_addresses()
    run_command("ip", "-n", bed.host, "link", "set", "lo", "up")
    run_command("ip", "-n", bed.host, "neigh", "add", "fd77::9", "lladdr", "02:00:00:00:00:99",
                "dev", bed.host_interface)
    hosts("fd77::9 redis.test", "10.77.0.1 redis.test")
    server = RedisServer(folder, namespace=bed.host).start()
    try:
        run = start_program(server).start("export.redis.url=redis://redis.test",
                                          "export.redis.timeouts.connect=400ms")
        bed.send([formats.valinor_n(1).data])
        server.wait_for(1)
        assert run.stop().records["stored"] == 1
    finally:
        server.stop()


def test_another_database_of_the_server(program, redis, bed):
    run = program.start(f"export.redis.url=unix://{redis.path}?db=3")
    bed.send([formats.valinor_n(1).data])
    wait_until(lambda: redis.client.info("keyspace").get("db3"), "a record in database 3")
    run.stop()
    assert redis.client.keys() == []


def test_no_redis_at_all(start_program, redis_away, bed):
    run = start_program(redis_away).start("export.redis.enabled=false")
    bed.send([formats.valinor_n(number).data for number in range(10)])
    assert run.stop().records["produced"] == 10
