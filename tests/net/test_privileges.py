"""What the program may do: before its interfaces are open, with too little, and afterwards.

Every test of tests/net runs under the limits of a default configuration; these look at the limits
themselves. test_errors.py has what `run` says when one of its capabilities is missing.
"""

import contextlib
import pathlib
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import threading

import pytest

import bed as beds
import formats
from bed import Bed, wait_until

HOST_NOT_READY, NOT_PERMITTED = 4, 5
CAPABILITIES = {"net_admin": 12, "net_raw": 13, "ipc_lock": 14, "perfmon": 38, "bpf": 39}
NOBODY = 65534

# What opening an interface again takes. Without a limit for locked memory, or with the right to lift
# it, CAP_NET_RAW is enough.
_IS_LIMITED = (resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] != resource.RLIM_INFINITY
               and not int(re.search(r"CapEff:\s*(\w+)",
                                     pathlib.Path("/proc/self/status").read_text())[1], 16) >> 24 & 1)
TO_REOPEN = ["net_raw", "ipc_lock"] if _IS_LIMITED else ["net_raw"]
TO_REOPEN_TEXT = "CAP_NET_RAW, CAP_IPC_LOCK" if _IS_LIMITED else "CAP_NET_RAW"


def with_capabilities(*names):
    return ["setpriv", "--bounding-set=-all" + "".join(f",+{name}" for name in names)]


def as_a_service(*names):
    """As systemd starts it: not root, capabilities in the ambient set."""
    words = "".join(f",+{name}" for name in names)
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
            "--bounding-set=-all" + words, "--inh-caps=-all" + words, "--ambient-caps=-all" + words]


def threads(run):
    """/proc/PID/task/TID/status of each thread, as maps."""
    statuses = {}
    for path in pathlib.Path(f"/proc/{run.pid}/task").glob("*/status"):
        lines = (line.split(":", 1) for line in path.read_text().splitlines())
        status = {name: value.strip() for name, value in lines}
        statuses[status["Name"]] = status
    return statuses


def assert_limited(run, kept=(), user=0):
    """All threads: what is said here, and no more."""
    bits = f"{sum(1 << CAPABILITIES[name] for name in kept):016x}"
    # A thread takes its name once it runs, which may be after the program has called itself ready.
    names = {"exporter", "veth-host/0", "veth-host/1"}
    wait_until(lambda: names < set(threads(run)), "all threads have their names")
    found = threads(run)
    for name, status in found.items():
        assert (status["CapEff"], status["CapPrm"]) == (bits, bits), name
        assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0, name
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), name
        assert status["Uid"].split() == status["Gid"].split() == [str(user)] * 4, name


def security_line(run):
    line, = (line for line in run.text().splitlines() if line.startswith("  security "))
    return line


# --- While it runs ---------------------------------------------------------------------------


@pytest.mark.parametrize("reopen, kept, words", [
    ("true", TO_REOPEN, f"kept {TO_REOPEN_TEXT}"),
    ("false", [], "kept none"),
])
def test_only_what_reopening_takes_stays(program, bed, redis, reopen, kept, words):
    run = program.start("security.user=", f"security.reopen={reopen}")
    assert_limited(run, kept)
    for status in threads(run).values():
        assert int(status["CapBnd"], 16) == 0
    assert "user root; dropped " in security_line(run)
    assert security_line(run).endswith(f" capabilities, {words}; system calls are limited")
    bed.send([formats.valinor_n(number).data for number in range(100)])
    redis.wait_for(100)
    assert run.stop().records["stored"] == 100
    assert not bed.has_xdp_program()


def test_nothing_that_a_run_does_is_refused(start_program, durable_redis, bed):
    """A start, traffic, an outage of Redis, a stop: the kernel would have logged a refusal."""
    run = start_program(durable_redis).start()
    pid = run.pid
    bed.send([formats.valinor_n(number).data for number in range(100)])
    durable_redis.wait_for(100)
    durable_redis.kill9()
    run.wait_for("records wait in memory")
    durable_redis.start()
    run.wait_for("back after")
    run.stop()
    lines = beds.run("dmesg").stdout.splitlines()
    assert [line for line in lines if "type=1326" in line and f" pid={pid} " in line] == []


