"""What the tests stand on: two network namespaces, a Redis server, the program.

    namespace vn<pid>-<n>g              namespace vn<pid>-<n>h
    the test's sockets, `gen`           the program under test
    veth-gen  <------- veth pair, two queues ------->  veth-host

Nothing sleeps for a fixed time: wait_until() polls a condition until it holds or a deadline comes.
"""

import contextlib
import ctypes
import dataclasses
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import redis

BINARY = pathlib.Path(os.environ.get("VALINOR_BINARY", "build/src/app/valinor-afxdp")).resolve()
PATIENCE = 30  # seconds; only a hanging test waits for so long

_numbers = itertools.count()


def wait_until(condition, what, seconds=PATIENCE):
    """Answers the condition's first true value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.005)


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True,
                          timeout=PATIENCE, **options)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


# --- Namespaces ------------------------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def inside(namespace):
    """What the calling thread opens meanwhile belongs to the namespace, and stays there."""
    with open("/proc/thread-self/ns/net") as outside, open(f"/run/netns/{namespace}") as within:
        if _libc.setns(within.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"enter {namespace}")
        try:
            yield
        finally:
            if _libc.setns(outside.fileno(), _CLONE_NEWNET) != 0:
                os._exit(70)  # the next test must not run in here


class Bed:
    """A context manager; no frame crosses the pair but those that a test sends."""

    host_interface, gen_interface = "veth-host", "veth-gen"

    def __init__(self):
        name = f"vn{os.getpid()}-{next(_numbers)}"
        self.host, self.gen = name + "h", name + "g"

    def __enter__(self):
        try:
            for namespace in (self.host, self.gen):
                run("ip", "netns", "add", namespace)
                run("ip", "netns", "exec", namespace, "sysctl", "-qw",
                    "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
            self.add_pair()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace in (self.host, self.gen):
            run("ip", "netns", "del", namespace, check=False)

    def add_pair(self):
        queues = ("numrxqueues", 2, "numtxqueues", 2)
        run("ip", "-n", self.host, "link", "add", self.host_interface, *queues, "type", "veth",
            "peer", "name", self.gen_interface, "netns", self.gen, *queues)
        for namespace, interface in self.ends():
            run("ip", "-n", namespace, "link", "set", interface, "up")

    def remove_pair(self):
        run("ip", "-n", self.host, "link", "del", self.host_interface)

    def ends(self):
        return ((self.host, self.host_interface), (self.gen, self.gen_interface))

    def set_mtu(self, mtu):
        for namespace, interface in self.ends():
            run("ip", "-n", namespace, "link", "set", interface, "mtu", mtu)

    def add_addresses(self):
        """10.77.0.1 and fd77::1 at the program's end, .2 and ::2 at the other."""
        for number, (namespace, interface) in enumerate(self.ends(), 1):
            run("ip", "netns", "exec", namespace, "sysctl", "-qw",
                f"net.ipv6.conf.{interface}.disable_ipv6=0")
            run("ip", "-n", namespace, "addr", "add", f"10.77.0.{number}/24", "dev", interface)
            run("ip", "-n", namespace, "addr", "add", f"fd77::{number}/64", "dev", interface,
                "nodad")

    def link(self):
        """What `ip` says about the program's end."""
        return json.loads(run("ip", "-n", self.host, "-j", "-s", "link", "show", "dev",
                              self.host_interface).stdout)[0]

    def received(self):
        return self.link()["stats64"]["rx"]["packets"]

    def has_xdp_program(self):
        return "xdp" in self.link()

    def socket(self):
        """At the sender's end."""
        return PacketSocket(self.gen, self.gen_interface)

    def stack(self):
        """What the stack of the program's end gets to see."""
        return PacketSocket(self.host, self.host_interface)

    def send(self, frames):
        """Sends, and returns when the program's end has taken all of them in."""
        before = self.received()
        with self.socket() as sender:
            for frame in frames:
                sender.send(frame)
        wait_until(lambda: self.received() >= before + len(frames), "the frames to arrive")


