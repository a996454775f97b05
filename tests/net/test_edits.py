"""Roles sink, transit and source: telemetry removed, added to and begun between two interfaces."""

import itertools
import socket
import struct
import time
from random import Random

import pytest

import formats
from bed import inside, require, run as run_command
from chain import has_right_checksums
from formats import TCP, UDP, Flow, IntHost, LAYOUTS, TRACE_BYTES
from test_frames import MALFORMED, P4, TRACES
from test_records import CLOCKS, RECORD_ROUTE, make_hops

MTU = 1500
BOTH_WAYS = pytest.mark.parametrize("backwards", [False, True], ids=["inwards", "outwards"])


def plain(flow=Flow(), payload=b"abcd", options=b"", vlan=None, rpc_id=1, ethertype=0x0800):
    """The packet before any switch has touched it."""
    segment = formats.transport(flow, struct.pack(">I", rpc_id) + payload)
    return (formats.ethernet(ethertype, vlan) + formats.ipv4_header(flow, len(segment), options)
            + segment)


def all_paths(collect_size):
    """(with telemetry, plain): each path length with each kind of packet around it."""
    pairs = []
    kinds = itertools.product((UDP, TCP), (None, 42), (b"", RECORD_ROUTE), (None, IntHost()))
    for protocol, vlan, options, host in kinds:
        for count in range(19):
            if count == 0 and host is not None:
                continue  # no next_proto could name it
            flow = Flow(protocol, "10.0.0.1", "10.0.0.2", 10_000 + len(pairs), 80)
            shape = {"options": options, "vlan": vlan, "payload": b"valinor"}
            frame = formats.p4netintel(collect_size, make_hops(count, len(pairs)), flow, host=host,
                                       **shape)
            if len(frame.data) - (18 if vlan else 14) <= MTU:
                pairs.append((frame.data, plain(flow, **shape)))
    return pairs


# --- Sink ------------------------------------------------------------------------------------


@pytest.mark.parametrize("collect_size", LAYOUTS)
def test_the_sink_gives_the_host_what_was_sent(box, chain, redis, collect_size):
    pairs = all_paths(collect_size)
    assert len(pairs) > 290
    run = box.start("role=sink")
    out = chain.cross([telemetry for telemetry, _ in pairs])
    outcome = run.stop()
    assert sorted(out) == sorted(original for _, original in pairs)
    assert outcome.frames == {"received": len(pairs), "transmitted": len(pairs), "consumed": 0,
                              "passed": 0, "dropped": 0}
    assert outcome.edits == {"done": len(pairs)}
    assert outcome.records["stored"] == redis.count() == len(pairs)


def test_the_sink_leaves_what_the_host_sends(box, chain):
    pairs = all_paths(2)[:20]
    run = box.start("role=sink")
    frames = [frame for pair in pairs for frame in pair]
    assert sorted(chain.cross(frames, backwards=True)) == sorted(frames)
    assert run.stop().edits == {}


def test_the_sink_leaves_valinor_n(box, chain, redis):
    frames = [formats.valinor_n(number, Flow(UDP, source_port=number), options=options, vlan=vlan)
              for number, (options, vlan) in enumerate(
                  itertools.product((b"", RECORD_ROUTE), (None, 5)), 1000)]
    run = box.start("role=sink")
    assert sorted(chain.cross([frame.data for frame in frames])) == sorted(
        frame.data for frame in frames)
    assert run.stop().edits == {}
    assert set(formats.read_records(redis.client)) == {frame.record() for frame in frames}


@pytest.mark.parametrize("role", ["sink", "transit", "host", "forward"])
@pytest.mark.parametrize("kind", MALFORMED)
def test_broken_telemetry_goes_on_untouched_and_is_counted(box, chain, redis, kind, role):
    frames = MALFORMED[kind]
    run = box.start(f"role={role}")
    assert sorted(chain.cross(frames)) == sorted(frames)
    outcome = run.stop()
    assert outcome.broken == {kind: len(frames)}
    assert outcome.frames["transmitted"] == len(frames)
    assert outcome.records["produced"] == 0


def damage(random, frame):
    """A few bytes changed, most of them in the headers, or the end cut off."""
    data = bytearray(frame)
    for _ in range(random.randrange(1, 4)):
        data[random.randrange(12, min(len(data), random.choice((24, 80, 1500))))] = (
            random.randrange(256))
    return bytes(data[:random.randrange(20, len(data))] if random.random() < 0.2 else data)


