"""What a switch sent stands in Redis, field by field."""

import itertools
import time

import pytest

import formats
from formats import TCP, UDP, Flow, Hop, IntHost

CLOCKS = {"tai": time.CLOCK_TAI, "realtime": time.CLOCK_REALTIME, "monotonic": time.CLOCK_MONOTONIC}
ROUTER_ALERT = bytes.fromhex("94040000")
RECORD_ROUTE = bytes.fromhex("0707040000000001")  # and an end-of-list


def make_hops(count, seed):
    """Newest first, no two alike, every field with its highest bit set in some hop."""
    def number(hop, field, bits):
        return (hop * 2654435761 + field * 40503 + seed * 97 + (hop % 2 << bits - 1)) % (1 << bits)
    return [Hop(number(hop, 0, 32), number(hop, 1, 9), number(hop, 2, 9), number(hop, 3, 32),
                number(hop, 4, 19), number(hop, 5, 32), number(hop, 6, 19), number(hop, 7, 48),
                number(hop, 8, 48), number(hop, 9, 14), number(hop, 10, 32), number(hop, 11, 32),
                number(hop, 12, 48)) for hop in range(count, 0, -1)]


def make_p4netintel(collect_size):
    """Every kind of packet that the four layouts can come in, each of a flow of its own."""
    frames = []
    variants = [
        {}, {"vlan": 42}, {"options": ROUTER_ALERT}, {"vlan": 0xE064, "options": RECORD_ROUTE},
        {"host": IntHost()}, {"host": IntHost(order="<")}, {"monitor_copy": True},
        {"monitor_copy": True, "host": IntHost(), "vlan": 7}, {"payload": bytes(100)},
    ]
    for count, protocol, variant in itertools.product((1, 3, 9, 18), (UDP, TCP), variants):
        port = 10_000 + len(frames)
        flow = Flow(protocol, f"10.{count}.1.{port % 250}", "10.0.3.3", port, 1234)
        size = {"payload": b"abcd", **variant}
        if collect_size == 3 and count == 18:
            size["payload"] = b""  # the MTU is 1500
        hops = make_hops(count, port)
        if collect_size == 0:  # as the published switch program writes them
            hops = [Hop(hop.swid, hop.ingress_port, hop.egress_port, hop.enq_timestamp, 1,
                        hop.deq_timedelta, 2, last_int_timestamp=hop.last_int_timestamp)
                    for hop in hops]
        frames.append(formats.p4netintel(collect_size, hops, flow, **size))
    for before_host in (1, 2):  # a reply: the way back, the host, ...
        flow = Flow(UDP, "10.9.1.1", "10.0.3.3", 10_000 + len(frames), 1234)
        frames.append(formats.p4netintel(collect_size, make_hops(3, before_host), flow,
                                         host=IntHost(after=before_host)))
    return frames


@pytest.mark.parametrize("collect_size, clock", [
    (0, "tai"), (1, "tai"), (2, "tai"), (3, "tai"), (3, "realtime"), (3, "monotonic")])
def test_every_p4netintel_record_is_what_the_switches_wrote(program, redis, bed, collect_size,
                                                            clock):
    frames = make_p4netintel(collect_size)
    before = time.clock_gettime_ns(CLOCKS[clock])
    run = program.start(f"timestamp.clock={clock}")
    bed.send([frame.data for frame in frames])
    redis.wait_for(len(frames))
    outcome = run.stop()
    after = time.clock_gettime_ns(CLOCKS[clock])

    by_port = {record.source_port: record for record in formats.read_records(redis.client)}
    assert len(by_port) == len(frames)
    for frame in frames:
        record = by_port[frame.flow.source_port]
        assert before < record.time_ns < after
        assert record == frame.record(record.time_ns)
    assert outcome.frames == {"received": len(frames), "transmitted": 0, "consumed": len(frames),
                              "passed": 0, "dropped": 0}
    assert outcome.records == {"produced": len(frames), "stored": len(frames), "collapsed": 0,
                               "pending": 0, "lost": 0}


def test_a_packet_without_hops_has_no_queue_fields(program, redis, bed):
    frame = formats.p4netintel(1, [])
    run = program.start()
    bed.send([frame.data])
    redis.wait_for(1)
    run.stop()
    record, = formats.read_records(redis.client)
    assert record == frame.record(record.time_ns)
    assert (record.enqueue, record.delta) == (0, 0)


@pytest.mark.parametrize("collect_size", formats.LAYOUTS)
def test_a_configured_layout_reads_what_guessing_reads(program, redis, bed, collect_size):
    frames = make_p4netintel(collect_size)
    run = program.start(f"telemetry.p4netintel.collect_size={collect_size}")
    bed.send([frame.data for frame in frames])
    redis.wait_for(len(frames))
    run.stop()
    by_port = {record.source_port: record for record in formats.read_records(redis.client)}
    for frame in frames:
        record = by_port[frame.flow.source_port]
        assert record == frame.record(record.time_ns)


def test_more_hops_than_max_hops_keep_the_newest(program, redis, bed):
    frame = formats.p4netintel(2, make_hops(18, 1))
    run = program.start("telemetry.max_hops=1")
    bed.send([frame.data])
    redis.wait_for(1)
    run.stop()
    record, = formats.read_records(redis.client)
    assert record == frame.record(record.time_ns)


def test_every_valinor_n_record_is_what_the_switch_wrote(program, redis, bed):
    frames = []
    variants = [{}, {"vlan": 42}, {"options": ROUTER_ALERT}, {"options": RECORD_ROUTE, "vlan": 5},
                {"protocol": 0xFF}, {"length": formats.UNKNOWN_LENGTH, "delta": 0},
                {"length": 9000, "delta": 262143, "enqueue": 0x3FFFF}, {"payload": b""}]
    for number, (protocol, variant) in enumerate(itertools.product((UDP, TCP), variants)):
        flow = Flow(protocol, "10.0.0.1", f"10.0.0.{number}", 5000 + number, 80)
        # ingress_global wraps at 2^48 ns
        frames.append(formats.valinor_n((1 << 48) - 1 - 1000 * number, flow, **variant))
    run = program.start("run.key=7")
    bed.send([frame.data for frame in frames])
    redis.wait_for(len(frames), key=7)
    run.stop()
    expected = {frame.record() for frame in frames}
    assert set(formats.read_records(redis.client, key=7)) == expected


def test_two_runs_with_one_key_add_up(program, redis, bed):
    first, second = formats.valinor_n(1000), formats.valinor_n(2000)
    for frame in (first, second):
        run = program.start()
        bed.send([frame.data])
        run.stop()
    assert set(formats.read_records(redis.client)) == {first.record(), second.record()}


def test_equal_packets_are_one_record(program, redis, bed):
    """The same frame three times: a sorted set holds it once, and two are counted as collapsed."""
    frame = formats.valinor_n(1_000_000_123)
    run = program.start()
    bed.send([frame.data] * 3)
    outcome = run.stop()
    assert formats.read_records(redis.client) == [frame.record()]
    assert outcome.records == {"produced": 3, "stored": 1, "collapsed": 2, "pending": 0, "lost": 0}
