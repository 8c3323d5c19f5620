"""Writes the golden rates: scikit-learn's and fairlearn's metrics on random data.

    python src/test/python/rates_golden.py src/test/resources/rates.json

Made with scikit-learn 1.9.1, fairlearn 0.15.0 and numpy 2.4.6. Every case holds its data; a metric
that is not defined is null. Scores are multiples of 1/8 in some cases, so that there are ties, but
never 0, where scikit-learn has no half of a prediction.
"""

import json
import pathlib
import sys
import warnings

import fairlearn.metrics as fair
import numpy
from sklearn import metrics

PRECISION, RECALL, FALSE_ALARMS = 0.6, 0.7, 0.2


def ratio(numerator, denominator):
    return float(numerator / denominator) if denominator > 0 else None


def binary(y, s, w):
    """All rates of one group."""
    positive = s > 0
    tp, fn = w[(y == 1) & positive].sum(), w[(y == 1) & ~positive].sum()
    fp, tn = w[(y == 0) & positive].sum(), w[(y == 0) & ~positive].sum()
    everyone = w.sum()
    result = {
        "positivePredictionRate": ratio(tp + fp, everyone),
        "negativePredictionRate": ratio(tn + fn, everyone),
        "truePositiveRate": ratio(tp, tp + fn),
        "falseNegativeRate": ratio(fn, tp + fn),
        "falsePositiveRate": ratio(fp, fp + tn),
        "trueNegativeRate": ratio(tn, fp + tn),
        "truePositiveProportion": ratio(tp, everyone),
        "falseNegativeProportion": ratio(fn, everyone),
        "falsePositiveProportion": ratio(fp, everyone),
        "trueNegativeProportion": ratio(tn, everyone),
    }
    both = tp + fn > 0 and fp + tn > 0
    if everyone > 0:
        result["accuracy"] = metrics.accuracy_score(y, positive, sample_weight=w)
        result["errorRate"] = metrics.zero_one_loss(y, positive, sample_weight=w)
    if tp + fp > 0:
        result["precision"] = metrics.precision_score(y, positive, sample_weight=w)
    if tp + fn + fp > 0:
        result["fScore"] = metrics.fbeta_score(y, positive, beta=1, sample_weight=w)
        result["fScore2"] = metrics.fbeta_score(y, positive, beta=2, sample_weight=w)
    if tp + fn > 0:
        result["prAuc"] = metrics.average_precision_score(y, s, sample_weight=w)
    if both:
        result["rocAuc"] = metrics.roc_auc_score(y, s, sample_weight=w)
        precisions, recalls, _ = metrics.precision_recall_curve(y, s, sample_weight=w)
        result["recallAtPrecision"] = recalls[precisions >= PRECISION].max()
        result["precisionAtRecall"] = precisions[recalls >= RECALL].max()
        fpr, tpr, _ = metrics.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
        result["truePositiveRateAtFalsePositiveRate"] = tpr[fpr <= FALSE_ALARMS].max()
    return {name: None if value is None else float(value) for name, value in result.items()}


def fairness(y, s, w, g):
    def gap(name):
        function = getattr(fair, name)
        return float(function(y, s > 0, sensitive_features=g, sample_weight=w))

    def frame(function):
        made = fair.MetricFrame(
            metrics=function,
            y_true=y,
            y_pred=s > 0,
            sensitive_features=g,
            sample_params={"sample_weight": w},
        )
        return [float(made.difference()), float(made.ratio())]

    both = {
        name: [gap(f"{name}_difference"), gap(f"{name}_ratio")]
        for name in ("demographic_parity", "equalized_odds", "equal_opportunity")
    }
    both["predictive_parity"] = frame(metrics.precision_score)
    both["accuracy_parity"] = frame(metrics.accuracy_score)
    return both


def binary_case(random, n, groups, ties, weighted, odd):
    y = random.integers(0, 2, n)
    s = random.normal(size=n) + y - 0.5
    if ties:
        s = numpy.round(s * 8) / 8
        s[s == 0] = 0.125
    w = random.uniform(0, 3, n) if weighted else numpy.ones(n)
    if weighted:
        w[random.integers(0, n, n // 10)] = 0
    g = random.integers(0, groups, n)
    if odd:
        y[g == 0] = 1  # one class only
        g[g == 1] = 2  # nobody
    case = {
        "scores": s.tolist(),
        "labels": y.tolist(),
        "weights": w.tolist(),
        "codes": g.tolist(),
        "groups": groups,
        "all": binary(y, s, w),
        "each": [binary(y[g == k], s[g == k], w[g == k]) for k in range(groups)],
    }
    if not odd:
        case["fairness"] = fairness(y, s, w, g)
    return case


def multiclass_case(random, n, classes, weighted):
    y = random.integers(0, classes, n)
    s = random.normal(size=(n, classes))
    s[numpy.arange(n), y] += 0.7
    w = random.uniform(0, 3, n) if weighted else numpy.ones(n)
    predicted = s.argmax(1)
    sets = []
    for positives in ([0], [classes - 1], [0, 2]):
        truth = numpy.isin(y, positives).astype(int)
        inside = numpy.isin(numpy.arange(classes), positives)
        exponents = numpy.exp(s)
        margin = numpy.log(exponents[:, inside].sum(1)) - numpy.log(exponents[:, ~inside].sum(1))
        chosen = numpy.isin(predicted, positives)
        sets.append(
            {
                "positives": positives,
                "truePositiveRate": metrics.recall_score(truth, chosen, sample_weight=w),
                "precision": metrics.precision_score(truth, chosen, sample_weight=w),
                "fScore": metrics.f1_score(truth, chosen, sample_weight=w),
                "falsePositiveRate": ratio(
                    w[(truth == 0) & chosen].sum(), w[truth == 0].sum()
                ),
                "positivePredictionRate": ratio(w[chosen].sum(), w.sum()),
                "rocAuc": metrics.roc_auc_score(truth, margin, sample_weight=w),
            }
        )
    return {
        "scores": s.tolist(),
        "labels": y.tolist(),
        "weights": w.tolist(),
        "accuracy": metrics.accuracy_score(y, predicted, sample_weight=w),
        "errorRate": metrics.zero_one_loss(y, predicted, sample_weight=w),
        "sets": sets,
    }


def main(path):
    random = numpy.random.default_rng(17)
    warnings.simplefilter("ignore")
    cases = {
        "binary": [
            binary_case(random, n, groups, ties, weighted, odd)
            for n, groups, ties, weighted, odd in (
                (60, 2, False, False, False),
                (80, 3, True, False, False),
                (90, 3, True, True, False),
                (70, 4, True, True, True),
                (50, 5, False, False, True),
            )
        ],
        "multiclass": [multiclass_case(random, 60, 4, weighted) for weighted in (False, True)],
    }
    pathlib.Path(path).write_text(json.dumps(cases) + "\n")


main(sys.argv[1])
