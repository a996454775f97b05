"""Role host: the server sees plain packets, the client gets its requests' traces back."""

import itertools
import multiprocessing
import os
import socket
import struct
import time

import pytest

import formats
from bed import PacketSocket
from chain import RAW_CLIENT, SERVER, has_right_checksums
from formats import LAYOUTS, TCP, TRACE_BYTES, UDP, Flow, IntHost
from rpc import RawClient, Relay, Reply, reply_to, request, without_links
from test_edits import plain
from test_forward import OFFLOADS, QUEUES, connect, transfer
from test_frames import ping
from test_records import RECORD_ROUTE, make_hops


def traces_of(collect_size, frame):
    return without_links(collect_size, frame.data[18:frame.ip_offset])


# --- An unmodified server over UDP -----------------------------------------------------------


@pytest.mark.parametrize("compat, order", [("network", ">"), ("p4netintel", "<")])
@pytest.mark.parametrize("collect_size", LAYOUTS)
def test_replies_carry_the_traces_of_their_requests(box, chain, echo_server, redis, collect_size,
                                                    compat, order):
    run = box.start("role=host", f"telemetry.p4netintel.compat={compat}")
    with chain.server_socket() as seen, RawClient(chain) as client:
        for count in range(1, 19):
            frame = request(collect_size, make_hops(count, count), 20_000 + count, 4711 + count,
                            payload=b"valinor" * count, identification=count)
            data, round_trip = client.call(frame.data)
            reply = Reply.parse(collect_size, data, order)
            assert reply.traces == traces_of(collect_size, frame)
            assert reply.requests == 1 and reply.rpc_id == 4711 + count
            assert 0 < reply.time_ns < round_trip
            assert has_right_checksums(reply.plain[14:])
            # What came back is what was sent, and the server has seen nothing else.
            assert reply.plain[14 + 20 + 8:] == frame.data[frame.ports_offset + 8:]
            assert seen.receive(1) == [frame.without_telemetry()]
    outcome = run.stop()
    assert outcome.frames["transmitted"] == outcome.frames["received"] == 36
    assert outcome.rpcs == {"requests": 18, "answered": 18}
    assert outcome.edits.pop("done") == 36
    assert set(outcome.edits) <= {"checksums completed"}
    assert outcome.records["stored"] == redis.count() == 36  # request, and pair


@OFFLOADS
@QUEUES
def test_the_servers_checksums_are_finished(box, chain, echo_server, offload):
    chain.set_offload(offload)
    run = box.start("role=host")
    with RawClient(chain) as client:
        for number in range(1, 21):
            reply = Reply.parse(1, client.call(request(1, make_hops(3, 1), rpc_id=number).data)[0])
            assert has_right_checksums(reply.plain[14:])
            assert reply.plain[14 + 20 + 6:14 + 20 + 8] != b"\0\0"
    outcome = run.stop()
    assert outcome.edits.get("checksums completed", 0) == (20 if offload == "on" else 0)


def meanwhile(chain, is_over):
    """A ping every now and then, and somebody who types: one byte, and its echo."""
    number = 0
    with connect(chain) as session:
        session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while number < 20 or not is_over.is_set():
            key = bytes([number % 256])
            session.sendall(key)
            assert session.recv(1) == key
            if number % 10 == 0:
                ping(chain, socket.AF_INET, SERVER, number % 65536)
            number += 1
            is_over.wait(0.01)
    os._exit(0)


def test_a_hundred_thousand_requests(box, chain, echo_server, redis):
    """At 10,000 a second, 72 kinds of paths, while others use the same wire."""
    total = 100_000
    templates = []
    for number, (collect_size, count) in enumerate(itertools.product(LAYOUTS, range(1, 19))):
        templates.append((collect_size, request(
            collect_size, make_hops(count, number), 20_000 + number, rpc_id=0,
            payload=b"\xff\xff\xff\xff")))
    run = box.start("role=host")
    forked = multiprocessing.get_context("fork")
    is_over = forked.Event()
    others = forked.Process(target=meanwhile, args=(chain, is_over), daemon=True)
    with PacketSocket(chain.server, "server0", 0x1212) as telemetry, RawClient(chain) as client:
        others.start()
        try:
            took, longest = client.load(templates, total, 10_000)
        finally:
            is_over.set()
            others.join(20)
        assert others.exitcode == 0
        assert telemetry.waiting() == 0  # the server has seen plain packets only
    chain.settle()
    outcome = run.stop()
    print(f"\n{total / took:,.0f} requests/s, longest round trip {longest / 1e6:.1f} ms")
    rpcs = outcome.rpcs
    assert rpcs["requests"] == rpcs["answered"] == total
    assert not rpcs.keys() & {"repeated", "busy", "refused", "never_answered", "evicted_age"}
    assert outcome.edits["done"] == 2 * total
    assert outcome.frames["dropped"] == 0
    assert outcome.records["produced"] == outcome.records["stored"] == 2 * total
    assert redis.count() == 2 * total


