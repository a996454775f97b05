"""The connection is cut anywhere, a master dies and its replica takes over, slots of a cluster move:
packets flow on, and each record is stored once.

VALINOR_ROUNDS multiplies how often.
"""

import contextlib
import random

import pytest

import cluster as clusters
from bed import RedisServer, run as run_command, wait_until
from certificates import TLS_PORT, make_certificates, tls_options, tls_settings
from cutting_proxy import PLAIN, TLS, CuttingProxy
from faults import FACTOR
from sentinel import SENTINEL_PORT, Sentinel, pair, role


# --- Connections that are reset --------------------------------------------------------------


@pytest.fixture
def server(chain, folder):
    """On TCP, with TLS and without."""
    run_command("ip", "-n", chain.host, "link", "set", "lo", "up")
    made = RedisServer(folder, namespace=chain.host,
                       options=tls_options(make_certificates(folder))).start()
    yield made
    made.stop()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_connection_that_is_reset_after_any_number_of_bytes(start_flow, chain, server, folder,
                                                              tls):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    where = (TLS_PORT, TLS) if tls else (6379, PLAIN)
    with CuttingProxy(chain.host, *where, seed) as proxy:
        settings = (tls_settings(folder, proxy.port) if tls
                    else [f"export.redis.url=redis://127.0.0.1:{proxy.port}/0"])
        flow = start_flow(server, *settings, "export.redis.backoff.initial=1ms",
                          "export.redis.backoff.max=10ms")
        wait_until(lambda: proxy.cuts >= 100 * FACTOR, "connections to be cut", 60 * FACTOR)
        flow.cross()
        proxy.cutting = False
        flow.finish_complete()


# --- A master that its replica replaces ------------------------------------------------------


def hold_writes(master, replica):
    """The replica has all that the master has acknowledged, and that stays so. Without this a failover
    costs what was on its way from one to the other, and no client can know."""
    master.client.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
    offset = master.client.info("replication")["master_repl_offset"]
    wait_until(lambda: replica.client.info("replication")["slave_repl_offset"] >= offset,
               "the replica to have all")


@pytest.mark.parametrize("how", ["killed", "asked"])
def test_a_master_that_is_replaced(start_flow, chain, folder, how):
    with contextlib.ExitStack() as stack:
        master, replica = stack.enter_context(pair(chain.host, folder))
        sentinel = Sentinel(chain.host, folder)
        stack.callback(sentinel.stop)
        sentinel.start()
        flow = start_flow(master, "export.redis.url=redis://unused/0",
                          "export.redis.sentinel.master=mymaster",
                          f"export.redis.sentinel.hosts=['127.0.0.1:{SENTINEL_PORT}']",
                          "export.redis.timeouts.command=300ms")
        hold_writes(master, replica)
        if how == "killed":
            master.kill9()
        else:
            sentinel.failover()
        flow.cross()
        wait_until(lambda: role(replica) == "master", "the failover")
        flow.store = replica
        flow.store_more()
        flow.cross()
        flow.finish_complete()


# --- Slots that move -------------------------------------------------------------------------


def move_slots(cluster, flow):
    """Each slot that has keys, while records go there."""
    wait_until(lambda: len(cluster.keys()) == 4, "records in every shard")
    for _ in range(FACTOR):
        moving = {cluster.slot(key): (key, node) for key, node in sorted(cluster.keys().items())}
        for number, (key, source) in enumerate(moving.values()):
            target = cluster.next_of(source)
            word = ("ASK", "MOVED")[number % 2]
            before = cluster.errors(word)
            cluster.begin_move(key, source, target)
            if word == "ASK":
                cluster.migrate(key, source, target)
            else:
                cluster.migrate_and_hand_over(key, source, target)
            wait_until(lambda: cluster.errors(word) > before, f"an answer {word}")
            flow.cross(500)
            cluster.end_move(key, target)
        flow.store_more()


def test_slots_that_move_to_other_masters(start_flow, chain, folder):
    with clusters.running(chain.host, folder) as cluster:
        flow = start_flow(cluster, "export.redis.cluster=true", "export.redis.shards=4")
        move_slots(cluster, flow)
        flow.finish_complete()


def test_streams_of_a_cluster(start_flow, chain, folder):
    """Slots move, then a master is killed and comes back: each record is in one stream, once."""
    with clusters.running(chain.host, folder, clusters.StreamCluster, durable=True) as cluster:
        flow = start_flow(cluster, "export.redis.format=stream", "export.redis.cluster=true",
                          "export.redis.shards=4", packets_per_second=3000)
        move_slots(cluster, flow)
        for key, node in sorted(cluster.keys().items())[:FACTOR]:
            node.kill9()
            flow.run.wait_for("records go to ")
            flow.cross(3000)
            node.start()
            cluster.wait_until_whole()
            flow.store_more()
        cluster.members = lambda: members_of(cluster, flow)
        flow.finish_complete()


def members_of(cluster, flow):
    """What the streams hold, as members of a sorted set."""
    return [flow.traffic.member(record["switch_time_ns"]) for record in cluster.records]


def test_sets_and_streams_of_a_cluster(start_flow, chain, folder):
    """The two keys of a shard are in one slot, and move together."""
    with clusters.running(chain.host, folder, clusters.BothCluster) as cluster:
        flow = start_flow(cluster, "export.redis.format=both", "export.redis.cluster=true",
                          "export.redis.shards=2", packets_per_second=3000)
        move_slots(cluster, flow)
        flow.finish_complete()
        streamed = members_of(cluster, flow)
        assert len(streamed) == flow.traffic.sent
        assert set(streamed) == set(cluster.members())
