"""`gen --kernel`: what it says has left is what the other end counts, and what arrives is telemetry."""

import pytest

from bed import BINARY, Bed, run as run_command, wait_until

USAGE, HOST_NOT_READY = 2, 4


def generate(bed, *options, interface=Bed.gen_interface):
    return run_command("ip", "netns", "exec", bed.gen, BINARY, "gen", interface, "--kernel", *options, check=False)


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


def test_frames_that_do_not_fit(program, bed):
    program.start("export.redis.enabled=false")
    done = generate(bed, "--count", 1, "--hops", 64)
    assert done.returncode == USAGE
    assert "GEN-SIZE-01" in done.stderr
