#!/usr/bin/env python3
"""The training of `digits.toml` in PyTorch: the same initial values, the same batches, float32.

    python3 bench/train_lenet.py models

Needs torch, numpy and blake3, and Python 3.11.
Prints the loss of the last batch and the accuracy on the test files.
"""

import pathlib
import sys
import tomllib

import blake3
import numpy as np
import torch

MASK = (1 << 64) - 1


def uniform(count, bound, seed):
    """`Init::Uniform` of tacita-nn: SplitMix64, 53 bits."""
    out = np.empty(count)
    state = seed & MASK
    for i in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        out[i] = bound * (2.0 * (((z ^ (z >> 31)) >> 11) / (1 << 53)) - 1.0)
    return out


def shuffled(order, what, cycle, rows):
    """`Order::shuffled` of tacita, of the public order of a number."""
    key = blake3.blake3(order.to_bytes(8, "little"), derive_key_context="tacita public order v1").digest()
    stream = blake3.blake3(cycle.to_bytes(8, "little") + what.encode(), key=key).digest(8 * rows)
    words = np.frombuffer(stream, "<u8")
    out = list(range(rows))
    for taken, at in enumerate(range(rows - 1, 0, -1)):
        below = (int(words[taken]) * (at + 1)) >> 64
        out[at], out[below] = out[below], out[at]
    return out


class Stream:
    """An owner's rows in the order of training."""

    def __init__(self, order, what, rows):
        self.order, self.what, self.rows, self.cycle = order, what, rows, {}

    def take(self, start, count):
        out = []
        for place in range(start, start + count):
            cycle = place // self.rows
            if cycle not in self.cycle:
                self.cycle = {cycle: shuffled(self.order, self.what, cycle, self.rows)}
            out.append(self.cycle[cycle][place % self.rows])
        return out


def composition(rows, batch):
    """`order::composition` of tacita."""
    shares = [max(batch * own // sum(rows), 1) for own in rows]
    while sum(shares) < batch:
        missing = [batch * own / sum(rows) - share for own, share in zip(rows, shares)]
        shares[missing.index(max(missing))] += 1
    return shares


class Net(torch.nn.Sequential):
    def __init__(self):
        nn = torch.nn
        super().__init__(
            nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.ReLU(),
            nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
        )


def main():
    folder = pathlib.Path(sys.argv[1])
    config = tomllib.loads((folder / "digits.toml").read_text())

    def array(text):
        file, name = text.split(":")
        return np.load(folder / file)[name]

    def images(text, scale):
        return torch.tensor(array(text).reshape(-1, 1, 28, 28) / scale, dtype=torch.float32)

    owners = config["data"]
    data = [(images(o["file"], o["scale"]), torch.tensor(array(o["labels"]).astype("i8"))) for o in owners]
    tested = [o for o in owners if "test_file" in o]
    test_x = torch.cat([images(o["test_file"], o["scale"]) for o in tested])
    test_y = torch.cat([torch.tensor(array(o["test_labels"]).astype("i8")) for o in tested])

    torch.set_num_threads(1)
    net = Net()
    with torch.no_grad():
        for at, parameter in enumerate(net.parameters()):
            layer = [m for m in net if any(p is parameter for p in m.parameters())][0]
            fan_in = layer.weight[0].numel()
            seed = (config["seed"] + (at + 1) * 0xD1342543DE82EF95) & MASK
            values = uniform(parameter.numel(), fan_in**-0.5, seed).reshape(parameter.shape)
            parameter.copy_(torch.tensor(values, dtype=torch.float32))
    optimiser = torch.optim.SGD(
        net.parameters(), lr=config["optimiser"]["rate"], momentum=config["optimiser"]["momentum"]
    )
    batch = config["batch"]
    rows = [len(labels) for _, labels in data]
    counts = composition(rows, batch)
    streams = [Stream(config["order"], o["owner"], n) for o, n in zip(owners, rows)]
    steps = -(-config["epochs"] * sum(rows) // batch)
    for step in range(steps):
        taken = [s.take(step * c, c) for s, c in zip(streams, counts)]
        x = torch.cat([data[i][0][t] for i, t in enumerate(taken)])
        y = torch.cat([data[i][1][t] for i, t in enumerate(taken)])
        loss = torch.nn.functional.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step in (0, 1, 9, 99):
            print(f"step {step + 1}: loss {loss.item():.4f}")
    with torch.no_grad():
        right = (net(test_x).argmax(1) == test_y).float().mean().item()
    print(f"steps {steps}, loss of the last batch {loss.item():.4f}, accuracy {100 * right:.1f} %")


if __name__ == "__main__":
    main()
