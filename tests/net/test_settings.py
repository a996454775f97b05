"""Settings of the NIC: as the configuration says while it runs, as before at the end of the run,
also of one that was killed. A veth can change its number of queues."""

import pathlib
import re
import signal

import pytest

import formats
from bed import Bed, run as run_command, wait_until

HOST_NOT_READY, NOT_PERMITTED = 4, 5
JOURNALS = pathlib.Path("/run/valinor-afxdp/undo")


def queues(bed, option="-l"):
    """How many of each direction the program's end has."""
    text = run_command("ip", "netns", "exec", bed.host, "ethtool", option, Bed.host_interface).stdout
    now = text.split("Current hardware settings:")[1]
    return tuple(int(re.search(rf"^{name}:\s+(\d+)$", now, re.M)[1]) for name in ("RX", "TX"))


def deferral(bed):
    """napi_defer_hard_irqs and gro_flush_timeout of the program's end."""
    folder = f"/sys/class/net/{Bed.host_interface}"
    text = run_command("ip", "netns", "exec", bed.host, "cat", f"{folder}/napi_defer_hard_irqs",
                       f"{folder}/gro_flush_timeout").stdout
    return tuple(int(word) for word in text.split())


def journals(run):
    """What is noted for later, of this run."""
    found = JOURNALS.glob(f"{Bed.host_interface}.{run.pid}.*")
    return [path.read_text() for path in found if path.stat().st_size]


@pytest.fixture(autouse=True)
def no_journal_stays(program):
    """A test that fails leaves none either: its namespace is gone, so nobody else would remove it."""
    yield
    program.close()
    for run in program.runs:
        for path in JOURNALS.glob(f"{Bed.host_interface}.{run.pid}.*"):
            path.unlink()


@pytest.fixture
def narrow(bed):
    """One queue at both ends, where there could be two."""
    for namespace, interface in bed.ends():
        run_command("ip", "netns", "exec", namespace, "ethtool", "-L", interface, "rx", 1, "tx", 1)
    assert queues(bed) == (1, 1)
    return bed


def settings_lines(run):
    return [line for line in run.text().splitlines() if line.startswith("  settings ")]