def remove_leftovers():
    """Namespaces of test runs that were killed."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        ours = re.match(r"vn(\d+)-\d+[a-z]\b", line)
        if ours and not pathlib.Path(f"/proc/{ours[1]}").exists():
            run("ip", "netns", "del", ours[0], check=False)


class PacketSocket:
    """Whole frames, as they stand on the wire; VLAN tags that the kernel took off are put back."""

    _SOL_PACKET, _PACKET_AUXDATA, _STATUS_VLAN_VALID, _ETH_P_ALL = 263, 8, 0x10, 3
    _SO_RCVBUFFORCE = 33  # not bounded by net.core.rmem_max

    def __init__(self, namespace, interface, ethertype=_ETH_P_ALL):
        with inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                         socket.htons(ethertype))
            self._socket.bind((interface, ethertype))
        self._socket.setsockopt(socket.SOL_SOCKET, self._SO_RCVBUFFORCE, 1 << 25)
        self._socket.setsockopt(self._SOL_PACKET, self._PACKET_AUXDATA, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def send(self, frame):
        assert self._socket.send(frame) == len(frame)

    def receive(self, count):
        """The next frames that come in; what goes out is left aside."""
        self._socket.settimeout(PATIENCE)
        frames = []
        while len(frames) < count:
            data, notes, _, sender = self._socket.recvmsg(65536, 256)
            if sender[2] != socket.PACKET_OUTGOING:
                frames.append(self._with_tag(data, notes))
        return frames

    def waiting(self):
        """How many frames came in and were not received; they are thrown away."""
        self._socket.setblocking(False)
        for count in itertools.count():
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return count

    def _with_tag(self, data, notes):
        for level, kind, note in notes:
            if (level, kind) != (self._SOL_PACKET, self._PACKET_AUXDATA):
                continue
            status, _, _, _, _, control, ethertype = struct.unpack("=IIIHHHH", note[:20])
            if status & self._STATUS_VLAN_VALID:
                return data[:12] + struct.pack(">HH", ethertype, control) + data[12:]
        return data


# --- Redis -----------------------------------------------------------------------------------


class RedisServer:
    """On a UNIX socket in a folder of its own, and with a namespace also on a port of its addresses;
    the test ends it, by its process alone. `options` are redis-server's own."""

    def __init__(self, folder, durable=False, namespace=None, port=6379, options=()):
        self.folder = folder
        self.path = folder / "redis.sock"
        self.url = f"unix://{self.path}?db=0"
        # Sentinels cut all connections of a server whose role they change.
        self.client = redis.Redis(unix_socket_path=str(self.path),
                                  retry_on_error=[redis.exceptions.ConnectionError])
        # What was acknowledged survives kill -9.
        self._durability = ("--appendonly", "yes", "--appendfsync", "always") if durable else ()
        self._within = ["ip", "netns", "exec", namespace] if namespace else []
        self._port = (port, "--protected-mode", "no") if namespace else (0,)
        self._options = options
        self._process = None

    def start(self, *options):
        """Returns when the server has loaded what it had."""
        self.launch(*options)
        wait_until(self.answers, "redis-server to answer")
        return self

    def launch(self, *options):
        """Without waiting; `options`: for this time only."""
        self._process = subprocess.Popen(
            [str(word) for word in (
                *self._within, "redis-server", "--port", *self._port, "--unixsocket", self.path,
                "--unixsocketperm", "777", "--save", "", "--dir", self.folder, "--logfile",
                self.folder / "redis.log", *self._durability, *self._options, *options)],
            stdin=subprocess.DEVNULL)

    def answers(self):
        assert self._process.poll() is None, (self.folder / "redis.log").read_text()
        try:
            return self.client.ping()
        except redis.exceptions.RedisError:  # not yet, or still loading its file
            return False

    def kill9(self):
        self._process.kill()
        self._process.wait()
        self._process = None
        self.client.connection_pool.disconnect()

    def restart(self):
        self.kill9()
        return self.start()

    def shut_down(self):
        """Ends it by its own command, which keeps all that it holds."""
        self.client.shutdown(save=True)
        self._process.wait()
        self._process = None
        self.client.connection_pool.disconnect()

    def send_signal(self, number):
        self._process.send_signal(number)

    def sigstop(self):
        self.send_signal(signal.SIGSTOP)

    def stop(self):
        if self._process is not None:
            self.kill9()  # also ends one that SIGSTOP holds

    def count(self, key=0):
        return self.client.zcard(key)

    def members(self, key=0):
        """Of a run's sorted set, in its order."""
        return self.client.zrange(key, 0, -1)

    def wait_for(self, records, key=0):
        wait_until(lambda: self.count(key) >= records, f"{records} records in Redis")