@BOTH_WAYS
@pytest.mark.parametrize("role", ["forward", "sink", "transit", "source", "host"])
def test_damaged_frames_all_go_on(box, chain, role, backwards):
    """Whatever is wrong with them: one comes out for each that came in."""
    random = Random(f"{role} {backwards}")
    frames = [frame for size in LAYOUTS for pair in all_paths(size)[::3] for frame in pair]
    frames = [damage(random, frame) for frame in frames * 2]
    run = box.start(f"role={role}")
    for start in range(0, len(frames), 300):  # no burst larger than the smallest ring
        chain.cross(frames[start:start + 300], backwards)
    outcome = run.stop()
    assert outcome.frames["transmitted"] == outcome.frames["received"] == len(frames)


@pytest.mark.parametrize("role", ["sink", "transit", "host"])
def test_a_monitor_copy_is_recorded_and_not_edited(box, chain, role):
    """It ends inside of its IPv4 packet."""
    copy = formats.p4netintel(3, make_hops(3, 1), payload=bytes(100), monitor_copy=True).data
    run = box.start(f"role={role}")
    out, = chain.cross([copy])
    outcome = run.stop()
    assert outcome.records["produced"] == 1
    if role == "transit":
        assert out == copy and outcome.edits == {"cut_short": 1}
    else:  # what is left of the packet is what is left
        assert out in (copy, formats.Frame.without_telemetry(P4, copy)[:12] + b"\x08\0"
                       + copy[TRACES + 3 * 72:])


# --- Transit ---------------------------------------------------------------------------------


def read_bits(data, first, width):
    value = int.from_bytes(data, "big")
    return value >> len(data) * 8 - first - width & (1 << width) - 1


def decode_trace(collect_size, trace):
    fields, at = {}, 0
    for field, width in LAYOUTS[collect_size] + (("next_proto", 16),):
        if isinstance(field, str):
            fields[field] = read_bits(trace, at, width)
        at += width
    return fields


def assert_hop_of_ours(collect_size, fields, switch_id, before_us, after_us):
    if collect_size == 0:  # 8 bits
        assert fields["swid"] == switch_id & 0xFF
        return
    assert fields["swid"] == switch_id
    if collect_size == 1:
        return
    arrived, left = (before_us + (fields[name] - before_us) % (1 << 48)
                     for name in ("ingress_timestamp", "egress_timestamp"))  # 48 bits of it
    assert before_us <= arrived <= left <= after_us
    if collect_size == 3:
        assert fields["hop_latency"] == fields["egress_timestamp"] - fields["ingress_timestamp"]


def now_us(clock):
    return time.clock_gettime_ns(CLOCKS[clock]) // 1000


@BOTH_WAYS
@pytest.mark.parametrize("collect_size, clock", [(0, "tai"), (1, "tai"), (2, "realtime"),
                                                 (3, "tai"), (3, "monotonic")])
def test_transit_pushes_the_newest_hop(box, chain, redis, collect_size, clock, backwards):
    step = TRACE_BYTES[collect_size]
    sent = [telemetry for telemetry, _ in all_paths(collect_size)]
    run = box.start("role=transit", "hop.switch_id=0xA1B2C3D4", f"timestamp.clock={clock}",
                    f"hop.collect_size={collect_size}")
    before = now_us(clock)
    out = chain.cross(sent, backwards)
    after = now_us(clock)
    outcome = run.stop()

    waiting = set(sent)
    refused = 0
    for frame in out:
        link = 18 if frame[12:14] == b"\x81\0" else 14
        count, = struct.unpack_from(">I", frame, link)
        rest = frame[link + 4 + step:]
        grown = frame[:link] + struct.pack(">I", count - 1) + rest
        telemetry = next((data for data in (frame, grown) if data in waiting), None)
        waiting.remove(telemetry)
        if telemetry == frame:
            refused += 1
            assert len(frame) - link + step > MTU
            continue
        fields = decode_trace(collect_size, frame[link + 4:link + 4 + step])
        assert_hop_of_ours(collect_size, fields, 0xA1B2C3D4, before - 2, after + 2)
        assert fields["next_proto"] == (0x1213 if count > 1 else 0x0800)
    assert not waiting
    assert len(sent) == len(out) == outcome.frames["transmitted"] == redis.count()
    wanted = {"done": len(out) - refused}
    if refused:
        wanted["exceeds_mtu"] = refused
    assert outcome.edits == wanted


