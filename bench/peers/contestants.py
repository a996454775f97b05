"""Who is measured, and how each is started, known to be ready, and ended."""
import dataclasses
import pathlib
import re
import shutil
import signal
import subprocess
import threading

from bed import FAR

PATIENCE = 30  # seconds


class Process:
    """A program in the namespace; its output is read all the while, or it would block on it."""

    def __init__(self, namespace, command):
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *map(str, command)], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.pid = self._process.pid
        self._lines = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            with self._said:
                self._lines.append(line)
                self._said.notify_all()
        with self._said:
            self._lines.append(None)  # it has ended
            self._said.notify_all()

    @property
    def text(self):
        return "".join(line for line in self._lines if line)

    def wait_for(self, words):
        with self._said:
            if not self._said.wait_for(lambda: words in self.text or None in self._lines, PATIENCE) \
                    or words not in self.text:
                raise RuntimeError(f"{self._process.args} did not say '{words}':\n{self.text}")

    def stop(self, how):
        if how == "enter":
            self._process.stdin.write("\n")
            self._process.stdin.close()
        else:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(PATIENCE)

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@dataclasses.dataclass(frozen=True)
class Contestant:
    name: str
    command: list
    ready: str  # what it prints, once it is
    counter: str  # of veth's: at the far end, or where it sends back, at the near one
    sends_back: bool = False
    end: str = "interrupt"  # or "enter": a key
    own_count: str = ""  # where no counter of the kernel's is there: how it tells its packets
    missing: str = ""  # why it cannot run here

    def packets_of(self, text):
        """Of the last such line; only for those with an own_count."""
        return int(re.findall(self.own_count, text)[-1])


def _missing(program, package):
    return "" if shutil.which(program) else f"{program} is not installed (Debian package {package})"


def kernel(build, sends_back):
    """No user space."""
    action = "tx" if sends_back else "drop"
    return Contestant(f"kernel XDP_{action.upper()}", [build / "bench/floor", FAR, f"kernel-{action}"], "ready",
                      "xdp_drops", sends_back)


def floor(build, sends_back, cpus, reads=False):
    """No parsing at all; `reads`: all cache lines of a frame all the same."""
    what = "forward" if sends_back else "read" if reads else "drop"
    name = "reading AF_XDP rxdrop" if reads else f"bare AF_XDP {'l2fwd' if sends_back else 'rxdrop'}"
    return Contestant(name, [build / "bench/floor", FAR, what, *cpus],
                      "ready", "xdp_drops" if sends_back else "xdp_redirect", sends_back)


def testpmd(driver, sends_back, cpus):
    queues = len(cpus)
    device = {"net_af_xdp": f"net_af_xdp0,iface={FAR},start_queue=0,queue_count={queues}",
              "net_af_packet": f"net_af_packet0,iface={FAR},qpairs={queues}"}[driver]
    mode = "macswap" if sends_back else "rxonly"
    # The main thread, 0, sleeps; the others forward.
    lcores = ",".join(["0@0", *(f"{number}@{cpu}" for number, cpu in enumerate(cpus, 1))])
    # By lines, or it would keep to itself that it is ready.
    command = ["stdbuf", "-oL", "dpdk-testpmd", f"--lcores={lcores}", "--no-pci", "--no-huge", "-m", "512",
               "--no-shconf", "--no-telemetry", "--vdev", device, "--", f"--forward-mode={mode}", f"--rxq={queues}", f"--txq={queues}",
               f"--nb-cores={queues}", "--total-num-mbufs=16384", "--burst=64", "--auto-start"]
    own = r"RX-packets: (\d+)" if driver == "net_af_packet" and not sends_back else ""
    plugin = any(pathlib.Path("/usr/lib").glob(f"*/dpdk/pmds-*/librte_{driver}.so*"))
    missing = _missing("dpdk-testpmd", "dpdk-dev")
    if not missing and not plugin:
        missing = f"DPDK has no {driver} here (Debian package librte-{driver.replace('_', '-')}23)"
    return Contestant(f"testpmd {mode} {driver}", command, "Press enter to exit",
                      "xdp_drops" if sends_back else "xdp_redirect", sends_back, "enter", own, missing)


def ours(binary, config, sends_back, cpus, threads, poll="busy", prefer_busy=False, name=""):
    role = "reflect" if sends_back else "collect"
    settings = [f"interfaces[0].name={FAR}", f"interfaces[0].queues=[{','.join(str(i) for i in range(len(cpus)))}]",
                f"interfaces[0].cpus=[{','.join(cpus)}]", f"interfaces[0].poll.mode={poll}",
                f"interfaces[0].poll.prefer_busy={str(prefer_busy).lower()}", f"role={role}",
                "export.redis.enabled=false", "interfaces[0].mode=copy"]
    pin = ["taskset", "-c", ",".join(cpus)] if threads == "one" else []
    command = [*pin, binary, "-c", config, *[word for setting in settings for word in ("--set", setting)]]
    return Contestant(name or f"valinor-afxdp {role}", command, "ready",
                      "xdp_drops" if sends_back else "xdp_redirect", sends_back)


def start(bed, contestant, processes):
    """Answers once it is ready. The process is added to `processes` at once, to be ended in any case."""
    processes.append(Process(bed.program, contestant.command))
    processes[-1].wait_for(contestant.ready)
    return processes[-1]
