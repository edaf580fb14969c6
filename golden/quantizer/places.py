"""Where in a model an error is: a layer of a Sequential, or a step of a Network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from golden.layers import Residual
from golden.model import Sequential
from golden.network import Network
from golden.types import FloatArray


class Places:
    """Notes for errors about a model; ``model`` is what the user gave."""

    def __init__(self, model: Sequential | Network) -> None:
        if not isinstance(model, Sequential | Network):
            raise TypeError(f"a model to quantize must be a Sequential or a Network, not {model!r}")
        self.model = model
        self._network = model if isinstance(model, Network) else None

    def network(self, arrays: Mapping[str, FloatArray]) -> Network:
        """The network itself, or that of a Sequential for inputs like ``arrays``.

        Raises:
            ValueError: where these do not fit.
        """
        if self._network is None:
            assert isinstance(self.model, Sequential)
            ((_, x),) = arrays.items()
            try:
                self._network = Network.of(self.model, x.shape[1:])
            except ValueError as error:
                wrong = ValueError(f"calibration of shape {x.shape} does not fit the model: {error}")
                for note in getattr(error, "__notes__", ()):
                    wrong.add_note(note)
                raise wrong from None
        return self._network

    @contextmanager
    def noting(self, step: str | None = None) -> Iterator[None]:
        """Errors raised inside get a note, unless they have one: the layer of ``step``, or the first of the model."""
        try:
            yield
        except (TypeError, ValueError) as error:
            if not getattr(error, "__notes__", None):
                self.placed(error, step)
            raise

    def placed(self, error: Exception, step: str | None) -> Exception:
        """``error`` with a note that names the layer which the step came from; the first one for None or an input."""
        names = [made.name for made in self._network.steps] if self._network else []
        if isinstance(self.model, Network):
            return self.model.placed(error, step if step in names else names[0]) if names else error
        position, passed = 0, _count(self.model.layers[:1])
        while step in names and passed <= names.index(step):
            position += 1
            passed += _count(self.model.layers[position : position + 1])
        if self._network and step in names and _count(self.model.layers[position : position + 1]) > 1:
            self._network.placed(error, step)
        return self.model.placed(error, position)


def _count(layers: Iterable[Any]) -> int:
    """How many steps of a network some layers become."""
    return sum(
        _count(layer.body) + _count(layer.shortcut) + 1
        if isinstance(layer, Residual)
        else _count(layer.layers)
        if isinstance(layer, Sequential)
        else 1
        for layer in layers
    )