@pytest.mark.parametrize("user", ["", "nobody"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_queues_are_set_and_set_back(program, narrow, redis, user, number):
    run = program.start("interfaces[0].channels=2", f"security.user={user}")
    assert settings_lines(run) == [
        "  settings   veth-host: 2 receive, 2 transmit channels (was 1 receive, 1 transmit channels)"]
    assert "queue 1 on " in run.text()
    assert queues(narrow) == (2, 2)
    assert journals(run) != []
    narrow.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    outcome = run.stop(number=number)
    assert queues(narrow) == (1, 1)
    assert journals(run) == []
    assert "cannot" not in outcome.stderr
    again = program.start()
    assert "left by process" not in again.text()
    again.stop()


def test_the_right_to_set_back_stays_and_no_other(program, narrow):
    run = program.start("interfaces[0].channels=2", "security.user=nobody",
                        "security.reopen=false")
    status = pathlib.Path(f"/proc/{run.pid}/status").read_text()
    cap_net_admin = 12
    assert int(re.search(r"^CapPrm:\s+(\S+)", status, re.M)[1], 16) == 1 << cap_net_admin
    assert re.search(r"^Seccomp:\s+2$", status, re.M)
    run.stop()


def test_what_is_so_already_is_not_touched(program, bed):
    run = program.start("interfaces[0].channels=2", "security.reopen=false")
    assert settings_lines(run) == []
    assert journals(run) == []
    assert "kept none" in run.text()
    run.stop()


def test_the_next_start_undoes_a_crash(program, narrow):
    killed = program.start("interfaces[0].channels=2")
    killed.kill9()
    assert queues(narrow) == (2, 2)
    assert journals(killed) != []
    wait_until(lambda: not narrow.has_xdp_program(), "the dead process's program to go")
    run = program.start()
    assert queues(narrow) == (1, 1)
    assert f"left by process {killed.pid}, which crashed" in run.text()
    assert "veth-host: 1 receive, 1 transmit channels again" in run.text()
    assert journals(killed) == []
    run.stop()
    assert queues(narrow) == (1, 1)


def test_a_crash_is_undone_before_the_same_is_set_again(program, narrow):
    """Else the second run would take the first one's settings for those of before."""
    program.start("interfaces[0].channels=2").kill9()
    wait_until(lambda: not narrow.has_xdp_program(), "the dead process's program to go")
    run = program.start("interfaces[0].channels=2")
    assert queues(narrow) == (2, 2)
    run.stop()
    assert queues(narrow) == (1, 1)


def test_somebody_elses_change_stays(program, bed):
    for namespace, interface in bed.ends():
        run_command("ip", "netns", "exec", namespace, "ethtool", "-L", interface, "tx", 1)
    run = program.start("interfaces[0].channels=2", "interfaces[0].queues=[0]")
    run_command("ip", "netns", "exec", bed.host, "ethtool", "-L", Bed.host_interface, "rx", 1)
    outcome = run.stop()
    assert "not put back" in outcome.stderr and "somebody else has set it" in outcome.stderr
    assert queues(bed) == (1, 2)


@pytest.mark.parametrize("setting, words", [
    ("channels=99", ["99 receive, 99 transmit channels", "EINVAL",
                     "ethtool -L veth-host rx 99 tx 99"]),
    ("nic_rings.rx=512", ["hardware rings of 512", "EOPNOTSUPP", "ethtool -G veth-host rx 512"]),
    ("rss=served", ["RSS over all queues", "EOPNOTSUPP", "ethtool -X veth-host default"]),
    ("steer=[{match: {proto: udp, dst_port: 5000}, queues: 1}]",
     ["steering rule udp4 dst-port 5000 action 1", "EOPNOTSUPP", "ethtool -N veth-host"]),
])
def test_what_the_driver_refuses_is_named(program, bed, setting, words):
    program.refused(f"interfaces[0].{setting}").assert_error(
        HOST_NOT_READY, "NIC-SET-01", "veth-host: the NIC does not take: ", *words)
    assert queues(bed) == (2, 2)
    assert not bed.has_xdp_program()


def test_a_refusal_puts_back_what_was_set_before_it(program, narrow):
    refused = program.launch("interfaces[0].channels=2", "interfaces[0].nic_rings.rx=512")
    refused.wait().assert_error(HOST_NOT_READY, "NIC-SET-01", "hardware rings of 512")
    assert queues(narrow) == (1, 1)
    assert journals(refused) == []


def test_a_start_that_fails_later_puts_everything_back(program, narrow):
    refused = program.launch("interfaces[0].channels=2", "interfaces[0].mode=zerocopy")
    refused.wait().assert_error(HOST_NOT_READY, "XSK-ZC-01")
    assert queues(narrow) == (1, 1)


# --- Deferral of interrupts: tests/vm has a NIC that can be polled ------------------------------


def test_interrupts_are_not_deferred_where_nobody_polls(program, bed):
    """Packets would wait for a timer: a veth does not say what to poll."""
    run = program.start("interfaces[0].poll.prefer_busy=true")
    assert "XSK-BUSYPOLL-01" in run.text()
    assert deferral(bed) == (0, 0)
    assert settings_lines(run) == []
    run.stop()


# --- doctor ------------------------------------------------------------------------------------


def test_doctor_knows_what_the_run_will_set(program, narrow):
    words = program.command("interfaces[0].channels=2")
    doctor = run_command(*words[:-1], "doctor", check=False)
    assert "1 receive, 1 transmit; the run sets 2" in doctor.stdout
    words = program.command("interfaces[0].channels=3")
    doctor = run_command(*words[:-1], "doctor", check=False)
    assert doctor.returncode == HOST_NOT_READY
    assert "at most 2, and channels is 3" in doctor.stdout