@BOTH_WAYS
@pytest.mark.parametrize("collect_size", [0, 1, 2])
def test_transit_stops_at_twenty(box, chain, collect_size, backwards):
    """As the switches do: int_host counts as a trace."""
    def frame(count, host=None):
        return formats.p4netintel(collect_size, make_hops(count, 1), host=host).data

    run = box.start("role=transit")
    full = [frame(20), frame(19, IntHost()), frame(25)]
    assert chain.cross(full, backwards) == full
    below = [frame(19), frame(18, IntHost())]
    out = chain.cross(below, backwards)
    assert [len(data) for data in out] == [len(data) + TRACE_BYTES[collect_size] for data in below]
    assert run.stop().edits == {"done": 2, "hop_limit": 3}


@BOTH_WAYS
@pytest.mark.parametrize("vlan", [None, 42])
def test_transit_never_exceeds_the_mtu(box, chain, backwards, vlan):
    def frame(size):  # of the packet behind the link layer, with one hop
        empty = formats.p4netintel(3, make_hops(1, 1), payload=b"", vlan=vlan)
        link = 14 if vlan is None else 18
        return formats.p4netintel(3, make_hops(1, 1), vlan=vlan,
                                  payload=bytes(size - len(empty.data) + link)).data

    run = box.start("role=transit")
    too_large = [frame(1500), frame(1500 - 71)]
    assert chain.cross(too_large, backwards) == too_large
    fits = frame(1500 - 72)
    out, = chain.cross([fits], backwards)
    assert len(out) == len(fits) + 72
    assert run.stop().edits == {"done": 1, "exceeds_mtu": 2}


@BOTH_WAYS
def test_transit_leaves_plain_packets_and_valinor_n(box, chain, backwards):
    frames = [plain(), plain(Flow(TCP)), formats.valinor_n(1).data]
    run = box.start("role=transit")
    assert sorted(chain.cross(frames, backwards)) == sorted(frames)
    assert "done" not in run.stop().edits


# --- Source ----------------------------------------------------------------------------------


def has_telemetry(frame):
    return frame[12:14] == b"\x12\x12"


@pytest.mark.parametrize("collect_size", LAYOUTS)
def test_the_source_begins_telemetry(box, chain, folder, collect_size):
    require("tshark")
    flows = [Flow(UDP, source_port=port) for port in range(1000, 1020)]
    sent = [plain(flow, options=options) for flow, options in zip(flows, [b"", RECORD_ROUTE] * 10)]
    step = TRACE_BYTES[collect_size]
    run = box.start("role=source", "hop.switch_id=77", f"hop.collect_size={collect_size}")
    before = now_us("tai")
    out = chain.cross(sent, backwards=True)
    after = now_us("tai")
    outcome = run.stop()
    assert outcome.edits == {"done": 20}
    assert outcome.records["produced"] == 0  # they are for others to read

    stripped = []
    for frame in out:
        assert has_telemetry(frame) and frame[14:18] == b"\0\0\0\x01"
        fields = decode_trace(collect_size, frame[18:18 + step])
        assert_hop_of_ours(collect_size, fields, 77, before - 2, after + 2)
        assert fields["next_proto"] == 0x0800
        stripped.append(frame[:12] + b"\x08\0" + frame[18 + step:])
    assert sorted(stripped) == sorted(sent)
    capture = folder / "source.pcap"
    formats.write_pcap(capture, [(0, frame) for frame in stripped])
    shown = run_command("tshark", "-r", capture, "-o", "ip.check_checksum:TRUE", "-o",
                        "udp.check_checksum:TRUE", "-T", "fields", "-e", "ip.checksum.status",
                        "-e", "udp.checksum.status").stdout
    assert shown.split("\n")[:-1] == ["1\t1"] * 20


