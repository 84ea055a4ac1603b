"""`on_crypten.py WORKLOAD`: CrypTen, two parties as processes on this machine, one thread each.

Its default provider lets one party make all correlated randomness, so no dealer's time or bytes are in its figures.
"""

import json
import os
import sys
import tempfile
import time

import parties
from workloads import MODELS, operands, operation


def party(rank, name, folder):
    os.environ.update(
        WORLD_SIZE="2", RANK=str(rank), RENDEZVOUS=f"file://{folder}/rendezvous",
        MASTER_ADDR="127.0.0.1", MASTER_PORT="29500", DISTRIBUTED_BACKEND="gloo",
    )  # fmt: skip
    import crypten
    import torch
    from torch_layers import model

    crypten.init()
    torch.set_num_threads(1)
    crypten.cfg.communicator.verbose = True  # counts rounds and bytes
    torch.manual_seed(0)
    if name in MODELS:
        layers, shape = MODELS[name]
        network, x = model(layers), torch.randn(shape)
        private = crypten.nn.from_pytorch(network, torch.zeros(shape))
        private.encrypt(src=1)
        private.eval()
        x = crypten.cryptensor(x, src=0)

        def run():
            return private(x)

    else:
        op, size = operation(name)
        inputs = [crypten.cryptensor(torch.randn(shape)) for shape in operands(op, size)]

        def run():
            return inputs[0].matmul(inputs[1]) if op == "matmul" else inputs[0].relu()

    counts = crypten.communicator.get()
    run()  # what is lazily made is made
    counts.reset_communication_stats()
    begun = time.perf_counter()
    run()
    seconds = time.perf_counter() - begun
    if rank == 0:
        # it counts what is sent and what is received
        sent = counts.comm_bytes / 2
        row = {"seconds": seconds, "rounds": counts.comm_rounds, "online_bytes_per_party": sent}
        print(json.dumps({**row, "version": crypten.__version__}), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(parties.run(party, [(sys.argv[1], folder)] * 2))