# --- An unmodified server over TCP -----------------------------------------------------------


@pytest.mark.parametrize("collect_size, hops, mtu", [
    (0, 4, 1300), (1, 18, 1300), (2, 4, 1300), (3, 2, 1300), (3, 18, 182)])
def test_tcp_replies_carry_the_traces_of_their_requests(box, chain, echo_server, collect_size,
                                                        hops, mtu):
    """Eight connections of the kernel's TCP, each with a request in flight."""
    run = box.start("role=host")
    with Relay(chain, collect_size, make_hops(hops, 1), mtu) as relay:
        peers = [connect(chain) for _ in range(8)]
        asked = {}
        for turn in range(100):
            for number, peer in enumerate(peers):
                rpc_id = 1 + turn * 8 + number
                message = struct.pack(">I", rpc_id) + os.urandom((turn * 37 + number) % (mtu - 60))
                peer.sendall(message)
                asked[peer] = message
            for peer, message in asked.items():
                echo = b""
                while len(echo) < len(message):
                    echo += peer.recv(65536)
                assert echo == message
        ports = [peer.getsockname()[1] for peer in peers]
        for peer in peers:
            peer.close()
    outcome = run.stop()
    assert not relay.plain_replies
    assert relay.replies.keys() == {(ports[i % 8], 1 + i) for i in range(800)}
    for (_, rpc_id), replies in relay.replies.items():
        for reply in replies:
            assert reply.traces == relay.expected(rpc_id)
            assert 1 <= reply.requests <= 2  # a retransmission is possible
            assert has_right_checksums(reply.plain[14:])
    assert outcome.rpcs["requests"] == 800
    assert outcome.frames["dropped"] == 0


def test_a_tcp_stream_survives_telemetry_in_every_segment(box, chain, echo_server):
    """Its segments begin anywhere, so their ids are anything, and most replies fit no request."""
    run = box.start("role=host")
    with Relay(chain, 2, make_hops(3, 1)) as relay, connect(chain) as peer:
        sent, received = transfer(peer, 4 << 20)
    assert sent == received
    outcome = run.stop()
    assert outcome.rpcs["requests"] > 2000
    assert not outcome.broken


# --- What is remembered ----------------------------------------------------------------------
# The test is the server here.


def cross_back(chain, frames):
    return chain.cross(frames, backwards=True)


@pytest.mark.parametrize("protocol", [UDP, TCP])
@pytest.mark.parametrize("vlan, options", [(None, b""), (42, b""), (None, RECORD_ROUTE),
                                           (42, RECORD_ROUTE)])
