"""Runs all algorithms, ours and others', on all problems, and makes tables and a picture of that.

    python examples/comparison/run.py [--quick] [--out FOLDER]

It goes on where it was stopped; remove the folder, or lines of its files, to measure again. Takes a
Python that has requirements.txt beside this file, Maven, and the library installed (mvn install).
ensmallen is compiled where its headers are on CPATH, and Armadillo is installed.
"""

import argparse
import pathlib
import subprocess
import sys

import report

HERE = pathlib.Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few problems, few evaluations")
    parser.add_argument("--report", action="store_true", help="only of what was measured before")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    name = "comparison-quick" if options.quick else "comparison"
    options.out = options.out or HERE.parents[1] / "target" / name
    options.out.mkdir(parents=True, exist_ok=True)
    files = [options.out.resolve() / name for name in ("java.jsonl", "python.jsonl")]
    if not options.report:
        quick = ["--quick"] if options.quick else []
        arguments = " ".join([*quick, f"--out={files[0]}"])
        maven = ["mvn", "-q", "-ntp", "-f", str(HERE.parent), "compile", "exec:java@comparison"]
        python = [sys.executable, str(HERE / "algorithms.py"), *quick, str(files[1])]
        commands = [[*maven, f"-Dexec.args={arguments}"], python]
        processes = [subprocess.Popen(command) for command in commands]  # a core each
        if any([process.wait() for process in processes]):
            sys.exit("a side has failed")
    print(report.write(report.read(files), options.out))


if __name__ == "__main__":
    main()
