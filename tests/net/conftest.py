"""End-to-end tests: the real program, a veth pair, a real Redis. They need root:

    sudo VALINOR_BINARY=build/src/app/valinor-afxdp python3 -m pytest tests/net
"""

import os
import pathlib
import shutil
import tempfile

import pytest

import bed as beds
import chain as chains
import faults


def pytest_collection_modifyitems(items):
    if os.geteuid() == 0:
        return
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="needs root for network namespaces"))


@pytest.fixture(scope="session", autouse=True)
def clean_host():
    if os.geteuid() == 0:
        beds.remove_leftovers()


@pytest.fixture(scope="session")
def binary():
    assert beds.BINARY.is_file(), f"{beds.BINARY} is missing: build it, or set VALINOR_BINARY"
    return beds.BINARY


@pytest.fixture
def folder():
    """Like tmp_path, but users without privilege can reach it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="valinor-net-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def bed(binary):
    with beds.Bed() as made:
        yield made


@pytest.fixture
def redis_away(folder):
    """A server that is not started yet."""
    server = beds.RedisServer(folder)
    yield server
    server.stop()


@pytest.fixture
def redis(redis_away):
    return redis_away.start()


@pytest.fixture
def durable_redis(folder):
    """What it has acknowledged survives kill -9."""
    server = beds.RedisServer(folder, durable=True).start()
    yield server
    server.stop()


@pytest.fixture
def start_program(bed, folder):
    """start_program(server) makes the Program that exports to it."""
    made = []

    def make(server):
        made.append(beds.Program(bed, server, folder))
        return made[-1]

    yield make
    for program in made:
        program.close()


@pytest.fixture
def program(start_program, redis):
    return start_program(redis)


# --- Roles between two interfaces ------------------------------------------------------------


@pytest.fixture
def chain(binary, request):
    """Two queues, or what @pytest.mark.parametrize("chain", [1], indirect=True) says."""
    with chains.Chain(getattr(request, "param", 2)) as made:
        yield made


@pytest.fixture
def box(chain, redis, folder):
    """The program between the chain's two ends."""
    program = chains.ChainProgram(chain, redis, folder)
    yield program
    program.close()


@pytest.fixture
def echo_server(chain):
    """An unmodified server at the chain's far end, and addresses to reach it."""
    chain.add_addresses()
    server = chains.EchoServer(chain)
    yield server
    server.stop()


@pytest.fixture
def start_flow(chain, folder):
    """start_flow(store, *settings): traffic through the chain, with a program in its midst that has
    begun to store in `store`."""
    made = []

    def start(store, *settings, packets_per_second=faults.PACKETS_PER_SECOND, **how):
        made.append(faults.Flow(chain, folder, store, packets_per_second))
        return made[-1].start(*settings, **how)

    yield start
    for flow in made:
        flow.close()
