"""doctor and list on a veth pair: each fault that can be planted for real is found, named and, where
it can be undone, mended and put back."""

import json
import pathlib
import re

import pytest

from bed import BINARY, Bed, run as run_command

HERE = pathlib.Path(__file__).parent
UNDO = pathlib.Path("/run/valinor-afxdp/undo")
READY, HOST_NOT_READY = 0, 4
IFACE = Bed.host_interface


@pytest.fixture
def doctor(bed):
    """doctor("veth-host", "--json") in the program's namespace."""
    def call(*words, wrap=(), options=()):
        return run_command("ip", "netns", "exec", bed.host, *wrap, BINARY, *options, "doctor",
                           *words, check=False)
    yield call
    call("--undo")


@pytest.fixture
def examine(doctor):
    """The findings about the interface (or "host", "redis") and the exit status."""
    def call(*words, about=IFACE, **how):
        done = doctor(*(words or (IFACE,)), "--json", **how)
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        section, = (one for one in report["sections"] if one["name"] == about)
        assert (done.returncode == HOST_NOT_READY) == (report["problems"] > 0)
        return section["findings"], done.returncode
    return call


def of(topic, findings, level):
    """The first finding of that level under that topic."""
    found = [one for one in findings if (one["topic"], one["level"]) == (topic, level)]
    assert found, f"no {level} about {topic} in {findings}"
    return found[0]


def host(bed, *words):
    return run_command("ip", "netns", "exec", bed.host, *words).stdout


def offload(bed, name):
    return json.loads(host(bed, "ethtool", "--json", "-k", IFACE))[0][name]["active"]


def row(bed):
    """What list says about the interface."""
    mine, = (one for one in json.loads(host(bed, BINARY, "list", "--json")) if one["name"] == IFACE)
    return mine


# --- What is said ----------------------------------------------------------------------------


def mask(text):
    """What differs between hosts and kernels becomes a word."""
    text = re.sub(r"(kernel +).*", r"\1KERNEL", text)
    text = re.sub(r"(driver +veth: ).*", r"\1WHAT IT SAYS", text)
    return re.sub(r".* (hugepages|pages|governor|cores|jit) .*\n(  +next.*\n)?", "", text)


def test_the_report_about_a_healthy_veth(doctor):
    done = doctor(IFACE)
    assert done.returncode == READY, done.stdout
    assert mask(done.stdout) == (HERE / "doctor.expected.txt").read_text()


def test_nothing_is_left_behind(doctor, bed):
    before = bed.link()
    offloads = host(bed, "ethtool", "-k", IFACE)
    assert doctor(IFACE).returncode == READY
    assert not bed.has_xdp_program()
    after = bed.link()
    for key in ("flags", "mtu", "operstate", "num_rx_queues"):
        assert before.get(key) == after.get(key)
    assert host(bed, "ethtool", "-k", IFACE) == offloads


def test_without_a_name_no_interface_is_touched(examine):
    findings, status = examine("--bind-test")
    assert "not tested" in of("bind", findings, "ok")["text"]
    assert status == READY


def test_an_interface_that_is_not_there(doctor):
    done = doctor("nosuch0")
    assert done.returncode == HOST_NOT_READY
    assert "error[IF-NAME-01]" in done.stderr


def test_list_has_a_row_for_each_interface(bed):
    rows = host(bed, BINARY, "list").splitlines()
    heading, mine = rows[0], next(row for row in rows if row.startswith(IFACE))
    assert heading.split()[:3] == ["NAME", "DRIVER", "STATE"]
    assert mine.split()[:3] == [IFACE, "veth", "up"]
    told = row(bed)
    assert (told["driver"], told["rx_queues"], told["mtu"], told["programs"]) == ("veth", 2, 1500, [])


# --- Planted on the interface ----------------------------------------------------------------


