"""The model itself, in one place for train.py and evaluate.py."""

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def estimator():
    # One-against-rest scores are what serve.py returns beside the label.
    return make_pipeline(StandardScaler(), SVC(C=3.0, gamma="scale", decision_function_shape="ovr"))