def test_another_user_goes_on(program, bed, redis):
    run = program.start("security.user=nobody")
    assert_limited(run, TO_REOPEN, user=NOBODY)
    assert "user nobody (was root); dropped " in security_line(run)
    assert f"kept {TO_REOPEN_TEXT}; " in security_line(run)
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    run.stop()
    assert not bed.has_xdp_program()


def test_as_a_service_of_systemd_starts_it(program, bed, redis):
    run = program.start(wrap=as_a_service(*CAPABILITIES))
    # The limit of locked memory is systemd's to lift (LimitMEMLOCK=infinity); here nobody did.
    assert_limited(run, ["net_raw", "ipc_lock"], user=NOBODY)
    assert "dropped CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF, kept CAP_NET_RAW, CAP_IPC_LOCK" in (
        security_line(run))
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    run.stop()
    assert not bed.has_xdp_program()


def test_all_that_set_up_needs_may_stay(program, bed, redis):
    run = program.start("security.user=nobody", f"security.keep_caps=[{', '.join(CAPABILITIES)}]")
    assert_limited(run, kept=CAPABILITIES, user=NOBODY)
    bed.send([formats.valinor_n(1).data])
    redis.wait_for(1)
    run.stop()


def test_system_calls_need_not_be_limited(program):
    run = program.start("security.seccomp=false")
    assert {status["Seccomp"] for status in threads(run).values()} == {"0"}
    assert security_line(run).endswith("; system calls are not limited")
    run.stop()


@pytest.mark.parametrize("setting, wrap, status, code, words", [
    ("security.user=nosuchuser", (), HOST_NOT_READY, "SEC-USER-01",
     ["'nosuchuser'", "useradd --system nosuchuser"]),
    ("security.user=nobody", with_capabilities(*CAPABILITIES), NOT_PERMITTED, "CAP-USER-01",
     ["'nobody'", "CAP_SETUID or CAP_SETGID is missing", "start as root"]),
])
def test_a_user_that_it_cannot_become(program, bed, setting, wrap, status, code, words):
    program.refused(setting, wrap=wrap).assert_error(status, code, *words)
    assert not bed.has_xdp_program()


# --- Redis by TCP and by name ----------------------------------------------------------------


class RedisInTheNamespace(beds.RedisServer):
    """Reached by TCP at PORT from where the program runs; the test uses its UNIX socket."""

    port = 6379

    def __init__(self, folder, namespace):
        super().__init__(folder, durable=True)
        self._namespace = namespace

    def start(self):
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", self._namespace, "redis-server", "--port", str(self.port),
             "--bind", "127.0.0.1", "--unixsocket", self.path, "--unixsocketperm", "777",
             "--save", "", "--dir", self.folder, "--logfile", self.folder / "redis.log",
             *self._durability], stdin=subprocess.DEVNULL)
        wait_until(self.answers, "redis-server to answer")
        return self


