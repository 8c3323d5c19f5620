"""Compares Python's Cooper, a hand-written C++ loop and cooper4j, side by side in one run.

    mvn -q -ntp -DskipTests install && mvn -q -ntp -f examples compile
    python3 examples/benchmarks/run.py [--python PYTHON] [--rounds 5] [--seconds 1] [NAME …]

The contenders take turns, round after round, so that a noisy machine disturbs all alike; a ratio is
taken within a round, and the tables show the median ratio and its range. One thread each, unless a
name says otherwise. PYTHON is an interpreter with what requirements.txt beside this file lists.

Steps (microseconds; JMH measures cooper4j, and the bytes that a roll allocates on the Java heap; "its
graph" is the share of the loop that evaluates the user's loss and violations and differentiates them):

    mnist                 the tutorial's step: model, loss, accuracy, Adam with amsgrad, four values read
    groups:K              K constraints of one element, Lagrangian
    augmented:K           the same, augmented Lagrangian with a multiplicative penalty updater
    bounds:K, augmented-bounds:K    the same two, said by greaterOrEqual in cooper4j
    dense:N               one constraint of N elements
    indexed:N             batches of 256 from a table of N multipliers
    indexed-augmented:N   the same with a table of penalties and their updater
    indexed-nupi:N        the same with the νPI controller

By JMH alone, RollBenchmark -p problem=NAME:

    mlp:W                 a perceptron 784-W-W-10, batch 128
    rates:K               recalls of K groups, the fairness tutorial's network; 0: without

Others:

    threads               Cooper and cooper4j with one thread and by default: mnist, dense:1000000, and
                          mlp           a perceptron 784-2048-2048-10, batch 128
                          convnet       three 3x3 convolutions, batch 64 of 32x32
                          transformer   a block of width 256 (attention, layer norm, GELU), 16 x 128
                          …+mkl         with MKL in OpenBLAS's place, which Python's has in all rows
    reading               the tutorial's step in cooper4j with nothing read after it, with four tensors read one by one,
                          with all values of the roll, and with those and clipped gradients
    tutorial              the whole MNIST tutorial: start, data, 7 epochs with a checkpoint each, plot
    distributed           rolls over 1 to 4 processes of this machine, one thread each, and their parts; the least of all
                          rolls in all rounds. Writes target/distributed.json, from which ranks.py makes a model
"""

import argparse
import functools
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from ranks import OWN, PROBLEMS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NAMES = (
    "mnist groups:1 groups:10 groups:100 groups:1000 bounds:100 augmented:100 augmented-bounds:100 dense:1000000 "
    "indexed:1000 indexed:100000 indexed:10000000 indexed-augmented:1000 indexed-augmented:10000000 "
    "indexed-nupi:1000 indexed-nupi:10000000 threads reading tutorial distributed"
).split()
COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ONE_THREAD = os.environ | dict.fromkeys(COUNTS, "1")
DEFAULT = {name: value for name, value in os.environ.items() if name not in COUNTS}


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def class_path(*options):
    with tempfile.NamedTemporaryFile("r") as path:
        output(
            "mvn", "-q", "-ntp", "-f", str(ROOT / "examples"), *options, "dependency:build-classpath",
            "-Dmdep.includeScope=runtime", f"-Dmdep.outputFile={path.name}",
        )
        return f"{ROOT / 'examples/target/classes'}:{path.read().strip()}"


def build_loop():
    build = ROOT / "target/benchmarks"
    output("cmake", "-S", HERE, "-B", build, f"-DCOOPER4J_LIBTORCH_LIB={ROOT / 'target/libtorch'}")
    output("cmake", "--build", build, "--target", "loop_bench")
    return build / "loop_bench"


def of_others(problem):
    """The problem's name where there is no greaterOrEqual."""
    return problem.replace("augmented-bounds", "augmented").replace("bounds", "groups")


