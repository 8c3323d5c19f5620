"""The families about sharing, partial updates, several optimizers, extrapolation, exchange."""

from case_data import CaseBuilder, optimizer, options
from families import AL, DP, EQ, EXTRA, FREE, INEQ, LAG, NEVER, PD, QP, SIM, dual_sgd, sgd


def sharing():
    cases = []
    for kind in (INEQ, EQ):
        builder = CaseBuilder(f"shared-multiplier-{kind}").constraint(kind, name="first", m=3)
        cases.append(
            builder.constraint(kind, name="second", m=3, share="lambda_first").roll(
                SIM, sgd(), dual_sgd()
            )
        )
    builder = CaseBuilder("shared-multiplier-augmented").constraint(
        INEQ, AL, name="first", m=3, penalty=("Dense", "scalar")
    )
    builder.constraint(
        INEQ, AL, name="second", m=3, share="lambda_first", penalty=("Dense", "vector")
    )
    cases.append(builder.roll(PD, sgd(), dual_sgd(momentum=0.5), compute_violations=True))
    builder = CaseBuilder("shared-multiplier-two-formulations").constraint(
        INEQ, LAG, name="first", m=3, dual=(2, 0)
    )
    builder.constraint(
        INEQ, AL, name="second", m=3, share="lambda_first", penalty=("Dense", "scalar"), dual=(2, 1)
    )
    cases.append(builder.roll(DP, sgd(), optimizer("Adam")))
    builder = CaseBuilder("shared-multiplier-indexed").constraint(
        INEQ, name="first", m=4, multiplier="Indexed", indices="distinct"
    )
    builder.constraint(INEQ, name="second", m=4, share="lambda_first", indices="repeats")
    cases.append(builder.roll(SIM, sgd(), optimizer("nuPI", Kp=0.3)))

    flags = {
        "dual-every-third": {"dual": (3, 0)},
        "primal-every-second": {"primal": (2, 1)},
        "never-dual": {"dual": NEVER},
        "never-primal": {"primal": NEVER},
        "alternately": {"primal": (2, 0), "dual": (2, 1)},
    }
    for name, given in flags.items():
        cases.append(
            CaseBuilder(name).constraint(INEQ, **given).roll(SIM, sgd(), dual_sgd(momentum=0.5))
        )
    builder = (
        CaseBuilder("flags-per-constraint")
        .constraint(INEQ, dual=(3, 0))
        .constraint(EQ, primal=(2, 0))
    )
    cases.append(builder.roll(PD, optimizer("Adam"), optimizer("Adam")))
    builder = CaseBuilder("penalty-only-partly").constraint(
        INEQ, QP, penalty=("Dense", "vector"), primal=(2, 0), dual=NEVER
    )
    cases.append(builder.constraint(EQ, dual=(2, 0)).roll(SIM, sgd(), dual_sgd()))
    return cases


def _both(name, split=3):
    return CaseBuilder(name, split=split).constraint(INEQ).constraint(EQ)


def several_optimizers():
    first, second = ["x1"], ["x2"]
    ineq, eq = ["lambda_ineq.weight"], ["lambda_eq.weight"]
    primals = [
        [optimizer("SGD", first, lr=0.03, momentum=0.5), optimizer("Adam", second)],
        [optimizer("RMSprop", first), optimizer("AdamW", second)],
        [
            optimizer("Adagrad", second),
            optimizer("SGD", first, lr=0.02, nesterov=True, momentum=0.4),
        ],
    ]
    duals = [
        dual_sgd(),
        [optimizer("Adam", ineq), optimizer("SGD", eq, lr=0.05, momentum=0.3)],
        [
            optimizer("nuPI", eq, Kp=0.5),
            optimizer("nuPI", ineq, Kp=1.5, ema_nu=0.6, init_type="ZEROS"),
        ],
    ]
    cases = [
        _both(f"split-{i}").roll(kind, p, d)
        for i, (kind, p, d) in enumerate(zip((SIM, PD, DP), primals, duals))
    ]
    groups = {
        "type": "SGD",
        "groups": [
            {"params": first, "options": options("SGD", lr=0.03, momentum=0.6)},
            {"params": second, "options": options("SGD", lr=0.01, weight_decay=0.1)},
        ],
    }
    dual_groups = {
        "type": "Adam",
        "groups": [
            {"params": ineq, "options": options("Adam", lr=0.02)},
            {"params": eq, "options": options("Adam", lr=0.1, betas=[0.5, 0.9])},
        ],
    }
    cases.append(_both("parameter-groups").roll(SIM, groups, dual_groups))
    cases.append(
        _both("one-optimizer-two-tensors").roll(SIM, optimizer("Adam"), optimizer("AdamW"))
    )
    cases.append(
        _both("extrapolation-split").roll(
            EXTRA,
            [optimizer("ExtraSGD", first), optimizer("ExtraAdam", second)],
            optimizer("ExtraSGD"),
        )
    )
    halving = [(10, 0.5, 1.0), (25, 1.0, 0.25), (40, 2.0, 2.0)]
    for name, kind, primal, dual in (
        ("sgd", SIM, sgd(momentum=0.5), dual_sgd(momentum=0.2)),
        ("adam", PD, optimizer("Adam"), optimizer("Adam")),
        ("nupi", DP, optimizer("RMSprop"), optimizer("nuPI", Kp=0.8, ema_nu=0.1)),
        ("extra", EXTRA, optimizer("ExtraAdam"), optimizer("ExtraSGD", momentum=0.3)),
    ):
        cases.append(
            _both(f"learning-rates-{name}", split=0).schedule(*halving).roll(kind, primal, dual)
        )
    return cases


