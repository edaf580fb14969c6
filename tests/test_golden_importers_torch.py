"""PyTorch modules as float networks; `make test-all` installs PyTorch, without which these tests are skipped."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not there: make setup-all, or pip install torch")

import torch
from torch import nn

import golden

pytestmark = pytest.mark.slow  # the first export takes seconds


class Residual(nn.Module):  # type: ignore[misc]
    """Depthwise separable block with a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(inplace=True))
        self.depthwise = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1)
        )
        self.head = nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        x = x + self.depthwise(x)
        return self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Many(nn.Module):  # type: ignore[misc]
    """Much of what networks do beside convolutions."""

    def forward(self, x: Any) -> Any:
        x = nn.functional.pad(x, (1, 2, 0, 1))
        a = nn.functional.avg_pool2d(x, 3, stride=2, padding=1)
        b = nn.functional.max_pool2d(x, 3, stride=2, padding=1)
        y = torch.cat([torch.sigmoid(a), torch.tanh(b) * 2.0 - 1.0], dim=1)
        y = nn.functional.leaky_relu(y, 0.2) / 3
        y = y.permute(0, 2, 3, 1).reshape(len(y), -1)
        return torch.softmax(y, dim=-1)


class Sequence(nn.Module):  # type: ignore[misc]
    """Convolution in one dimension, and a layer that is fully connected at every place."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 6, 3, padding=1, stride=2)
        self.linear = nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.linear(self.conv(x).transpose(1, 2)).mean(dim=1)


def lenet() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3),
        nn.BatchNorm2d(8),
        nn.Hardtanh(0.0, 6.0),
        nn.AvgPool2d(2),
        nn.Dropout(),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def trained(module: Any) -> Any:
    """Statistics and weights that are not those of the beginning."""
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            nn.init.normal_(layer.weight)
            nn.init.normal_(layer.bias)
    return module


@pytest.mark.parametrize(
    ("module", "shape"),
    [(lenet(), (1, 14, 14)), (Residual(), (3, 9, 8)), (Many(), (2, 8, 9)), (Sequence(), (4, 10))],
    ids=["lenet", "residual", "many", "sequence"],
)
def test_networks_compute_what_torch_does(module: Any, shape: tuple[int, ...]) -> None:
    module = trained(module).train()
    network = golden.from_torch(module, shape)
    assert module.training
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, *shape)).astype(np.float32)
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(x)).numpy()
    y = network(np.moveaxis(x, 1, -1))
    # PyTorch computes in single precision: sums of n terms are off by about sqrt(n) * 2**-24 of their size, and n is
    # below 2**9 here; a wrong layer would be off by much more than 1e-5.
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_an_example_may_be_a_tensor() -> None:
    network = golden.from_torch(nn.Sequential(nn.Linear(3, 2)), torch.zeros(1, 3))
    assert network.inputs["x"] == (3,)


def test_networks_from_torch_are_quantized_here() -> None:
    network = golden.from_torch(trained(lenet()), (1, 14, 14))
    x = np.random.default_rng(0).normal(size=(64, 14, 14, 1))
    graph = golden.quantize(network, calibration=x)
    assert (graph(graph.encode(x)).argmax(axis=-1) == network(x).argmax(axis=-1)).mean() > 0.9


def test_everything_unsupported_is_said_at_once() -> None:
    module = nn.Sequential(nn.ConvTranspose2d(1, 2, 3), nn.GELU(), nn.Softplus())
    with pytest.raises(NotImplementedError) as caught:
        golden.from_torch(module, (1, 4, 4))
    for text in ("3 of its nodes", "aten.conv_transpose2d", "aten.gelu", "aten.softplus"):
        assert text in str(caught.value)


class Branch(nn.Module):  # type: ignore[misc]
    """Control flow that depends on the data."""

    def forward(self, x: Any) -> Any:
        return x if x.sum() > 0 else -x


def test_what_torch_cannot_export_is_refused() -> None:
    with pytest.raises(NotImplementedError, match=r"torch\.export cannot trace this module"):
        golden.from_torch(Branch(), (3,))


def test_modules_and_examples_are_checked() -> None:
    with pytest.raises(TypeError, match=r"a torch\.nn\.Module, not int"):
        golden.from_torch(3, (3,))
    with pytest.raises(TypeError, match="a tensor, tensors, or a shape"):
        golden.from_torch(nn.ReLU(), "abc")


def test_without_torch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match="pip install torch"):
        golden.from_torch(None, (3,))
