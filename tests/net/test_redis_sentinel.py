"""A master, its replica and a sentinel, all of them real: the program follows the master."""

import pytest

import formats
from bed import wait_until
from sentinel import SENTINEL_PORT, SERVER_PORTS, Sentinel, pair, role


@pytest.fixture
def servers(bed, folder):
    """The master and its replica."""
    with pair(bed.host, folder) as made:
        yield made


@pytest.fixture
def sentinel(bed, folder, servers):
    made = Sentinel(bed.host, folder)
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