def test_replies_may_be_tagged_and_have_options(box, chain, protocol, vlan, options):
    run = box.start("role=host")
    shapes = [request(size, make_hops(count, count), rpc_id=number, vlan=vlan, options=options,
                      host=host, flow=Flow(protocol, source_port=number))
              for number, (size, count, host) in enumerate(
                  itertools.product(LAYOUTS, (1, 5), (None, IntHost())), 1)]
    requests = chain.cross([frame.data for frame in shapes])
    assert not any(frame[12:14] == b"\x12\x12" for frame in requests)
    answers = cross_back(chain, [reply_to(frame) for frame in requests])
    assert len(answers) == len(shapes)
    link = 14 if vlan is None else 18
    by_id = {}
    for answer in answers:
        size = next(size for number, size in enumerate(LAYOUTS) if parses(size, answer))
        reply = Reply.parse(size, answer)
        by_id[reply.rpc_id] = reply
        assert has_right_checksums(reply.plain[link:])
    for number, frame in enumerate(shapes, 1):
        size = list(LAYOUTS)[(number - 1) // 4]
        step = TRACE_BYTES[size]
        count, = struct.unpack_from(">I", frame.data, link)
        traces = frame.data[link + 4:link + 4 + count * step]
        assert by_id[number].traces == without_links(size, traces)
        assert by_id[number].requests == 1
    assert run.stop().rpcs == {"requests": 16, "answered": 16}


def parses(collect_size, frame):
    try:
        Reply.parse(collect_size, frame)
    except (AssertionError, struct.error, IndexError):
        return False
    return True


def test_a_retransmitted_request_is_counted_and_keeps_its_first_time(box, chain):
    run = box.start("role=host")
    first = request(3, make_hops(3, 1))
    again = request(3, make_hops(4, 2))  # by another path
    chain.cross([first.data])
    time.sleep(0.3)
    original, = chain.cross([again.data])
    replies = [Reply.parse(3, data) for data in cross_back(chain, [reply_to(original)] * 2)]
    for reply in replies:  # a retransmitted one has the traces as well
        assert reply.traces == traces_of(3, again)
        assert reply.requests == 2 and reply.time_ns > 300_000_000
    assert run.stop().rpcs == {"requests": 1, "repeated": 1, "answered": 2}


def test_many_in_flight_are_answered_in_any_order(box, chain):
    run = box.start("role=host")
    frames = {number: request(1, make_hops(number % 18 + 1, number), rpc_id=number)
              for number in range(1, 501)}
    originals = chain.cross([frame.data for frame in frames.values()])
    replies = [Reply.parse(1, data) for data in
               cross_back(chain, [reply_to(frame) for frame in reversed(originals)])]
    assert {reply.rpc_id for reply in replies} == set(frames)
    for reply in replies:
        assert reply.traces == traces_of(1, frames[reply.rpc_id])
    assert run.stop().rpcs == {"requests": 500, "answered": 500}


def test_ids_are_told_apart_by_flow(box, chain):
    run = box.start("role=host")
    flows = [Flow(protocol, f"10.0.0.{host}", "10.0.1.1", port, 80)
             for protocol in (UDP, TCP) for host in (1, 2) for port in (1000, 1001)]
    frames = [request(1, make_hops(5, number), rpc_id=9, flow=flow)
              for number, flow in enumerate(flows)]
    originals = chain.cross([frame.data for frame in frames])
    wanted = {frame.without_telemetry(): frame for frame in frames}
    replies = [Reply.parse(1, data) for data in
               cross_back(chain, [reply_to(frame) for frame in originals])]
    assert len(replies) == 8
    for reply in replies:
        assert reply.traces == traces_of(1, wanted[reply_to(reply.plain)])
    run.stop()


def test_id_0_is_no_rpc(box, chain):
    run = box.start("role=host")
    frame = request(3, make_hops(3, 1), rpc_id=0)
    original, = chain.cross([frame.data])
    assert original == frame.without_telemetry()
    assert cross_back(chain, [reply_to(original)]) == [reply_to(original)]
    outcome = run.stop()
    assert outcome.rpcs == {"refused": 1}
    assert outcome.records["produced"] == 1


def test_more_traces_than_switches_stack_are_stripped_and_not_kept(box, chain):
    run = box.start("role=host")
    frame = request(1, make_hops(21, 1))
    original, = chain.cross([frame.data])
    assert original == frame.without_telemetry()
    assert cross_back(chain, [reply_to(original)]) == [reply_to(original)]
    outcome = run.stop()
    assert outcome.rpcs == {"refused": 1, "replies without a request": 1}


def test_replies_without_a_request_stay_plain(box, chain):
    run = box.start("role=host")
    frames = [reply_to(plain(Flow(protocol), rpc_id=number))
              for protocol in (UDP, TCP) for number in range(1, 11)]
    assert sorted(cross_back(chain, frames)) == sorted(frames)
    outcome = run.stop()
    assert outcome.rpcs == {"replies without a request": 20}
    assert outcome.edits == {}


def fragmented(frame, size=64):
    """An IPv4 packet without options behind Ethernet as two fragments."""
    header, data = bytearray(frame[14:34]), frame[34:]
    out = []
    for at, part in ((0, data[:size]), (size, data[size:])):
        flags = (0x2000 if at == 0 else 0) | at // 8
        header[2:8] = struct.pack(">HHH", 20 + len(part), 77, flags)
        header[10:12] = b"\0\0"
        header[10:12] = struct.pack(">H", formats.checksum(bytes(header)))
        out.append(frame[:14] + bytes(header) + part)
    return out


def test_fragments_go_through_unharmed(box, chain):
    """The id is in a request's first fragment. A reply's is looked for in whole packets only."""
    run = box.start("role=host")
    whole = request(3, make_hops(2, 1), payload=bytes(200))
    head = whole.data[:whole.ip_offset]
    pieces = fragmented(whole.without_telemetry())
    with_telemetry = [head + piece[14:] for piece in pieces]
    assert sorted(chain.cross(with_telemetry)) == sorted(pieces)
    back = fragmented(reply_to(whole.without_telemetry()))
    assert sorted(cross_back(chain, back)) == sorted(back)
    outcome = run.stop()
    assert outcome.rpcs == {"requests": 1, "refused": 1}
    assert outcome.edits == {"done": 2}


def test_requests_are_forgotten_after_their_time(box, chain):
    run = box.start("role=host", "host.max_age=300ms")
    originals = chain.cross([request(1, make_hops(2, 1), rpc_id=number).data
                             for number in range(1, 101)])
    time.sleep(0.4)
    replies = [reply_to(frame) for frame in originals]
    assert sorted(cross_back(chain, replies)) == sorted(replies)
    assert run.stop().rpcs == {"requests": 100, "evicted_age": 100, "never_answered": 100,
                               "replies without a request": 100}


def test_a_table_that_is_too_small_forgets_the_oldest(box, chain):
    run = box.start("role=host", "host.requests=64")
    frames = {number: request(1, make_hops(2, number), rpc_id=number) for number in range(1, 501)}
    originals = chain.cross([frame.data for frame in frames.values()])
    assert sorted(originals) == sorted(frame.without_telemetry() for frame in frames.values())
    replies = [reply_to(frame) for frame in originals]
    out = cross_back(chain, replies)
    known = [Reply.parse(1, data) for data in out if data[12:14] == b"\x12\x12"]
    unknown = [data for data in out if data[12:14] != b"\x12\x12"]
    assert 0 < len(known) <= 64
    assert sorted([reply.plain for reply in known] + unknown) == sorted(replies)
    for reply in known:
        assert reply.traces == traces_of(1, frames[reply.rpc_id])
    assert run.stop().rpcs == {
        "requests": 500, "answered": len(known), "replies without a request": 500 - len(known),
        "evicted_full": 500 - len(known), "never_answered": 500 - len(known)}


def test_a_reply_that_would_exceed_the_mtu_stays_plain(box, chain):
    run = box.start("role=host")
    hops = make_hops(18, 1)
    room = 1500 - 4 - 18 * 72 - 20 - 8 - 4  # of a request; a reply has int_host too
    frames = [request(3, hops, rpc_id=number, payload=bytes(size))
              for number, size in enumerate((room, room - 17, room - 18), 1)]
    replies = [reply_to(chain.cross([frame.data])[0]) for frame in frames]
    assert cross_back(chain, replies[:1]) == replies[:1]
    assert cross_back(chain, replies[1:2]) == replies[1:2]
    out, = cross_back(chain, replies[2:])
    assert len(out) == 1514 and Reply.parse(3, out).traces == traces_of(3, frames[2])
    outcome = run.stop()
    assert outcome.edits == {"done": 4, "exceeds_mtu": 2}
    assert outcome.rpcs == {"requests": 3, "answered": 3}


def test_a_longer_reply_than_the_request_may_exceed_the_mtu(box, chain):
    run = box.start("role=host")
    chain.cross([request(2, make_hops(9, 1)).data])
    large = reply_to(plain(payload=bytes(1400)))
    large_flow = reply_to(plain(Flow(UDP, RAW_CLIENT, SERVER, 20_000, 7), payload=bytes(1400)))
    assert cross_back(chain, [large_flow]) == [large_flow]
    assert cross_back(chain, [large]) == [large]
    outcome = run.stop()
    assert outcome.edits["exceeds_mtu"] == 1


def test_requests_without_traces_are_stripped(box, chain):
    """int_header alone; a reply has nothing to carry."""
    run = box.start("role=host")
    frame = request(3, [])
    original, = chain.cross([frame.data])
    assert original == frame.without_telemetry()
    out, = cross_back(chain, [reply_to(original)])
    assert out in (reply_to(original), reply_to(original)[:12] + b"\x12\x12\0\0\0\0"
                   + reply_to(original)[14:])
    run.stop()


def test_valinor_n_goes_to_the_host_untouched(box, chain, redis):
    run = box.start("role=host")
    frames = [formats.valinor_n(number) for number in range(10)]
    assert chain.cross([frame.data for frame in frames]) == [frame.data for frame in frames]
    outcome = run.stop()
    assert outcome.rpcs == {} and outcome.edits == {}
    assert redis.count() == 10


def test_a_run_that_ends_lets_go_of_what_it_remembers(box, chain):
    """The next one knows nothing of the requests of this one."""
    run = box.start("role=host")
    original, = chain.cross([request(3, make_hops(3, 1)).data])
    run.stop()
    run = box.start("role=host")
    assert cross_back(chain, [reply_to(original)]) == [reply_to(original)]
    assert run.stop().rpcs == {"replies without a request": 1}