def extrapolation():
    pairs = {
        "sgd-sgd": (optimizer("ExtraSGD"), optimizer("ExtraSGD")),
        "sgd-momentum": (
            optimizer("ExtraSGD", lr=0.02, momentum=0.5, dampening=0.2),
            optimizer("ExtraSGD", momentum=0.3),
        ),
        "sgd-nesterov-decay": (
            optimizer("ExtraSGD", lr=0.02, momentum=0.4, nesterov=True, weight_decay=0.1),
            optimizer("ExtraSGD", weight_decay=0.1),
        ),
        "adam-adam": (optimizer("ExtraAdam"), optimizer("ExtraAdam")),
        "adam-amsgrad-decay": (
            optimizer("ExtraAdam", amsgrad=True, weight_decay=0.05),
            optimizer("ExtraAdam", amsgrad=True),
        ),
        "adam-sgd": (optimizer("ExtraAdam", betas=[0.5, 0.9]), optimizer("ExtraSGD")),
    }
    cases = [
        CaseBuilder(name).constraint(INEQ).constraint(EQ).roll(EXTRA, *pair)
        for name, pair in pairs.items()
    ]
    for formulation, given in (("vector", {"surrogate": True}), ("scalar", {"dual": (3, 0)})):
        builder = CaseBuilder(f"augmented-{formulation}", sin=True).updater(
            "Multiplicative", has_restart=True
        )
        builder.constraint(INEQ, AL, penalty=("Dense", formulation), **given).constraint(EQ)
        cases.append(builder.roll(EXTRA, optimizer("ExtraSGD", lr=0.03), optimizer("ExtraAdam")))
    builder = CaseBuilder("indexed").constraint(INEQ, multiplier="Indexed", indices="repeats", m=6)
    cases.append(builder.roll(EXTRA, optimizer("ExtraSGD"), optimizer("ExtraSGD")))
    builder = CaseBuilder("indexed-momentum").constraint(
        INEQ, multiplier="Indexed", indices="distinct", m=6
    )
    cases.append(builder.roll(EXTRA, optimizer("ExtraSGD"), optimizer("ExtraSGD", momentum=0.5)))
    builder = (
        CaseBuilder("implicit")
        .constraint(INEQ, multiplier="Implicit")
        .constraint(EQ, multiplier="Implicit")
    )
    cases.append(builder.roll(EXTRA, optimizer("ExtraAdam"), optimizer("ExtraAdam")))
    return cases


def exchange():
    """The runs that Python and Java hand to each other; see exchange.py."""
    cases = []
    for name, kind, primal, dual in (
        ("sgd-momentum", SIM, sgd(momentum=0.9, lr=0.01), dual_sgd(0.03, momentum=0.5)),
        ("adam", SIM, optimizer("Adam", amsgrad=True), optimizer("Adam")),
        ("adamw", PD, optimizer("AdamW"), optimizer("AdamW")),
        (
            "adagrad-rmsprop",
            DP,
            optimizer("Adagrad"),
            optimizer("RMSprop", centered=True, momentum=0.2),
        ),
        (
            "extra-sgd",
            EXTRA,
            optimizer("ExtraSGD", momentum=0.3),
            optimizer("ExtraSGD", momentum=0.3),
        ),
        ("extra-adam", EXTRA, optimizer("ExtraAdam"), optimizer("ExtraAdam", amsgrad=True)),
        ("nupi", SIM, sgd(), optimizer("nuPI", Kp=0.7, Ki=0.9, ema_nu=0.3)),
    ):
        cases.append(_both(name, split=0).roll(kind, primal, dual))
    for name, dual in (("sgd", dual_sgd()), ("nupi", optimizer("nuPI", Kp=0.7, ema_nu=0.5))):
        builder = CaseBuilder(f"indexed-{name}").constraint(
            INEQ, multiplier="Indexed", indices="distinct", m=6
        )
        cases.append(builder.roll(SIM, optimizer("Adam"), dual))
    for updater, kind, penalty, given in (
        ("Multiplicative", "Dense", "vector", {"has_restart": True}),
        ("Additive", "Indexed", "vector", {}),
    ):
        rest = {"multiplier": "Indexed", "indices": "distinct"} if kind == "Indexed" else {}
        builder = CaseBuilder(f"updater-{kind}".lower()).updater(updater, **given)
        builder.constraint(INEQ, AL, penalty=(kind, penalty), **rest).constraint(
            EQ, AL, penalty=("Dense", "scalar")
        )
        cases.append(builder.roll(PD, sgd(), dual_sgd()))
    builder = CaseBuilder("implicit").constraint(INEQ, multiplier="Implicit")
    cases.append(builder.roll(SIM, optimizer("Adam"), optimizer("Adam")))
    builder = (
        CaseBuilder("penalty-only")
        .constraint(EQ, QP, penalty=("Dense", "scalar"))
        .updater("Multiplicative")
    )
    cases.append(builder.roll(FREE, optimizer("Adam")))
    primal = [optimizer("Adam", ["x1"]), optimizer("SGD", ["x2"], lr=0.03, momentum=0.5)]
    cases.append(_both("several-optimizers").roll(SIM, primal, dual_sgd(momentum=0.2)))
    return cases
