"""The families about multipliers with features and penalty coefficients that are updated."""

from case_data import CaseBuilder, optimizer
from families import AL, DP, EQ, FREE, INEQ, LAG, PD, QP, SIM, add_all, dual_sgd, sgd


def indexed():
    cases = []
    duals = {
        "sgd": ("repeats", dual_sgd()),
        "sgd-momentum": ("distinct", dual_sgd(0.03, momentum=0.6)),
        "adagrad": ("repeats", optimizer("Adagrad", initial_accumulator_value=0.05)),
        "nupi-sgd": ("repeats", optimizer("nuPI", Kp=0.7, Ki=0.9, ema_nu=0.3)),
        "nupi-zeros": (
            "distinct",
            optimizer("nuPI", Kp=0.7, Ki=0.9, ema_nu=0.3, init_type="ZEROS"),
        ),
        "nupi-decay": ("distinct", optimizer("nuPI", Kp=0.4, weight_decay=0.1)),
    }
    for name, (indices, dual) in duals.items():
        builder = CaseBuilder(f"lagrangian-{name}").constraint(
            INEQ, multiplier="Indexed", indices=indices, m=6
        )
        cases.append(
            builder.constraint(EQ, multiplier="Indexed", indices=indices, m=3).roll(
                SIM, sgd(), dual
            )
        )
    strict = {"surrogate": True, "indices": "distinct", "strict_indices": "repeats"}
    builder = CaseBuilder("strict-features").constraint(INEQ, multiplier="Indexed", m=6, **strict)
    cases.append(builder.constraint(EQ, **dict(surrogate=True)).roll(SIM, sgd(), dual_sgd()))
    for shape in ("scalar", "vector"):
        for penalty in ("Indexed", "Dense"):
            if (penalty, shape) == ("Dense", "vector"):
                continue
            builder = CaseBuilder(f"augmented-{penalty}-{shape}")
            given = {"multiplier": "Indexed", "penalty": (penalty, shape), "indices": "repeats"}
            cases.append(add_all(builder, "both", AL, **given).roll(SIM, sgd(), dual_sgd()))
    given = {"multiplier": "Indexed", "penalty": ("Indexed", "vector")}
    builder = CaseBuilder("augmented-strict-features-updater").updater(
        "Multiplicative", violation_tolerance=0.05
    )
    cases.append(builder.constraint(INEQ, AL, m=6, **given, **strict).roll(PD, sgd(), dual_sgd()))
    builder = CaseBuilder("augmented-updater-additive").updater("Additive")
    cases.append(
        add_all(builder, "both", AL, indices="repeats", **given).roll(DP, sgd(), dual_sgd())
    )
    return cases


def implicit():
    cases = []
    duals = {
        "sgd": dual_sgd(),
        "adam": optimizer("Adam"),
        "adamw": optimizer("AdamW"),
        "nupi": optimizer("nuPI", Kp=0.4),
    }
    for (name, dual), types in zip(duals.items(), ("ineq", "eq", "both", "both")):
        builder = add_all(
            CaseBuilder(f"lagrangian-{types}-{name}"), types, LAG, multiplier="Implicit"
        )
        cases.append(builder.roll(SIM, sgd(), dual))
    subset = {"multiplier": "Implicit", "indices": "distinct"}
    cases.append(add_all(CaseBuilder("subset"), "both", LAG, **subset).roll(SIM, sgd(), dual_sgd()))
    builder = CaseBuilder("subset-strict").constraint(
        INEQ, surrogate=True, strict_indices="repeats", m=6, **subset
    )
    cases.append(builder.roll(PD, sgd(), dual_sgd(), compute_violations=True))
    for shape, kind in (("scalar", PD), ("vector", DP)):
        builder = CaseBuilder(f"augmented-{shape}", sin=True).updater("Multiplicative")
        builder = add_all(builder, "both", AL, multiplier="Implicit", penalty=("Dense", shape))
        cases.append(builder.roll(kind, sgd(), dual_sgd()))
    return cases


def penalty_updaters():
    cases = []
    for updater, restart, tolerance in (
        ("Additive", False, 1e-4),
        ("Additive", True, 0.1),
        ("Multiplicative", False, 0.1),
        ("Multiplicative", True, 1e-4),
    ):
        for shape in ("scalar", "vector"):
            name = f"{updater}-{shape}-{'restart' if restart else 'no-restart'}"
            given = {"penalty": ("Dense", shape)}
            options = {"has_restart": restart, "violation_tolerance": tolerance}
            builder = add_all(CaseBuilder(f"augmented-{name}"), "both", AL, **given).updater(
                updater, **options
            )
            cases.append(builder.roll(SIM, sgd(), dual_sgd()))
            builder = add_all(CaseBuilder(f"penalty-{name}"), "both", QP, **given).updater(
                updater, **options
            )
            cases.append(builder.roll(FREE, sgd()))
    for name, indices, penalty in (
        ("scalar-restart", "repeats", ("Indexed", "scalar")),
        ("vector-restart-permuted", "permuted", ("Indexed", "vector", 1.2)),
    ):
        builder = CaseBuilder(f"indexed-{name}").updater("Multiplicative", has_restart=True)
        builder.constraint(INEQ, AL, multiplier="Indexed", indices=indices, penalty=penalty)
        cases.append(builder.roll(SIM, sgd(), dual_sgd()))
    builder = CaseBuilder("dense-scalar-restart").updater("Additive", has_restart=True)
    builder.constraint(INEQ, AL, penalty=("Dense", "scalar"), m=2).constraint(
        EQ, QP, penalty=("Dense", "scalar")
    )
    cases.append(builder.roll(SIM, sgd(0.01, momentum=0.9), dual_sgd()))
    builder = CaseBuilder("indexed-quadratic-penalty").updater(
        "Multiplicative", violation_tolerance=0.02
    )
    builder = add_all(builder, "both", QP, penalty=("Indexed", "vector"), indices="distinct")
    cases.append(builder.roll(FREE, sgd()))
    for flags in (
        {"dual": (3, 0)},
        {"dual": (3, 0), "surrogate": True},
        {"primal": (2, 0), "surrogate": True},
    ):
        builder = CaseBuilder(f"augmented-flags-{'-'.join(flags)}").updater(
            "Additive", increment=0.05
        )
        builder.constraint(INEQ, AL, penalty=("Dense", "vector"), **flags)
        cases.append(builder.roll(SIM, sgd(), dual_sgd()))
    return cases