class NameServer:
    """Knows redis.test, which is 127.0.0.1; the namespace's /etc/resolv.conf points to it."""

    def __init__(self, namespace):
        self._folder = pathlib.Path("/etc/netns") / namespace
        with beds.inside(namespace):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", 53))
        self.questions = 0
        self._thread = threading.Thread(target=self._answer)

    def __enter__(self):
        self._folder.mkdir(parents=True)
        (self._folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.sendto(b"", self._socket.getsockname())  # no question ends the thread
        self._thread.join()
        self._socket.close()
        shutil.rmtree(self._folder)
        with contextlib.suppress(OSError):  # others have files there
            self._folder.parent.rmdir()

    def _answer(self):
        while True:
            question, sender = self._socket.recvfrom(512)
            if not question:
                return
            self.questions += 1
            end = question.index(b"\0", 12) + 5
            kind, = struct.unpack(">H", question[end - 4:end - 2])
            known = question[12:end - 4] == b"\x05redis\x04test\0" and kind == 1
            head = question[:2] + struct.pack(">HHHHH", 0x8580, 1, int(known), 0, 0)
            record = b"\xc0\x0c" + struct.pack(">HHIH4s", 1, 1, 1, 4, b"\x7f\0\0\1")
            self._socket.sendto(head + question[12:end] + (record if known else b""), sender)


@pytest.fixture
def redis_by_tcp(bed, folder):
    beds.run("ip", "-n", bed.host, "link", "set", "lo", "up")
    server = RedisInTheNamespace(folder, bed.host).start()
    yield server
    server.stop()


@pytest.mark.parametrize("user", ["", "nobody"])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "redis.test"])
def test_redis_is_found_again_by_name(start_program, redis_by_tcp, bed, name, user):
    """A resolver reads files, asks servers and the kernel, and does so again at each reconnect."""
    with NameServer(bed.host) as names:
        run = start_program(redis_by_tcp).start(f"export.redis.url=redis://{name}:6379/0",
                                                f"security.user={user}")
        sent = 0

        def send():
            nonlocal sent
            bed.send([formats.valinor_n(sent + number).data for number in range(10)])
            sent += 10

        for outage in range(1, 3):
            send()
            redis_by_tcp.wait_for(sent)
            redis_by_tcp.kill9()
            send()
            wait_until(lambda: run.text().count("records wait in memory") == outage, "an outage")
            asked = names.questions
            redis_by_tcp.start()
            redis_by_tcp.wait_for(sent)
            assert name != "redis.test" or names.questions > asked
        assert run.stop().records["stored"] == sent


# --- Too little to start with ----------------------------------------------------------------


def tap(program, *settings, wrap=()):
    """`valinor-afxdp tap` on the bed's interface."""
    words = program.command(*settings, wrap=wrap)
    at = words.index(str(beds.BINARY))
    url = f"export.redis.url={program.server.url}"
    return beds.Run([*words[:at + 1], "--set", url, "tap", "-i", Bed.host_interface, "-k", "0"])


@pytest.mark.parametrize("missing, code, what", [
    ("net_raw", "CAP-RAW-01", "AF_XDP socket"),
    ("net_admin", "CAP-BPF-01", "cannot load the XDP program"),
    ("bpf", "CAP-BPF-01", "cannot load the XDP program"),
    ("perfmon", "CAP-BPF-01", "cannot load the XDP program"),
])
def test_run_names_the_one_capability_that_is_missing(program, bed, missing, code, what):
    outcome = program.refused(wrap=as_a_service(*(CAPABILITIES.keys() - {missing})))
    outcome.assert_error(NOT_PERMITTED, code, what)
    assert_names_only(outcome, missing)
    assert "run as root, or with CAP_" in outcome.stderr
    assert not bed.has_xdp_program()


def assert_names_only(outcome, missing):
    """The line "why", and none of the capabilities that are there."""
    why, = (line for line in outcome.stderr.splitlines() if line.startswith("  why : "))
    named = {name for name in CAPABILITIES if f"CAP_{name.upper()}" in why}
    assert named == {missing}, why


@pytest.mark.parametrize("missing", ["net_admin", "bpf"])
def test_tap_names_the_one_capability_that_is_missing(program, missing):
    outcome = tap(program, wrap=as_a_service(*({"net_admin", "bpf"} - {missing}))).wait()
    outcome.assert_error(NOT_PERMITTED, "CAP-BPF-01", "cannot load the tap's BPF program",
                         "run as root, or with CAP_BPF and CAP_NET_ADMIN")
    assert_names_only(outcome, missing)


def test_tap_needs_two_capabilities_and_no_locked_memory(program, redis):
    run = tap(program, wrap=["prlimit", "--memlock=65536:65536", *as_a_service("net_admin", "bpf")])
    try:
        run.wait_for("ready")
        assert "dropped CAP_NET_ADMIN, CAP_BPF, kept none" in security_line(run)
        run.send_signal(signal.SIGINT)
        assert run.wait().status == 0
    finally:
        if run.is_running():
            run.kill9()