@pytest.mark.parametrize("kind, mode", [("xdpdrv", "native"), ("xdpgeneric", "generic")])
def test_a_foreign_program(examine, bed, kind, mode):
    program = BINARY.parents[2] / "bpf" / "redirect.bpf.o"  # any program will do
    host(bed, "ip", "link", "set", "dev", IFACE, kind, "obj", program, "sec", "xdp")
    findings, status = examine()
    found = of("xdp", findings, "fail")
    assert "valinor_redirec" in found["text"] and mode in found["text"]
    assert "another XDP program" in of("bind", findings, "ok")["text"]
    assert bed.has_xdp_program()  # still
    host(bed, *found["command"].split())
    assert status == HOST_NOT_READY and examine()[1] == READY


def test_a_run_that_has_the_interface(examine, program):
    run = program.start()
    findings, status = examine()
    found = of("xdp", findings, "fail")
    assert "by process" in found["text"] and "bpftool link detach id" in found["command"]
    assert status == HOST_NOT_READY
    run.stop()
    assert examine()[1] == READY


def test_an_interface_that_is_switched_off(examine, bed):
    host(bed, "ip", "link", "set", IFACE, "down")
    findings, status = examine()
    assert status == HOST_NOT_READY
    host(bed, *of("link", findings, "fail")["command"].split())
    assert examine()[1] == READY


def test_no_carrier(examine, bed):
    run_command("ip", "-n", bed.gen, "link", "set", bed.gen_interface, "down")
    findings, status = examine()
    of("link", findings, "warn")
    assert status == READY


def test_a_member_of_a_bridge(examine, bed):
    host(bed, "ip", "link", "add", "br0", "type", "bridge")
    host(bed, "ip", "link", "set", IFACE, "master", "br0")
    assert "bridge br0" in of("master", examine()[0], "warn")["text"]
    findings, _ = examine("br0", about="br0")
    assert "a bridge" in of("kind", findings, "warn")["text"]


def test_an_mtu_that_is_larger_than_a_frame(examine, bed, program):
    bed.set_mtu(3000)
    config = ("-c", program.config, "--set", "interfaces[0].umem.frame_size=2048",
              "--set", "export.redis.enabled=false")
    findings, status = examine(options=config)
    assert "several frames of 2048" in of("mtu", findings, "ok")["text"]
    assert "copying sockets tested" in of("bind", findings, "ok")["text"]
    assert status == 0


def test_a_peer_with_more_queues(examine, bed):
    host(bed, "ethtool", "-L", IFACE, "rx", 1)
    assert "ENOSPC" in of("bind", examine()[0], "warn")["text"]


def test_zero_copy_where_there_is_none(examine, program):
    config = ("-c", program.config, "--set", "interfaces[0].mode=zerocopy",
              "--set", "export.redis.enabled=false")
    findings, status = examine(options=config)
    assert status == HOST_NOT_READY
    assert "EOPNOTSUPP" in of("bind", findings, "fail")["text"]


def test_queues_that_are_not_read(examine, program):
    config = ("-c", program.config, "--set", "interfaces[0].queues=[1]",
              "--set", "export.redis.enabled=false")
    findings, status = examine(options=config)
    assert "telemetry on 0 is not read" in of("steering", findings, "warn")["text"]
    assert status == READY


# --- Planted in the process ------------------------------------------------------------------

NEEDED = ("net_raw", "net_admin", "bpf", "perfmon", "ipc_lock")


def with_capabilities(*names):
    return ["setpriv", "--bounding-set=-all" + "".join(f",+{name}" for name in names)]


@pytest.mark.parametrize("missing", ["net_raw", "net_admin", "bpf", "perfmon"])
def test_a_missing_capability(examine, missing):
    kept = [name for name in NEEDED if name != missing]
    findings, status = examine(about="host", wrap=with_capabilities(*kept))
    assert f"CAP_{missing.upper()} is missing" in of("rights", findings, "fail")["text"]
    assert status == HOST_NOT_READY


def test_too_little_lockable_memory(examine):
    wrap = ["prlimit", "--memlock=1048576:1048576", *with_capabilities(*NEEDED[:-1])]
    findings, status = examine(about="host", wrap=wrap)
    assert "1024 KiB may be locked, 32 MiB" in of("memlock", findings, "fail")["text"]
    assert status == HOST_NOT_READY


# --- Redis -----------------------------------------------------------------------------------


