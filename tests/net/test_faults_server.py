"""The server dies, hangs, is full, loads, refuses us; the disk is full; the program dies. Packets flow
on at the rate at which they come, and each record is stored once, or counted as lost.

VALINOR_ROUNDS multiplies how often, and adds a run in which all that can fail does, in any order.
"""

import random
import signal

import pytest
import redis as redis_client

from bed import RedisServer, run as run_command, wait_until
from certificates import make_certificates, tls_options, tls_settings
from faults import FACTOR
from test_spill import on_disk, wait_on_disk

PASSWORD = "0nly-the-test-kn0ws-this"
# A login of its own, so that it can be taken away from the program alone.
WRITER = ("--user", "writer", "on", f">{PASSWORD}", "~0", "+zadd", "+ping", "+client|setname")
LOGIN = {"wrap": ("env", f"VALINOR_REDIS_PASSWORD={PASSWORD}")}
AS_WRITER = "export.redis.username=writer"
# Sooner than the default of 2 s.
IMPATIENT = "export.redis.timeouts.command=300ms"


# --- What fails, until the end of the block --------------------------------------------------


def is_killed(flow, server):
    server.kill9()
    yield
    server.start()


def hangs(flow, server):
    before = flow.run.text().count("ETIMEDOUT")
    server.sigstop()
    wait_until(lambda: flow.run.text().count("ETIMEDOUT") > before, "the program to notice")
    yield
    server.send_signal(signal.SIGCONT)


def answers(flow, word, do, undo):
    before = flow.run.text().count(word)
    do()
    wait_until(lambda: flow.run.text().count(word) > before, f"the program to say {word}")
    yield
    undo()


def is_full(flow, server):
    def limit(size):
        return lambda: server.client.config_set("maxmemory", size)

    return answers(flow, "OOM", limit("1"), limit("0"))


def holds_another_type(flow, server):
    """Under the run's key; what was there is kept elsewhere meanwhile."""
    def at_once(*commands):
        def do():
            with server.client.pipeline(transaction=True) as together:
                for command in commands:
                    together.execute_command(*command)
                together.execute()
        return do

    return answers(flow, "WRONGTYPE", at_once(("RENAME", 0, "aside"), ("SET", 0, "somebody's")),
                   at_once(("DEL", 0), ("RENAME", "aside", 0)))


def knows_another_password(flow, server):
    def change(password):
        def do():
            server.client.execute_command("ACL", "SETUSER", "writer", "resetpass", f">{password}")
            server.client.execute_command("CLIENT", "KILL", "USER", "writer")
        return do

    return answers(flow, "WRONGPASS", change("other"), change(PASSWORD))


FAULTS = (is_killed, hangs, is_full, holds_another_type, knows_another_password)


def go_through(flow, server, fault):
    """Packets cross while it lasts; afterwards records are stored again."""
    steps = fault(flow, server)
    next(steps)
    flow.cross()
    assert next(steps, "over") == "over"
    flow.store_more()


@pytest.fixture
def server(folder):
    """What it has acknowledged survives kill -9."""
    made = RedisServer(folder, durable=True, options=WRITER).start()
    yield made
    made.stop()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that(start_flow, server, fault):
    flow = start_flow(server, AS_WRITER, IMPATIENT, **LOGIN)
    for _ in range(2 * FACTOR):
        go_through(flow, server, fault)
    flow.finish_complete()


def test_a_server_that_hangs_for_so_long_that_records_go_to_the_disk(start_flow, server):
    """Those that it may have read before it hung are among them."""
    flow = start_flow(server, IMPATIENT)
    server.sigstop()
    flow.run.wait_for("records go to ")
    flow.cross()
    server.send_signal(signal.SIGCONT)
    flow.store_more()
    flow.finish_complete()


def test_a_server_that_loads_what_it_held(start_flow, redis):
    """It is there and answers LOADING, for a second and a half: other keys take their time."""
    flow = start_flow(redis)
    others = redis_client.Redis(unix_socket_path=str(redis.path), db=1)
    others.mset({f"other{number}": "x" * 100 for number in range(1500)})
    redis.shut_down()
    redis.launch("--key-load-delay", 1000, "--loading-process-events-interval-bytes", 1024)
    flow.run.wait_for("LOADING")
    flow.cross()
    wait_until(redis.answers, "the server to have loaded")
    flow.store_more()
    # A connection that it took was no sign of its being back.
    assert flow.finish_complete().stderr.count("back after") == 1


