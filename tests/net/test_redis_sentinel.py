"""A master, its replica and a sentinel, all of them real: the program follows the master."""

import subprocess

import pytest
import redis as redis_client

import formats
from bed import RedisServer, run as run_command, wait_until

SENTINEL_PORT = 26379
SERVER_PORTS = 6379, 6380


class Sentinel:
    """One is enough to decide here."""

    def __init__(self, bed, folder):
        self._bed, self._folder = bed, folder
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
            [str(word) for word in ("ip", "netns", "exec", self._bed.host, "redis-server",
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


@pytest.fixture
def servers(bed, folder):
    """The master and its replica."""
    run_command("ip", "-n", bed.host, "link", "set", "lo", "up")
    made = []
    for number, port in enumerate(SERVER_PORTS):
        place = folder / f"server{number}"
        place.mkdir(mode=0o777)
        of = ("--replicaof", f"127.0.0.1 {SERVER_PORTS[0]}") if number else ()
        made.append(RedisServer(place, namespace=bed.host, port=port, options=(
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


@pytest.fixture
def sentinel(bed, folder, servers):
    made = Sentinel(bed, folder)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def run(start_program, servers, sentinel):
    """A second sentinel is configured that is not there."""
    program = start_program(servers[0])
    return program.start("export.redis.url=redis://unused/0",
                         "export.redis.sentinel.master=mymaster",
                         f"export.redis.sentinel.hosts=['127.0.0.1:1', '127.0.0.1:{SENTINEL_PORT}']")


def role(server):
    return server.client.info("replication")["role"]


def test_records_follow_the_master_that_sentinels_name(run, bed, servers, sentinel):
    master, replica = servers
    bed.send([formats.valinor_n(number).data for number in range(50)])
    master.wait_for(50)
    replica.wait_for(50)
    sentinel.failover()
    # What the old master still takes while it is one would be gone with it.
    wait_until(lambda: (role(master), role(replica)) == ("slave", "master"), "the failover")
    bed.send([formats.valinor_n(number).data for number in range(50, 100)])
    replica.wait_for(100)
    outcome = run.stop()
    assert outcome.records["stored"] == 100
    assert "redis master 'mymaster'" in outcome.stderr


def test_a_master_that_is_killed_is_replaced(run, bed, servers):
    master, replica = servers
    bed.send([formats.valinor_n(number).data for number in range(50)])
    replica.wait_for(50)
    master.kill9()
    bed.send([formats.valinor_n(number).data for number in range(50, 100)])
    replica.wait_for(100)
    assert run.stop().records["stored"] == 100


def test_a_demoted_master_whose_connections_stay_says_readonly(run, bed, servers, sentinel):
    """Demoted by hand, so that nobody cuts our connection; then the sentinel puts it right again."""
    master, replica = servers
    bed.send([formats.valinor_n(1).data])
    master.wait_for(1)
    replica.wait_for(1)
    sentinel.client.execute_command("SENTINEL", "SET", "mymaster", "down-after-milliseconds",
                                    "60000")
    master.client.execute_command("REPLICAOF", "127.0.0.1", SERVER_PORTS[1])
    bed.send([formats.valinor_n(2).data])
    run.wait_for("READONLY")
    master.client.execute_command("REPLICAOF", "NO", "ONE")
    master.wait_for(2)
    assert run.stop().records["stored"] == 2


def test_a_sentinel_that_knows_no_such_master(start_program, bed, servers, sentinel):
    run = start_program(servers[0]).start(
        "export.redis.url=redis://unused/0", "export.redis.sentinel.master=other",
        f"export.redis.sentinel.hosts=['127.0.0.1:{SENTINEL_PORT}']")
    run.wait_for("knows no master 'other'")
    sentinel.client.execute_command("SENTINEL", "MONITOR", "other", "127.0.0.1", SERVER_PORTS[0],
                                    "1")
    bed.send([formats.valinor_n(1).data])
    servers[0].wait_for(1)
    run.stop()


def test_a_sentinel_that_wants_a_password_gets_the_servers(start_program, bed, servers, sentinel,
                                                           folder):
    (folder / "password").write_text("s3cret")
    sentinel.client.execute_command("ACL", "SETUSER", "default", ">s3cret", "resetpass", ">s3cret")
    for server in servers:
        server.client.execute_command("ACL", "SETUSER", "writer", "on", ">s3cret", "~*", "+@all")
    sentinel.client.execute_command("ACL", "SETUSER", "writer", "on", ">s3cret", "+@all")
    run = start_program(servers[0]).start(
        "export.redis.url=redis://writer@unused/0", "export.redis.sentinel.master=mymaster",
        f"export.redis.sentinel.hosts=['127.0.0.1:{SENTINEL_PORT}']",
        f"export.redis.password_file={folder / 'password'}")
    bed.send([formats.valinor_n(1).data])
    servers[0].wait_for(1)
    assert "s3cret" not in run.text() + run.text("stdout")
    run.stop()
