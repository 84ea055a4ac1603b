"""The workloads in PyTorch, of the versions that any system here needs (1.13 and later)."""

import torch
from torch import nn


class Sum(nn.Module):
    """A branch and what it is added to."""

    def __init__(self, branch, kept):
        super().__init__()
        self.branch, self.kept = sequence(branch), sequence(kept) if kept else None

    def forward(self, x):
        return self.branch(x) + (x if self.kept is None else self.kept(x))


class Mean(nn.Module):
    """Over the two spatial axes."""

    def __init__(self):
        super().__init__()
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()

    def forward(self, x):
        return self.flatten(self.pool(x))


def norm(channels):
    """As trained networks have it: not the identity."""
    layer = nn.BatchNorm2d(channels)
    with torch.no_grad():
        layer.weight.uniform_(0.8, 1.2)
        layer.bias.uniform_(-0.1, 0.1)
        layer.running_mean.uniform_(-0.1, 0.1)
        layer.running_var.uniform_(0.8, 1.2)
    return layer


def layer(what, *numbers):
    if what == "conv":
        inputs, outputs, kernel, stride, pad, bias = numbers
        kind = nn.Conv2d if len(kernel) == 2 else nn.Conv1d
        return kind(inputs, outputs, kernel, stride, pad, bias=bias)
    if what == "encoder":
        hidden, heads, inner = numbers
        return nn.TransformerEncoderLayer(
            hidden, heads, inner, dropout=0.0, activation="gelu", batch_first=True
        )
    kinds = {
        "relu": nn.ReLU, "max_pool": nn.MaxPool2d, "flatten": nn.Flatten, "linear": nn.Linear,
        "norm": norm, "sum": Sum, "mean": Mean,
    }  # fmt: skip
    return kinds[what](*numbers)


def sequence(layers):
    return nn.Sequential(*(layer(*numbers) for numbers in layers))


def model(layers):
    torch.manual_seed(1)
    return sequence(layers).eval()
