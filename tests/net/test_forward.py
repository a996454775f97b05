"""Role forward: a wire with two ends, whatever the traffic is."""

import hashlib
import os
import re
import signal
import socket
import struct
import threading

import pytest

import formats
from bed import inside, run as run_command, wait_until
from chain import SERVER, SERVER6, Chain, ChainProgram, has_right_checksums
from formats import TCP, UDP, Flow
from test_errors import HOST_NOT_READY
from test_frames import MALFORMED, all_kinds, ping

OFFLOADS = pytest.mark.parametrize("offload", ["on", "off"])
QUEUES = pytest.mark.parametrize("chain", [1, 2], indirect=True, ids=["1q", "2q"])


def connect(chain, kind=socket.SOCK_STREAM, port=7):
    with inside(chain.client):
        peer = socket.socket(socket.AF_INET, kind)
    peer.settimeout(20)
    peer.connect((SERVER, port))
    return peer


def exchange(chain, sizes):
    """Datagrams of these sizes, and 20 MiB by TCP, go to the server and come back."""
    with connect(chain, socket.SOCK_DGRAM) as peer:
        for size in sizes:
            message = os.urandom(size)
            peer.send(message)
            assert peer.recv(1 << 16) == message
    with connect(chain) as peer:
        sent, received = transfer(peer, 20 << 20)
    assert sent == received