@pytest.mark.skipif(FACTOR == 1, reason="takes long: VALINOR_ROUNDS=5 or more")
def test_one_after_another_in_any_order(start_flow, server):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    flow = start_flow(server, AS_WRITER, IMPATIENT, "export.buffer.memory=1MiB", **LOGIN)
    for fault in random.Random(seed).choices(FAULTS, k=5 * FACTOR):
        go_through(flow, server, fault)
    flow.finish_complete()


# --- TLS -------------------------------------------------------------------------------------


def test_a_server_that_is_killed_behind_tls(start_flow, chain, folder):
    run_command("ip", "-n", chain.host, "link", "set", "lo", "up")
    certificates = make_certificates(folder)
    server = RedisServer(folder, durable=True, namespace=chain.host,
                         options=tls_options(certificates)).start()
    try:
        flow = start_flow(server, *tls_settings(certificates))
        for _ in range(2 * FACTOR):
            go_through(flow, server, is_killed)
        flow.finish_complete()
    finally:
        server.stop()


# --- Ours ------------------------------------------------------------------------------------


def newest_of(server):
    """The number of the last packet whose record is there."""
    [(_, score)] = server.client.zrange(0, -1, -1, withscores=True)
    return int(score)


def test_a_disk_that_is_full_costs_records_and_no_packet(start_flow, durable_redis, folder):
    """Those that are lost are counted, and the others are stored: 3,800 fit on the disk, 31,000 into
    memory."""
    (folder / "spill").mkdir()
    run_command("mount", "-t", "tmpfs", "-o", "size=128k", "none", folder / "spill")
    try:
        flow = start_flow(durable_redis, "export.buffer.memory=1MiB", packets_per_second=20_000)
        durable_redis.kill9()
        flow.run.wait_for("records are lost from now on: spill_full")
        flow.cross()
        durable_redis.start()
        flow.run.wait_for(" records of packets from ")  # there is room again
        goal = flow.traffic.sent
        wait_until(lambda: newest_of(durable_redis) >= goal, "what waits to be stored")
        first = flow.traffic.sent + 1
        flow.cross()
        flow.end_traffic()
        wait_until(lambda: newest_of(durable_redis) == flow.traffic.sent, "the last record in Redis")
        outcome = flow.finish(status=6)
    finally:
        run_command("umount", "-l", folder / "spill")
    sent, lost = flow.traffic.sent, outcome.lost["spill_full"]
    assert outcome.lost == {"spill_full": lost}
    assert 0 < lost == sent - outcome.records["stored"]
    assert (outcome.records["collapsed"], outcome.records["pending"]) == (0, 0)
    found = durable_redis.members()
    assert len(found) == sent - lost
    assert not set(found) - {flow.traffic.member(number) for number in range(1, sent + 1)}
    # Nothing was lost once there was room.
    assert {flow.traffic.member(number) for number in range(first, sent + 1)} <= set(found)


@pytest.fixture
def left_on_disk(start_flow, durable_redis, folder):
    """A flow whose program was killed while its server was away: 3,000 records are on disk, and
    those before them in Redis."""
    # Small batches, so that storing them takes some time.
    flow = start_flow(durable_redis, "export.redis.batch.records=4")
    flow.end_traffic()
    durable_redis.wait_for(flow.traffic.sent)
    stored = flow.traffic.sent
    durable_redis.kill9()
    flow.run.wait_for("lost: ")
    flow.traffic.start()
    flow.cross(3000)
    flow.end_traffic()
    wait_on_disk(folder, flow.traffic.sent - stored)
    flow.run.kill9()
    durable_redis.start()
    return flow


def test_a_program_that_is_killed_leaves_its_records_to_the_next(left_on_disk, folder):
    flow = left_on_disk
    waiting = on_disk(folder)
    flow.launch()
    flow.traffic.start()  # what is on disk is stored while new records come
    flow.cross()
    assert flow.finish_complete().records["recovered"] == waiting


def test_a_program_that_is_killed_before_it_reads_the_answers(left_on_disk, durable_redis):
    """What Redis has stored without its knowledge is stored once, and is no duplicate."""
    flow = left_on_disk
    stored = durable_redis.count()
    flow.launch("export.redis.batch.in_flight=8")
    wait_until(lambda: durable_redis.count() > stored, "the first records from the disk")
    flow.run.send_signal(signal.SIGSTOP)
    looks = [durable_redis.count() for _ in range(20)]  # each lets the server read what has come
    assert looks[-1] == looks[-10]
    flow.run.kill9()
    flow.launch()
    flow.traffic.start()
    flow.cross()
    assert flow.finish_complete().records["recovered"] > 0
