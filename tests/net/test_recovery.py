"""Interfaces that go down, change, are removed and made again, under traffic: the program stays.

VALINOR_ROUNDS multiplies how often; by 5 or 10 for a long look for leaks.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import threading

import pytest

import bed as beds
import formats
from bed import run as run_command, wait_until

FACTOR = int(os.environ.get("VALINOR_ROUNDS", "1"))


@contextlib.contextmanager
def traffic(bed):
    """Telemetry on both queues' flows, by whatever pair there is, until the end of the block."""
    stop = threading.Event()
    sent = [0]

    def send():
        number = 0
        while not stop.is_set():
            try:
                with bed.socket() as sender:
                    while not stop.wait(0.0005):
                        number += 1
                        flow = formats.Flow(source_port=number % 16 + 1)
                        sender.send(formats.valinor_n(number, flow).data)
                        sent[0] = number
            except (OSError, AssertionError):  # the pair is away, or down
                stop.wait(0.002)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()


def stored_after(redis, what):
    """Until more records are stored than now: packets flow."""
    before = redis.count()
    wait_until(lambda: redis.count() > before, f"records after {what}")


def bpf_objects(run):
    """Programs, maps and links that the program has: ("prog", 17), ..."""
    found = set()
    for path in pathlib.Path(f"/proc/{run.pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile: a connection
            found |= set(re.findall(r"^(prog|map|link)_id:\s+(\d+)$", path.read_text(), re.M))
    return found


def are_gone(objects):
    """Whether the kernel has freed all of them."""
    there = {(kind, str(one["id"])) for kind in ("prog", "map", "link")
             for one in json.loads(run_command("bpftool", "-j", kind).stdout or "[]")}
    return not objects & there


def open_files(run):
    return sorted(re.sub(r"\d+", "N", os.readlink(path))
                  for path in pathlib.Path(f"/proc/{run.pid}/fd").iterdir())


def assert_kept_its_frames(outcome):
    assert "of packet memory are accounted for" not in outcome.stderr
    assert "bogus addresses" not in outcome.stdout


def test_down_and_up_over_and_over(program, bed, redis):
    with traffic(bed):
        run = program.start()
        stored_after(redis, "the start")
        for number in range(10 * FACTOR):
            for state in ("down", "up"):
                run_command("ip", "-n", bed.host, "link", "set", bed.host_interface, state)
            stored_after(redis, f"round {number}")
    outcome = run.stop()
    assert outcome.frames["consumed"] == outcome.records["stored"] > 0
    assert_kept_its_frames(outcome)
    assert f"{bed.host_interface}: link is down" in outcome.stderr
    assert "link is up again, after " in outcome.stderr


@pytest.mark.parametrize("role", ["collect", "reflect"])
def test_removed_and_made_again_over_and_over(program, bed, redis, role):
    with traffic(bed):
        run = program.start(f"role={role}")
        stored_after(redis, "the start")
        before, objects = open_files(run), bpf_objects(run)
        for number in range(5 * FACTOR):
            bed.remove_pair()
            bed.add_pair()  # at once: the program has to see that it is another one
            wait_until(lambda: run.text().count(": open again") > number, "the new pair to be open")
            stored_after(redis, f"round {number}")
    assert open_files(run) == before
    assert len(bpf_objects(run)) == len(objects)
    outcome = run.stop(status="by the books")
    assert_kept_its_frames(outcome)
    assert outcome.stderr.count("[IF-LOST-01]") == outcome.stderr.count(": open again, mode copy")
    assert f"{bed.host_interface} lost {5 * FACTOR} times" in outcome.stdout


def test_nothing_that_recovery_does_is_refused(program, bed, redis):
    """The kernel would have logged system calls that the filter refuses."""
    with traffic(bed):
        run = program.start("security.user=nobody", "role=reflect")
        stored_after(redis, "the start")
        bed.remove_pair()
        run.wait_for("the interface was removed; it is opened again")
        bed.add_pair()
        run.wait_for("open again")
        stored_after(redis, "the recovery")
    run.stop(status="by the books")
    lines = beds.run("dmesg").stdout.splitlines()
    assert [line for line in lines if "type=1326" in line and f" pid={run.pid} " in line] == []


def test_it_stops_while_an_interface_is_away(program, bed, redis):
    run = program.start()
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    bed.remove_pair()
    run.wait_for("the interface was removed")
    outcome = run.stop()
    assert outcome.records["stored"] == outcome.frames["consumed"] == 1
    assert "lost 1 times; away " in outcome.stdout


def test_it_can_be_told_to_leave_lost_interfaces_alone(program, bed, redis):
    run = program.start("security.reopen=false")
    assert "kept none" in run.text()
    bed.remove_pair()
    run.wait_for("restart the program when it is back (security.reopen is false)")
    bed.add_pair()
    bed.send([formats.valinor_n(1).data])
    assert run.stop().frames.get("received", 0) == 0
    assert not bed.has_xdp_program()


def test_a_queue_that_is_not_there_any_more_is_waited_for(program, bed, redis):
    run = program.start()
    bed.remove_pair()
    run_command("ip", "-n", bed.host, "link", "add", bed.host_interface, "type", "veth", "peer",
                "name", bed.gen_interface, "netns", bed.gen)
    for namespace, interface in bed.ends():
        run_command("ip", "-n", namespace, "link", "set", interface, "up")
    run.wait_for("not opened again yet: veth-host queue 1: no such queue")
    bed.remove_pair()
    bed.add_pair()
    run.wait_for("open again")
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    assert run.stop().stderr.count("not opened again yet") == 1


def test_another_kind_of_interface_of_the_name_is_refused(program, bed):
    run = program.start("interfaces[0].mode=auto")
    bed.remove_pair()
    run_command("ip", "-n", bed.host, "link", "add", bed.host_interface, "numrxqueues", 2,
                "numtxqueues", 2, "type", "ifb")
    run_command("ip", "-n", bed.host, "link", "set", bed.host_interface, "up")
    run.wait_for("[IF-OTHER-01]")
    assert "its driver was veth and is ifb" in run.text()
    run.stop()


def test_a_program_that_was_taken_off_is_put_back(program, bed, redis):
    """By force, and with another one in its place at first."""
    with traffic(bed):
        run = program.start()
        stored_after(redis, "the start")
        ours = bed.link()["xdp"]["prog"]["id"]
        link, = (one["id"] for one in json.loads(run_command("bpftool", "-j", "link").stdout)
                 if one["prog_id"] == ours)
        run_command("bpftool", "link", "detach", "id", link)
        run.wait_for("the XDP program was taken off by somebody else")
        run.wait_for("open again")
        stored_after(redis, "the program is back")
    outcome = run.stop(status="by the books")
    assert_kept_its_frames(outcome)


def test_a_changed_mtu_is_heeded(chain, box):
    """A hop of ours is pushed or not, by what the far interface takes now."""
    run = box.start("role=transit")
    frame = formats.p4netintel(2, [formats.Hop(1)], payload=b"p" * 1000).data
    just_this = len(frame) - 14
    for changes, (mtu, is_edited) in enumerate([(1500, True), (just_this, False), (1500, True)]):
        chain.ip(chain.host, "link", "set", "host0", "mtu", mtu)
        wait_until(lambda: run.text().count("host0: MTU is ") == changes, "the change to be seen")
        received, = chain.cross([frame])
        assert (len(received) > len(frame)) == is_edited
        assert is_edited or received == frame
    run.stop()


def test_more_queues_are_told(program, bed):
    def set_queues(count, ends):
        for namespace, interface in ends:
            run_command("ip", "netns", "exec", namespace, "ethtool", "-L", interface, "rx", count,
                        "tx", count)

    set_queues(1, reversed(bed.ends()))
    run = program.start()
    set_queues(2, bed.ends())
    run.wait_for("has 2 receive queues now and had 1")
    run.stop()


@pytest.mark.parametrize("side", ["client", "server"])
def test_either_side_of_a_pair_comes_back(chain, box, redis, side):
    """Both are opened anew, as they share packet memory; the books go on."""
    run = box.start("role=forward")
    for number in range(1, 4):
        with beds.PacketSocket(chain.client, "client0") as near, \
                beds.PacketSocket(chain.server, "server0") as far:
            frame = formats.valinor_n(number).data
            near.send(frame)
            assert far.receive(1) == [frame]
            redis.wait_for(number)
        if number == 3:
            break
        run_command("ip", "-n", chain.host, "link", "del", "net0" if side == "client" else "host0")
        wait_until(lambda: run.text().count("the interface was removed") == number, "the loss")
        chain.add_pair(side)
        wait_until(lambda: run.text().count("open again") == 2 * number, "both sides to be open")
    outcome = run.stop()
    assert outcome.frames["transmitted"] == outcome.records["stored"] == 3
    assert_kept_its_frames(outcome)


def run_over_and_over(program, bed, redis, times, end):
    """Each until there are records; of none is anything left in the kernel."""
    with traffic(bed):
        objects = set()
        for number in range(times):
            run = program.start(f"run.key={number}")
            objects |= bpf_objects(run)
            wait_until(lambda: redis.count(key=number) > 0, "records")
            end(run)
        assert objects
    wait_until(lambda: are_gone(objects), "programs, maps and links to go")


def test_crashes_over_and_over(program, bed, redis):
    def crash(run):
        assert run.kill9().status == -signal.SIGKILL

    run_over_and_over(program, bed, redis, 10 * FACTOR, crash)


def test_starts_and_stops_over_and_over(program, bed, redis):
    run_over_and_over(program, bed, redis, 25 * FACTOR,
                      lambda run: assert_kept_its_frames(run.stop(status="by the books")))
