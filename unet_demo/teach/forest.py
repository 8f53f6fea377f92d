"""The classical way to segment from strokes: a random forest on filters' answers, pixel by pixel.

As in scikit-image's own tutorial on trainable segmentation. Only the benchmark and the tests use it; it
needs scikit-learn, which the program itself does not.
"""

import numpy as np
from skimage.feature import multiscale_basic_features

from ..messages import sentence
from ..tasks import VOID
from .strokes import TeachError

TREES = 100


def segment_by_forest(slices: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Learn from strokes and segment all slices uint8 (N, H, W, C): ids uint8 (N, H, W).

    ``labels``: ids uint8 (N, H, W), 255 not painted. Intensity, edges and texture at scales from 1 to
    16 px. Raises TeachError where scikit-learn is missing.
    """
    try:
        from sklearn.ensemble import RandomForestClassifier
    except ImportError as error:
        raise TeachError(
            sentence(
                "The forest needs scikit-learn, which is not installed; run pip install scikit-learn."
            )
        ) from error
    features = np.stack([multiscale_basic_features(one, channel_axis=-1) for one in slices])
    painted = labels != VOID
    forest = RandomForestClassifier(TREES, n_jobs=2, random_state=seed)
    forest.fit(features[painted], labels[painted])
    flat = features.reshape(len(slices), -1, features.shape[-1])
    return np.stack([forest.predict(one) for one in flat]).reshape(labels.shape).astype(np.uint8)
