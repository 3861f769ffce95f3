"""scikit-learn: MLPClassifier."""

import sys
import warnings

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)
with np.load(sys.argv[1]) as digits:
    X, y = digits["X"], digits["y"]
model = MLPClassifier((100,), batch_size=200, alpha=0.0, max_iter=20, n_iter_no_change=20)
model.fit(X, y)
joblib.dump(model, sys.argv[2])
print(model.score(X, y))
