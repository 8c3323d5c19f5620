"""Which combinations the golden files cover: one function a family, each family one file.

Cooper 1.0.1 fails, or is wrong, on these, so none of them is here: AugmentedLagrangian with penalty
0 on an inequality; nuPI with several parameter groups, or with vector gains on sparse gradients; an
indexed vector penalty updated with restart on a subset; one multiplier against several violations;
QuadraticPenalty alone contributing to the dual update.
"""

from case_data import CaseBuilder, optimizer

INEQ, EQ = "INEQUALITY", "EQUALITY"
LAG, QP, AL = "Lagrangian", "QuadraticPenalty", "AugmentedLagrangian"
SIM, PD, DP = (
    "SimultaneousOptimizer",
    "AlternatingPrimalDualOptimizer",
    "AlternatingDualPrimalOptimizer",
)
EXTRA, FREE = "ExtrapolationConstrainedOptimizer", "UnconstrainedOptimizer"
NEVER = (None, 0)
TYPES = {"ineq": (INEQ,), "eq": (EQ,), "both": (INEQ, EQ)}


def sgd(lr=0.03, **given):
    return optimizer("SGD", lr=lr, **given)


def dual_sgd(lr=0.1, **given):
    return optimizer("SGD", lr=lr, **given)


def add_all(builder, types, formulation, **given):
    for kind in TYPES[types]:
        builder.constraint(kind, formulation, **given)
    return builder


def formulations():
    cases = []
    for types in TYPES:
        for surrogate in (False, True):
            name = f"lagrangian-{types}{'-surrogate' * surrogate}"
            cases.append(
                add_all(CaseBuilder(name), types, LAG, surrogate=surrogate).roll(
                    SIM, sgd(), dual_sgd()
                )
            )
        for shape in ("scalar", "vector"):
            given = {"penalty": ("Dense", shape)}
            builder = CaseBuilder(f"quadratic-penalty-{types}-{shape}", sin=True)
            cases.append(add_all(builder, types, QP, **given).roll(FREE, sgd()))
            builder = CaseBuilder(f"augmented-{types}-{shape}", sin=shape == "vector")
            cases.append(add_all(builder, types, AL, **given).roll(SIM, sgd(), dual_sgd()))
        builder = CaseBuilder(f"augmented-{types}-surrogate")
        builder = add_all(builder, types, AL, penalty=("Dense", "vector"), surrogate=True)
        cases.append(builder.roll(SIM, sgd(), dual_sgd()))
    builder = CaseBuilder("mixed-lagrangian-quadratic-penalty").constraint(INEQ, LAG)
    cases.append(
        builder.constraint(EQ, QP, penalty=("Dense", "scalar")).roll(SIM, sgd(), dual_sgd())
    )
    builder = CaseBuilder("mixed-all-three").constraint(
        INEQ, AL, penalty=("Dense", "vector"), name="augmented"
    )
    builder.constraint(INEQ, QP, penalty=("Dense", "scalar"), name="penalized", m=2).constraint(
        EQ, LAG
    )
    cases.append(builder.roll(SIM, sgd(), dual_sgd()))
    for formulation, penalty in ((LAG, None), (AL, ("Dense", "scalar"))):
        builder = CaseBuilder(f"scalar-violation-{formulation}")
        builder.constraint(INEQ, formulation, penalty=penalty, scalar=True)
        builder.constraint(EQ, formulation, penalty=penalty, scalar=True, surrogate=True)
        cases.append(builder.roll(SIM, sgd(), dual_sgd()))
    builder = CaseBuilder("without-loss", loss=False).constraint(INEQ, LAG)
    cases.append(
        builder.constraint(EQ, AL, penalty=("Dense", "scalar")).roll(SIM, sgd(), dual_sgd())
    )
    cases.append(
        CaseBuilder("without-loss-alternating", loss=False)
        .constraint(EQ, LAG)
        .roll(PD, sgd(), dual_sgd())
    )
    return cases