# --- The program -----------------------------------------------------------------------------


def _number(text):
    return int(text.replace(",", ""))


def _parse_equation(label, text):
    """"frames   3 received = 2 transmitted + 1 dropped   complete" as {"received": 3, ...}"""
    line = re.search(rf"^{label} +(.*?) = (.*?)   ", text, re.M)
    assert line, f"no line '{label} ... = ...' in:\n{text}"
    left, right = ({name: _number(number) for number, name in re.findall(r"([\d,]+) (\w+)", side)}
                   for side in line.groups())
    assert sum(left.values()) == sum(right.values()), f"does not balance: {line[0]}"
    return {**left, **right}


def _parse_reasons(label, text):
    lines = re.findall(rf"^ +{label}: (.*)$", text, re.M)
    pairs = [pair.rsplit(" ", 1) for line in lines for pair in line.split(", ")]
    return {name: _number(number) for name, number in pairs}


def _parse_counts(label, text):
    """"rpcs     requests 3, replies without a request 1" as {"requests": 3, ...}"""
    line = re.search(rf"^{label} +(.*?)(   .*)?$", text, re.M)
    pairs = [pair.rsplit(" ", 1) for pair in line[1].split(", ")] if line else []
    return {name: _number(number) for name, number in pairs}


@dataclasses.dataclass
class Outcome:
    """How a command ended. The two equations are there for those that end with them."""

    status: int
    stdout: str
    stderr: str

    def __post_init__(self):
        self.frames = self.records = self.dropped = self.lost = None
        self.edits = self.broken = self.rpcs = None  # lines of roles between two interfaces

    def read_books(self):
        self.frames = _parse_equation("frames", self.stdout)
        self.records = _parse_equation("records", self.stdout)
        self.dropped = _parse_reasons("dropped", self.stdout)
        self.lost = _parse_reasons("lost", self.stdout)
        self.edits, self.broken, self.rpcs = (
            _parse_counts(label, self.stdout) for label in ("edits", "broken", "rpcs"))
        assert sum(self.dropped.values()) == self.frames["dropped"]
        assert sum(self.lost.values()) == self.records["lost"]
        return self

    def loses_telemetry(self):
        """Whether records were lost, or frames were before they could become records."""
        return self.records["lost"] + sum(
            self.dropped.get(reason, 0) for reason in ("rx_ring_full", "rx_no_frame")) > 0

    def assert_error(self, status, code, *words):
        """An error for the user: its exit status, its code, and what it must say."""
        assert self.status == status, self.stderr
        assert f"error[{code}]" in self.stderr
        for word in words:
            assert word in self.stderr
        for noise in ("terminate called", "libbpf:", "what():"):
            assert noise not in self.stderr


