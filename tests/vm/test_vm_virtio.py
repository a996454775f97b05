"""virtio-net in zero-copy: one queue."""

import formats
import pytest
from formats import TCP, UDP, Flow, Hop

NIC3_MAC = "52:54:00:00:00:03"
GENERATED = (["--format", "p4netintel", "--collect-size", "3", "--hops", "5"],
             ["--format", "valinor-n"])
SMALL = {"rings": {"rx": 64, "fill": 64, "tx": 64, "completion": 64}, "umem": {"frames": 256}}


def frames_of_both_formats(flows=200):
    """Each layout, short and long; each frame of a flow of its own."""
    frames = []
    for number in range(flows):
        flow = Flow((UDP, TCP)[number % 2], "10.0.1.1", "10.0.3.3", 5000 + number, 80)
        if number % 5 == 4:
            frames.append(formats.valinor_n(1_000_000 + number, flow))
            continue
        hops = [Hop(swid=number, deq_timedelta=1000 * number + hop)
                for hop in range(1 + number % 9)]
        frames.append(formats.p4netintel(number % 5, hops, flow, payload=bytes(number * 2)))
    return frames


def assert_recorded(redis, frames):
    by_port = {record.source_port: record for record in formats.read_records(redis)}
    assert len(by_port) == len(frames)
    for frame in frames:
        record = by_port[frame.flow.source_port]
        assert record == frame.record(record.time_ns if frame.time_ns is None else None)


def assert_all(outcome, **counts):
    """Of the two equations: nothing but these."""
    assert {name: count for name, count in outcome.frames.items() if count} == counts
    assert outcome.records["produced"] == outcome.records["stored"] == counts["received"]


def test_records_are_what_was_sent(guest):
    frames = frames_of_both_formats()
    run = guest.start("nic1")
    assert run.modes() == {("nic1", 0): "zerocopy"}
    assert guest.sockets() == {("nic1", 0): True}
    guest.wire.send(frame.data for frame in frames)
    guest.redis.wait_for(len(frames))
    assert_all(run.stop(), received=len(frames), consumed=len(frames))
    assert_recorded(guest.redis, frames)


@pytest.mark.parametrize("poll", ["auto", "busy", "wakeup"])
def test_reflected_frames_differ_in_their_addresses_only(guest, poll):
    frames = frames_of_both_formats()
    run = guest.start({"name": "nic1", "poll": {"mode": poll}}, role="reflect")
    guest.wire.send(frame.data for frame in frames)
    back = guest.wire.receive(len(frames))
    assert_all(run.stop(), received=len(frames), transmitted=len(frames))
    assert sorted(back) == sorted(frame.reflected() for frame in frames)
    assert_recorded(guest.redis, frames)


def packets_polled(guest):
    """By system calls on sockets, in place of interrupts."""
    names, values = guest.run("grep ^TcpExt: /proc/net/netstat").splitlines()
    return int(dict(zip(names.split(), values.split()))["BusyPollRxPackets"])


@pytest.fixture
def deferring(guest):
    """nic1 raises no interrupts while somebody polls it at least once a second."""
    def set_deferral(interrupts, timeout_ns):
        guest.run(f"cd /sys/class/net/nic1\necho {interrupts} >napi_defer_hard_irqs\n"
                  f"echo {timeout_ns} >gro_flush_timeout")

    set_deferral(100, 10**9)
    yield guest
    set_deferral(0, 0)


@pytest.mark.parametrize("poll", ["auto", "busy", "wakeup"])
def test_preferred_busy_polling(guest, poll, request):
    if poll == "busy":
        request.getfixturevalue("deferring")
    frames = frames_of_both_formats()
    before = packets_polled(guest)
    # While frames are handed over the virtual machine stands still, longer than the
    # program defers interrupts: it would be the timer that polls.
    run = guest.start({"name": "nic1", "poll": {"mode": poll, "prefer_busy": True,
                                                "napi_defer": "off"}}, role="reflect")
    assert "zerocopy obtained, busy polling" in run.text()
    back = []
    for first in range(0, len(frames), 10):  # what comes first is an interrupt's
        guest.wire.send(frame.data for frame in frames[first:first + 10])
        back += guest.wire.receive(10)
    assert_all(run.stop(), received=len(frames), transmitted=len(frames))
    assert sorted(back) == sorted(frame.reflected() for frame in frames)
    assert_recorded(guest.redis, frames)
    assert poll != "busy" or packets_polled(guest) > before


def deferral(guest):
    """napi_defer_hard_irqs and gro_flush_timeout."""
    folder = "/sys/class/net/nic1"
    return guest.run(f"cat {folder}/napi_defer_hard_irqs {folder}/gro_flush_timeout").split()


def test_interrupts_are_deferred_while_it_polls(guest):
    frames = frames_of_both_formats(50)
    assert deferral(guest) == ["0", "0"]
    run = guest.start({"name": "nic1", "poll": {"mode": "busy", "prefer_busy": True}})
    assert "napi_defer_hard_irqs 2, gro_flush_timeout 200000 ns" in run.text()
    assert deferral(guest) == ["2", "200000"]
    guest.wire.send(frame.data for frame in frames)
    guest.redis.wait_for(len(frames))
    assert_all(run.stop(), received=len(frames), consumed=len(frames))
    assert deferral(guest) == ["0", "0"]


