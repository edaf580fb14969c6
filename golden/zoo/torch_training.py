"""Training of networks with convolutions in PyTorch, which this module alone needs, and only when it trains.

The layers of a Sequential are computed by PyTorch's functions on tensors of their arrays; images are (batch, channels,
rows, columns) meanwhile. Seeded, on one thread: the same machine finds the same weights, as far as PyTorch's kernels
add in the same order; those of another machine are as good, but not the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from golden.data import Split
from golden.layers import BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, MaxPool2d, Residual
from golden.model import Layer, Linear, ReLU, Sequential, SoftMax
from golden.zoo.recipes import TorchFit
from golden.zoo.weights import arrays_of, weighted

_WARM_UP = 0.2
_WEIGHT_DECAY = 0.02
_LABEL_SMOOTHING = 0.05
_MOMENTUM = 0.1
_LEARNED = ("weight", "bias")
_Tensors = Mapping[int, dict[str, Any]]
"""The tensors of a layer by the names of its attributes, by the ``id`` of the layer."""


def torch_fit(model: Sequential, split: Split, how: TorchFit, seed: int = 0) -> None:
    """Train ``model`` in place, from scratch, on images (samples, rows, columns, channels) with their classes.

    Raises:
        ModuleNotFoundError: without PyTorch; it says what to install.
        NotImplementedError: for a layer that this cannot train.
    """
    try:
        import torch
    except ImportError as error:
        raise ModuleNotFoundError("training a network with convolutions needs PyTorch: pip install torch") from error
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    x = torch.from_numpy(split.x.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(how.largest))
    y = torch.from_numpy(np.array(split.y))
    layers = list(weighted(model.layers))
    tensors = {id(layer): _initial(layer) for layer in layers}
    learned = [tensor for layer in tensors.values() for name, tensor in layer.items() if name in _LEARNED]
    batches = len(x) // how.batch_size  # what is left over is seen in another epoch
    optimizer = torch.optim.AdamW(learned, lr=how.learning_rate, weight_decay=_WEIGHT_DECAY)
    steps = how.epochs * batches
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.learning_rate, steps, pct_start=_WARM_UP)
    for _ in range(how.epochs):
        order = torch.randperm(len(x))
        for batch in range(batches):
            chosen = order[batch * how.batch_size : (batch + 1) * how.batch_size]
            seen = _varied(x[chosen], how).contiguous(memory_format=torch.channels_last)
            logits = _run(model.layers, seen, tensors)
            loss = torch.nn.functional.cross_entropy(logits, y[chosen], label_smoothing=_LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    for layer in layers:
        for name, array in arrays_of(layer).items():
            array[...] = _last_to_last(tensors[id(layer)][name].detach().numpy())
    layers[0].weight /= how.largest


def _last_to_last(weight: Any) -> Any:
    """PyTorch's (outputs, inputs, rows, columns) as (outputs, rows, columns, inputs); anything else as it is."""
    return weight.transpose(0, 2, 3, 1) if weight.ndim == 4 else weight


def _initial(layer: Any) -> dict[str, Any]:
    """Tensors for a layer's arrays: the weights of sums normal (He et al. 2015), all else as the layer has it."""
    import torch

    tensors = {name: torch.tensor(array, dtype=torch.float32) for name, array in arrays_of(layer).items()}
    if isinstance(layer, Conv2d):
        tensors["weight"] = tensors["weight"].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    if isinstance(layer, Conv2d | Linear):
        torch.nn.init.kaiming_normal_(tensors["weight"], nonlinearity="relu")
    for name in _LEARNED:
        if name in tensors:
            tensors[name].requires_grad_()
    return tensors


def _varied(x: Any, how: TorchFit) -> Any:
    """The images ``x``, (batch, channels, rows, columns), some of them mirrored, all of them moved alike."""
    import torch

    if how.mirrored:
        mirrored = torch.rand(len(x)) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
    if how.shift:
        rows, columns = x.shape[2:]
        top, left = torch.randint(0, 2 * how.shift + 1, (2,)).tolist()
        x = torch.nn.functional.pad(x, [how.shift] * 4)[:, :, top : top + rows, left : left + columns]
    return x


def _run(layers: Iterable[Layer], x: Any, tensors: _Tensors) -> Any:
    """The logits of a batch in training."""
    from torch.nn import functional

    for layer in layers:
        own = tensors.get(id(layer), {})
        weight, bias = own.get("weight"), own.get("bias")
        match layer:
            case Linear():
                x = functional.linear(x, weight, bias)
            case Conv2d():
                (top, bottom), (left, right) = layer.padding_of((x.shape[2], x.shape[3]))
                if (top, left) != (bottom, right):
                    raise NotImplementedError(f"{layer} cannot be trained yet: its padding has unequal sides")
                x = functional.conv2d(x, weight, bias, layer.stride, (top, left), layer.dilation, layer.groups)
            case BatchNorm2d():
                mean, variance = own["running_mean"], own["running_var"]
                x = functional.batch_norm(x, mean, variance, weight, bias, True, _MOMENTUM, layer.eps)
            case ReLU():
                x = functional.relu(x)
            case MaxPool2d(padding=((0, 0), (0, 0)), ceil=False):
                x = functional.max_pool2d(x, layer.kernel_size, layer.stride)
            case GlobalAvgPool2d(keep=False):
                x = x.mean((2, 3))
            case Flatten():
                x = x.permute(0, 2, 3, 1).flatten(1)
            case Residual():
                x = _run(layer.body, x, tensors) + _run(layer.shortcut, x, tensors)
            case SoftMax():
                pass  # the loss has it
            case _:
                raise NotImplementedError(f"{layer} cannot be trained yet: add it to {__name__}")
    return x
