"""What becomes of frames: reflected, left to the stack, dropped by name."""

import itertools
import socket
import struct

import pytest

import formats
from bed import inside, require, run as run_command
from formats import TCP, UDP, Flow, IntHost
from test_records import RECORD_ROUTE, make_hops, make_p4netintel


def all_kinds():
    frames = [frame for size in formats.LAYOUTS for frame in make_p4netintel(size)]
    for number, protocol in enumerate((UDP, TCP)):
        for variant in ({}, {"vlan": 9}, {"options": RECORD_ROUTE}):
            flow = Flow(protocol, "10.0.0.1", "10.0.0.2", 5000 + number, 80)
            frames.append(formats.valinor_n(1000 + len(frames), flow, **variant))
    return frames


def reflect(program, bed, frames, *settings):
    run = program.start("role=reflect", *settings)
    with bed.socket() as sender:
        for frame in frames:
            sender.send(frame.data)
        back = sender.receive(len(frames))
    outcome = run.stop()
    assert outcome.frames == {"received": len(frames), "transmitted": len(frames), "consumed": 0,
                              "passed": 0, "dropped": 0}
    return back


@pytest.mark.parametrize("mode", ["copy", "skb"])
def test_a_reflected_frame_differs_in_its_addresses_only(program, bed, mode):
    frames = all_kinds()
    back = reflect(program, bed, frames, f"interfaces[0].mode={mode}")
    assert sorted(back) == sorted(frame.reflected() for frame in frames)


def test_reflected_checksums_are_right(program, bed, folder):
    """tshark judges the packets as the end host would get them: with their telemetry stripped."""
    require("tshark")
    kinds = itertools.product(formats.LAYOUTS, (1, 9), (UDP, TCP), (b"", RECORD_ROUTE))
    frames = [formats.p4netintel(size, make_hops(hops, hops), Flow(protocol), options=options,
                                 rpc_id=number)
              for number, (size, hops, protocol, options) in enumerate(kinds, 1)]
    sent = {frame.reflected(): frame for frame in frames}
    packets = [(0, sent[data].without_telemetry(data)) for data in reflect(program, bed, frames)]
    capture = folder / "reflected.pcap"
    formats.write_pcap(capture, packets)
    shown = run_command(
        "tshark", "-r", capture, "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
        "-o", "tcp.check_checksum:TRUE", "-T", "fields", "-e", "ip.checksum.status", "-e",
        "udp.checksum.status", "-e", "tcp.checksum.status", "-e", "ip.dst").stdout
    statuses = [line.split("\t") for line in shown.splitlines()]
    assert len(statuses) == len(frames)
    for ip, udp, tcp, destination in statuses:  # 1: good
        assert (ip, udp + tcp, destination) == ("1", "1", "10.0.1.1")


def test_valinor_n_reflects_with_a_right_ip_checksum(program, bed, folder):
    require("tshark")
    capture = folder / "reflected.pcap"
    frames = [formats.valinor_n(number) for number in range(10)]
    formats.write_pcap(capture, [(0, data) for data in reflect(program, bed, frames)])
    shown = run_command("tshark", "-r", capture, "-o", "ip.check_checksum:TRUE", "-T", "fields",
                        "-e", "ip.checksum.status", "-e", "ip.src").stdout
    assert shown.splitlines() == ["1\t10.0.3.3"] * 10


# --- The host's stack ------------------------------------------------------------------------


def ping(bed, family, address, number):
    """An ICMP echo and its answer."""
    is_ipv4 = family == socket.AF_INET
    protocol = socket.IPPROTO_ICMP if is_ipv4 else socket.IPPROTO_ICMPV6
    request, answer = (8, 0) if is_ipv4 else (128, 129)
    body = struct.pack(">HH", 4711, number) + b"valinor"
    header = struct.pack(">BBH", request, 0, 0)
    if is_ipv4:  # the kernel does ICMPv6's
        header = struct.pack(">BBH", request, 0, formats.checksum(header + body))
    with inside(bed.gen):
        asker = socket.socket(family, socket.SOCK_RAW, protocol)
    with asker:
        asker.settimeout(10)
        asker.sendto(header + body, (address, 0))
        while True:
            data = asker.recv(2048)
            message = data[(data[0] & 15) * 4:] if is_ipv4 else data
            if message[0] == answer and message[4:] == body:
                return


def echo(bed, size):
    """Sends bytes over TCP from one namespace to a server in the other and back."""
    with inside(bed.host):
        server = socket.create_server(("10.77.0.1", 7))
    with inside(bed.gen):
        client = socket.create_connection(("10.77.0.1", 7), timeout=10)
    with server, client:
        peer, _ = server.accept()
        with peer:
            peer.settimeout(10)
            data = bytes(i % 251 for i in range(size))
            for source, sink in ((client, peer), (peer, client)):
                source.sendall(data)
                received = b""
                while len(received) < size:
                    received += sink.recv(65536)
                assert received == data


