"""Writes src/test/resources/thresholds.json: the accuracy that fairlearn's ThresholdOptimizer reaches
on random scores, under each of its notions.

Made with fairlearn 0.15.0, scikit-learn 1.9.1 and numpy 2.4.6. It looks at 1001 levels of the rate that
is made equal; the groups have numbers of labels that divide 1000, so that the best level is among
them, except where two rates are made equal.
"""

import json
import pathlib

import numpy
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.base import BaseEstimator, ClassifierMixin

OUT = pathlib.Path(__file__).parents[1] / "resources/thresholds.json"
NOTIONS = {
    "DEMOGRAPHIC_PARITY": "demographic_parity",
    "EQUAL_OPPORTUNITY": "true_positive_rate_parity",
    "EQUALISED_ODDS": "equalized_odds",
}


class Scores(ClassifierMixin, BaseEstimator):
    """A fixed model: its only feature is the score."""

    def fit(self, features, labels):
        self.classes_ = numpy.unique(labels)
        return self

    def predict(self, features):
        return features[:, 0]


def case(random, sizes, levels):
    """sizes: of each group, the numbers of positive and of negative labels."""
    labels, codes = [], []
    for group, (positives, negatives) in enumerate(sizes):
        labels += [1] * positives + [0] * negatives
        codes += [group] * (positives + negatives)
    labels, codes = numpy.array(labels), numpy.array(codes)
    scores = random.normal(size=len(labels)) + labels * (1.0 + 0.5 * codes) - 0.4 * codes
    scores = numpy.round(scores * levels) / levels
    found = {"scores": scores.tolist(), "labels": labels.tolist(), "codes": codes.tolist()}
    features = scores[:, None]
    for name, constraint in NOTIONS.items():
        model = ThresholdOptimizer(
            estimator=Scores().fit(features, labels),
            constraints=constraint,
            objective="accuracy_score",
            prefit=True,
            predict_method="predict",
            grid_size=1000,
        ).fit(features, labels, sensitive_features=codes)
        positive = model._pmf_predict(features, sensitive_features=codes)[:, 1]
        found[name] = float(numpy.where(labels == 1, positive, 1 - positive).mean())
    return found


if __name__ == "__main__":
    draw = numpy.random.default_rng(3)
    cases = [
        case(draw, ((25, 25), (50, 50)), 8),
        case(draw, ((100, 100), (40, 10), (25, 25)), 4),
    ]
    OUT.write_text(json.dumps(cases) + "\n")