def test_a_redis_that_is_there(examine, program):
    findings, status = examine(options=("-c", program.config), about="redis")
    assert "noeviction" in of("redis", findings, "ok")["text"] and status == READY


def test_a_redis_that_is_away(examine, start_program, redis_away):
    config = start_program(redis_away).config
    findings, status = examine(options=("-c", config), about="redis")
    of("redis", findings, "fail")
    assert status == HOST_NOT_READY


def test_a_redis_that_may_delete_a_run(examine, program, redis):
    redis.client.config_set("maxmemory", "1gb")
    redis.client.config_set("maxmemory-policy", "allkeys-lru")
    options = ("-c", program.config)
    findings, status = examine(options=options, about="redis")
    assert status == HOST_NOT_READY
    command = of("redis", findings, "fail")["command"].split("    ")[0].split()
    redis.client.execute_command(*command[1:])  # what it says, without redis-cli
    assert examine(options=options, about="redis")[1] == READY


def test_a_run_that_would_be_refused_for_its_key(examine, program, redis):
    options = ("-c", program.config, "--set", "run.on_existing=refuse")
    redis.client.zadd("0", {"00" * 34: 0})
    findings, status = examine(options=options, about="redis")
    assert "holds a run already: 1 records" in of("redis", findings, "fail")["text"]
    assert status == HOST_NOT_READY
    redis.client.delete("0")
    findings, status = examine(options=options, about="redis")
    assert "key 0 is new" in of("redis", findings, "ok")["text"] and status == READY


# --- Mending and undoing ---------------------------------------------------------------------


def test_an_offload_is_switched_off_and_on_again(doctor, examine, bed):
    host(bed, "ethtool", "-K", IFACE, "rx-udp-gro-forwarding", "on")
    found = of("offloads", examine()[0], "warn")
    assert found["fixable"]
    assert found["command"] == f"ethtool -K {IFACE} rx-udp-gro-forwarding off"
    fixed = doctor(IFACE, "--fix")
    assert found["command"] in fixed.stderr and fixed.returncode == READY
    assert not offload(bed, "rx-udp-gro-forwarding")
    undone = doctor("--undo")
    assert f"{IFACE}: rx-udp-gro-forwarding on again" in undone.stdout
    assert offload(bed, "rx-udp-gro-forwarding")
    assert doctor("--undo").stdout == "nothing to undo\n"


def test_missing_queues_are_made_and_taken_away_again(doctor, examine, bed, program):
    host(bed, "ethtool", "-L", IFACE, "rx", 1, "tx", 1)
    config = ("-c", program.config, "--set", "interfaces[0].queues=[0,1]",
              "--set", "export.redis.enabled=false")
    findings, status = examine(options=config)
    assert of("queues", findings, "fail")["fixable"] and status == HOST_NOT_READY
    assert doctor("--fix", options=config).returncode == READY
    assert row(bed)["rx_queues"] == 2
    assert doctor(IFACE, "--undo").returncode == READY
    assert row(bed)["rx_queues"] == 1


def test_a_run_undoes_what_a_crash_has_left(doctor, bed, program):
    host(bed, "ethtool", "-K", IFACE, "rx-udp-gro-forwarding", "on")
    before = set(UNDO.glob("*"))
    doctor(IFACE, "--fix")
    journal, = set(UNDO.glob("*")) - before
    # As the journal of a process that died before it could put its settings back.
    journal.write_text(journal.read_text().replace('{"kept":true}\n', ""))
    run = program.start()
    assert "rx-udp-gro-forwarding on again" in run.text()
    assert offload(bed, "rx-udp-gro-forwarding")
    assert not journal.exists()
    run.stop()


def test_the_fix_of_an_interface_that_is_gone(doctor, bed):
    host(bed, "ethtool", "-K", IFACE, "rx-udp-gro-forwarding", "on")
    doctor(IFACE, "--fix")
    host(bed, "ip", "link", "del", IFACE)
    undone = doctor("--undo")
    assert "the interface is gone" in undone.stdout and undone.returncode == READY


def test_fix_and_undo_exclude_each_other(doctor):
    done = doctor("--fix", "--undo")
    assert done.returncode == 2 and "exclude" in done.stderr
