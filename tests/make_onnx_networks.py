"""Makes the float ONNX files of ``tests/data``: small networks in PyTorch, with seeded random weights.

Needs PyTorch and onnxscript, which no test does: ``python tests/make_onnx_networks.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

DATA = Path(__file__).parent / "data"


def lenet() -> Any:
    """Two convolutions, pools and fully connected layers; 14 x 14 pixels, 10 classes."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 24),
        nn.ReLU(),
        nn.Linear(24, 10),
    )


class Residual(nn.Module):  # type: ignore[misc]
    """A depthwise separable block with a shortcut, a step of two, a global mean; 10 x 10 x 3, 5 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU6())
        self.depthwise = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU6(),
            nn.Conv2d(8, 8, 1, bias=False),
            nn.BatchNorm2d(8),
        )
        self.down = nn.Sequential(nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.ReLU())
        self.head = nn.Linear(12, 5)

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        x = self.down(x + self.depthwise(x))
        return self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


def seeded(module: Any) -> Any:
    """Statistics of batch norms as if there had been a training."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    return module.eval()


def without_comments(path: Path) -> None:
    """Stack traces and the like are nobody's business."""
    model = onnx.load(path)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        for field in ("doc_string", "metadata_props"):
            if field in part.DESCRIPTOR.fields_by_name:
                part.ClearField(field)
    onnx.save(model, path)


def main() -> None:
    torch.manual_seed(0)
    shapes = {"lenet": (1, 1, 14, 14), "residual": (1, 3, 10, 10)}
    for name, module in (("lenet", seeded(lenet())), ("residual", seeded(Residual()))):
        names: dict[str, Any] = {"input_names": ["x"], "output_names": ["y"], "opset_version": 17}
        axes = {"x": {0: "n"}, "y": {0: "n"}}
        example = torch.zeros(shapes[name])
        torch.onnx.export(module, example, DATA / f"{name}.onnx", dynamo=False, dynamic_axes=axes, **names)
        # The newer exporter writes Reshape, ReduceMean and computed shapes where the older one has operators for it.
        torch.onnx.export(module, (example,), DATA / f"{name}_dynamo.onnx", dynamo=True, external_data=False)
    for path in sorted(DATA.glob("*.onnx")):
        without_comments(path)
        size = path.stat().st_size
        assert size < 40_000
        sys.stdout.write(f"{path.name}: {size} bytes\n")


if __name__ == "__main__":
    main()