def test_deferral_ends_with_the_start_after_a_crash(guest):
    run = guest.start({"name": "nic1", "poll": {"prefer_busy": True}})
    assert deferral(guest) == ["2", "200000"]
    run.end()
    guest.start("nic1").stop()
    assert deferral(guest) == ["0", "0"]


@pytest.mark.parametrize("poll", [{"prefer_busy": False},
                                  {"prefer_busy": True, "napi_defer": "off"}])
def test_interrupts_are_not_deferred_unasked(guest, poll):
    run = guest.start({"name": "nic1", "poll": poll})
    assert deferral(guest) == ["0", "0"]
    run.stop()


def test_somebodys_own_deferral_stays(guest):
    folder = "/sys/class/net/nic1"
    guest.run(f"echo 5 > {folder}/napi_defer_hard_irqs; echo 50000 > {folder}/gro_flush_timeout")
    guest.start({"name": "nic1", "poll": {"prefer_busy": True}}).stop()
    assert deferral(guest) == ["5", "50000"]
    guest.run(f"echo 0 > {folder}/napi_defer_hard_irqs; echo 0 > {folder}/gro_flush_timeout")


def test_preferred_busy_polling_of_single_frames(guest):
    frames = frames_of_both_formats(50)
    run = guest.start({"name": "nic1", "poll": {"mode": "busy", "prefer_busy": True}},
                      role="reflect")
    for frame in frames:
        guest.wire.send([frame.data])
        assert guest.wire.receive(1) == [frame.reflected()]
    assert_all(run.stop(), received=len(frames), transmitted=len(frames))


def test_a_single_frame_does_not_wait_for_others(guest):
    """Nothing is stuck in a ring for want of a wake-up: each goes before the next comes."""
    frames = frames_of_both_formats(50)
    run = guest.start("nic1", role="reflect")
    for frame in frames:
        guest.wire.send([frame.data])
        assert guest.wire.receive(1) == [frame.reflected()]
    assert_all(run.stop(), received=len(frames), transmitted=len(frames))


def test_the_largest_frames(guest):
    """1514 bytes, and 4 more of a VLAN tag: a frame of packet memory has room for them."""
    flows = [Flow(UDP, source_port=port) for port in range(5000, 5020)]
    frames = [formats.valinor_n(port, flow, payload=bytes(1426), vlan=vlan)
              for port, flow in enumerate(flows) for vlan in (None, 5)]
    assert {len(frame.data) for frame in frames} == {1514, 1518}
    run = guest.start("nic1", role="reflect")
    guest.wire.send(frame.data for frame in frames)
    back = guest.wire.receive(len(frames))
    assert sorted(back) == sorted(frame.reflected() for frame in frames)
    run.stop()


@pytest.mark.parametrize("layout", GENERATED, ids=["p4netintel", "valinor-n"])
def test_all_that_the_generator_sends_is_stored(guest, layout):
    count = 4000
    run = guest.start({"name": "nic3", "promiscuous": False})
    assert guest.generate("nic2", *layout, "--dst-mac", NIC3_MAC, "--count", count) == count
    guest.redis.wait_for(count)
    assert_all(run.stop(), received=count, consumed=count)


def test_all_that_the_generator_sends_is_reflected(guest):
    count = 4000
    run = guest.start("nic3", role="reflect")
    assert guest.generate("nic2", "--count", count) == count
    guest.redis.wait_for(count)
    assert_all(run.stop(), received=count, transmitted=count)


def test_more_than_it_can_take_is_lost_by_name(guest):
    """Small rings, no pause: whatever is lost, the books balance."""
    run = guest.start({"name": "nic3", **SMALL}, role="reflect")
    guest.generate("nic2", "--dst-mac", NIC3_MAC, "--seconds", "1s")
    outcome = run.stop(status=None)
    assert outcome.frames["received"] > 1000


def test_other_traffic_reaches_the_stack(guest):
    """In zero-copy the driver copies it out of our memory and gives the frame back."""
    frames = frames_of_both_formats(50)  # fewer than the smallest ring holds
    plain = [frame.without_telemetry() for frame in frames if frame.time_ns is None]
    run = guest.start({"name": "nic1", **SMALL})
    before = guest.received("nic1")
    for _ in range(40):  # packet memory several times over: it must come back
        guest.wire.send(plain)
    guest.wire.send(frame.data for frame in frames)
    guest.redis.wait_for(len(frames))
    passed = 40 * len(plain)
    outcome = run.stop()
    assert outcome.frames == {"received": passed + len(frames), "transmitted": 0,
                              "consumed": len(frames), "passed": passed, "dropped": 0}
    assert guest.received("nic1") - before == outcome.frames["received"]


def test_auto_obtains_zero_copy(guest):
    """With the rings and the packet memory that it has by default."""
    frames = frames_of_both_formats()
    run = guest.start({"name": "nic1", "mode": "auto", "umem": {}, "rings": {}})
    assert run.modes() == {("nic1", 0): "zerocopy"}
    guest.wire.send(frame.data for frame in frames)
    guest.redis.wait_for(len(frames))
    assert_all(run.stop(), received=len(frames), consumed=len(frames))
