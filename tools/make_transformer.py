"""Makes models/transformer.safetensors: a small transformer encoder that reads a digit as a sequence of rows, trained on digits 0 to 4.

    python tools/make_transformer.py            # writes models/transformer.safetensors
    python tools/make_transformer.py --compare  # and fine-tunes on digits 5 to 9 as the example does, in float

Needs PyTorch, numpy and safetensors. Names of arrays are those that tacita-nn gives the same layers: layer 0 is the body (rows embedded, two
encoder layers), which the example freezes; 1 the last encoder layer; 3 the classifier of 0 to 4, which it replaces.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

MODELS = Path(__file__).parent.parent / "models"
STEPS, WIDTH, HEADS, INNER, CLASSES = 14, 32, 4, 64, 5


class Rows(nn.Module):
    """Rows of 14 numbers, each to a vector, and where in the picture it is."""

    def __init__(self):
        super().__init__()
        self.position = nn.Parameter(0.1 * torch.randn(STEPS, WIDTH))
        self.linear = nn.Linear(14, WIDTH)

    def forward(self, x):
        return self.linear(x) + self.position


class MeanOverSteps(nn.Module):
    """One vector of a sequence."""

    def forward(self, x):
        return x.mean(1)


def layer():
    return nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, dropout=0.0, batch_first=True)


def network():
    return nn.Sequential(nn.Sequential(Rows(), layer(), layer()), layer(), MeanOverSteps(), nn.Linear(WIDTH, CLASSES))


def digits(name, classes):
    """Pictures of these digits at half the resolution, as rows, and which of the classes each is."""
    file = np.load(MODELS / name)
    of = np.isin(file["labels"], classes)
    images = file["images"][of].reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255
    labels = file["labels"][of].astype(np.int64) - classes[0]
    return torch.tensor(images, dtype=torch.float32), torch.tensor(labels)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def pretrain():
    x, y = digits("digits-alice.npz", range(5))
    test = digits("mnist-test.npz", range(5))
    model = network()
    epochs, batch = 40, 32
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, epochs * (len(x) // batch))
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(x))
        for rows in order[: len(x) // batch * batch].view(-1, batch):
            optimiser.zero_grad()
            # moved by up to two pixels, so that the body learns shapes and not places
            down, right = torch.randint(-1, 2, (2,)).tolist()
            moved = torch.roll(x[rows], (down, right), (1, 2))
            nn.functional.cross_entropy(model(moved), y[rows]).backward()
            optimiser.step()
            schedule.step()
    print(f"digits 0 to 4: {accuracy(model, *test):.1%} of {len(test[1])} kept apart")
    return model


def fine_tune(model, frozen, steps=120, rate=0.02, batch=16):
    """The last layer and a new classifier on digits 5 to 9."""
    x, y = digits("digits-bob.npz", range(5, 10))
    test = digits("mnist-test.npz", range(5, 10))
    for parameter in model[0].parameters():
        parameter.requires_grad = not frozen
    model[3] = nn.Linear(WIDTH, CLASSES)
    before = accuracy(model, *test)
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], rate, momentum=0.9)
    model.train()
    for step in range(steps):
        rows = [(step * batch + at) % len(x) for at in range(batch)]
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimiser.step()
    return before, accuracy(model, *test)


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    path = MODELS / "transformer.safetensors"
    if "--compare" not in sys.argv or not path.exists():
        model = pretrain()
        save_file(model.state_dict(), path)
    state = load_file(path)
    if "--compare" in sys.argv:
        for seed in range(5):
            torch.manual_seed(seed)
            model = network()
            model.load_state_dict(state)
            before, after = fine_tune(model, True)
            _, scratch = fine_tune(network(), False)
            print(f"digits 5 to 9: {before:.1%} before, {after:.1%} after; a network from nothing {scratch:.1%}")


main()