class Contenders:
    def __init__(self, python, seconds):
        self.python = python
        self.seconds = seconds

    @functools.cached_property
    def loop_program(self):
        return build_loop()

    @functools.cached_property
    def class_path(self):
        return class_path()

    @functools.cached_property
    def mkl_class_path(self):
        return class_path("-Pmkl")

    def cooper(self, problem, by_default=False):
        problem = of_others(problem)
        last, env = (("--default-threads",), DEFAULT) if by_default else ((), ONE_THREAD)
        return self.microseconds(
            self.python, "-Wignore", HERE / "cooper_bench.py", problem, last=last, env=env
        )

    def loop(self, problem):
        problem = of_others(problem)
        return self.microseconds(self.loop_program, problem) if "-" not in problem else float("nan")

    def graph(self, problem):
        """What the user's own forward and backward take in the C++ loop."""
        problem = of_others(problem).replace("indexed-augmented", "indexed").replace("indexed-nupi", "indexed")
        return self.microseconds(self.loop_program, problem, last=("graph",))

    def microseconds(self, *command, last=(), env=ONE_THREAD):
        text = output(*command, str(self.seconds), *last, env=env, stderr=subprocess.DEVNULL)
        return float(text.split()[-1])

    def cooper4j(self, problem, threads=1, env=ONE_THREAD, mkl=False):
        """Microseconds and bytes a roll."""
        path = self.mkl_class_path if mkl else self.class_path
        with tempfile.NamedTemporaryFile(suffix=".json") as result:
            output(
                "java", "-Xmx256m", "-cp", path, "org.openjdk.jmh.Main", "RollBenchmark",
                "-p", f"problem={problem}", "-p", f"threads={threads}", "-f", "0", "-prof", "gc",
                "-wi", "2", "-w", f"{self.seconds * 1000:.0f}ms", "-i", "1",
                "-r", f"{self.seconds * 1000:.0f}ms", "-rf", "json", "-rff", result.name,
                env=env, stderr=subprocess.DEVNULL,
            )
            run = json.load(result)[0]
        # Reported as ·gc.alloc.rate.norm or gc.alloc.rate.norm.
        heap = next(v for k, v in run["secondaryMetrics"].items() if k.endswith("gc.alloc.rate.norm"))
        return run["primaryMetric"]["score"], heap["score"]

    def ranks(self, problem, size):
        """Microseconds of the fastest roll's parts over so many processes."""
        command = "java", "-Xmx1g", "-cp", self.class_path, "org.cooper4j.benchmarks.RankBenchmark"
        with socket.socket() as any_port:
            any_port.bind(("127.0.0.1", 0))
            port = any_port.getsockname()[1]
        where = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        processes = [
            subprocess.Popen(
                (*command, problem, str(self.seconds)),
                env=ONE_THREAD | (where | {"RANK": str(rank)} if size > 1 else {}),
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )
            for rank in range(size)
        ]
        texts = [process.communicate()[0] for process in processes]
        if any(process.returncode for process in processes):
            raise RuntimeError(f"{problem} over {size} processes failed")
        return json.loads(texts[0].splitlines()[-1])


def ratio(others, ours):
    pairs = sorted(a / b for a, b in zip(others, ours))
    if pairs[0] != pairs[0]:
        return "–"
    return f"{statistics.median(pairs):.2f} ({pairs[0]:.2f} – {pairs[-1]:.2f})"


def median(values):
    middle = statistics.median(values)
    return "–" if middle != middle else f"{middle:.4g}"


def steps(contenders, problems, rounds):
    print("| Step | Cooper µs | C++ loop µs | its graph µs | cooper4j µs | × Cooper | × C++ loop | heap B/roll |")
    print("|---|---|---|---|---|---|---|---|")
    for problem in problems:
        turns = [
            (
                contenders.cooper(problem),
                contenders.loop(problem),
                contenders.graph(problem),
                *contenders.cooper4j(problem),
            )
            for _ in range(rounds)
        ]
        cooper, loop, graph, ours, heap = zip(*turns)
        cells = (*map(median, (cooper, loop, graph, ours)), ratio(cooper, ours), ratio(loop, ours))
        print(f"| `{problem}` | {' | '.join(cells)} | {statistics.median(heap):.0f} |", flush=True)
    print()


def threads(contenders, rounds):
    print("| Step | Cooper, 1 thread µs | its default µs | cooper4j, 1 thread µs | its default µs | × at 1 thread | × by default | default × 1 thread |")
    print("|---|---|---|---|---|---|---|---|")
    for row in ("mnist", "mlp", "mlp+mkl", "convnet", "convnet+mkl", "transformer", "transformer+mkl", "dense:1000000"):
        problem, mkl = row.removesuffix("+mkl"), row.endswith("+mkl")
        turns = [
            (
                contenders.cooper(problem),
                contenders.cooper(problem, by_default=True),
                contenders.cooper4j(problem, mkl=mkl)[0],
                contenders.cooper4j(problem, threads=0, env=DEFAULT, mkl=mkl)[0],
            )
            for _ in range(rounds)
        ]
        cooper, cooper_default, ours, ours_default = zip(*turns)
        cells = [
            *map(median, (cooper, cooper_default, ours, ours_default)),
            ratio(cooper, ours), ratio(cooper_default, ours_default), ratio(ours, ours_default),
        ]
        print(f"| `{row}` | {' | '.join(cells)} |", flush=True)
    print()


