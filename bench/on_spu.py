"""`on_spu.py WORKLOAD`: SPU's Semi2k, two parties as processes on this machine. Weights and inputs are secret."""

import json
import os
import socket
import sys
import time

import numpy as np
import parties
from workloads import MODELS, operands, operation


def weights(layers, random):
    """The arrays of all layers, in order."""
    found = []
    for what, *numbers in layers:
        if what == "conv":
            inputs, outputs, kernel, _, _, bias = numbers
            found.append(scaled(random, (outputs, inputs, *kernel), inputs * int(np.prod(kernel))))
            found += [scaled(random, (outputs,), 100)] if bias else []
        elif what == "norm":  # as a scale and a shift, as it would be folded
            found += [1 + scaled(random, numbers, 100), scaled(random, numbers, 100)]
        elif what == "linear":
            found += [scaled(random, numbers, numbers[0]), scaled(random, numbers[1:], 100)]
        elif what == "sum":
            found += weights(numbers[0], random) + weights(numbers[1], random)
        elif what == "encoder":
            hidden, _, inner = numbers
            for sizes in [[(hidden, hidden)] * 4, [(hidden, inner), (inner, hidden)]]:
                for inputs, outputs in sizes:
                    found += [scaled(random, (inputs, outputs), inputs), scaled(random, (outputs,), 100)]
                found += [1 + scaled(random, (hidden,), 100), scaled(random, (hidden,), 100)]
    return found


def scaled(random, shape, fan):
    return (random.standard_normal(shape) / np.sqrt(fan)).astype(np.float32)


def evaluate(layers, x, take):
    """The network on `x`; `take` gives the next array."""
    import jax
    import jax.numpy as jnp

    for what, *numbers in layers:
        if what == "conv":
            _, _, kernel, stride, pad, bias = numbers
            pads = [(p, p) for p in pad]
            axes = "HW"[2 - len(kernel) :]
            order = (f"NC{axes}", f"OI{axes}", f"NC{axes}")
            x = jax.lax.conv_general_dilated(x, take(), stride, pads, dimension_numbers=order)
            if bias:
                x += take().reshape((1, -1) + (1,) * len(kernel))
        elif what == "norm":
            x = x * take().reshape((1, -1, 1, 1)) + take().reshape((1, -1, 1, 1))
        elif what == "linear":
            x = x @ take() + take()
        elif what == "relu":
            x = jnp.maximum(x, 0)
        elif what == "max_pool":
            size, stride, pad = numbers
            pads = [(0, 0), (0, 0), (pad, pad), (pad, pad)]
            window, strides = (1, 1, size, size), (1, 1, stride, stride)
            x = jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, strides, pads)
        elif what == "flatten":
            x = x.reshape(x.shape[0], -1)
        elif what == "mean":
            x = x.mean((2, 3))
        elif what == "sum":
            branch = evaluate(numbers[0], x, take)
            x = branch + evaluate(numbers[1], x, take)
        elif what == "encoder":
            x = encoder(x, numbers[1], take)
    return x


def encoder(x, heads, take):
    import jax

    def linear(x):
        return x @ take() + take()

    def norm(x):
        x = x - x.mean(-1, keepdims=True)
        return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * take() + take()

    def split(x):
        return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    query, key, value = (split(linear(x)) for _ in range(3))
    scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(query.shape[-1])
    context = jax.nn.softmax(scores, -1) @ value
    x = norm(x + linear(context.transpose(0, 2, 1, 3).reshape(x.shape)))
    inner = jax.nn.gelu(linear(x))
    return norm(x + linear(inner))


def job(name):
    """What is computed, and of which arrays."""
    import jax.numpy as jnp

    random = np.random.default_rng(0)
    if name not in MODELS:
        op, size = operation(name)
        arrays = [random.standard_normal(shape).astype(np.float32) for shape in operands(op, size)]
        return {"matmul": jnp.matmul, "relu": lambda x: jnp.maximum(x, 0)}[op], arrays
    layers, shape = MODELS[name]

    def network(x, *arrays):
        rest = iter(arrays)
        return evaluate(layers, x, lambda: next(rest))

    return network, [random.standard_normal(shape).astype(np.float32), *weights(layers, random)]


def party(rank, name, addresses, shares):
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import spu
    from spu import libspu
    from spu.utils import frontend

    description = libspu.link.Desc()
    for index, address in enumerate(addresses):
        description.add_party(str(index), address)
    link = libspu.link.create_brpc(description, rank)
    runtime = spu.Runtime(link, config(libspu))
    function, arrays = job(name)
    names = [f"x{index}" for index in range(len(arrays))]
    for variable, (meta, chunks) in zip(names, shares, strict=True):
        share = libspu.Share()
        share.meta, share.share_chunks = meta, chunks
        runtime.set_var(variable, share)
    visibility = [libspu.Visibility.VIS_SECRET] * len(arrays)
    executable, _ = frontend.compile(
        frontend.Kind.JAX, function, arrays, {}, names, visibility, lambda results: ["y"] * len(results)
    )
    runtime.run(executable)  # what is lazily made is made
    begun = time.perf_counter()
    runtime.run(executable)
    if rank == 0:
        seconds = time.perf_counter() - begun
        print(json.dumps({"seconds": seconds, "version": spu.__version__}), flush=True)
    link.stop_link()  # waits for what is under way


def config(libspu):
    fields = libspu.FieldType.FM64
    return libspu.RuntimeConfig(protocol=libspu.ProtocolKind.SEMI2K, field=fields, fxp_fraction_bits=16)


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def main():
    import spu
    from spu import libspu

    io = spu.Io(2, config(libspu))
    shares = [[], []]
    for array in job(sys.argv[1])[1]:
        made = io.make_shares(array, libspu.Visibility.VIS_SECRET)
        for mine, share in zip(shares, made, strict=True):
            mine.append((share.meta, list(share.share_chunks)))
    addresses = [free_address(), free_address()]
    return parties.run(party, [(sys.argv[1], addresses, mine) for mine in shares])


if __name__ == "__main__":
    sys.exit(main())
