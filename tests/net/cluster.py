"""A Redis Cluster of three masters on ports of one namespace, whose slots can be moved."""

import contextlib
import importlib
import pathlib
import sys

import redis

from bed import RedisServer, run, wait_until

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "share/examples"))
read_stream = importlib.import_module("read_stream").read_stream

PORTS = 7000, 7001, 7002
SLOTS = 16384


class Cluster:
    """As a store: what all nodes hold together."""

    def __init__(self, namespace, folder, durable=False):
        self.nodes = []
        for port in PORTS:
            place = folder / f"node{port}"
            place.mkdir(mode=0o777)
            self.nodes.append(RedisServer(place, durable, namespace=namespace, port=port, options=(
                "--cluster-enabled", "yes", "--cluster-node-timeout", 2000)))
        self.url = f"redis://127.0.0.1:{PORTS[0]}"

    def start(self):
        for number, node in enumerate(self.nodes):
            node.start()
            first, last = (SLOTS * part // len(self.nodes) for part in (number, number + 1))
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", PORTS[0])
        self.wait_until_whole()
        return self

    def wait_until_whole(self):
        wait_until(lambda: all(self._is_whole(node) for node in self.nodes), "the cluster to form")

    def _is_whole(self, node):
        info = node.client.execute_command("CLUSTER INFO")  # read by the client
        return (info["cluster_state"], info["cluster_known_nodes"]) == ("ok", str(len(self.nodes)))

    def stop(self):
        for node in self.nodes:
            node.stop()

    def keys(self):
        """{key: the node that holds it}"""
        return {key: node for node in self.nodes for key in node.client.keys()}

    def count(self):
        return sum(node.count(key) for key, node in self.keys().items())

    def members(self):
        return [member for key, node in self.keys().items() for member in node.members(key)]

    def errors(self, word):
        """How often nodes have answered so."""
        stats = [node.client.info("errorstats") for node in self.nodes]
        return sum(int(each.get(f"errorstat_{word}", "count=0").split("=")[1]) for each in stats)

    # As `redis-cli --cluster reshard` does it; all keys of the slot at once.

    def begin_move(self, key, source, target):
        """From now on the target is told of the slot, and the source serves what it still holds."""
        slot = self.slot(key)
        target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", self._id(source))
        source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", self._id(target))

    def migrate(self, key, source, target):
        """The slot's keys are at the target; the source answers ASK."""
        source.client.execute_command(*self._migrate(key, source, target))

    def migrate_and_hand_over(self, key, source, target):
        """The slot's keys are at the target, and the source answers MOVED, without a moment in between."""
        with source.client.pipeline(transaction=True) as together:
            together.execute_command(*self._migrate(key, source, target))
            together.execute_command("CLUSTER", "SETSLOT", self.slot(key), "NODE",
                                     self._id(target))
            together.execute()

    def end_move(self, key, target):
        """The slot is the target's; all nodes know."""
        owner = self._id(target)
        for node in [target, *(node for node in self.nodes if node is not target)]:
            node.client.execute_command("CLUSTER", "SETSLOT", self.slot(key), "NODE", owner)

    def slot(self, key):
        return self.nodes[0].client.execute_command("CLUSTER", "KEYSLOT", key)

    def next_of(self, node):
        return self.nodes[(self.nodes.index(node) + 1) % len(self.nodes)]

    def _migrate(self, key, source, target):
        port = PORTS[self.nodes.index(target)]
        keys = source.client.execute_command("CLUSTER", "GETKEYSINSLOT", self.slot(key), 100)
        return "MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", *keys

    @staticmethod
    def _id(node):
        return node.client.execute_command("CLUSTER", "MYID")


class StreamCluster(Cluster):
    """Whose keys are streams. They are read on from where they were read to, wherever they are."""

    def __init__(self, *where, **how):
        super().__init__(*where, **how)
        self.records = []
        self._read_to = {}

    def streams(self):
        return self.keys()

    def count(self):
        for key, node in self.streams().items():
            with contextlib.suppress(redis.exceptions.ResponseError):  # it moves just now
                for last, records in read_stream(node.client, key, self._read_to.get(key, "0")):
                    self._read_to[key] = last
                    self.records += records
        return len(self.records)


class BothCluster(StreamCluster):
    """With the sorted sets and the streams of `format: both`; members() are the sets'."""

    def sets(self):
        return {key: node for key, node in self.keys().items() if b":stream" not in key}

    def streams(self):
        return {key: node for key, node in self.keys().items() if b":stream" in key}

    def count(self):
        """Of what both forms hold."""
        return min(sum(node.count(key) for key, node in self.sets().items()), super().count())

    def members(self):
        return [member for key, node in self.sets().items() for member in node.members(key)]


@contextlib.contextmanager
def running(namespace, folder, kind=Cluster, **how):
    run("ip", "-n", namespace, "link", "set", "lo", "up")
    cluster = kind(namespace, folder, **how)
    try:
        yield cluster.start()
    finally:
        cluster.stop()