def reading(contenders, rounds):
    kinds = {
        "mnist-unread": "nothing",
        "mnist": "four tensors, one by one",
        "mnist-values": "`rollOut.values()`",
        "mnist-clipped": "the same, gradients clipped by norm",
    }
    turns = [[contenders.cooper4j(kind)[0] for kind in kinds] for _ in range(rounds)]
    print("| Read after each step | cooper4j µs | × nothing |")
    print("|---|---|---|")
    for read, times in zip(kinds.values(), zip(*turns)):
        print(f"| {read} | {median(times)} | {ratio(times, [turn[0] for turn in turns])} |", flush=True)
    print()


def tutorial(contenders, rounds):
    def seconds(*command):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            output(*command, folder, stderr=subprocess.DEVNULL)
            return time.perf_counter() - start

    def java(*options, path=contenders.class_path):
        return seconds(
            "java", f"-Dcooper4j.examples.data={ROOT / 'examples/data'}", *options, "-cp", path,
            "org.cooper4j.examples.MnistLogisticRegression", "--out",
        )

    def python(data):
        return seconds(contenders.python, "-Wignore", HERE / "mnist_tutorial.py", data)

    with tempfile.TemporaryDirectory() as folder:
        # As docs/performance.md says; an archive is for jars, not for folders of classes.
        classes, _, libraries = contenders.class_path.partition(os.pathsep)
        jar, archive = f"{folder}/examples.jar", f"{folder}/classes.jsa"
        output("jar", "cf", jar, "-C", classes, ".")
        path = os.pathsep.join((jar, libraries))
        one_compiler = "-XX:TieredStopAtLevel=1"
        java(one_compiler, f"-XX:ArchiveClassesAtExit={archive}", path=path)
        turns = [
            (python("preloaded"), java(), java(one_compiler, f"-XX:SharedArchiveFile={archive}", path=path))
            for _ in range(rounds)
        ]
    theirs, plain, shared = zip(*turns)
    rows = {
        "preloaded": (theirs, plain),
        "preloaded; Java with an archive of its classes and one compiler": (theirs, shared),
        "torchvision": ((python("torchvision"),), (java(),)),
    }
    print("| Whole tutorial | Python s | cooper4j s | × Python |")
    print("|---|---|---|---|")
    for name, (theirs, ours) in rows.items():
        print(f"| {name} | {median(theirs)} | {median(ours)} | {ratio(theirs, ours)} |", flush=True)
    print()


def distributed(contenders, rounds):
    sizes = 1, 2, 3, 4
    least = {name: {} for name in PROBLEMS}
    for _ in range(rounds):
        for name in PROBLEMS:
            for size in sizes:
                turn = contenders.ranks(name, size)
                before = least[name].get(size, turn)
                least[name][size] = min(turn, before, key=lambda parts: parts["roll"])
    print("| Roll, µs | parameters | " + " | ".join(map(str, sizes)) + " | rows/s × at 2 | alone | values | gradients |")
    print("|---|---|" + "---|" * (len(sizes) + 4))
    for name, turns in least.items():
        rolls, two = [turns[size]["roll"] for size in sizes], turns[2]
        cells = [
            *(f"{roll:.4g}" for roll in rolls), f"{2 * rolls[0] / rolls[1]:.2f}",
            f"{sum(two[part] for part in OWN):.4g}", f"{two['values']:.4g}", f"{two['gradients']:.4g}",
        ]
        print(f"| `{name}` | {PROBLEMS[name][0]} | {' | '.join(cells)} |", flush=True)
    print()
    path = ROOT / "target/distributed.json"
    path.write_text(json.dumps({"cores": len(os.sched_getaffinity(0)), "problems": least}, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()

    contenders = Contenders(arguments.python, arguments.seconds)
    problems = [name for name in arguments.names if name not in ("threads", "reading", "tutorial", "distributed")]
    if problems:
        steps(contenders, problems, arguments.rounds)
    if "threads" in arguments.names:
        threads(contenders, arguments.rounds)
    if "reading" in arguments.names:
        reading(contenders, arguments.rounds)
    if "tutorial" in arguments.names:
        tutorial(contenders, arguments.rounds)
    if "distributed" in arguments.names:
        distributed(contenders, arguments.rounds)


if __name__ == "__main__":
    main()
