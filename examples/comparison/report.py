"""Tables and a performance profile of what was measured."""

import collections
import json
import math
import statistics

import matplotlib

from trace import TOLERANCES

matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "comparison"})
KEYS = [f"{tolerance:.0e}" for tolerance in TOLERANCES]
BASE = "SciPy SLSQP"
PROFILE = [
    BASE, "SciPy trust-constr", "ensmallen AugLagrangian", "Solver", "augmented Lagrangian", "SSL-ALM",
    "inexact ALM", "quadratic penalty", "DualRates", "νPI", "extragradient, past", "Lagrangian, simultaneous",
    "switching subgradient", "PBM",
]  # fmt: skip


def read(files):
    """{problem: {algorithm: [its runs]}}."""
    runs = collections.defaultdict(lambda: collections.defaultdict(list))
    for file in files:
        for line in file.read_text().splitlines():
            run = json.loads(line)
            runs[run["problem"]][run["algorithm"]].append(run)
    return runs


def is_training(algorithms):
    return any(len(run["points"]) > 1 for runs in algorithms.values() for run in runs)


def reach(runs, tuned):
    """The run that nobody tuned, or that of the grid which reaches the most, soonest."""
    if not tuned:
        runs = [run for run in runs if run["untuned"]]
    if not runs:
        return {}
    order = [[run["reached"].get(key, [math.inf])[0] for key in reversed(KEYS)] for run in runs]
    return runs[order.index(min(order))]["reached"]


