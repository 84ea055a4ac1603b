#!/usr/bin/env python3
"""Makes functions.txt: inputs, and what NumPy computes of them, for the functions of `tacita_graph::functions`.

    python3 -m venv venv && venv/bin/pip install numpy
    venv/bin/python make.py

in this folder (made with NumPy 2.4.6). What NumPy does not have is computed here from its definition, by loops: the
convolutions, pooling (PyTorch's formula for adaptive windows), resizing (ONNX's formulas). A case is a line with its
name, then a line `> shape | values` for each input, and one `< shape | values` for each output.
"""

import itertools
import math

import numpy as np

rng = np.random.default_rng(4)
lines = []


def halves(*shape):
    return rng.integers(-8, 9, shape) / 2


def show(mark, x):
    x = np.asarray(x, dtype=float)
    lines.append(f"{mark} {' '.join(map(str, x.shape))} | {' '.join(format(v, '.17g') for v in x.ravel())}")


def case(name, f, *inputs):
    results = f(*inputs)
    lines.append(name)
    for x in inputs:
        show(">", x)
    for y in results if isinstance(results, (list, tuple)) else [results]:
        show("<", y)


m, v, t = halves(3, 4), halves(5), halves(2, 3, 4)

# Movements
case("flip", lambda x: np.flip(x, (0, -1)), t)
case("flip_none", lambda x: np.flip(x, ()), t)
case("flip_one", lambda x: np.flip(x, 1), halves(2, 1))
case("roll", lambda x: np.roll(x, (1, -6), (0, -1)), t)
case("repeat", lambda x: np.repeat(x, 3, -2), t)
case("tile", lambda x: np.tile(x, (2, 1, 3)), t)
case("tile_wider", lambda x: np.tile(x, (2, 1, 2, 1)), t)
case("tile_fewer", lambda x: np.tile(x, (2,)), t)
case("tile_scalar", lambda x: np.tile(x, (2, 3)), np.array(1.5))
case("squeeze", lambda x: np.squeeze(x, (-3, 3)), halves(2, 1, 3, 1))
case("squeeze_all", lambda x: np.squeeze(x), halves(1, 2, 1))
case("unsqueeze", lambda x: np.expand_dims(x, (-1, 0, 2)), m)
case("stack", lambda a, b: np.stack([a, b], -2), m, halves(3, 4))
case("concat", lambda a, b: np.concatenate([a, b], -1), m, halves(3, 1))
case("split", lambda x: np.split(x, [1, 3], 1), m)
case("chunk", lambda x: [x[:2], x[2:4], x[4:]], v)
case("chunk_few", lambda x: [x[:2], x[2:4], x[4:]], v)
case("narrow", lambda x: x[:, 1:3], m)
case("slice", lambda x: x[::-1, 3:0:-2, :-1], halves(2, 5, 3))
case("slice_beyond", lambda x: x[-100:100:2, 100:-100:-3], m)
case("slice_negative", lambda x: x[-2:, -2::-1], m)
case("take", lambda x: np.take(x, [[0, -1], [2, 2]], 1), t)
case("take_scalar", lambda x: np.take(x, -1, 0), t)
case("take_flat", lambda x: np.take(x, [4, 0, -5]), v)
picks = np.array([[0, -1, 1, 2], [2, 0, 0, -3]])
case("gather_elements", lambda x: np.take_along_axis(x, picks, 0), m)
case("gather_elements_shorter", lambda x: np.take_along_axis(x[:2], np.array([[3, 0], [-1, 1]]), 1), m)
case("gather_nd", lambda x: np.array([x[1, 0], x[0, -1]]), t)
case("gather_nd_batch", lambda x: np.stack([x[0, [[0, 1]]], x[1, [[2, -1]]]]), t)


def scatter(x, places, updates, join):
    y = x.copy()
    for place, update in zip(places, updates):
        y[place] = join(y[place], update)
    return y


