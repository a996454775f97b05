"""`gen --kernel`: what it says has left is what the other end counts, and what arrives is telemetry."""

import contextlib
import fcntl
import os
import re
import select
import struct

import pytest

from bed import BINARY, PATIENCE, Bed, Run, inside, run as run_command, wait_until

USAGE, HOST_NOT_READY = 2, 4


def generate(bed, *options, interface=Bed.gen_interface):
    return run_command("ip", "netns", "exec", bed.gen, BINARY, "gen", interface, "--kernel", *options, check=False)


@contextlib.contextmanager
def tap(bed):
    """An interface that counts a frame as sent once the test has read it; answers the file to read from."""
    name, set_interface, tap_without_header = "tap-gen", 0x400454CA, 0x0002 | 0x1000
    with inside(bed.gen):
        file = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(file, set_interface, struct.pack("16sH22x", name.encode(), tap_without_header))
        run_command("ip", "-n", bed.gen, "link", "set", name, "up")
        yield name, file
    finally:
        os.close(file)


@pytest.mark.parametrize("traffic", [("--format", "p4netintel", "--flows", 64, "--payload", 33),
                                     ("--format", "valinor-n", "--flows", 64)])
def test_each_packet_becomes_a_record(program, redis, traffic):
    run = program.start()
    sent = program.generate("--kernel", *traffic, "--pps", 30_000, "--count", 10_000)
    redis.wait_for(10_000)
    outcome = run.stop()
    assert sent == outcome.frames["received"] == outcome.frames["consumed"] == 10_000
    assert outcome.records["stored"] == 10_000


@pytest.mark.parametrize("pattern, packets", [(("--pattern", "constant"), 6_000),
                                              (("--pattern", "incast", "--burst", 64), 6_016)])
def test_a_rate_for_a_time_is_a_number_of_packets(program, pattern, packets):
    run = program.start("export.redis.enabled=false")
    sent = program.generate("--kernel", "--pps", 20_000, "--seconds", "300ms", *pattern)
    assert sent == run.stop().frames["received"] == packets


def test_as_much_as_a_cpu_makes_is_counted_on_both_sides(program):
    run = program.start("export.redis.enabled=false")
    sent = program.generate("--kernel", "--seconds", "300ms", "--collect-size", 0)
    outcome = run.stop(status="by the books")
    assert sent == outcome.frames["received"] > 0


def test_a_signal_ends_it(program):
    run = program.start("export.redis.enabled=false")
    generator = program.generating("--kernel", "--pps", 1_000)
    wait_until(lambda: program.bed.received() > 0, "the first packet")
    generator.send_signal(2)
    done = generator.wait()
    assert done.status == 0, done.stderr
    sent = int(done.stdout.split()[1].replace(",", ""))
    assert sent == run.stop().frames["received"] > 0


def test_an_interface_that_takes_no_such_frames(bed):
    """A veth whose other end has neither GRO nor an XDP program; and loopback."""
    for interface in (Bed.gen_interface, "lo"):
        done = generate(bed, "--count", 1, interface=interface)
        assert done.returncode == HOST_NOT_READY
        assert "GEN-KERNEL-01" in done.stderr and "without --kernel" in done.stderr


def test_an_interface_that_is_switched_off(program, bed):
    """Or the other end of a veth."""
    program.start("export.redis.enabled=false")
    for end, interface, advice in ((bed.host, Bed.host_interface, "ip link set PEER up"),
                                   (bed.gen, Bed.gen_interface, f"ip link set {Bed.gen_interface} up")):
        run_command("ip", "-n", end, "link", "set", interface, "down")
        done = generate(bed, "--count", 1)
        assert done.returncode == HOST_NOT_READY
        assert "IF-DOWN-01" in done.stderr and advice in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize("read, counted", [(0, "none"), (3, "3"), (60, None)])
def test_what_an_interface_does_not_count_is_not_called_sent(bed, read, counted):
    with tap(bed) as (interface, file):
        run = Run(["ip", "netns", "exec", bed.gen, BINARY, "gen", interface, "--kernel", "--count", "100"])
        for _ in range(read):
            assert select.select([file], [], [], PATIENCE)[0], run.text()
            os.read(file, 65536)
        done = run.wait()
    assert done.status == 0, done.stderr
    if counted is None:
        assert re.search(r"^sent +60 packets .*; 40 more were refused by the device$", done.stdout, re.M)
    else:
        assert re.search(r"^made +100 packets ", done.stdout)
        assert f"has counted {counted} as sent" in done.stdout
        assert "sent " not in done.stdout.splitlines()[0] and "refused by" not in done.stdout


def test_a_rate_is_that_of_the_frames(program):
    """Not from when the program noticed them; and none where there was too little time for one."""
    program.start("export.redis.enabled=false")
    short = generate(program.bed, "--count", 100).stdout
    seconds, rate = re.search(r"^sent +100 packets in ([\d.]+) s( = [\d,]+ pps)?$", short, re.M).groups()
    assert (rate is None) == (float(seconds) < 0.01)
    paced = generate(program.bed, "--count", 201, "--pps", 1_000)
    seconds = float(re.search(r"^sent +201 packets in ([\d.]+) s = [\d,]+ pps$", paced.stdout, re.M)[1])
    assert seconds >= 0.2  # the last is due then, and no earlier


def test_frames_that_do_not_fit(program, bed):
    program.start("export.redis.enabled=false")
    done = generate(bed, "--count", 1, "--hops", 64)
    assert done.returncode == USAGE
    assert "GEN-SIZE-01" in done.stderr