class Run:
    """A `valinor-afxdp run` in the bed's namespace."""

    def __init__(self, command):
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._lines = {"stdout": [], "stderr": []}
        self._readers = [
            threading.Thread(target=self._read, args=(name, getattr(self._process, name)))
            for name in self._lines]
        for reader in self._readers:
            reader.start()

    def _read(self, name, stream):
        with stream:
            for line in stream:
                self._lines[name].append(line)

    def text(self, name="stderr"):
        return "".join(self._lines[name])

    def wait_for(self, words, name="stderr"):
        """Until the program has said so."""
        def said():
            found = words in self.text(name)
            assert found or self._process.poll() is None, f"ended early:\n{self.text()}"
            return found
        wait_until(said, f"'{words}' on {name}")
        return self

    @property
    def pid(self):
        """Of the program itself: `ip netns exec` and what wraps it have become it."""
        return self._process.pid

    def is_running(self):
        return self._process.poll() is None

    def send_signal(self, number):
        self._process.send_signal(number)

    def kill9(self):
        self._process.kill()
        return self.wait()

    def wait(self):
        self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join()
        return Outcome(self._process.returncode, self.text("stdout"), self.text("stderr"))

    def stop(self, status=0, number=signal.SIGINT):
        """A clean stop; both equations must balance. `status` None: any; "by the books": 6 where
        they tell of a loss, else 0."""
        self.send_signal(number)
        outcome = self.wait()
        outcome.read_books()
        if status == "by the books":
            status = 6 if outcome.loses_telemetry() else 0
        assert status in (None, outcome.status), outcome.stdout + outcome.stderr
        return outcome


class Program:
    """Starts the program under test, and sees to it that none is left."""

    def __init__(self, bed, server, folder):
        self.bed, self.server = bed, server
        self.config = folder / "test.yaml"
        self.config.write_text(
            "version: 1\n"
            "run: {on_existing: append}\n"
            f"interfaces: [{{name: {Bed.host_interface}, mode: copy}}]\n"
            f"export: {{redis: {{url: \"{server.url}\", backoff: {{max: 200ms}}}},\n"
            f"         buffer: {{spill: {{dir: \"{folder}/spill\"}}}}}}\n"
            "observe: {stats_interval: 100ms}\n")
        self.runs = []

    def command(self, *settings, options=(), wrap=()):
        """Settings are key=value; `wrap` is a command in front of the program, such as setpriv."""
        sets = [word for setting in settings for word in ("--set", setting)]
        words = ["ip", "netns", "exec", self.bed.host, *wrap, BINARY, "-c", self.config, *sets,
                 "run", *options]
        return [str(word) for word in words]

    def launch(self, *settings, **how):
        self.runs.append(Run(self.command(*settings, **how)))
        return self.runs[-1]

    def start(self, *settings, **how):
        return self.launch(*settings, **how).wait_for("ready")

    def refused(self, *settings, **how):
        """Runs what must end by itself, with an error."""
        return self.launch(*settings, **how).wait()

    def generate(self, *options):
        """`gen` from the other namespace; answers how many packets left."""
        done = run("ip", "netns", "exec", self.bed.gen, BINARY, "gen", Bed.gen_interface, *options)
        return _number(re.search(r"sent +([\d,]+) packets", done.stdout)[1])

    def generating(self, *options):
        """The same, meanwhile."""
        words = ["ip", "netns", "exec", self.bed.gen, BINARY, "gen", Bed.gen_interface, *options]
        self.runs.append(Run([str(word) for word in words]))
        return self.runs[-1]

    def close(self):
        for started in self.runs:
            if started.is_running():
                started.kill9()


def replay(capture, *settings, out=None, url=None, unprivileged=True, folder=None):
    """`valinor-afxdp replay`, as a user without any privilege, outside of all namespaces."""
    where = ["export.redis.enabled=false"] if url is None else [f"export.redis.url={url}"]
    sets = [word for setting in (*where, *settings) for word in ("--set", setting)]
    demote = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
              "--bounding-set=-all"]
    words = [*(demote if unprivileged else []), BINARY, *sets, "replay", capture,
             *(["--out", out] if out else [])]
    done = run(*words, check=False, cwd=folder)
    return Outcome(done.returncode, done.stdout, done.stderr)


def require(tool):
    assert shutil.which(tool), f"{tool} is missing: scripts/install-dependencies test"