def table(head, rows):
    lines = ["| " + " | ".join(map(str, line)) + " |" for line in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def number(value):
    return "–" if value is None or math.isinf(value) else f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def names(problems):
    return list(dict.fromkeys(name for algorithms in problems.values() for name in algorithms))


def both(problems, name):
    """What one reaches on each problem, untuned and tuned; None for tuned if not all have a grid."""
    runs = {member: algorithms.get(name, []) for member, algorithms in problems.items()}
    untuned, tuned = ({m: reach(r, how) for m, r in runs.items()} for how in (False, True))
    return untuned, tuned if all(len(own) != 1 for own in runs.values()) else None


def solved(problems):
    """How many, to each tolerance."""
    families = {"HS": [], "QP": []}
    for name in problems:
        families["HS" if name.startswith("HS") and name != "HS118" else "QP"].append(name)

    def cell(found, members):
        return found and " / ".join(str(sum(key in found[m] for m in members)) for key in KEYS)

    rows = []
    for name in names(problems):
        cells = [cell(found, members) for members in families.values() for found in both(problems, name)]
        rows.append([name, *(one or "" for one in cells)])
    sizes = [f"{len(members)} {family}" for family, members in families.items()]
    head = [f"{size}, {how}" for size in sizes for how in ("untuned", "tuned")]
    return table(["Algorithm", *head], rows)


def prices(problems):
    """Medians over those that are solved, to each tolerance."""

    def median(values):
        values = list(values)
        return number(statistics.median(values)) if values else "–"

    def cell(found, part, scale):
        return found and " / ".join(
            median(scale * one[key][part] for one in found.values() if key in one) for key in KEYS
        )

    rows, last = [], KEYS[-1]
    base, _ = both(problems, BASE)
    for name in names(problems):
        untuned, tuned = both(problems, name)
        cells = [cell(one, *unit) for unit in ((0, 1), (1, 1e3)) for one in (untuned, tuned)]
        best = (tuned or untuned).items()
        ratios = (one[last][0] / base[m][last][0] for m, one in best if last in one and last in base[m])
        ends = [run["points"][-1] for member in problems for run in problems[member].get(name, [])]
        step = median(1e6 * seconds / n for n, seconds, *_ in ends)
        rows.append([name, *(one or "" for one in cells), median(ratios), step])
    head = [f"{what}, {how}" for what in ("evaluations", "ms") for how in ("untuned", "tuned")]
    return table(["Algorithm", *head, "× SLSQP's evaluations", "µs an evaluation"], rows)


def evaluations(problems):
    """To 1e-6, problem by problem; untuned, then tuned."""
    shown = [name for name in PROFILE if any(name in algorithms for algorithms in problems.values())]

    def cell(runs):
        both = [reach(runs, tuned).get(KEYS[2], [math.inf])[0] for tuned in (False, True)]
        return number(both[0]) if both[0] == both[1] else " / ".join(map(number, both))

    rows = [[name, *(cell(problems[name].get(one, [])) for one in shown)] for name in problems]
    return table(["Problem", *shown], rows)


def training(algorithms):
    """Where each ends, and batches to tolerances of the best that anyone found."""
    points = [point for runs in algorithms.values() for run in runs for point in run["points"]]
    best = min((f for _, _, f, violation in points if violation <= 1e-4), default=math.nan)
    rows = []
    for name, runs in algorithms.items():
        for run in runs:
            run["reached"] = {}
            for n, seconds, f, violation in run["points"]:
                for key, tolerance in zip(KEYS, TOLERANCES):
                    if violation <= tolerance and f <= best + tolerance * max(1, abs(best)):
                        run["reached"].setdefault(key, [n, seconds])

        def order(run):
            n, _, f, violation = run["points"][-1]
            reached = [run["reached"].get(key, [math.inf])[0] for key in reversed(KEYS)]
            return [*reached, max(violation, f - best)]

        row = [name]
        for candidates in ([run for run in runs if run["untuned"]], runs[1:] and runs):
            if not candidates:
                row += [""] * 3
                continue
            run = min(candidates, key=order)
            _, _, f, violation = run["points"][-1]
            reached = " / ".join(number(run["reached"].get(key, [math.inf])[0]) for key in KEYS)
            row += [f"{f:.4g}", f"{violation:.1e}" if violation else "0", reached]
        rows.append(row)
    head = ["Algorithm"]
    for how in ("untuned", "tuned"):
        head += [f"{how}: f", "violation", "batches to 1e-2 / 1e-4 / 1e-6"]
    return f"Best feasible f: {best:.6g}.\n\n" + table(head, rows)


def profile(problems, out):
    """Dolan and More: the share of problems solved within so many times the best's evaluations."""
    from matplotlib import pyplot

    shown = [name for name in PROFILE if any(name in algorithms for algorithms in problems.values())]
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.6), sharey=True, layout="constrained")
    for axis, tuned in zip(axes, (False, True)):
        spent = {
            name: [
                reach(algorithms.get(name, []), tuned).get(KEYS[2], [math.inf])[0]
                for algorithms in problems.values()
            ]
            for name in shown
        }
        best = [min(column) for column in zip(*spent.values())]
        for i, name in enumerate(shown):
            ratios = sorted(n / least for n, least in zip(spent[name], best) if n < math.inf)
            share = [k / len(best) for k in range(len(ratios) + 1)]
            style = ("-", "--", ":")[i // 5]
            axis.step([1, *ratios, 1e4], [*share, share[-1]], style, where="post", label=name)
        axis.set(xscale="log", xlim=(1, 1e4), ylim=(0, 1.02))
        axis.set(xlabel="evaluations / the best's", title="tuned" if tuned else "untuned")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("share of problems solved to 1e-6")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    for kind in ("png", "svg"):
        figure.savefig(out / f"profile.{kind}", dpi=80, metadata={"Date": None} if kind == "svg" else None)
    pyplot.close(figure)


def write(runs, out):
    """Writes tables.md, profile.png and profile.svg; gives the tables."""
    trainings = {name: found for name, found in runs.items() if is_training(found)}
    problems = {name: found for name, found in runs.items() if name not in trainings}
    parts = ["## Solved to 1e-2 / 1e-4 / 1e-6", solved(problems)]
    parts += ["## At what price, to 1e-2 / 1e-4 / 1e-6", prices(problems)]
    parts += ["## Evaluations to 1e-6, untuned / tuned", evaluations(problems)]
    for name, found in trainings.items():
        parts += [f"## {name}", training(found)]
    profile(problems, out)
    text = "\n\n".join(parts) + "\n"
    (out / "tables.md").write_text(text)
    return text
