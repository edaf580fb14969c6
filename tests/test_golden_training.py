"""fit: gradients, learning, raw units, determinism, bad data."""

from dataclasses import dataclass

import numpy as np
import pytest

from golden.accuracy import accuracy
from golden.data import load_iris
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.training import fit, loss_and_gradients


@dataclass
class Samples:
    x: np.ndarray
    y: np.ndarray | None


def blobs(classes=3, features=2, samples=90, seed=0, scale=1.0, offset=0.0):
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % classes
    centres = 4.0 * np.eye(classes)[:, :features]
    return Samples((centres[y] + rng.normal(0.0, 0.5, (samples, features))) * scale + offset, y)


def classifier(features=2, classes=3):
    return Sequential([Linear(features, 8), ReLU(), Linear(8, classes), SoftMax()])


@pytest.mark.parametrize("kind", ["classes", "targets"])
def test_gradients_equal_finite_differences(kind):
    rng = np.random.default_rng(3)
    model = Sequential([Linear(3, 5), ReLU(), Linear(5, 4), ReLU(), Linear(4, 3)])
    for array in model.parameters():
        array += rng.normal(0.0, 0.3, array.shape)
    x = rng.normal(0.0, 1.0, (6, 3))
    y = rng.integers(0, 3, 6) if kind == "classes" else rng.normal(0.0, 1.0, (6, 3))
    _, gradients = loss_and_gradients(model, x, y)
    step = 1e-6
    for array, gradient in zip(model.parameters(), [g for pair in gradients for g in pair], strict=True):
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + step
            above, _ = loss_and_gradients(model, x, y)
            array[index] = kept - step
            below, _ = loss_and_gradients(model, x, y)
            array[index] = kept
            # central differences err by step**2 = 1e-12 and by the rounding of the loss, 1e-16 / step = 1e-10
            assert abs((above - below) / (2 * step) - gradient[index]) < 1e-7


@pytest.mark.parametrize("with_softmax", [True, False])
def test_a_classifier_learns(with_softmax):
    split = blobs()
    layers = classifier().layers
    model = Sequential(layers if with_softmax else layers[:-1])
    history = fit(model, split, epochs=40, validation=split)
    assert accuracy(model, split) == history.validation_accuracy[-1] == 1.0
    assert history.loss[-1] < 0.1 * history.loss[0]
    assert len(history.loss) == len(history.validation_loss) == 40


def test_wild_scales_are_learnt_in_raw_units():
    split = blobs(scale=np.array([1e4, 1e-3]), offset=np.array([-5e4, 2.0]))
    model = classifier()
    fit(model, split, epochs=40)
    assert accuracy(model, split) == 1.0


def test_scaling_and_shifting_the_features_changes_nothing_but_the_first_layer():
    plain, wild = classifier(), classifier()
    fit(plain, blobs(), epochs=5)
    fit(wild, blobs(scale=1024.0, offset=4096.0), epochs=5)
    # equal but for the rounding of the shifted features, 1e-12 relative, through 5 epochs of updates
    np.testing.assert_allclose(wild.logits(blobs(scale=1024.0, offset=4096.0).x), plain.logits(blobs().x), rtol=1e-6)


def test_regression_learns_targets_in_raw_units():
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (200, 2))
    split = Samples(x, 1000.0 + 50.0 * np.abs(x[:, 0]) - 30.0 * x[:, 1])
    model = Sequential([Linear(2, 16), ReLU(), Linear(16, 1)])
    history = fit(model, split, epochs=100, validation=split)
    error = model(x)[:, 0] - split.y
    assert np.sqrt(np.mean(error**2)) < 0.1 * split.y.std()
    assert not history.validation_accuracy


def test_a_rectified_target_is_scaled_but_not_shifted():
    x = np.random.default_rng(0).uniform(0.0, 1.0, (100, 1))
    model = Sequential([Linear(1, 16), ReLU(), Linear(16, 1, seed=1), ReLU()])
    y = 500.0 * x[:, 0] + 200.0
    fit(model, Samples(x, y), epochs=200)
    assert np.sqrt(np.mean((model(x)[:, 0] - y) ** 2)) < 0.1 * y.std()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    def weights(seed):
        model = classifier()
        fit(model, blobs(), epochs=3, seed=seed)
        return np.concatenate([array.ravel() for array in model.parameters()])

    assert np.array_equal(weights(0), weights(0))
    assert not np.array_equal(weights(0), weights(1))


def test_fit_starts_afresh_and_resume_continues():
    model, split = classifier(), blobs(scale=100.0)
    first = fit(model, split, epochs=10).loss
    assert fit(model, split, epochs=10).loss == first
    assert fit(model, split, epochs=10, resume=True).loss[0] < 2 * first[-1]


