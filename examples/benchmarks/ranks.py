"""A model of what a roll takes over N processes, checked against `run.py distributed` and drawn.

    python3 examples/benchmarks/ranks.py target/distributed.json docs/distributed.svg

The model of a roll, all processes having as many rows as one alone:

    roll(N) = alone + K constraint + values(N) + gradients(N) + gathered(N)
    values(N)     = sum(N, 4096), and sum(N, 8 n) for n > 498 numbers
    gradients(N)  = sum(N, 4 parameters)
    gathered(N)   = (N - 1) (latency + 12 rows / bandwidth)
    sum(N, bytes) = 2 (N - 1) (latency + bytes / N / bandwidth), Gloo's ring

Where more processes than cores share these, everything is N / cores times as long. Latency, bandwidth and the work
for a constraint are taken from what three problems took at N = 2; all else is predicted.
"""

import dataclasses
import json
import pathlib
import sys

# Name: parameters, constraints, and rows that each process has to give to all.
PROBLEMS = {
    "mnist": (7850, 1, 0),
    "mlp:64": (784 * 64 + 64 * 64 + 64 * 12 + 10, 1, 0),
    "mlp:680": (784 * 680 + 680 * 680 + 680 * 12 + 10, 1, 0),
    "mlp:2800": (784 * 2800 + 2800 * 2800 + 2800 * 12 + 10, 1, 0),
    "groups:1": (1, 1, 0),
    "groups:10": (10, 10, 0),
    "groups:100": (100, 100, 0),
    "groups:1000": (1000, 1000, 0),
    "indexed:100000": (256, 1, 256),
}
ROW_BYTES = 4 + 8  # a float32 violation, an int64 index
FITS = 498  # numbers of a roll in the buffer that every call sums
SIZES = 2, 8, 64, 256, 1024
OWN = ("forward", "backward", "steps")


@dataclasses.dataclass
class Network:
    """In microseconds and bytes. Cores that all share; none: each process has its own."""

    latency: float
    bandwidth: float
    constraint: float = 0
    cores: int | None = None

    def ring(self, ranks, size):
        return 2 * (ranks - 1) * (self.latency + size / ranks / self.bandwidth)

    def tree(self, ranks, size):
        """What a tree, up and down, would take; for small sums."""
        return 2 * (ranks - 1).bit_length() * (self.latency + size / self.bandwidth)

    def roll(self, ranks, alone, problem, small_sum=None):
        if ranks == 1:
            return alone
        small_sum = small_sum or self.ring
        parameters, constraints, rows = problem
        total = alone + constraints * self.constraint
        total += small_sum(ranks, 8 * (FITS + 4))
        numbers = 2 * constraints + (2 * ranks if rows else 0)
        total += small_sum(ranks, 8 * numbers) if numbers > FITS else 0
        total += self.ring(ranks, 4 * parameters)
        if rows:
            total += (ranks - 1) * (self.latency + rows * ROW_BYTES / self.bandwidth)
        return total * max(1, ranks / self.cores if self.cores else 1)


def alone(measured, name):
    return measured[name]["1"]["roll"]


def fit(measured, cores):
    """Each from the problem in which it is most of what two processes take more than one."""
    more = {name: turns["2"]["roll"] - alone(measured, name) for name, turns in measured.items()}
    latency = more["groups:1"] / 4
    bandwidth = 4 * PROBLEMS["mlp:2800"][0] / (more["mlp:2800"] - 4 * latency)
    constraint = (more["groups:1000"] - 6 * latency) / 1000
    return Network(latency, bandwidth, constraint, cores)


def check(measured, here):
    print("| Roll, µs | " + " | ".join(f"{n} measured | model | error" for n in (2, 3, 4)) + " |")
    print("|---|" + "---|" * 9)
    for name, turns in measured.items():
        cells = []
        for ranks in (2, 3, 4):
            found = turns[str(ranks)]["roll"]
            said = here.roll(ranks, alone(measured, name), PROBLEMS[name])
            cells += [f"{found:.0f}", f"{said:.0f}", f"{100 * (said / found - 1):+.0f} %"]
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    print()


def draw(measured, far, path):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams |= {"svg.hashsalt": "ranks", "svg.fonttype": "none"}  # the same, small file each time
    figure, (time, gain) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    ranks = [2**k for k in range(11)]
    for name in ("mnist", "groups:100", "indexed:100000", "mlp:680", "mlp:2800"):
        problem, own = PROBLEMS[name], alone(measured, name)
        rolls = [far.roll(n, own, problem) for n in ranks]
        (line,) = time.plot(ranks, [t / 1000 for t in rolls], label=name)
        gain.plot(ranks, [n * own / t for n, t in zip(ranks, rolls)], color=line.get_color())
        if name == "mlp:2800":
            trees = [far.roll(n, own, problem, far.tree) for n in ranks]
            fewer = [far.roll(n, 16 * own, problem) / 16 for n in ranks]
            for label, style, times in (
                ("its values summed by a tree", "--", trees),
                ("16 micro-batches a roll", ":", fewer),
            ):
                gains = [n * own / t for n, t in zip(ranks, times)]
                gain.plot(ranks, gains, style, color=line.get_color(), label=label)
    gain.plot(ranks, ranks, color="0.8", zorder=0)
    time.set(xscale="log", yscale="log", xlabel="processes", ylabel="a roll, ms")
    gain.set(xscale="log", yscale="log", xlabel="processes", ylabel="rows a second, × one process")
    time.legend(fontsize=8)
    gain.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def main():
    data = json.loads(pathlib.Path(sys.argv[1]).read_text())
    measured, cores = data["problems"], data["cores"]
    here = fit(measured, cores)
    print(
        f"On {cores} cores: latency {here.latency:.0f} µs, {here.bandwidth / 1000:.2f} GB/s, "
        f"a constraint {here.constraint:.1f} µs\n"
    )
    check(measured, here)
    # A machine for each process and 10 Gbit/s: the way takes longer, but who waits has no neighbour.
    far = dataclasses.replace(here, bandwidth=min(here.bandwidth, 1250), cores=None)
    print("Rows a second of N processes, each on a machine of its own, against one\n")
    print("| | " + " | ".join(map(str, SIZES)) + " |\n|---|" + "---|" * len(SIZES))
    for name, problem in PROBLEMS.items():
        own = alone(measured, name)
        gains = [f"{n * own / far.roll(n, own, problem):.2g}" for n in SIZES]
        print(f"| `{name}` | {' | '.join(gains)} |")
    if len(sys.argv) > 2:
        draw(measured, far, sys.argv[2])


if __name__ == "__main__":
    main()
