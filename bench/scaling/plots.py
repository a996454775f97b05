"""The figures as pictures: the same figures, the same bytes."""
import matplotlib

matplotlib.use("svg")
# Text stays text, so that files are small and do not depend on fonts of this host.
matplotlib.rcParams.update({"svg.hashsalt": "valinor", "svg.fonttype": "none", "font.size": 9,
                            "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
                            "grid.alpha": 0.3, "legend.frameon": False})

from matplotlib import pyplot  # noqa: E402

from rounds import quiet, spread  # noqa: E402


def _save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return path


def _series(points, part):
    """Name -> its points; of one part."""
    result = {}
    for point in points:
        if point.part == part:
            result.setdefault(point.series, []).append(point)
    return result


def _draw_times(axes, x, points, label):
    middle, least, most = zip(*(spread(quiet(point.rounds)) for point in points))
    errors = [[m - a for m, a in zip(middle, least)], [b - m for m, b in zip(middle, most)]]
    axes.errorbar(x, middle, yerr=errors, marker="o", markersize=3, linewidth=1, capsize=2, label=label)


def _draw_hops(points, path):
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(8, 3))
    for name, series in _series(points, "hops").items():
        x = [point.x for point in series]
        left.plot(x, [point.instructions for point in series], marker="o", markersize=3, linewidth=1, label=name)
        _draw_times(right, x, series, name)
    left.set_ylabel("instructions a packet")
    right.set_ylabel("ns a packet")
    for axes in (left, right):
        axes.set_xlabel("hops")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.legend()
    return _save(figure, path)


def _draw_flat(points, path):
    """What a packet costs the same whatever they are."""
    figure, all_axes = pyplot.subplots(1, 3, figsize=(8, 2.8), sharey=True)
    labels = {"payload": "frame, bytes", "flows": "flows", "queues": "queues, a worker each"}
    for axes, (part, label) in zip(all_axes, labels.items()):
        for series in _series(points, part).values():
            x = [point.frame_bytes if part == "payload" else point.x for point in series]
            axes.plot(x, [point.instructions for point in series], marker="o", markersize=3, linewidth=1,
                      label="instructions")
            _draw_times(axes, x, series, "ns")
        axes.set_xlabel(label)
        axes.set_ylim(bottom=0)
    all_axes[1].set_xscale("log", base=16)
    all_axes[1].set_xticks([1, 16, 256, 4096, 65536], labels=["1", "16", "256", "4,096", "65,536"])
    all_axes[2].set_xticks([1, 2])
    all_axes[0].set_ylabel("a packet, 3 hops of 9 bytes")
    all_axes[0].legend()
    return _save(figure, path)


def _draw_memory(readings, path):
    figure, axes = pyplot.subplots(figsize=(5, 3))
    for store in dict.fromkeys(reading.store for reading in readings):
        points = sorted((reading.packets_per_second / 1e3, reading.held_mib)
                        for reading in readings if reading.store == store)
        axes.plot(*zip(*points), marker="o", markersize=3, linewidth=1, label=store)
    axes.set_xlabel("thousand packets/s received")
    axes.set_ylabel("held in memory, MiB")
    axes.set_ylim(bottom=0)
    axes.legend()
    return _save(figure, path)


def draw(points, readings, folder):
    """Answers the files that were written: those for which all figures are there."""
    parts = {point.part for point in points}
    if "hops" in parts:
        yield _draw_hops(points, folder / "scaling-hops.svg")
    if {"payload", "flows", "queues"} <= parts:
        yield _draw_flat(points, folder / "scaling-flat.svg")
    if readings:
        yield _draw_memory(readings, folder / "scaling-memory.svg")