def test_resume_of_a_regression_continues():
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (100, 2))
    split = Samples(x, 1000.0 * np.abs(x))
    model = Sequential([Linear(2, 16), ReLU(), Linear(16, 2)])
    first = fit(model, split, epochs=40).loss
    assert fit(model, split, epochs=1, learning_rate=1e-9, resume=True).loss[0] < 2 * first[-1]


def test_a_constant_feature_gets_no_weight():
    split = blobs()
    split.x[:, 1] = 7.0
    model = classifier()
    fit(model, split, epochs=2)
    assert not model.linears[0].weight[:, 1].any()


def test_weight_decay_shrinks_weights():
    norms = []
    for weight_decay in (0.0, 5.0):
        model = classifier()
        fit(model, blobs(), epochs=20, weight_decay=weight_decay)
        norms.append(np.abs(model.linears[0].weight).sum())
    assert norms[1] < 0.8 * norms[0]


def test_iris_is_learnt():
    data = load_iris(seed=0)
    model = Sequential([Linear(4, 10), ReLU(), Linear(10, 3)])
    fit(model, data["train"])
    assert accuracy(model, data["test"]) > 0.9


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (Samples(np.empty((0, 2)), np.empty(0, dtype=int)), "must have samples.*not 0 and 0"),
        (Samples(np.ones((3, 2)), np.zeros(4, dtype=int)), "as many in y as in x, not 3 and 4"),
        (Samples(np.array([[1.0, np.nan]]), np.array([0])), "NaN or an infinity in x, feature 1"),
        (Samples(np.ones((2, 2)), np.array([0, 3])), r"in 0\.\.2, one per output of the model, not \(2,\) in 0\.\.3"),
        (Samples(np.ones((2, 2)), np.array([0, -1])), r"in 0\.\.2"),
        (Samples(np.ones((2, 5)), np.array([0, 1])), r"(?s)shape \(samples, 2\), not \(2, 5\).*in layer 1 of 4"),
        (Samples(np.ones((2, 2)), np.array([0.5, 1.0])), "must have integer labels in y, not float64"),
        (Samples(np.ones((2, 2)), np.array(["a", "b"])), "must have integer labels"),
        (Samples(np.ones((2, 2)), None), "must have labels or targets in y, not None"),
    ],
)
def test_bad_splits_are_refused(split, message):
    with pytest.raises(ValueError, match=message):
        fit(classifier(), split)


def test_bad_targets_are_refused():
    model = Sequential([Linear(2, 2)])
    with pytest.raises(ValueError, match=r"shape \(samples, 2\), not \(4, 1\)"):
        fit(model, Samples(np.ones((4, 2)), np.ones(4)))
    with pytest.raises(ValueError, match="finite targets"):
        fit(model, Samples(np.ones((4, 2)), np.full((4, 2), np.inf)))


def test_models_without_gradient_are_refused():
    split = blobs()
    with pytest.raises(ValueError, match=r"(?s)first layer.*must be a Linear.*in layer 1 of 2"):
        fit(Sequential([ReLU(), Linear(2, 3)]), split)
    with pytest.raises(ValueError, match=r"(?s)SoftMax must be the last.*in layer 2 of 3"):
        fit(Sequential([Linear(2, 3), SoftMax(), ReLU()]), split)
    with pytest.raises(ValueError, match=r"(?s)function cannot be trained.*in layer 2 of 2"):
        fit(Sequential([Linear(2, 3), lambda x: x]), split)


@pytest.mark.parametrize("setting", [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"weight_decay": -1.0}])
def test_bad_settings_are_refused(setting):
    with pytest.raises(ValueError, match="must be positive"):
        fit(classifier(), blobs(), **setting)


def test_accuracy_needs_labels():
    with pytest.raises(ValueError, match="integer labels"):
        accuracy(classifier(), Samples(np.ones((2, 2)), np.ones(2)))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"seed": -1}, "seed must be non-negative and an int, not -1"),
        ({"seed": 0.5}, r"seed must be non-negative and an int, not 0\.5"),
        ({"epochs": 1.5}, r"epochs must be positive and an int, not 1\.5"),
        ({"epochs": True}, "epochs must be positive and an int, not True"),
        ({"batch_size": 8.0}, r"batch_size must be positive and an int, not 8\.0"),
        ({"learning_rate": np.inf}, "learning_rate must be positive and weight_decay not negative, not inf"),
    ],
)
def test_a_bad_setting_is_named_before_anything_changes(setting, message):
    net = classifier()
    before = [array.copy() for array in net.parameters()]
    with pytest.raises(ValueError, match=message):
        fit(net, blobs(), **setting)
    assert all(np.array_equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
