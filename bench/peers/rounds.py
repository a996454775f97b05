"""Rounds of a contest: in which order, and which of them count."""
import os
import statistics
import sys

QUIET = 0.05  # of a CPU, taken by other processes


def require_host(script):
    """Ends the program where this host cannot run a contest."""
    if os.geteuid() != 0:
        sys.exit(f"{script}: needs root, for network namespaces.  sudo {script}")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit(f"{script}: needs two CPUs, one for the load and one for the program")


def rotated(members, number):
    first = number % len(members)
    return members[first:] + members[:first]


def quiet(rounds):
    """Of pairs (figure, share of a CPU that others took) the figures that count: of the quiet rounds,
    or of all where fewer than half were."""
    chosen = [figure for figure, busy in rounds if busy <= QUIET]
    return chosen if 2 * len(chosen) >= len(rounds) else [figure for figure, _ in rounds]


def noisy(rounds):
    return sum(busy > QUIET for _, busy in rounds)


def spread(figures):
    """Median, least and most."""
    return statistics.median(figures), min(figures), max(figures)
