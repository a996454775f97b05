"""Users, passwords, TLS and several servers: the whole program, which gives up its rights before it
connects."""

import pathlib

import pytest

import formats
from bed import BINARY, RedisServer, run as run_command, wait_until
from certificates import make_certificates, tls_options, tls_settings

HOST_NOT_READY = 4
PASSWORD = "0nly-the-test-kn0ws-this"
# What docs/redis.md says that is enough.
WRITER = ("--user", "writer", "on", f">{PASSWORD}", "~0", "+zadd", "+ping", "+select",
          "+client|setname", "+info", "+type", "+zcard", "+scan", "+hset", "~valinor:run:*")
SOON = ("export.redis.backoff.initial=1ms", "export.redis.backoff.max=10ms")


@pytest.fixture
def secret(folder):
    """A folder that only root can enter, for files that a program must read before it is nobody."""
    path = folder / "secret"
    path.mkdir(mode=0o700)
    return path


def write_password(path, password=PASSWORD):
    path.write_text(password + "\n")
    path.chmod(0o400)
    return path


def assert_not_shown(run, *more):
    """In nothing that others can see: output, process list."""
    shown = [run.text("stdout"), run.text("stderr"), *more]
    if run.is_running():
        for task in pathlib.Path(f"/proc/{run.pid}/task").iterdir():
            shown += [(task / "cmdline").read_text(), (task / "comm").read_text()]
    for text in shown:
        assert PASSWORD not in text


# --- Passwords -------------------------------------------------------------------------------


@pytest.fixture
def locked_redis(folder):
    """Whoever is not `writer` may look, on its UNIX socket, but the program is told to be writer."""
    server = RedisServer(folder, options=WRITER).start()
    yield server
    server.stop()


@pytest.mark.parametrize("place", ["file", "environment", "credential"])
def test_a_password_from_each_of_its_places_outlives_the_rights(start_program, locked_redis, bed,
                                                                secret, place):
    settings, wrap = ["export.redis.username=writer", "security.user=nobody"], []
    if place == "file":
        settings.append(f"export.redis.password_file={write_password(secret / 'password')}")
    elif place == "environment":
        wrap = ["env", f"VALINOR_REDIS_PASSWORD={PASSWORD}"]
    else:
        write_password(secret / "redis-password")
        wrap = ["env", f"CREDENTIALS_DIRECTORY={secret}"]
    program = start_program(locked_redis)
    run = program.start(*settings, wrap=wrap)
    bed.send([formats.valinor_n(1).data])
    locked_redis.wait_for(1)
    assert {client["user"] for client in locked_redis.client.client_list()
            if client["name"].startswith("valinor-afxdp:")} == {"writer"}
    for path in secret.iterdir():
        path.unlink()
    locked_redis.restart()
    bed.send([formats.valinor_n(2).data])
    locked_redis.wait_for(1)
    assert_not_shown(run)
    outcome = run.stop()
    assert outcome.records["stored"] == 2
    assert_not_shown(run)


def test_a_wrong_password_is_told_once_and_records_wait(start_program, locked_redis, bed, secret):
    locked_redis.client.execute_command("ACL", "SETUSER", "writer", "resetpass", ">other")
    run = start_program(locked_redis).start(
        "export.redis.username=writer", *SOON, f"export.redis.password_file={write_password(secret / 'password')}")
    bed.send([formats.valinor_n(number).data for number in range(10)])
    run.wait_for("WRONGPASS")
    attempts = locked_redis.client.info()["total_connections_received"]
    wait_until(lambda: locked_redis.client.info()["total_connections_received"] > attempts + 10,
               "ten more attempts")
    assert run.text().count("WRONGPASS") == 1
    assert_not_shown(run)
    locked_redis.client.execute_command("ACL", "SETUSER", "writer", f">{PASSWORD}")
    locked_redis.wait_for(10)
    run.wait_for("back after")
    assert run.stop().records["stored"] == 10
    assert_not_shown(run)


def test_a_right_that_is_missing_is_told_once_and_records_wait(start_program, locked_redis, bed,
                                                               secret):
    run = start_program(locked_redis).start(
        "export.redis.username=writer", "run.key=7", *SOON,
        f"export.redis.password_file={write_password(secret / 'password')}")
    bed.send([formats.valinor_n(number).data for number in range(10)])
    run.wait_for("NOPERM")
    assert locked_redis.client.execute_command("ACL", "LOG")
    locked_redis.client.execute_command("ACL", "SETUSER", "writer", "~7")
    locked_redis.wait_for(10, key=7)
    assert run.stop().records["stored"] == 10
    assert run.text().count("NOPERM") == 1