@pytest.mark.parametrize("mode", ["copy", "skb"])
def test_other_traffic_reaches_the_stack(program, redis, bed, mode):
    bed.add_addresses()
    run = program.start(f"interfaces[0].mode={mode}")
    bed.send([formats.valinor_n(1).data])
    for number in range(3):
        ping(bed, socket.AF_INET, "10.77.0.1", number)
        ping(bed, socket.AF_INET6, "fd77::1", number)
    echo(bed, 30_000)
    bed.send([formats.valinor_n(2).data])
    outcome = run.stop()
    assert outcome.frames["consumed"] == 2
    assert outcome.frames["passed"] >= 6 + 6  # pings, and TCP, whose segments may come merged
    assert outcome.frames["dropped"] == 0
    assert redis.count() == 2


def test_telemetry_reaches_the_stack_before_and_after_a_run_only(program, bed):
    other = formats.ethernet(0x88B5) + bytes(50)  # "local experimental"
    telemetry = formats.valinor_n(1).data
    with bed.stack() as stack:
        run = program.start()
        bed.send([telemetry] * 50 + [other])
        assert stack.receive(1) == [other]
        run.stop()
        bed.send([telemetry] * 50)
        assert stack.receive(50) == [telemetry] * 50


# --- Frames that do not hold what they claim -------------------------------------------------


def cut(frame, size):
    return frame.data[:size]


def patch(data, at, new):
    return data[:at] + new + data[at + len(new):]


P4 = formats.p4netintel(3, make_hops(3, 1))
P4_HOST = formats.p4netintel(2, make_hops(2, 1), host=IntHost())
VALINOR = formats.valinor_n(1000)
TRACES = 14 + 4  # where they begin

MALFORMED = {
    "truncated": [
        cut(P4, 16),                                       # inside int_header
        cut(P4, P4.ip_offset + 10),                        # inside IPv4
        cut(P4_HOST, TRACES + 2 * 36 + 10),                # inside int_host
        cut(VALINOR, 34 + 20),                             # inside the timestamps
        cut(VALINOR, 80 + 2),                              # inside the ports
    ],
    "hop_count": [
        patch(P4.data, 14, struct.pack(">I", 1000)),
        patch(P4.data, 14, struct.pack(">I", 0xFFFFFFFF)),
        cut(P4, TRACES + 5),                               # not even a trace of 9 bytes
    ],
    "unknown_layout": [
        patch(P4.data, TRACES + 70, b"\xAB\xCD"),          # an unheard-of next_proto
        formats.ethernet(0x1212) + struct.pack(">I", 2) + bytes(200),
    ],
    "malformed_ip": [
        patch(P4.data, P4.ip_offset, b"\x65"),             # version 6
        patch(P4.data, P4.ip_offset, b"\x44"),             # a header of 16 bytes
        patch(P4.data, P4.ip_offset + 2, b"\0\x05"),       # total length less than the header
        formats.ethernet(0x1212) + bytes(4) + b"\x55" + bytes(40),  # no traces, and no IPv4
    ],
    "unknown_format": [
        formats.valinor_n(1, ingress_mac=0x200000000001).data,  # IFA 2.0 has the same protocol
    ],
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_frame_is_counted_by_its_name(program, redis, bed, kind):
    frames = MALFORMED[kind]
    run = program.start()
    bed.send(frames)
    outcome = run.stop()
    assert outcome.dropped == {kind: len(frames)}
    assert outcome.frames == {"received": len(frames), "transmitted": 0, "consumed": 0,
                              "passed": 0, "dropped": len(frames)}
    assert outcome.records["produced"] == 0
    assert redis.client.keys() == []


def test_a_broken_chain_has_a_name_where_the_layout_is_configured(program, bed):
    run = program.start("telemetry.p4netintel.collect_size=3")
    bed.send([patch(P4.data, TRACES + 70, b"\xAB\xCD")])
    assert run.stop().dropped == {"broken_chain": 1}


def test_malformed_frames_do_not_disturb_good_ones(program, redis, bed):
    good = [formats.valinor_n(number) for number in range(100)]
    bad = [data for frames in MALFORMED.values() for data in frames]
    mixed = [data for i, frame in enumerate(good) for data in (bad[i % len(bad)], frame.data)]
    run = program.start("role=reflect")
    bed.send(mixed)
    outcome = run.stop()
    assert set(formats.read_records(redis.client)) == {frame.record() for frame in good}
    assert outcome.frames["transmitted"] == 100
    assert outcome.frames["dropped"] == 100


def test_what_is_too_short_to_judge_is_left_to_the_stack(program, bed):
    """An IPv4 header that is cut short: the XDP program cannot know that it is telemetry."""
    run = program.start()
    bed.send([cut(VALINOR, 30), VALINOR.data[:14] + b"\x4F" + VALINOR.data[15:60]])
    outcome = run.stop()
    assert outcome.frames["passed"] == 2
    assert outcome.frames["dropped"] == 0
