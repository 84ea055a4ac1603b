"""What is compared: networks as lists of layers, and two operations. No dependencies.

A layer is a tuple whose first element names it. The networks are those of `tacita bench models`.
"""


def conv(inputs, outputs, kernel, stride=1, pad=0, bias=True):
    """Kernel, stride and padding: a number an axis, in tuples."""
    axes = len(kernel)
    return ("conv", inputs, outputs, kernel, (stride,) * axes, (pad,) * axes, bias)


def lenet():
    return [
        conv(1, 16, (5, 5)), ("relu",), ("max_pool", 2, 2, 0),
        conv(16, 32, (5, 5)), ("relu",), ("max_pool", 2, 2, 0),
        ("flatten",), ("linear", 512, 128), ("relu",), ("linear", 128, 10),
    ]  # fmt: skip


def conv_norm(inputs, outputs, kernel, stride=1):
    return [conv(inputs, outputs, (kernel, kernel), stride, kernel // 2, bias=False), ("norm", outputs)]


def resnet(blocks, bottleneck):
    layers = [*conv_norm(3, 64, 7, 2), ("relu",), ("max_pool", 3, 2, 1)]
    channels = 64
    for stage, count in enumerate(blocks):
        width = 64 << stage
        outputs = 4 * width if bottleneck else width
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            if bottleneck:
                branch = [
                    *conv_norm(channels, width, 1), ("relu",),
                    *conv_norm(width, width, 3, stride), ("relu",),
                    *conv_norm(width, outputs, 1),
                ]  # fmt: skip
            else:
                branch = [*conv_norm(channels, width, 3, stride), ("relu",), *conv_norm(width, width, 3)]
            kept = [] if channels == outputs else conv_norm(channels, outputs, 1, stride)
            layers += [("sum", branch, kept), ("relu",)]
            channels = outputs
    return [*layers, ("mean",), ("linear", channels, 1000)]


def wav2letter():
    sizes = [(1, 250, 250, 160, 45), (250, 250, 48, 2, 23)] + [(250, 250, 7, 1, 3)] * 7
    sizes += [(250, 2000, 32, 1, 16), (2000, 2000, 1, 1, 0), (2000, 40, 1, 1, 0)]
    layers = []
    for inputs, outputs, kernel, stride, pad in sizes:
        layers += [conv(inputs, outputs, (kernel,), stride, pad), ("relu",)]
    return layers[:-1]


# name: (layers, shape of the input)
MODELS = {
    "lenet": (lenet(), (32, 1, 28, 28)),
    "resnet18": (resnet([2, 2, 2, 2], False), (1, 3, 224, 224)),
    "resnet50": (resnet([3, 4, 6, 3], True), (1, 3, 224, 224)),
    "wav2letter": (wav2letter(), (1, 1, 256_000)),
    # hidden size, heads, inner size
    "bert-layer": ([("encoder", 768, 12, 3072)], (1, 128, 768)),
}

# name of `tacita bench ops`: sizes, the last of which is the one that is compared in the table of ratios
OPERATIONS = {"matmul": [128, 256, 512, 1024], "relu": [1_000, 10_000, 100_000, 1_000_000]}


def names():
    """All workloads: `resnet18`, `matmul:1024`."""
    return [*MODELS, *(f"{op}:{size}" for op, sizes in OPERATIONS.items() for size in sizes)]


def operation(name):
    """(`matmul`, 1024) of `matmul:1024`."""
    op, size = name.split(":")
    return op, int(size)


def operands(op, size):
    """The shapes of an operation's operands."""
    return [(size, size)] * 2 if op == "matmul" else [(size,)]
