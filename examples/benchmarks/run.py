"""Compares Python's Cooper, a hand-written C++ loop and cooper4j, side by side in one run.

    mvn -q -ntp -DskipTests install && mvn -q -ntp -f examples compile
    python3 examples/benchmarks/run.py [--python PYTHON] [--rounds 5] [--seconds 1] [PROBLEM …]

One thread each. The three take turns, round after round, so that a noisy machine disturbs all alike;
a ratio is taken within a round, and the table shows the median ratio and its range. PYTHON is an
interpreter with what src/test/python/requirements.txt lists. Problems:

    mnist           the tutorial's step: model, loss, accuracy, Adam with amsgrad, four values read
    groups:K        K constraints of one element, Lagrangian
    augmented:K     the same, augmented Lagrangian with a multiplicative penalty updater
    dense:N         one constraint of N elements
    indexed:N       batches of 256 from a table of N multipliers
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROBLEMS = (
    "mnist groups:1 groups:10 groups:100 groups:1000 augmented:100 dense:1000000 "
    "indexed:1000 indexed:100000 indexed:10000000"
).split()


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def class_path():
    path = output(
        "mvn", "-q", "-ntp", "-f", str(ROOT / "examples"), "dependency:build-classpath",
        "-Dmdep.includeScope=runtime", "-Dmdep.outputFile=/dev/stdout",
    )
    jars = next(line for line in path.splitlines() if ".jar" in line)
    return f"{ROOT / 'examples/target/classes'}:{jars}"


def build_loop():
    build = ROOT / "target/benchmarks"
    output("cmake", "-S", HERE, "-B", build, f"-DCOOPER4J_LIBTORCH_LIB={ROOT / 'target/libtorch'}")
    output("cmake", "--build", build, "--target", "loop_bench")
    return str(build / "loop_bench")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", default=PROBLEMS, metavar="PROBLEM")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()

    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    contenders = {
        "cooper": [arguments.python, "-Wignore", str(HERE / "cooper_bench.py")],
        "loop": [build_loop()],
        "cooper4j": ["java", "-Xmx256m", "-cp", class_path(), "org.cooper4j.benchmarks.RollBenchmark"],
    }
    print("| Problem | Cooper µs | C++ loop µs | cooper4j µs | × Cooper | × C++ loop |")
    print("|---|---|---|---|---|---|")
    for problem in arguments.problems:
        times = {name: [] for name in contenders}
        for _ in range(arguments.rounds):
            for name, command in contenders.items():
                text = output(*command, problem, str(arguments.seconds), env=one_thread, stderr=subprocess.DEVNULL)
                times[name].append(float(text.split()[-1]))
        medians = [f"{statistics.median(times[name]):.4g}" for name in contenders]
        ratios = []
        for other in ("cooper", "loop"):
            pairs = sorted(a / b for a, b in zip(times[other], times["cooper4j"]))
            ratios.append(f"{statistics.median(pairs):.2f} ({pairs[0]:.2f} – {pairs[-1]:.2f})")
        print(f"| {problem} | {' | '.join(medians + ratios)} |", flush=True)


if __name__ == "__main__":
    main()
