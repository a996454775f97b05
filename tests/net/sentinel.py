"""A master, its replica and a sentinel, all of them real, on ports of one namespace."""

import contextlib
import subprocess

import redis as redis_client

from bed import RedisServer, run, wait_until

SENTINEL_PORT = 26379
SERVER_PORTS = 6379, 6380


@contextlib.contextmanager
def pair(namespace, folder):
    """The master and its replica, which follows it already."""
    run("ip", "-n", namespace, "link", "set", "lo", "up")
    made = []
    for number, port in enumerate(SERVER_PORTS):
        place = folder / f"server{number}"
        place.mkdir(mode=0o777)
        of = ("--replicaof", f"127.0.0.1 {SERVER_PORTS[0]}") if number else ()
        made.append(RedisServer(place, namespace=namespace, port=port, options=(
            "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", 0, *of)))
    try:
        for server in made:
            server.start()
        wait_until(lambda: made[1].client.info("replication")["master_link_status"] == "up",
                   "the replica to follow")
        yield made
    finally:
        for server in made:
            server.stop()


def role(server):
    try:
        return server.client.info("replication")["role"]
    except redis_client.exceptions.ConnectionError:  # a failover cuts all connections
        return None


class Sentinel:
    """One is enough to decide here."""

    def __init__(self, namespace, folder):
        self._namespace, self._folder = namespace, folder
        self._config = folder / "sentinel.conf"
        self._path = folder / "sentinel.sock"
        self._config.write_text(
            f"port {SENTINEL_PORT}\n"
            f"unixsocket {self._path}\n"
            "protected-mode no\n"
            f"dir {folder}\n"
            f"logfile {folder / 'sentinel.log'}\n"
            f"sentinel monitor mymaster 127.0.0.1 {SERVER_PORTS[0]} 1\n"
            "sentinel down-after-milliseconds mymaster 500\n"
            "sentinel failover-timeout mymaster 3000\n")
        self.client = redis_client.Redis(unix_socket_path=str(self._path))
        self._process = None

    def start(self):
        self._process = subprocess.Popen(
            [str(word) for word in ("ip", "netns", "exec", self._namespace, "redis-server",
                                    self._config, "--sentinel")], stdin=subprocess.DEVNULL)
        wait_until(self._knows_the_replica, "the sentinel to know the replica")
        return self

    def _knows_the_replica(self):
        assert self._process.poll() is None, (self._folder / "sentinel.log").read_text()
        try:
            replicas = self.client.execute_command("SENTINEL", "REPLICAS", "mymaster")
        except redis_client.exceptions.RedisError:
            return False
        return any(b"slave" in field for replica in replicas for field in replica)

    def failover(self):
        self.client.execute_command("SENTINEL", "FAILOVER", "mymaster")

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
