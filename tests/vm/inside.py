"""What runs inside the virtual machine: the program, its traffic generator, Redis.

As in tests/net/bed.py, from which the judging of the program's output is taken, but each step is a
shell script that goes to the virtual machine.
"""

import base64
import itertools
import json
import re
import shlex
import struct

from bed import Outcome
from machine import GuestError


def _until(condition, seconds=40):
    """Shell: waits until the condition holds; status 1 where it does not in time."""
    return (f"until {condition}; do\n"
            "  read -r now rest </proc/uptime; : ${begin:=${now%.*}}\n"
            f"  [ $((${{now%.*}} - begin)) -lt {seconds} ] || exit 1\n"
            "  sleep 0.1\ndone\n")


class Redis:
    """The server in the virtual machine, with what formats.read_records() asks of a client."""

    path = "/run/redis.sock"
    url = f"unix://{path}?db=0"

    def __init__(self, machine):
        self._machine = machine

    def start(self):
        self._machine.run(
            f"redis-server --port 0 --unixsocket {self.path} --save '' --daemonize yes >/dev/null\n"
            + _until(f"redis-cli -s {self.path} ping | grep -q PONG"))
        return self

    def _ask(self, *words):
        answer = self._machine.run(f"redis-cli -s {self.path} --raw {shlex.join(map(str, words))}")
        return answer.encode().splitlines()

    def keys(self):
        return [key for key in self._ask("keys", "*") if key]

    def type(self, key):
        return self._ask("type", key)[0]

    def zcard(self, key):
        return int(self._ask("zcard", key)[0])

    def zrange(self, key, start, end, withscores):
        assert withscores
        lines = self._ask("zrange", key, start, end, "withscores")
        return [(member, float(score)) for member, score in zip(lines[::2], lines[1::2])]

    def wait_for(self, records, key=0):
        status, _ = self._machine.run(_until(
            f'[ "$(redis-cli -s {self.path} --raw zcard {key})" -ge {records} ]'), check=False)
        assert status == "0", f"only {self.zcard(key)} records of {records} in Redis"

    def flush(self):
        self._ask("flushall")


class Run:
    """A command in the virtual machine, in the background."""

    _numbers = itertools.count()

    def __init__(self, machine, words):
        self._machine = machine
        self._files = f"/run/{next(self._numbers)}"
        self.words = shlex.join(map(str, words))
        self._machine.run(
            f"(sh -c 'echo $$ >{self._files}.pid; exec \"$@\"' sh {self.words}"
            f" >{self._files}.out 2>{self._files}.err\n"
            f" echo $? >{self._files}.end; mv {self._files}.end {self._files}.status) &\n"
            + _until(f"[ -s {self._files}.pid ]"))

    def wait_for(self, words, times=1):
        """Until the program has said so, on the error output, in so many lines."""
        return self._wait_for(
            f'[ "$(grep -cF -- {shlex.quote(words)} {self._files}.err)" -ge {times} ]')

    def wait_for_traffic(self):
        """Until a line of its report from now on tells of received frames."""
        lines = int(self._machine.run(f"wc -l <{self._files}.out"))
        return self._wait_for(f"tail -n +{lines + 1} {self._files}.out |"
                              " grep -qE '^ +[0-9]+:[0-9]+ +[1-9]'")

    def _wait_for(self, condition):
        status, _ = self._machine.run(
            _until(f"{condition} || [ -e {self._files}.status ]") + condition, check=False)
        assert status == "0", f"never: {condition}\n{self.text('out')}{self.text()}"
        return self

    def text(self, name="err"):
        return self._machine.run(f"cat {self._files}.{name}")

    def modes(self):
        """What each queue got: {("nic1", 0): "zerocopy"}."""
        return {(name, int(queue)): mode for name, queue, mode in re.findall(
            r"^  (\S+) +.*, queue (\d+) on .*: mode \w+ asked, (\w+) obtained", self.text(), re.M)}

    def send_signal(self, name):
        self._machine.run(f"kill -{name} $(cat {self._files}.pid)")

    def wait(self):
        """Until it has ended."""
        said = self._machine.run(_until(f"[ -e {self._files}.status ]")
                                 + f"cat {self._files}.status; wc -c <{self._files}.out\n"
                                 f"cat {self._files}.out {self._files}.err")
        status, out_bytes, rest = said.split("\n", 2)
        return Outcome(int(status), rest[:int(out_bytes)], rest[int(out_bytes):])

    def stop(self, status=0):
        """A clean stop; both equations must balance."""
        self.send_signal("INT")
        outcome = self.wait()
        outcome.read_books()
        assert status in (None, outcome.status), outcome.stdout + outcome.stderr
        return outcome

    def end(self):
        """However it stands; returns when it has ended."""
        self._machine.run(f"[ -e {self._files}.status ] || kill -9 $(cat {self._files}.pid)\n"
                          + _until(f"[ -e {self._files}.status ]"))