def test_a_service_without_locked_memory(program):
    program.refused(wrap=["prlimit", "--memlock=65536:65536",
                          *as_a_service(*(CAPABILITIES.keys() - {"ipc_lock"}))]).assert_error(
        HOST_NOT_READY, "MEM-LOCK-01", "RLIMIT_MEMLOCK is 64 KiB", "CAP_IPC_LOCK is missing",
        "LimitMEMLOCK=infinity")


# --- systemd ---------------------------------------------------------------------------------


@pytest.fixture
def notices(folder):
    """What the program tells systemd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        (folder / "notify").chmod(0o777)
        manager.settimeout(beds.PATIENCE)
        yield manager


def test_systemd_is_told_how_the_program_is(program, folder, notices):
    run = program.launch("security.user=nobody", wrap=[
        "env", f"NOTIFY_SOCKET={folder / 'notify'}", "WATCHDOG_USEC=300000"])
    assert notices.recv(4096).decode().startswith("READY=1\nSTATUS=run 0, 2 workers")
    for _ in range(3):
        assert notices.recv(4096) == b"WATCHDOG=1"
    run.send_signal(signal.SIGTERM)
    last = next(notice for notice in iter(lambda: notices.recv(4096), None)
                if notice != b"WATCHDOG=1")
    assert last == b"STOPPING=1\nSTATUS=stopping: SIGTERM"
    assert run.wait().status == 0


def test_without_a_watchdog_it_is_not_fed(program, folder, notices):
    run = program.launch(wrap=["env", f"NOTIFY_SOCKET={folder / 'notify'}"])
    assert notices.recv(4096).startswith(b"READY=1\n")
    run.stop()
    assert notices.recv(4096).startswith(b"STOPPING=1\n")


UNITS = beds.BINARY.parents[2] / "packaging" / "systemd"


@pytest.fixture(params=["valinor-afxdp.service", "valinor-afxdp@.service"])
def unit(request, folder):
    """As it is installed, but for where the program is and that there is a configuration."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    text = (UNITS / request.param).read_text()
    for line in text.splitlines():
        if line.startswith("ExecStart="):
            text = text.replace(line.split("=")[1].split()[0], str(beds.BINARY))
    path = folder / request.param
    path.write_text(text)
    return path


def test_the_unit_is_one_that_systemd_understands(unit):
    done = beds.run("systemd-analyze", "verify", "--man=no", unit)
    assert unit.name not in done.stdout + done.stderr, done.stderr


def allowed_by(unit):
    """Names of the system calls that SystemCallFilter= of the unit stands for."""
    text = beds.run("systemd-analyze", "syscall-filter", "--no-pager").stdout
    sets = {}
    for line in text.splitlines():
        if line.startswith("@"):
            members = sets.setdefault(line.split()[0], set())
        elif line.strip() and not line.strip().startswith("#"):
            members.add(line.strip())
    words, = re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(), re.M)
    names, open_sets = set(), ["@default", *words.split()]
    while open_sets:
        one = open_sets.pop()
        if one.startswith("@"):
            open_sets += sets[one]
        else:
            names.add(one)
    return names


def test_the_unit_lets_the_program_make_the_calls_that_it_allows_itself(unit):
    """And those that limit it."""
    source = (pathlib.Path(__file__).parents[2] / "src/app/system_calls.cpp").read_text()
    wanted = set(re.findall(r"SCMP_SYS\((\w+)\)", source)) | {
        "seccomp", "prctl", "capset", "capget", "setsockopt", "execve"}
    assert len(wanted) > 50
    assert wanted <= allowed_by(unit)


def test_the_unit_exposes_little(unit):
    """systemd rates 0 (nothing) to 10; most services of a plain system are at 9 and more."""
    done = beds.run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    level = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)[1])
    assert level <= 3.0, done.stdout
