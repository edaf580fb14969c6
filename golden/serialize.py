"""A graph as one file: a zip of a JSON header and numpy arrays, readable by ``numpy.load``, without pickle.

``graph.json`` holds everything but the arrays, which are members of their own (``dense1.weight.npy``). Fields of ops
are written by what they are (int, str, tuple, IntType, integer array), so that a new op needs no line here.
"""

from __future__ import annotations

import dataclasses
import io
import json
import secrets
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden import ops
from golden.encoding import Encoding
from golden.graph import Graph, Node
from golden.types import IntType, TensorType

FORMAT = "tensorgate-graph"
VERSION = 1
_HEADER = "graph.json"

Arrays = dict[str, npt.NDArray[Any]]


def save_graph(graph: Graph, path: Path) -> None:
    """Write ``graph`` to ``path``, whatever its suffix; equal graphs give equal bytes.

    The file appears complete or not at all: it is written beside its place and then moved there.
    """
    arrays: Arrays = {}
    header = {
        "format": FORMAT,
        "version": VERSION,
        "inputs": {name: [str(x.dtype), list(x.shape)] for name, x in graph.inputs.items()},
        "nodes": [
            {
                "name": node.name,
                "op": type(node.op).__name__,
                "inputs": list(node.inputs),
                "fields": {
                    field.name: _write(getattr(node.op, field.name), f"{node.name}.{field.name}", arrays)
                    for field in dataclasses.fields(node.op)  # type: ignore[arg-type]
                    if field.init
                },
            }
            for node in graph.nodes
        ],
        "outputs": list(graph.outputs),
        "encodings": {
            name: {
                "scale": _write(encoding.scale, f"{name}.encoding_scale", arrays),
                "zero_point": _write(encoding.zero_point, f"{name}.encoding_zero_point", arrays),
            }
            for name, encoding in sorted(graph.encodings.items())
        },
        "classes": list(graph.classes),
        "origins": dict(graph.origins),
    }
    write_atomically(path, _zipped(header, arrays))


def load_graph(path: Path) -> Graph:
    """Read what ``save_graph`` wrote; the graph is checked again as it is built.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is damaged, no graph, of a newer format, or with ops that are unknown here.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no graph file {str(path)!r}")
    content = io.BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(content) as file:
            names = file.namelist()
            if _HEADER not in names:
                raise ValueError(f"a graph file holds {_HEADER}, this one {', '.join(names[:3]) or 'nothing'}")
            header = json.loads(file.read(_HEADER))
            arrays = {
                name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(file.read(name)), allow_pickle=False)
                for name in names
                if name.endswith(".npy")
            }
        return _graph(header, arrays)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{str(path)!r} is not a graph file, or a truncated one: expected a zip ({error})") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{str(path)!r} is not a valid graph file: {type(error).__name__} {error}") from error
    except (ValueError, RuntimeError) as error:  # zipfile: RuntimeError for members that seem encrypted
        reasons = "; ".join([str(error), *getattr(error, "__notes__", [])])
        raise ValueError(f"{str(path)!r} is not a valid graph file: {reasons}") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name} to")
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _zipped(header: Mapping[str, Any], arrays: Arrays) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        # A ZipInfo of one's own has a fixed date, so that equal graphs give equal bytes.
        file.writestr(_member(_HEADER), json.dumps(header, indent=1) + "\n")
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            file.writestr(_member(f"{name}.npy"), member.getvalue())
    return buffer.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _graph(header: Any, arrays: Arrays) -> Graph:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"its header must say it is a {FORMAT}")
    version = header["version"]
    if type(version) is not int or version < 1:  # a bool is an int, too
        raise ValueError(f"the version of its format must be a positive int, not {version!r}")
    if version > VERSION:
        raise ValueError(f"its format has version {version}, this program reads up to {VERSION}: a newer one wrote it")
    classes = {op.__name__: op for op in ops.ALL}
    nodes = []
    for entry in header["nodes"]:
        if entry["op"] not in classes:
            raise ValueError(
                f"layer {entry['name']!r} is of the unknown op {entry['op']!r}; known: {', '.join(classes)}"
            )
        fields = {name: _read(value, arrays) for name, value in entry["fields"].items()}
        try:
            op = classes[entry["op"]](**fields)
        except (ValueError, TypeError) as error:
            raise ValueError(f"layer {entry['name']!r} is no valid {entry['op']}: {error}") from error
        nodes.append(Node(entry["name"], op, _strings(entry["inputs"], f"the inputs of layer {entry['name']!r}")))
    encodings = {
        name: Encoding(_read(entry["scale"], arrays), _read(entry["zero_point"], arrays))
        for name, entry in header["encodings"].items()
    }
    inputs = {name: TensorType(tuple(shape), IntType.parse(dtype)) for name, (dtype, shape) in header["inputs"].items()}
    outputs, names = _strings(header["outputs"], "the outputs"), _strings(header["classes"], "the classes")
    origins = header.get("origins", {})  # files of the first day have none
    if not isinstance(origins, dict) or not all(isinstance(name, str) for name in origins.values()):
        raise ValueError(f"the origins must be strings by tensor, not {origins!r}")
    return Graph(inputs, tuple(nodes), outputs, encodings, names, origins)


def _strings(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{what} must be a list of strings, not {value!r}")
    return tuple(value)


def _write(value: Any, place: str, arrays: Arrays) -> Any:
    """``value`` for JSON; an array goes to ``arrays`` and leaves its name."""
    if value is None or isinstance(value, bool | int | str | float):
        return value
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, IntType):
        return {"int_type": str(value)}
    if isinstance(value, tuple):
        return {"tuple": [_write(item, f"{place}.{i}", arrays) for i, item in enumerate(value)]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        arrays[place] = np.ascontiguousarray(_narrowed(value)).reshape(value.shape)
        return {"array": place}
    raise NotImplementedError(f"{place} is a {type(value).__name__}, which a graph file cannot hold yet")


def _narrowed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Integers in the fewest bytes; ops make int64 of them again."""
    if array.dtype.kind == "f" or not array.size:
        return array
    low, high = int(array.min()), int(array.max())
    for dtype in ("<i1", "<i2", "<i4"):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return array.astype(dtype)
    return array.astype("<i8")


def _read(value: Any, arrays: Arrays) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return arrays[content]
    if kind == "int_type":
        return IntType.parse(content)
    if kind == "tuple":
        return tuple(_read(item, arrays) for item in content)
    raise ValueError(f"a field is of the unknown kind {kind!r}")