def primal_optimizers():
    primals = {
        "sgd": sgd(),
        "sgd-nesterov-decay": sgd(0.01, momentum=0.9, nesterov=True, weight_decay=0.05),
        "sgd-momentum-dampening": sgd(0.03, momentum=0.8, dampening=0.3),
        "adam": optimizer("Adam"),
        "adam-amsgrad": optimizer("Adam", amsgrad=True, betas=[0.8, 0.99], lr=0.1),
        "adam-decay": optimizer("Adam", weight_decay=0.1),
        "adamw": optimizer("AdamW", weight_decay=0.2),
        "adamw-amsgrad": optimizer("AdamW", amsgrad=True),
        "rmsprop": optimizer("RMSprop"),
        "rmsprop-centered-momentum": optimizer(
            "RMSprop", lr=0.005, centered=True, momentum=0.5, alpha=0.9
        ),
        "adagrad": optimizer("Adagrad"),
        "adagrad-decay": optimizer(
            "Adagrad", lr_decay=0.05, weight_decay=0.02, initial_accumulator_value=0.1
        ),
    }
    return [
        CaseBuilder(name).constraint(INEQ).constraint(EQ).roll(SIM, primal, dual_sgd())
        for name, primal in primals.items()
    ]


def dual_optimizers():
    duals = {
        "sgd-momentum": dual_sgd(0.03, momentum=0.7),
        "sgd-nesterov-decay": dual_sgd(0.03, momentum=0.7, nesterov=True, weight_decay=0.1),
        "adam": optimizer("Adam"),
        "adam-amsgrad-decay": optimizer("Adam", amsgrad=True, weight_decay=0.05),
        "adamw": optimizer("AdamW", weight_decay=0.2),
        "rmsprop": optimizer("RMSprop"),
        "adagrad": optimizer("Adagrad", initial_accumulator_value=0.05),
        "nupi-sgd": optimizer("nuPI", Kp=0.7, Ki=0.9, ema_nu=0.3),
        "nupi-zeros": optimizer("nuPI", Kp=0.7, Ki=0.9, ema_nu=0.3, init_type="ZEROS"),
        "nupi-sgd-decay": optimizer("nuPI", Kp=2.1, Ki=0.3, weight_decay=0.1),
        "nupi-zeros-negative-nu": optimizer("nuPI", Kp=1.1, ema_nu=-0.4, init_type="ZEROS"),
        "nupi-integral-only": optimizer("nuPI", Ki=1.3),
    }
    cases = [
        CaseBuilder(name).constraint(INEQ).constraint(EQ).roll(SIM, sgd(), dual)
        for name, dual in duals.items()
    ]
    gains = {"Kp": [0.3, 0.0, 1.2, 0.7], "Ki": [1.0, 0.4, 0.0, 0.6]}
    for init_type in ("SGD", "ZEROS"):
        dual = optimizer("nuPI", **gains, ema_nu=0.2, init_type=init_type)
        cases.append(
            CaseBuilder(f"nupi-vector-gains-{init_type}").constraint(INEQ).roll(SIM, sgd(), dual)
        )
    for key in ("adam", "nupi-sgd", "adagrad"):
        builder = CaseBuilder(f"augmented-{key}").constraint(INEQ, AL, penalty=("Dense", "scalar"))
        cases.append(
            builder.constraint(EQ, AL, penalty=("Dense", "vector")).roll(
                SIM, optimizer("Adam"), duals[key]
            )
        )
    return cases


def cooper_optimizers():
    cases = []
    orders = {
        "simultaneous": (SIM, False),
        "primal-dual": (PD, False),
        "primal-dual-violations": (PD, True),
    }
    for order, (kind, violations) in {**orders, "dual-primal": (DP, False)}.items():
        rest = {"compute_violations": violations}
        builder = CaseBuilder(f"{order}-lagrangian").constraint(INEQ).constraint(EQ)
        cases.append(builder.roll(kind, optimizer("Adam"), dual_sgd(), **rest))
        builder = CaseBuilder(f"{order}-augmented-updater", sin=True)
        builder = add_all(builder, "both", AL, penalty=("Dense", "vector"), surrogate=True)
        builder.updater("Multiplicative", has_restart=True)
        cases.append(builder.roll(kind, sgd(), dual_sgd(momentum=0.3), **rest))
        builder = CaseBuilder(f"{order}-indexed").constraint(
            INEQ, multiplier="Indexed", indices="distinct"
        )
        builder.constraint(EQ, QP, penalty=("Dense", "scalar"))
        cases.append(builder.roll(kind, sgd(), optimizer("nuPI", Kp=0.5, ema_nu=0.5), **rest))
    cases.append(CaseBuilder("unconstrained-adam", sin=True).roll(FREE, optimizer("Adam")))
    builder = CaseBuilder("unconstrained-penalty-indexed")
    builder.constraint(INEQ, QP, penalty=("Indexed", "vector"), indices="repeats").updater(
        "Additive"
    )
    cases.append(builder.roll(FREE, optimizer("RMSprop")))
    return cases