places = [(a, b) for a, b in zip([0, 2, 0, 1, 0], [1, 3, 1, 0, 1])]
elements = np.array([[0, 1, 0, 0], [2, -2, 0, 0]])
along = [((elements[i, j]), j) for i in range(2) for j in range(4)]
joins = {"replace": lambda a, b: b, "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "max": max, "min": min}
for name, join in joins.items():
    case(f"scatter_nd_{name}", lambda x, u: scatter(x, places, u, join), m, halves(5))
    case(f"scatter_elements_{name}", lambda x, u: scatter(x, along, u.ravel(), join), m, halves(2, 4))
case("scatter_nd_rows", lambda x, u: scatter(x, [2, 0], u, lambda a, b: b), m, halves(2, 4))
case("diagonal", lambda x: np.diagonal(x, 1, -2, -1), t)
case("diagonal_below", lambda x: np.diagonal(x, -2, -2, -1), t)
case("diag", lambda x: np.diag(x, -1), m)
case("diag_of_vector", lambda x: np.diag(x, 2), v)
case("diag_below_of_vector", lambda x: np.diag(x, -1), v)
for k in (-1, 0, 2):
    case(f"triu_{k}", lambda x: np.triu(x, k), t)
    case(f"tril_{k}", lambda x: np.tril(x, k), t)
case("depth_to_space", lambda x: x.reshape(2, 2, 2, 2, 3, 2).transpose(0, 3, 4, 1, 5, 2).reshape(2, 2, 6, 4), halves(2, 8, 3, 2))
case("pixel_shuffle", lambda x: x.reshape(2, 2, 2, 2, 3, 2).transpose(0, 1, 4, 2, 5, 3).reshape(2, 2, 6, 4), halves(2, 8, 3, 2))
case("space_to_depth", lambda x: x.reshape(1, 2, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(1, 8, 2, 3), halves(1, 2, 4, 6))
case("pixel_unshuffle", lambda x: x.reshape(1, 2, 2, 2, 3, 2).transpose(0, 1, 3, 5, 2, 4).reshape(1, 8, 2, 3), halves(1, 2, 4, 6))
for name, mode in [("reflect", "reflect"), ("edge", "edge"), ("wrap", "wrap")]:
    case(f"pad_{name}", lambda x: np.pad(x, [(1, 0), (3, 5)], mode), m)
    case(f"pad_{name}_one", lambda x: np.pad(x, [(2, 3)], mode), np.array([1.5]))
case("pad_constant", lambda x: np.pad(x, [(1, 0), (3, 5)], constant_values=1.5), m)
case("pad_negative", lambda x: np.pad(x[1:, :-1], [(0, 2), (1, 0)], constant_values=-1), m)
case("pad_reflect_negative", lambda x: np.pad(x[:, 1:], [(0, 0), (0, 2)], "reflect"), m)
case("pad_nothing", lambda x: x, m)
for exclusive, reverse in itertools.product([False, True], repeat=2):
    def cum_sum(x):
        x = x[:, ::-1] if reverse else x
        y = np.cumsum(x, 1) - (x if exclusive else 0)
        return y[:, ::-1] if reverse else y
    case(f"cum_sum_{exclusive}_{reverse}".lower(), cum_sum, m)


def resized(x, axis, after, scale, coordinates, nearest=None):
    before = x.shape[axis]
    rows = []
    for i in range(after):
        at = {
            "half_pixel": (i + 0.5) / scale - 0.5,
            "pytorch_half_pixel": (i + 0.5) / scale - 0.5 if after > 1 else 0,
            "align_corners": i * (before - 1) / (after - 1) if after > 1 else 0,
            "asymmetric": i / scale,
        }[coordinates]
        if nearest:
            at = {"floor": math.floor(at), "ceil": math.ceil(at), "prefer_floor": math.ceil(at - 0.5), "prefer_ceil": math.floor(at + 0.5)}[nearest]
        at = min(max(at, 0), before - 1)
        low = math.floor(at)
        high = min(low + 1, before - 1)
        rows.append(np.take(x, low, axis) * (1 - at + low) + np.take(x, high, axis) * (at - low))
    return np.stack(rows, axis)


image = halves(1, 2, 4, 3)
for coordinates in ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]:
    case(f"resize_linear_{coordinates}", lambda x: resized(resized(x, 2, 7, 7 / 4, coordinates), 3, 2, 2 / 3, coordinates), image)
    case(f"resize_one_{coordinates}", lambda x: resized(x, 2, 1, 1 / 4, coordinates), image)
    for nearest in ["floor", "ceil", "prefer_floor", "prefer_ceil"]:
        case(f"resize_{nearest}_{coordinates}", lambda x: resized(resized(x, 2, 6, 1.5, coordinates, nearest), 3, 2, 2 / 3, coordinates, nearest), image)
case("upsample_bilinear", lambda x: resized(resized(x, 2, 8, 2, "half_pixel"), 3, 6, 2, "half_pixel"), image)

# Products
case("mat_mul", np.matmul, t, halves(4, 2))
case("mat_mul_batches", np.matmul, halves(2, 1, 3, 4), halves(3, 4, 2))
case("mat_mul_vectors", np.matmul, v, halves(5))
case("mat_mul_row", np.matmul, halves(4), halves(2, 4, 3))
case("mat_mul_column", np.matmul, t, halves(4))
case("dot_vectors", np.dot, v, halves(5))
case("dot_matrices", np.dot, m, halves(4, 2))
case("dot_more", np.dot, t, halves(2, 4, 3))
case("dot_column", np.dot, t, halves(4))
case("dot_scalar", np.dot, m, np.array(-1.5))
case("outer", np.outer, v, m)
einsums = [
    ("ij,jk->ik", (3, 4), (4, 2)), ("ij,jk", (3, 4), (4, 2)), ("ij->ji", (3, 4)), ("ba", (3, 4)), ("ii", (3, 3)), ("ii->i", (3, 3)),
    ("iji->j", (3, 2, 3)), ("ij->", (3, 4)), ("i,i->", (5,), (5,)), ("i,i->i", (5,), (5,)), ("i,j->ji", (3,), (2,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)), ("bhid,bhjd->bhij", (2, 2, 3, 4), (2, 2, 2, 4)), ("...ij,...jk->...ik", (2, 1, 3, 4), (3, 4, 2)),
    ("...ij,jk", (2, 3, 4), (4, 2)), ("i...->...i", (2, 3, 4)), ("...,...", (3, 4), (4,)), ("ij,j->i", (3, 4), (4,)), (",ij->ij", (), (3, 4)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)), ("i,ij,j->", (2,), (2, 3), (3,)), ("ij,kj,ij->ik", (2, 3), (4, 3), (2, 3)), ("ij,ij->ij", (1, 3), (2, 3)),
    ("ij,jk->ik", (3, 1), (4, 2)), ("ij,kl->i", (2, 3), (3, 2)), ("bn,anm,bm->ba", (2, 3), (4, 3, 2), (2, 2)), ("aab,bc->ca", (2, 2, 3), (3, 2)),
    (" i j , j -> i ", (2, 3), (3,)), ("Ab,bA", (2, 3), (3, 2)),
]
for number, (equation, *shapes) in enumerate(einsums):
    case(f"einsum {number} {equation}", lambda *x: np.einsum(equation, *x), *[halves(*s) for s in shapes])