def transfer(peer, size):
    """Sends and takes back at the same time; answers the digests of both."""
    data = os.urandom(1 << 20)
    sent, received, left = hashlib.sha256(), hashlib.sha256(), size

    def send():
        for _ in range(size // len(data)):
            peer.sendall(data)
            sent.update(data)

    sender = threading.Thread(target=send)
    sender.start()
    while left:
        part = peer.recv(1 << 18)
        assert part, f"closed with {left} bytes to come"
        received.update(part)
        left -= len(part)
    sender.join()
    return sent.digest(), received.digest()


@QUEUES
@OFFLOADS
def test_everything_of_a_stack_goes_through(box, chain, echo_server, offload):
    """ARP and neighbour discovery too: the two ends know nothing of each other at first."""
    chain.set_offload(offload)
    chain.add_ipv6_addresses()
    chain.limit_tcp_windows()
    run = box.start()
    for number in range(3):
        ping(chain, socket.AF_INET, SERVER, number)
        ping(chain, socket.AF_INET6, SERVER6, number)
    exchange(chain, (0, 1, 17, 512, 1472))
    chain.settle()
    outcome = run.stop()
    assert outcome.frames["dropped"] == 0
    assert outcome.frames["passed"] < 3  # a late router solicitation may meet the stop
    assert outcome.frames["received"] > 2 * (20 << 20) // 1500
    assert outcome.records["produced"] == 0
    # Those that the senders have left to a NIC; one in 65,536 looks like that by chance.
    completed = outcome.edits.get("checksums completed", 0)
    assert completed > 100 if offload == "on" else completed < 20


def test_datagrams_larger_than_the_mtu_go_through_as_fragments(box, chain, echo_server):
    run = box.start()
    with connect(chain, socket.SOCK_DGRAM) as peer:
        for size in (1473, 3000, 9000):
            message = os.urandom(size)
            peer.send(message)
            assert peer.recv(16384) == message
    run.stop()


@OFFLOADS
def test_what_the_far_end_gets_has_right_checksums(box, chain, echo_server, offload):
    chain.set_offload(offload)
    run = box.start()
    with chain.server_socket() as receiver:
        with connect(chain, socket.SOCK_DGRAM) as udp, connect(chain) as tcp:
            for peer in (udp, tcp):
                peer.send(b"valinor" * 50)
                assert peer.recv(2048)
        # ARP, its answer, UDP, SYN, ACK, data.
        seen = [frame for frame in receiver.receive(5) if frame[12:14] == b"\x08\x00"]
    assert {frame[14 + 9] for frame in seen} == {UDP, TCP}
    assert all(has_right_checksums(frame[14:]) for frame in seen)
    run.stop()


@QUEUES
@pytest.mark.parametrize("backwards", [False, True])
def test_frames_of_a_flow_stay_in_order(box, chain, redis, backwards):
    """Eight flows, some of them telemetry, mixed."""
    run = box.start()
    frames = []
    for number in range(500):
        for port in range(8):
            flow = Flow(UDP, "10.0.0.1", f"10.0.0.{port + 2}", 5000 + port, 80)
            if port % 2:
                frames.append(formats.valinor_n(1 + len(frames), flow).data)
            else:
                payload = struct.pack(">II", port, number)
                segment = formats.transport(flow, payload)
                frames.append(formats.ethernet(0x0800) + formats.ipv4_header(
                    flow, len(segment), identification=number) + segment)
    received = []
    for start in range(0, len(frames), 400):  # no burst larger than the smallest ring
        received += chain.cross(frames[start:start + 400], backwards)

    def by_flow(some):
        flows = {}
        for frame in some:
            flows.setdefault(frame[26:34], []).append(frame)
        return flows

    assert by_flow(received) == by_flow(frames)
    outcome = run.stop()
    assert outcome.frames == {"received": 4000, "transmitted": 4000, "consumed": 0, "passed": 0,
                              "dropped": 0}
    assert outcome.records["stored"] == redis.count() == 2000


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mode", ["copy", "skb"])
def test_telemetry_is_recorded_and_goes_on_untouched(box, chain, redis, mode, backwards):
    frames = all_kinds()
    run = box.start(f"interfaces[0].mode={mode}")
    out = chain.cross([frame.data for frame in frames], backwards)
    outcome = run.stop()
    assert sorted(out) == sorted(frame.data for frame in frames)
    assert outcome.records["stored"] == redis.count() == len(frames)
    assert outcome.edits == outcome.broken == outcome.rpcs == {}


def test_it_is_told_how_long_packets_stayed_whatever_they_are(box, chain):
    broken = [frame for kind in ("unknown_layout", "unknown_format") for frame in MALFORMED[kind]]
    plain = formats.ethernet(0x88B5) + bytes(60)
    frames = [formats.valinor_n(1).data, *broken, plain]
    run = box.start("timestamp.residence=true")
    assert sorted(chain.cross(frames)) == sorted(frames)
    outcome = run.stop()
    assert sum(outcome.broken.values()) == len(broken)
    stayed = re.findall(r"resident \S+: ([\d,]+) packets stayed", outcome.stdout)
    assert sum(map(int, stayed)) == len(frames)
    assert "implausible" not in outcome.stdout, outcome.stdout


@pytest.mark.parametrize("network, host", [("copy", "skb"), ("skb", "copy"), ("auto", "auto")])
def test_each_side_may_have_settings_of_its_own(box, chain, network, host):
    text = box.config.read_text()
    start, end = text.index("interfaces:"), text.index("forward:")
    box.config.write_text(text[:start] + f"interfaces: [{{name: net0, mode: {network}}}, "
                          f"{{name: host0, mode: {host}}}]\n" + text[end:])
    frames = [frame.data for frame in all_kinds()[:100]]
    run = box.start()
    assert sorted(chain.cross(frames)) == sorted(frames)
    assert sorted(chain.cross(frames, backwards=True)) == sorted(frames)
    assert run.stop().frames["transmitted"] == 200
    assert f"mode {host} asked" in run.text() and f"mode {network} asked" in run.text()


def test_addresses_towards_the_host_are_rewritten(box, chain):
    run = box.start("forward.rewrite.dst_mac=02:00:00:00:00:01",
                    "forward.rewrite.src_mac=02:00:00:00:00:02")
    frame = formats.valinor_n(1).data
    addresses = bytes.fromhex("020000000001 020000000002")
    assert chain.cross([frame]) == [addresses + frame[12:]]
    assert chain.cross([frame], backwards=True) == [frame]
    run.stop()


@pytest.mark.parametrize("other, books", [("drop", "dropped"), ("kernel", "passed")])
def test_other_traffic_of_the_network_can_be_kept_out(box, chain, other, books):
    run = box.start(f"other={other}")
    plain = formats.ethernet(0x88B5) + bytes(50)
    telemetry = formats.valinor_n(1).data
    assert chain.cross([plain, telemetry], count=1) == [telemetry]
    assert sorted(chain.cross([plain, telemetry], backwards=True)) == sorted([plain, telemetry])
    outcome = run.stop()
    assert outcome.frames["transmitted"] == 3 and outcome.frames[books] == 1


# --- What can go wrong -----------------------------------------------------------------------


LARGE = formats.ethernet(0x88B5) + bytes(1000)


def send_inwards(chain, count):
    """Whatever becomes of them; returns when the box's network side has taken all of them in."""
    before = chain.received()
    with chain.client_socket() as sender:
        for _ in range(count):
            sender.send(LARGE)
    wait_until(lambda: chain.received() >= before + count, "the frames to arrive")


@pytest.mark.parametrize("interface, reason", [("server0", "tx_refused"), ("host0", "tx_full")])
def test_the_servers_link_may_go_down_and_up(box, chain, interface, reason):
    """The far end's device refuses frames; our own takes none, so that they wait in its ring."""
    run = box.start()
    namespace = chain.server if interface == "server0" else chain.host
    chain.ip(namespace, "link", "set", interface, "down")
    send_inwards(chain, 3000)
    chain.ip(namespace, "link", "set", interface, "up")
    wait_until(lambda: chain.statistics("host0")["operstate"] == "UP", "the link")
    last = formats.ethernet(0x88B6) + bytes(100)
    with chain.client_socket() as sender, chain.server_socket() as receiver:
        def has_come():
            sender.send(last)
            return last in receiver.receive(1)
        wait_until(has_come, "a frame behind those that waited")
    outcome = run.stop(status="by the books")
    assert outcome.dropped[reason] > 0 and set(outcome.dropped) <= {reason, "rx_ring_full"}
    assert outcome.frames["passed"] == 0


def test_a_link_that_stays_down_does_not_hang_the_stop(box, chain):
    run = box.start()
    chain.ip(chain.host, "link", "set", "host0", "down")
    send_inwards(chain, 3000)
    outcome = run.stop(status="by the books")
    assert outcome.frames["transmitted"] == 0
    assert outcome.dropped["tx_unfinished"] > 0
    assert sum(outcome.dropped.values()) == 3000


@pytest.mark.parametrize("on_full", ["drop", "retry"])
def test_rings_that_are_too_small_lose_frames_by_name(box, chain, on_full):
    rings = ("rx=64", "fill=64", "tx=64", "completion=64")
    run = box.start(f"forward.on_tx_full={on_full}",
                    *(f"interfaces[0].rings.{ring}" for ring in rings))
    send_inwards(chain, 20_000)
    outcome = run.stop(status="by the books")
    assert outcome.frames["received"] == 20_000
    assert outcome.frames["transmitted"] > 64
    assert set(outcome.dropped) <= {"rx_ring_full", "rx_no_frame", "tx_full"}


def test_a_box_that_stands_still_counts_what_it_missed(box, chain):
    run = box.start()
    run.send_signal(signal.SIGSTOP)
    send_inwards(chain, 5000)
    run.send_signal(signal.SIGCONT)
    frame = formats.valinor_n(1).data
    with chain.client_socket() as sender, chain.server_socket() as receiver:
        wait_until(lambda: sender.send(frame) or frame in receiver.receive(1), "the next frame")
    outcome = run.stop(status="by the books")
    assert outcome.dropped["rx_ring_full"] > 2000
    assert set(outcome.dropped) <= {"rx_ring_full", "rx_no_frame"}


def test_a_far_side_that_is_not_there(box, chain):
    box.refused("forward.to=nosuch0").assert_error(
        HOST_NOT_READY, "IF-NAME-01", "nosuch0: no such interface", "host0")
    assert not chain.has_xdp_program()


def test_different_numbers_of_queues(binary, folder, redis):
    with Chain(queues=2, server_queues=1) as uneven:
        program = ChainProgram(uneven, redis, folder)
        program.refused().assert_error(
            HOST_NOT_READY, "FWD-QUEUES-01", "net0 and host0 have different numbers of queues",
            "2 and 1", "interfaces[].queues")
        assert not uneven.has_xdp_program()
        program.start("interfaces[0].queues=[0]").stop()
        program.close()


def test_mtus_that_differ(box, chain):
    """What does not fit the far side is dropped there by name, and the rest goes on."""
    chain.set_mtu(1000, [(chain.server, "server0"), (chain.host, "host0")])
    run = box.start()
    large = formats.ethernet(0x88B5) + bytes(1400)
    small = formats.ethernet(0x88B5) + bytes(900)
    assert chain.cross([small, large, small, large, small], count=3) == [small] * 3
    outcome = run.stop()
    assert outcome.frames["transmitted"] == 3
    assert outcome.frames["dropped"] == 2


def test_an_mtu_that_a_frame_with_room_for_telemetry_cannot_hold(box, chain):
    box.refused("role=host", "interfaces[0].umem.frame_size=2048").assert_error(
        HOST_NOT_READY, "XSK-MTU-01", "net0", "MTU is 1500", "set umem.frame_size: 4096")
    assert not chain.has_xdp_program()
    box.start("role=host").stop()


def test_kill_9_leaves_no_program_on_either_interface(box, chain):
    run = box.start()
    assert chain.has_xdp_program()
    assert run.kill9().status == -signal.SIGKILL
    assert not chain.has_xdp_program()
    box.start().stop()
    assert not chain.has_xdp_program()


@pytest.mark.parametrize("interface", ["net0", "host0"])
def test_an_interface_that_vanishes_does_not_hang_the_stop(box, chain, interface):
    run = box.start()
    chain.cross([formats.valinor_n(1).data])
    run_command("ip", "-n", chain.host, "link", "del", interface)
    assert run.stop(status=None).records["produced"] == 1
