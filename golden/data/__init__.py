"""Data: loading, splitting, normalizing and quantizing samples, each step from one Dataset to the next."""

from golden.data.csv_loader import CSVLoader
from golden.data.dataset import Dataset, Split
from golden.data.quality import Histograms, Quality
from golden.data.quantize import QuantizeTransform
from golden.data.sources import (
    load_breast_cancer,
    load_digits,
    load_fashion_mnist,
    load_iris,
    load_letters,
    load_mnist,
    load_wine,
)
from golden.data.split import DataSplitterTransform
from golden.data.transforms import NormalizeZScoreTransform, Transform, TransformsPipeline

__all__ = [
    "CSVLoader",
    "DataSplitterTransform",
    "Dataset",
    "Histograms",
    "NormalizeZScoreTransform",
    "Quality",
    "QuantizeTransform",
    "Split",
    "Transform",
    "TransformsPipeline",
    "load_breast_cancer",
    "load_digits",
    "load_fashion_mnist",
    "load_iris",
    "load_letters",
    "load_mnist",
    "load_wine",
]
