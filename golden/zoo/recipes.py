"""What the built-in networks are: their task and data, their layers, and how they are trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from golden.data import (
    Dataset,
    load_breast_cancer,
    load_digits,
    load_fashion_mnist,
    load_iris,
    load_letters,
    load_mnist,
    load_wine,
)
from golden.data.sources import FASHION_INSTALLING, FASHION_MNIST, LETTER_RECOGNITION, LETTERS_INSTALLING
from golden.layers import BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, MaxPool2d, Residual
from golden.model import Layer, Linear, ReLU, SoftMax


@dataclass(frozen=True)
class Fit:
    """How ``golden.fit`` trains a network of Linear layers."""

    epochs: int = 200
    learning_rate: float = 0.01
    weight_decay: float = 0.1
    batch_size: int = 32


@dataclass(frozen=True)
class TorchFit:
    """How PyTorch trains a network with convolutions: AdamW, the rate rising for a fifth of the steps, then a cosine.

    Args:
        epochs: passes over the training split.
        learning_rate: the highest.
        largest: pixel value that counts as 1 while training; that factor is folded into the first layer afterwards.
        batch_size: samples a step.
        mirrored: whether half of the images, chosen at random in every epoch, are seen in a mirror.
        shift: most pixels by which a batch is moved in either direction, at random.
    """

    epochs: int
    learning_rate: float
    largest: float
    batch_size: int = 128
    mirrored: bool = False
    shift: int = 0


@dataclass(frozen=True)
class Data:
    """A data set of the built-in networks.

    Args:
        title: what it is called.
        load: its splits ``train`` and ``test``, by a seed.
        shape: of one sample.
        file: that is there if the data set is; None if it comes with a package that Tensorgate needs anyhow.
        installing: the command that brings it.
    """

    title: str
    load: Callable[[int], Dataset]
    shape: tuple[int, ...]
    file: Path | None = None
    installing: str = ""

    @property
    def is_installed(self) -> bool:
        """Whether ``load`` will find it."""
        return self.file is None or self.file.exists()


@dataclass(frozen=True)
class Recipe:
    """What a network is for and made of.

    Args:
        task: in a few words.
        data: to train on and to measure with.
        layers: new ones, with their initial weights.
        training: how it gets its weights.
        calibration: samples of the training split that the integer graph is calibrated on, chosen by a seed; None
            for all.
        calibration_method: as of ``quantize``.
    """

    task: str
    data: Data
    layers: Callable[[], list[Layer]]
    training: Fit | TorchFit = Fit()
    calibration: int | None = None
    calibration_method: str = "min-max"


def _dense(*features: int) -> Callable[[], list[Layer]]:
    """Linear layers with ReLU between them and SoftMax at the end."""

    def layers() -> list[Layer]:
        found: list[Layer] = []
        for inputs, outputs in pairwise(features):
            found += [Linear(inputs, outputs), ReLU()]
        return [*found[:-1], SoftMax()]

    return layers


def _small_cnn() -> list[Layer]:
    return [
        *(Conv2d(1, 8, 3, padding=1), ReLU()),
        *(Conv2d(8, 16, 3, padding=1), ReLU(), MaxPool2d(2)),
        *(Conv2d(16, 16, 3), ReLU()),
        *(Flatten(), Linear(2 * 2 * 16, 10), SoftMax()),
    ]


def _lenet(first: int, second: int, hidden: int) -> Callable[[], list[Layer]]:
    """LeCun et al. (1998), with ReLU and max pooling, for images of 28 x 28 pixels."""

    def layers() -> list[Layer]:
        return [
            *(Conv2d(1, first, 5), ReLU(), MaxPool2d(2)),
            *(Conv2d(first, second, 5), ReLU(), MaxPool2d(2)),
            *(Flatten(), Linear(4 * 4 * second, hidden), ReLU()),
            *(Linear(hidden, 10), SoftMax()),
        ]

    return layers


def _batch_norm(channels: int) -> BatchNorm2d:
    zeros, ones = np.zeros(channels), np.ones(channels)
    return BatchNorm2d(ones, zeros, zeros, ones)


def _block(inputs: int, outputs: int, stride: int = 1) -> list[Layer]:
    """A basic block of He et al. (2016); where the shape changes, the shortcut is a convolution of 1 x 1."""
    body: list[Layer] = [
        *(Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), _batch_norm(outputs), ReLU()),
        *(Conv2d(outputs, outputs, 3, padding=1, bias=False), _batch_norm(outputs)),
    ]
    alike = inputs == outputs and stride == 1
    shortcut: list[Layer] = [] if alike else [Conv2d(inputs, outputs, 1, stride, bias=False), _batch_norm(outputs)]
    return [Residual(body, shortcut), ReLU()]


def _resnet() -> list[Layer]:
    return [
        *(Conv2d(1, 16, 3, padding=1, bias=False), _batch_norm(16), ReLU(), MaxPool2d(2)),
        *_block(16, 16),
        *_block(16, 24, stride=2),
        *_block(24, 24),
        *(GlobalAvgPool2d(), Linear(24, 10), SoftMax()),
    ]


def _separable(inputs: int, outputs: int, stride: int = 1) -> list[Layer]:
    """A depthwise convolution and one of 1 x 1, each with batch norm and ReLU (Howard et al. 2017)."""
    return [
        *(Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs, bias=False), _batch_norm(inputs), ReLU()),
        *(Conv2d(inputs, outputs, 1, bias=False), _batch_norm(outputs), ReLU()),
    ]


def _dscnn() -> list[Layer]:
    return [
        *(Conv2d(1, 16, 3, stride=2, padding=1, bias=False), _batch_norm(16), ReLU()),
        *_separable(16, 32),
        *_separable(32, 48, stride=2),
        *_separable(48, 64),
        *(GlobalAvgPool2d(), Linear(64, 10), SoftMax()),
    ]


def _digit_images(seed: int) -> Dataset:
    return load_digits(seed, images=True)


def _mnist_images(seed: int) -> Dataset:
    return load_mnist(seed, images=True)


_IRIS = Data("iris", load_iris, (4,))
_WINE = Data("wine", load_wine, (13,))
_BREAST_CANCER = Data("breast cancer", load_breast_cancer, (30,))
_DIGITS, _DIGIT_IMAGES = Data("digits", load_digits, (64,)), Data("digits", _digit_images, (8, 8, 1))
_MNIST, _MNIST_IMAGES = Data("MNIST 5,000", load_mnist, (784,)), Data("MNIST 5,000", _mnist_images, (28, 28, 1))
_LETTERS = Data("LetterRecognition", load_letters, (16,), LETTER_RECOGNITION, LETTERS_INSTALLING)
_FASHION = Data("Fashion-MNIST", load_fashion_mnist, (28, 28, 1), FASHION_MNIST, FASHION_INSTALLING)

_SMALL_DIGITS, _LARGE_DIGITS = "handwritten digits, 8 x 8 pixels", "handwritten digits, 28 x 28 pixels"
_CLOTHES = "articles of clothing, 28 x 28 pixels"

RECIPES = {
    "iris": Recipe("species of an iris from four lengths of its flower", _IRIS, _dense(4, 10, 3)),
    "wine": Recipe("cultivar of a wine from its chemistry", _WINE, _dense(13, 16, 3), Fit(60, 0.01, 1.0)),
    "breast_cancer": Recipe("malignant or benign tumour from its cell nuclei", _BREAST_CANCER, _dense(30, 16, 2)),
    "digits": Recipe(_SMALL_DIGITS, _DIGITS, _dense(64, 32, 10), Fit(60)),
    "mnist": Recipe(_LARGE_DIGITS, _MNIST, _dense(784, 32, 10), Fit(30, 0.003, 1.0, batch_size=64)),
    "letters": Recipe(
        "capital letters from 16 measures of their pixels",
        *(_LETTERS, _dense(16, 96, 48, 26), Fit(40, 0.005, 0.05, batch_size=64)),
    ),
    "digits_cnn": Recipe(_SMALL_DIGITS, _DIGIT_IMAGES, _small_cnn, TorchFit(40, 0.005, 16.0, 32), 500),
    "mnist_lenet": Recipe(
        _LARGE_DIGITS, _MNIST_IMAGES, _lenet(6, 16, 60), TorchFit(20, 0.004, 255.0, 32, shift=1), 500
    ),
    "fashion_lenet": Recipe(_CLOTHES, _FASHION, _lenet(8, 16, 80), TorchFit(10, 0.004, 255.0), 500),
    "fashion_resnet": Recipe(_CLOTHES, _FASHION, _resnet, TorchFit(8, 0.006, 255.0, mirrored=True), 500),
    "fashion_dscnn": Recipe(_CLOTHES, _FASHION, _dscnn, TorchFit(8, 0.008, 255.0, mirrored=True), 500, "mse"),
}