def test_another_instance_reads_what_the_source_wrote(box, chain, redis, folder):
    run = box.start("role=source", "hop.switch_id=77")
    sent = [plain(Flow(UDP, source_port=port)) for port in range(1000, 1050)]
    out = chain.cross(sent, backwards=True)
    run.stop()
    reader = box.start("role=sink")
    assert sorted(chain.cross(out)) == sorted(sent)
    outcome = reader.stop()
    assert outcome.records["stored"] == 50
    assert outcome.broken == {}
    assert {record.source_port for record in formats.read_records(redis.client)} == set(
        range(1000, 1050))


def test_the_source_leaves_what_it_was_not_asked_for(box, chain):
    first_fragment = struct.pack(">BBHHHBBH", 0x45, 0, 28, 1, 0x2000, 64, UDP, 0) + bytes(16)
    fragment = formats.ethernet(0x0800) + first_fragment
    frames = [plain(Flow(TCP)), plain(Flow(UDP, destination_port=99)), fragment,
              formats.ethernet(0x0806) + bytes(46), formats.ethernet(0x86DD) + b"\x60" + bytes(60),
              formats.p4netintel(3, make_hops(2, 1)).data, formats.valinor_n(1).data]
    wanted = plain(Flow(UDP, destination_port=80))
    run = box.start("role=source", "source.dst_ports=[80, 81]")
    out = chain.cross([*frames, wanted], backwards=True)
    new = [frame for frame in out if frame not in frames]
    assert len(out) == len(frames) + 1
    assert len(new) == 1 and len(new[0]) == len(wanted) + 4 + 72
    assert sorted(chain.cross([*frames, wanted])) == sorted([*frames, wanted])  # inwards: nothing
    assert run.stop().edits == {"done": 1}


def test_the_source_can_take_tcp(box, chain):
    run = box.start("role=source", "source.ip_protocols=[6]")
    out = chain.cross([plain(Flow(TCP)), plain(Flow(UDP))], backwards=True)
    assert sum(map(has_telemetry, out)) == 1
    assert run.stop().edits == {"done": 1}


@pytest.mark.parametrize("chain", [1], indirect=True)
@pytest.mark.parametrize("every", [1, 7])
def test_the_source_takes_one_packet_in_so_many(box, chain, every):
    run = box.start("role=source", f"source.every={every}")
    out = chain.cross([plain(rpc_id=number) for number in range(1, 211)], backwards=True)
    chosen = [number for number, frame in enumerate(out) if has_telemetry(frame)]
    assert chosen == list(range(0, 210, every))
    run.stop()


@pytest.mark.parametrize("chain", [1], indirect=True)
def test_the_source_keeps_its_gap(box, chain):
    run = box.start("role=source", "source.gap=200ms")
    chosen = 0
    begin = time.monotonic()
    with chain.server_socket() as sender, chain.client_socket() as receiver:
        for number in range(1, 301):
            sender.send(plain(rpc_id=number))
            chosen += has_telemetry(receiver.receive(1)[0])
            time.sleep(0.002)
    took = time.monotonic() - begin
    assert 2 <= chosen <= took / 0.2 + 1
    assert run.stop().edits == {"done": chosen}


@pytest.mark.parametrize("chain", [1], indirect=True)
def test_the_source_never_exceeds_the_mtu(box, chain):
    room = MTU - 20 - 8 - 4
    frames = [plain(payload=bytes(room)), plain(payload=bytes(room - 75)),
              plain(payload=bytes(room - 76))]
    run = box.start("role=source")
    out = chain.cross(frames, backwards=True)
    assert [has_telemetry(frame) for frame in out] == [False, False, True]
    assert len(out[2]) == 14 + MTU
    assert run.stop().edits == {"done": 1, "exceeds_mtu": 2}


@pytest.mark.parametrize("offload", ["on", "off"])
def test_the_source_gives_out_right_checksums(box, chain, echo_server, offload):
    """Of a real stack, which leaves them to a NIC that is not there."""
    chain.set_offload(offload)
    run = box.start("role=source")
    with inside(chain.client):
        asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with asker, chain.client_socket() as receiver:
        asker.sendto(b"\0\0\0\x07 hello", ("10.78.0.2", 7))
        frame, = (frame for frame in receiver.receive(2) if has_telemetry(frame))
    assert frame[18 + 72 + 20 + 8:] == b"\0\0\0\x07 hello"
    assert has_right_checksums(frame[18 + 72:])
    run.stop()
