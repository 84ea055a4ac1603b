"""`on_torch.py WORKLOAD`: PyTorch in the clear, one thread, float32. Prints the median of some runs after a warm-up."""

import json
import statistics
import sys
import time

import torch
from torch_layers import model
from workloads import MODELS, operands, operation

# Runs stop after so many, or when they have taken so long.
RUNS, SECONDS = 20, 3.0


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    name = sys.argv[1]
    if name in MODELS:
        layers, shape = MODELS[name]
        network, x = model(layers), torch.randn(shape)

        def run():
            return network(x)

    else:
        op, size = operation(name)
        inputs = [torch.randn(shape) for shape in operands(op, size)]
        function = {"matmul": torch.matmul, "relu": torch.relu}[op]

        def run():
            return function(*inputs)

    times = []
    with torch.inference_mode():
        run()
        while len(times) < RUNS and sum(times) < SECONDS:
            begun = time.perf_counter()
            run()
            times.append(time.perf_counter() - begun)
    print(json.dumps({"seconds": statistics.median(times), "version": torch.__version__}))


main()