def test_no_message_shows_a_password(program, redis, secret):
    """Even where it was written in the wrong place."""
    wrong = [f"export.redis.url=redis://writer:{PASSWORD}@127.0.0.1",
             f"export.redis.endpoints=[redis://writer:{PASSWORD}@127.0.0.1]",
             f"export.redis.password={PASSWORD}"]
    for setting in wrong:
        outcome = program.refused(setting)
        assert outcome.status == 3
        assert PASSWORD not in outcome.stdout + outcome.stderr
    path = write_password(secret / "password", f"{PASSWORD}\n{PASSWORD}")
    outcome = program.refused(f"export.redis.password_file={path}")
    outcome.assert_error(HOST_NOT_READY, "REDIS-PASS-01", str(path), "more than one line")
    assert PASSWORD not in outcome.stdout + outcome.stderr
    effective = run_command("env", f"VALINOR_REDIS_PASSWORD={PASSWORD}", BINARY, "--set",
                            "export.redis.url=redis://writer@127.0.0.1", "-c", program.config,
                            "check", "--print-effective")
    assert "redis://writer@127.0.0.1" in effective.stdout
    assert PASSWORD not in effective.stdout + effective.stderr


# --- TLS -------------------------------------------------------------------------------------


@pytest.fixture
def certificates(secret):
    return make_certificates(secret)


@pytest.fixture
def tls_redis(bed, folder, certificates):
    """For clients with a certificate only."""
    run_command("ip", "-n", bed.host, "link", "set", "lo", "up")
    server = RedisServer(folder, namespace=bed.host, options=tls_options(certificates)).start()
    yield server
    server.stop()


def test_tls_connections_outlive_the_rights_and_the_files(start_program, tls_redis, bed,
                                                          certificates):
    """A handshake needs no system call that the filter refuses, and no file that nobody cannot
    read."""
    run = start_program(tls_redis).start(*tls_settings(certificates), "security.user=nobody")
    bed.send([formats.valinor_n(number).data for number in range(100)])
    tls_redis.wait_for(100)
    (certificates / "client.key").rename(certificates / "elsewhere")
    tls_redis.restart()
    bed.send([formats.valinor_n(number).data for number in range(100, 200)])
    tls_redis.wait_for(100)
    outcome = run.stop()
    assert outcome.records["stored"] == 200
    assert "lost: " in outcome.stderr and "back after" in outcome.stderr


def test_a_server_that_cannot_prove_who_it_is_gets_no_record(start_program, tls_redis, bed,
                                                             certificates):
    # Any other authority: the client's certificate signs nothing.
    run = start_program(tls_redis).start(*tls_settings(certificates), "security.user=nobody",
                                         f"export.redis.tls.ca={certificates / 'client.crt'}")
    bed.send([formats.valinor_n(1).data])
    run.wait_for("certificate verify failed")
    assert tls_redis.count() == 0
    outcome = run.stop(status=None)
    assert outcome.records["stored"] == 0
    assert run.text().count("certificate verify failed") <= 2  # as it came up, and at the end


def test_the_system_s_certificates_are_asked_where_none_are_given(start_program, tls_redis, bed,
                                                                  certificates):
    """Which OpenSSL looks for only when it needs them, behind the filter."""
    run = start_program(tls_redis).start(*tls_settings(certificates), "export.redis.tls.ca=",
                                         "security.user=nobody")
    run.wait_for("certificate verify failed")
    bed.send([formats.valinor_n(1).data])
    run.stop(status=None)
    run = start_program(tls_redis).start(
        *tls_settings(certificates), "export.redis.tls.ca=", "security.user=nobody", wrap=[
            "env", f"SSL_CERT_FILE={certificates / 'ca.crt'}"])
    bed.send([formats.valinor_n(2).data])
    tls_redis.wait_for(1)
    run.stop()


def test_a_key_that_cannot_be_used_ends_the_start(program, certificates):
    settings = tls_settings(certificates)
    program.refused(*settings, "export.redis.tls.ca=/nonexistent").assert_error(
        HOST_NOT_READY, "REDIS-TLS-01", "export.redis.tls.ca", "ENOENT")
    program.refused(*settings, f"export.redis.tls.key={certificates / 'server.key'}").assert_error(
        HOST_NOT_READY, "REDIS-TLS-01", "export.redis.tls.key", "mismatch")


# --- Several servers -------------------------------------------------------------------------


def test_a_server_that_is_away_holds_up_no_other(start_program, bed, folder):
    """Its own records wait, and the books know of all of them."""
    servers = []
    for number in range(3):
        (folder / str(number)).mkdir()
        (folder / str(number)).chmod(0o777)
        servers.append(RedisServer(folder / str(number)))
    present, away = servers[:2], servers[2]
    try:
        for server in present:
            server.start()
        program = start_program(servers[0])
        endpoints = ", ".join(f"'{server.url}'" for server in servers[1:])
        run = program.start(f"export.redis.endpoints=[{endpoints}]", "security.user=nobody")
        assert "and 2 more, by flow" in run.text()
        sent = program.generate("--format", "valinor-n", "--flows", 300, "--pps", 20_000,
                                "--count", 3_000)
        # Flows are spread evenly, but not exactly.
        for server in present:
            server.wait_for(sent // 5)
        assert sum(server.count() for server in present) < sent
        away.start()
        away.wait_for(sent // 5)
        outcome = run.stop()
        assert outcome.records["stored"] == sum(server.count() for server in servers) == sent
    finally:
        for server in servers:
            server.stop()
