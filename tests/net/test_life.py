"""Start, stop, signals, crashes: nothing stays behind and the next start works."""

import os
import re
import signal

import pytest

import formats
from bed import run as run_command, wait_until

ROUNDS = 20


def test_a_crash_leaves_no_xdp_program_and_the_next_start_works(program, bed, redis):
    for _ in range(ROUNDS):
        run = program.start()
        assert bed.has_xdp_program()
        assert run.kill9().status == -signal.SIGKILL
        # The kernel closes a dead process's files when it gets to it: some 30 ms.
        wait_until(lambda: not bed.has_xdp_program(), "the XDP program to go")
    run = program.start()
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    run.stop()


def test_a_start_right_after_a_crash_takes_the_queues_over(program):
    """As a supervisor does it: the dead process's sockets may still be there for a moment."""
    for _ in range(5):
        program.start().kill9()
    program.start().stop()


@pytest.mark.parametrize("mode", ["auto", "copy", "skb"])
def test_start_and_stop_over_and_over(program, bed, redis, mode):
    for number in range(ROUNDS):
        run = program.start(f"interfaces[0].mode={mode}")
        bed.send([formats.valinor_n(number).data])
        outcome = run.stop()
        assert outcome.frames["consumed"] == outcome.records["stored"] == 1
        assert not bed.has_xdp_program()
    assert redis.count() == ROUNDS


def test_stopping_under_load_keeps_the_books(program):
    """The traffic goes on while queues are taken out of the XDP program's map."""
    for role in ("collect", "reflect"):
        generator = program.generating("--format", "valinor-n", "--flows", 16, "--seconds", 60)
        for _ in range(5):
            run = program.start(f"role={role}")
            wait_until(lambda: run.text("stdout").count("\n") > 3, "traffic to be reported")
            assert run.stop(status=None).frames["received"] > 0
        generator.send_signal(signal.SIGINT)
        assert generator.wait().status == 0


def test_sigterm_is_a_clean_stop(program, bed, redis):
    run = program.start()
    bed.send([formats.valinor_n(1).data])
    outcome = run.stop(number=signal.SIGTERM)
    assert outcome.records["stored"] == 1
    assert "stopping: SIGTERM" in outcome.stdout


def test_a_second_sigint_ends_it_at_once(program, bed, redis):
    run = program.start("export.redis.timeouts.command=60s")
    redis.sigstop()
    bed.send([formats.valinor_n(1).data])
    run.send_signal(signal.SIGINT)  # now the record waits for a server that does not answer

    def impatient():
        run.send_signal(signal.SIGINT)
        return not run.is_running()
    wait_until(impatient, "the program to end")
    assert run.wait().status == 130
    wait_until(lambda: not bed.has_xdp_program(), "the XDP program to go")


def test_a_sigint_that_comes_twice_at_once_is_one(program, bed, redis):
    """timeout -s INT sends it to the process and to its group; that must not end the drain."""
    for _ in range(5):
        run = program.start(wrap=["setsid"])
        bed.send([formats.valinor_n(1).data])
        run.send_signal(signal.SIGINT)
        os.killpg(run.pid, signal.SIGINT)
        outcome = run.wait()
        assert outcome.status == 0
        assert outcome.read_books().records["produced"] == 1


def test_a_run_ends_after_its_duration(program, bed):
    run = program.start(options=["--duration", "300ms"])
    bed.send([formats.valinor_n(1).data])
    outcome = run.wait()
    assert outcome.status == 0
    assert outcome.read_books().records["produced"] == 1
    assert "run.duration is over" in outcome.stdout


def test_the_key_can_be_given_as_an_option(program, bed, redis):
    run = program.start(options=["--key", "42"])
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1, key=42)
    run.stop()


def test_a_reader_that_goes_away_does_not_end_the_run(program, bed, redis):
    """valinor-afxdp ... | head -1"""
    run = program.start(wrap=["bash", "-c", 'exec "$@" > >(head -n 1)', "bash"])
    run.wait_for("time", "stdout")
    bed.send([formats.valinor_n(number).data for number in range(10)])
    redis.wait_for(10)
    assert run.is_running()
    run.send_signal(signal.SIGINT)
    assert run.wait().status == 0


def test_one_queue_of_two_leaves_the_other_to_the_stack(program, bed, redis):
    run = program.start("interfaces[0].queues=[1]")
    sent = program.generate("--format", "valinor-n", "--queues", "0,1", "--flows", 2, "--count",
                            1000, "--pps", 20_000)
    wait_until(lambda: bed.received() >= 1000, "the frames to arrive")
    outcome = run.stop()
    assert sent == outcome.frames["received"] == 1000
    assert outcome.frames["consumed"] + outcome.frames["passed"] == 1000
    assert outcome.frames["consumed"] == redis.count() > 0 < outcome.frames["passed"]
    # gen sends a flow by one queue
    assert len({record.key for record in formats.read_records(redis.client)}) == 1


def test_workers_of_two_interfaces_share_no_cpu(program, bed):
    run_command("ip", "-n", bed.host, "link", "add", "second", "type", "veth", "peer", "name", "far")
    for end in ("second", "far"):
        run_command("ip", "-n", bed.host, "link", "set", end, "up")
    program.config.write_text(program.config.read_text().replace(
        "mode: copy}]", "mode: copy, queues: [0]}, {name: second, mode: copy}]"))
    banner = program.start().stop().stderr
    places = re.findall(r"queue 0 on (.*?):", banner)
    cpus = [place for place in places if place != "any CPU"]
    assert len(places) == 2
    assert len(cpus) == len(set(cpus))
    assert len(cpus) == (2 if len(os.sched_getaffinity(0)) > 2 else 0)