def conv(x, w, stride, begin, end, dilation, groups, bias=None):
    spatial = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + list(zip(begin, end)))
    size = [(x.shape[i + 2] - (w.shape[i + 2] - 1) * dilation[i] - 1) // stride[i] + 1 for i in range(spatial)]
    y = np.zeros((x.shape[0], w.shape[0], *size))
    each, inputs = w.shape[0] // groups, w.shape[1]
    for out in range(w.shape[0]):
        first = out // each * inputs
        for at in np.ndindex(*size):
            taps = tuple(slice(at[i] * stride[i], at[i] * stride[i] + (w.shape[i + 2] - 1) * dilation[i] + 1, dilation[i]) for i in range(spatial))
            y[(slice(None), out, *at)] = (x[(slice(None), slice(first, first + inputs), *taps)] * w[out]).reshape(x.shape[0], -1).sum(1)
    return y if bias is None else y + bias.reshape(1, -1, *[1] * spatial)


def conv_transpose(x, w, stride, begin, end, more, dilation, groups, bias=None):
    spatial = x.ndim - 2
    full = [(x.shape[i + 2] - 1) * stride[i] + (w.shape[i + 2] - 1) * dilation[i] + 1 + more[i] for i in range(spatial)]
    y = np.zeros((x.shape[0], w.shape[1] * groups, *full))
    inputs, outputs = w.shape[0] // groups, w.shape[1]
    for c in range(w.shape[0]):
        first = c // inputs * outputs
        for at in np.ndindex(*x.shape[2:]):
            for tap in np.ndindex(*w.shape[2:]):
                to = tuple(at[i] * stride[i] + tap[i] * dilation[i] for i in range(spatial))
                y[(slice(None), slice(first, first + outputs), *to)] += x[(slice(None), c, *at)][:, None] * w[(c, slice(None), *tap)][None]
    cut = tuple(slice(begin[i], full[i] - end[i]) for i in range(spatial))
    y = y[(slice(None), slice(None), *cut)]
    return y if bias is None else y + bias.reshape(1, -1, *[1] * spatial)


case("conv_1d", lambda x, w: conv(x, w, [2], [1], [2], [2], 2), halves(2, 4, 9), halves(4, 2, 3))
case("conv_3d", lambda x, w, b: conv(x, w, [2, 1, 2], [1, 0, 1], [0, 1, 2], [1, 2, 1], 2, b), halves(2, 4, 4, 5, 3), halves(2, 2, 2, 2, 3), halves(2))
case("conv_3d_plane", lambda x, w: conv(x, w, [1] * 3, [0] * 3, [0] * 3, [1] * 3, 1), halves(1, 2, 2, 3, 3), halves(3, 2, 2, 2, 2))
case("conv_transpose_1d", lambda x, w: conv_transpose(x, w, [2], [1], [0], [1], [2], 1), halves(2, 2, 4), halves(2, 3, 3))
case("conv_transpose_2d", lambda x, w, b: conv_transpose(x, w, [2, 3], [1, 0], [1, 2], [1, 0], [1, 2], 2, b), halves(1, 4, 3, 2), halves(4, 1, 3, 2), halves(2))
case("conv_transpose_cut", lambda x, w: conv_transpose(x, w, [1, 1], [3, 2], [2, 3], [0, 0], [1, 1], 1), halves(1, 1, 6, 6), halves(1, 2, 2, 2))
case("conv_transpose_3d", lambda x, w: conv_transpose(x, w, [2, 1, 2], [0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 1], 1), halves(1, 2, 2, 3, 2), halves(2, 1, 2, 2, 2))


def average(x, kernel, stride, begin, end, dilation, include):
    ones = np.ones_like(x)
    channels = x.shape[1]
    w = np.ones((channels, 1, *kernel))
    count = np.pad(ones, [(0, 0), (0, 0)] + list(zip(begin, end)), constant_values=1 if include else 0)
    zero = [0] * len(kernel)
    return conv(x, w, stride, begin, end, dilation, channels) / conv(count, w, stride, zero, zero, dilation, channels)


case("average_pool_dilated", lambda x: average(x, [2, 3], [2, 1], [1, 1], [0, 1], [2, 2], False), halves(1, 2, 6, 7))
case("average_pool_dilated_include", lambda x: average(x, [2, 3], [2, 1], [1, 1], [0, 1], [2, 2], True), halves(1, 2, 6, 7))
case("average_pool_3d", lambda x: average(x, [2, 2, 1], [1, 2, 1], [0, 1, 0], [0, 0, 0], [1, 1, 1], False), halves(1, 1, 3, 4, 2))


def adaptive(x, output, f):
    lead = x.ndim - len(output)
    y = np.zeros((*x.shape[:lead], *output))
    for at in np.ndindex(*output):
        window = tuple(slice(i * n // o, -(-(i + 1) * n // o)) for i, n, o in zip(at, x.shape[lead:], output))
        y[(..., *at)] = f(x[(..., *window)], tuple(range(lead, x.ndim)))
    return y


for name, f in [("average", np.mean), ("max", np.max)]:
    case(f"adaptive_{name}", lambda x: adaptive(x, [3, 2], f), halves(1, 2, 7, 5))
    case(f"adaptive_{name}_even", lambda x: adaptive(x, [3, 2], f), halves(1, 2, 6, 4))
    case(f"adaptive_{name}_more", lambda x: adaptive(x, [5], f), halves(1, 2, 3))
    case(f"adaptive_{name}_one", lambda x: adaptive(x, [1, 1], f), halves(1, 2, 3, 5))
case("global_max_pool", lambda x: x.max((2, 3), keepdims=True), halves(2, 2, 3, 2))
case("prod", lambda x: np.prod(x, (0, -1)), halves(2, 3, 5) / 2)
case("prod_keep", lambda x: np.prod(x, 1, keepdims=True), halves(2, 7) / 2)
case("prod_none", lambda x: x, m)
case("cum_prod", lambda x: np.cumprod(x, -1), halves(2, 6) / 2)
case("cum_prod_reverse", lambda x: np.cumprod(x[::-1], 0)[::-1], halves(5, 2) / 2)
case("sum_all", lambda x: np.sum(x), t)
case("mean_all", lambda x: np.mean(x), t)

# Activations, powers, moments and norms
w = halves(4, 6) * 0.75
above = np.abs(halves(3, 5)) + 0.25
relu = lambda x: np.maximum(x, 0)
softplus = lambda x: np.logaddexp(x, 0)
case("square", lambda x: x * x, w)
for p in [0, 1, 2, 3, 5, 0.5, 1.5, -0.5, -1.5, -1, -2, 0.3, -1.7]:
    case(f"pow {p}", lambda x: x ** p, above)
case("pow_tensor", lambda x, y: x ** y, above, halves(5) / 4)
case("log1p", lambda x: np.log1p(x), above)
case("elu", lambda x: np.where(x > 0, x, 0.75 * (np.exp(x) - 1)), w)
case("selu", lambda x: 1.05 * np.where(x > 0, x, 1.67 * (np.exp(x) - 1)), w)
case("celu", lambda x: np.where(x > 0, x, 2 * (np.exp(x / 2) - 1)), w)
case("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x), w)
case("leaky_relu_steep", lambda x: np.where(x > 0, x, 1.5 * x), w)
case("prelu", lambda x, s: np.where(x > 0, x, s * x), w, halves(6))
case("thresholded_relu", lambda x: np.where(x > 1.125, x, 0), w)
case("relu6", lambda x: np.clip(x, 0, 6), 3 * w)
case("hardtanh", lambda x: np.clip(x, -1.5, 2), w)
case("hardsigmoid", lambda x: np.clip(0.2 * x + 0.5, 0, 1), 2 * w)
case("hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6, 2 * w)
case("mish", lambda x: x * np.tanh(softplus(x)), 2 * w)
case("softsign", lambda x: x / (1 + np.abs(x)), w)
case("log_sigmoid", lambda x: -softplus(-x), 2 * w)
case("mean_square", lambda x: np.mean(x * x, (0, -1)), t)
case("var", lambda x: np.var(x, (-1, 1)), t)
case("var_ddof", lambda x: np.var(x, 1, ddof=1, keepdims=True), t)
case("std", lambda x: np.std(x, -1, ddof=1), w)
case("norm_1", lambda x: np.sum(np.abs(x), (0, 2)), t)
case("norm_2", lambda x: np.sqrt(np.sum(x * x, (0, 2), keepdims=True)), t)
case("norm_infinity", lambda x: np.max(np.abs(x), (0, 2)), t)
case("norm_infinity_keep", lambda x: np.max(np.abs(x), (0, 2), keepdims=True), t)
case("unit_vectors", lambda x: x / np.sqrt(np.sum(x * x, 0, keepdims=True) + 0.125), w)
case("cosine_similarity", lambda x, y: np.sum(x * y, -1) / np.sqrt((np.sum(x * x, -1) + 0.5) * (np.sum(y * y, -1) + 0.5)), w, halves(6))


def normalized(x, axes, epsilon, centre=True):
    x = x - np.mean(x, axes, keepdims=True) * centre
    return x / np.sqrt(np.mean(x * x, axes, keepdims=True) + epsilon)


channels = lambda v: v[:, None, None]
image = halves(2, 4, 3, 2)
case("layer_norm", lambda x, g, b: normalized(x, (-2, -1), 0.01) * g + b, t, halves(4), halves(3, 4))
case("layer_norm_plain", lambda x: normalized(x, (1,), 0.01), t)
case("rms_norm", lambda x, g: normalized(x, (-1,), 0.01, False) * g, t, halves(4))
case("group_norm", lambda x, g, b: normalized(x.reshape(2, 2, 2, 3, 2), (2, 3, 4), 0.01).reshape(x.shape) * channels(g) + channels(b), image, halves(4), halves(4))
case("instance_norm", lambda x, g, b: normalized(x, (2, 3), 0.01) * channels(g) + channels(b), image, halves(4), halves(4))
case("batch_norm_training", lambda x, g, b: [normalized(x, (0, 2, 3), 0.01) * channels(g) + channels(b), x.mean((0, 2, 3)), x.var((0, 2, 3))], image, halves(4), halves(4))


def softmaxed(x, axes):
    e = np.exp(x - x.max(axes, keepdims=True))
    return e / e.sum(axes, keepdims=True)


case("softmax", lambda x: softmaxed(x, (1, 2)), t)
case("softmax_log", lambda x: np.log(softmaxed(x, (1,))), t)



def cubic(s, a):
    s = abs(s)
    if s <= 1:
        return (a + 2) * s**3 - (a + 3) * s**2 + 1
    return a * s**3 - 5 * a * s**2 + 8 * a * s - 4 * a if s < 2 else 0


def resized_cubic(x, axis, after, scale, a, inside):
    before = x.shape[axis]
    rows = []
    for i in range(after):
        at = before / 2 * (1 - after / (scale * before)) + (i + 0.5) / scale - 0.5  # half_pixel_symmetric
        taps = [tap for tap in range(-4, before + 4) if not inside or 0 <= tap < before]
        weights = [cubic(at - tap, a) for tap in taps]
        total = sum(weights) if inside else 1
        rows.append(sum(np.take(x, min(max(tap, 0), before - 1), axis) * w / total for tap, w in zip(taps, weights)))
    return np.stack(rows, axis)


image = halves(1, 2, 4, 5)
case("cubic", lambda x: resized_cubic(resized_cubic(x, 2, 7, 1.875, -0.75, False), 3, 3, 0.7, -0.75, False), image)
case("cubic_inside", lambda x: resized_cubic(x, 3, 9, 1.875, -0.5, True), image)


def maxima(x, kernel, stride, begin, end, dilation):
    x = np.pad(x, [(0, 0), (0, 0)] + list(zip(begin, end)), constant_values=-np.inf)
    counts = [(x.shape[2 + i] - (kernel[i] - 1) * dilation[i] - 1) // stride[i] + 1 for i in range(3)]
    y = np.zeros((*x.shape[:2], *counts))
    for at in itertools.product(*map(range, counts)):
        window = [slice(at[i] * stride[i], at[i] * stride[i] + (kernel[i] - 1) * dilation[i] + 1, dilation[i]) for i in range(3)]
        y[:, :, at[0], at[1], at[2]] = x[:, :, window[0], window[1], window[2]].max((2, 3, 4))
    return y


case("max_pool_3d", lambda x: maxima(x, [2, 3, 2], [1, 2, 1], [1, 0, 1], [0, 1, 0], [1, 1, 2]), halves(1, 2, 3, 4, 5))

with open("functions.txt", "w") as file:
    file.write("\n".join(lines) + "\n")