class Guest:
    """What a test has in its hands. Nothing of an earlier test is left."""

    # Every ring as large as what a test sends, so that nothing depends on who runs when.
    ROOMY = {"umem": {"frames": 32768, "frame_size": 2048},
             "rings": {"rx": 8192, "fill": 16384, "tx": 8192, "completion": 8192}}

    def __init__(self, machine, redis):
        self._machine, self.redis = machine, redis
        self.wire, self.igb_wire = machine.wire, machine.igb_wire
        self.has_bridge = machine.has_bridge
        self.run = machine.run
        self._runs = []

    def command(self, *interfaces, options=(), **keys):
        """`interfaces` are names, or dictionaries with all that should not be as in ROOMY."""
        config = {
            "version": 1,
            "run": {"on_existing": "append", **keys.pop("run", {})},
            "interfaces": [{"mode": "zerocopy", "promiscuous": True, **self.ROOMY,
                            **({"name": one} if isinstance(one, str) else one)}
                           for one in interfaces],
            "export": {"redis": {"url": self.redis.url}},
            "observe": {"stats_interval": "100ms"},
            **keys}
        path = f"/run/config-{len(self._runs)}.yaml"
        self.run(f"cat >{path} <<'END'\n{json.dumps(config, indent=1)}\nEND")  # JSON is YAML
        return ["valinor-afxdp", "-c", path, "run", *options]

    def launch(self, *interfaces, **keys):
        self._runs.append(Run(self._machine, self.command(*interfaces, **keys)))
        return self._runs[-1]

    def start(self, *interfaces, **keys):
        return self.launch(*interfaces, **keys).wait_for("ready")

    def generate(self, interface, *options):
        """`gen`; answers how many packets left."""
        return self.generating(interface, *options).sent()

    def generating(self, interface, *options):
        """The same, meanwhile."""
        self._runs.append(Generator(self._machine, ["valinor-afxdp", "gen", interface, *options]))
        return self._runs[-1]

    def probe(self, sender, receiver, frames):
        """guest/probe.c: for each frame, the receiver's clock right before and right after it was
        sent, and the sender's hardware stamp of what came back."""
        data = b"".join(struct.pack(">H", len(frame)) + frame for frame in frames)
        said = self.run(f"clock=$(basename /sys/class/net/{receiver}/device/ptp/ptp*)\n"
                        f"base64 -d <<'END' | probe {sender} /dev/$clock\n"
                        f"{base64.encodebytes(data).decode()}END\n")
        return [tuple(map(int, line.split())) for line in said.splitlines()]

    def link(self, interface):
        return json.loads(self.run(f"ip -j -s link show dev {interface}"))[0]

    def received(self, interface):
        return self.link(interface)["stats64"]["rx"]["packets"]

    def wait_until(self, condition, seconds=40):
        """`condition` is shell."""
        self.run(_until(condition, seconds))

    def sockets(self):
        """AF_XDP sockets as the kernel sees them: {("nic1", 0): True where it is zero-copy}."""
        found = re.findall(r"(\S+):q(\d+) .*?zc:(\d)", self.run("ss --xdp -e -n"), re.S)
        return {(name, int(queue)): zerocopy == "1" for name, queue, zerocopy in found}

    def describe(self):
        """For whoever has to find out why a test failed: titles and texts."""
        try:
            interfaces = self._machine.run(
                "ip -s link; ss --xdp -e -n\nfor nic in nic1 nic2 nic3 nic4 nic5; do"
                " echo $nic; ethtool -S $nic; done; dmesg | tail -n 40")
            return [*((run.words, run.text("out") + run.text()) for run in self._runs),
                    ("interfaces, sockets, kernel", interfaces)]
        except GuestError as error:
            return [("the virtual machine", str(error))]

    def close(self):
        for run in self._runs:
            run.end()


class Generator(Run):
    """`gen`."""

    def sent(self):
        outcome = self.wait()
        assert outcome.status == 0, outcome.stdout + outcome.stderr
        return _number(re.search(r"sent +([\d,]+) packets", outcome.stdout)[1])


def _number(text):
    return int(text.replace(",", ""))
