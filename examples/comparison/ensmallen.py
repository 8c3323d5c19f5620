"""ensmallen's augmented Lagrangian (C++, equalities alone) on the problems that have formulas.

An inequality is the equality max(0, g) = 0, as ensmallen's own examples have it. Headers are looked
for in the folders of CPATH; without them, or without Armadillo, nothing is run.
"""

import json
import pathlib
import subprocess
import tempfile

import sympy

SOURCE = pathlib.Path(__file__).with_suffix(".cc")


def code(problem):
    """A row of the table in the source."""
    n = len(problem.start)
    x = sympy.symbols(f"x1:{n + 1}")
    names = {symbol: sympy.Symbol(f"x[{i}]") for i, symbol in enumerate(x)}
    rows = sympy.Matrix(problem.formulas)
    both = [*problem.formulas, *rows.jacobian(x)]
    body = "".join(
        f"out[{i}] = {sympy.ccode(formula.subs(names, simultaneous=True))};"
        for i, formula in enumerate(map(sympy.sympify, both))
    )
    start = ", ".join(map(repr, problem.start.tolist()))
    return (
        f'{{"{problem.name}", {{{start}}}, {problem.equalities}, {problem.inequalities}, '
        f"{problem.optimum!r}, [](const double* x, double* out) {{ {body} }}}},\n"
    )


def run(problems, budget):
    problems = [problem for problem in problems if problem.formulas]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "problems.inc").write_text("".join(map(code, problems)))
        build = ["g++", "-std=c++17", "-O2", "-DNDEBUG", f"-I{folder}", str(SOURCE)]
        build += ["-o", str(folder / "program"), "-larmadillo"]
        built = subprocess.run(build, capture_output=True, text=True)
        if built.returncode:
            print("without ensmallen:", (built.stderr.splitlines() or ["?"])[0])
            return
        out = subprocess.run([folder / "program", str(budget)], capture_output=True, text=True)
        for problem, line in zip(problems, out.stdout.splitlines(), strict=True):
            yield problem, json.loads(line)
