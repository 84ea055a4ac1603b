#!/usr/bin/env python3
"""Makes edges.txt: operations at their edges, and what NumPy (or, where it has no such function, PyTorch) makes of them.

    python3 -m venv venv && venv/bin/pip install numpy torch
    venv/bin/python edges.py

in this folder (made with NumPy 2.4.6 and PyTorch 2.15.0). A case is a line with its name, whose first word is the operation
and the next its attributes; then a line for each input, `> shape | values`, `#` for whole numbers, `?` for bits; then one
`< shape | values` for each output, or `!` and why where a graph must not accept it: NumPy raises an error, or, marked so,
the values are of size zero or not finite, which Tacita refuses on purpose.
"""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(5)
lines, count = [], itertools.count()
MARK = {"f": ">", "i": "#", "u": "#", "b": "?"}


def show(mark, x):
    lines.append(f"{mark} {' '.join(map(str, x.shape))} | {' '.join(format(float(v), '.17g') for v in x.ravel())}".replace("  ", " "))


def case(name, f, *inputs):
    """The case of that name and a number, with what f returns or raises."""
    inputs = [np.asarray(x) for x in inputs]
    lines.append(f"{name} #{next(count)}")
    for x in inputs:
        show(MARK[x.dtype.kind], x)
    try:
        with np.errstate(all="ignore"):
            results = f(*inputs)
    except (ValueError, IndexError, RuntimeError, TypeError) as error:
        lines.append(f"! {type(error).__name__}: {str(error).splitlines()[0][:90]}")
        return
    results = [np.asarray(y) for y in (results if isinstance(results, (list, tuple)) else [results])]
    if any(x.size == 0 for x in [*inputs, *results]):
        lines.append("! on purpose: of size zero")
    elif not all(np.isfinite(y).all() for y in results):
        lines.append("! on purpose: not finite")
    else:
        for y in results:
            show("<", y)


def halves(*shape):
    return rng.integers(-8, 9, shape) / 2


def wholes(*shape):
    return rng.integers(-4, 5, shape)


def bits(*shape):
    return rng.integers(0, 2, shape).astype(bool)


def torched(f):
    return lambda *x: f(*[torch.from_numpy(np.asarray(v)) for v in x]).numpy()


# Broadcasting, of zero sizes and ranks too; what does not fit
pairs = [((2, 3), (3,)), ((), (2, 3)), ((2, 1, 3), (4, 1)), ((1,), (1,)), ((), ()), ((1, 1, 1), (2,)), ((0, 3), (3,)), ((2, 0), ()), ((2, 3), (2,)), ((4, 1, 3), (2, 2, 3))]
compare = {"less": np.less, "greater": np.greater, "less_equal": np.less_equal, "greater_equal": np.greater_equal, "equal": np.equal, "not_equal": np.not_equal}
for name, f in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum, **compare}.items():
    for (a, b), make in itertools.product(pairs, [halves, wholes]):
        case(name, f, make(*a), make(*b))
    case(name, f, np.array([0.0, -0.0, 0.0, -0.0]), np.array([-0.0, 0.0, 0.0, -0.0]))
for name, f in {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor, "equal": np.equal, "not_equal": np.not_equal}.items():
    for a, b in pairs:
        case(name, f, bits(*a), bits(*b))
for a, b in pairs:
    case("div", np.divide, halves(*a), np.abs(halves(*b)) + 0.5)
    case("select", np.where, bits(*a), halves(*b), halves(*b[-1:]))
    case("select", np.where, bits(*b), wholes(*a), wholes(1))
case("select", np.where, bits(3, 1), bits(4), bits(3, 4))

# One operand: signs, zeros of both signs, halves, whole numbers, at the ends of what approximations are fitted on
some = np.array([-2.5, -1.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 1.5, 2.5, -3.0, 7.0])
far = np.array([-1000.0, -12.0, -10.0, -5.0, -4.5, -3.0, 0.0, 3.0, 4.5, 5.0, 10.0, 12.0, 1000.0])
above = np.array([2.0**-8, 0.25, 1.0, 2.0, 16.0, 100.5, 4096.0])
exact = {"neg": np.negative, "abs": np.abs, "sign": np.sign}
for name, f in {**exact, "floor": np.floor, "ceil": np.ceil, "round": np.round, "relu": lambda x: np.maximum(x, 0), "cast_int": np.trunc, "cast_bit": lambda x: x != 0}.items():
    for x in [some, some.reshape(3, 1, 4), np.array(-1.5), halves(2, 0)]:
        case(name, f, x)
for name, f in {**exact, "cast_bit": lambda x: x != 0, "cast_fixed": lambda x: x * 1.0}.items():
    for x in [wholes(2, 3), np.array(-3), wholes(0)]:
        case(name, f, x)
for name, f in {"not": np.logical_not, "cast_fixed": lambda x: x * 1.0, "cast_int": lambda x: x * 1}.items():
    for x in [bits(2, 3), np.array(True), bits(0, 2)]:
        case(name, f, x)
smooth = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "erf": torch.erf, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu,
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)), "sin": torch.sin, "cos": torch.cos, "mish": F.mish, "elu": F.elu, "selu": F.selu, "celu": F.celu, "relu6": F.relu6,
    "hardtanh": F.hardtanh, "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish, "leaky_relu": F.leaky_relu, "softsign": F.softsign, "log_sigmoid": F.logsigmoid,
}
for name, f in smooth.items():
    for x in [some, far, np.array(0.5), halves(0)]:
        case(name, torched(f), x)
for x in [some, np.array([-1000.0, -16.0, -14.0, 8.0]), np.array(0.0), halves(0)]:
    case("exp", np.exp, x)
for name, f in {"log": np.log, "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "reciprocal": lambda x: 1 / x, "log1p": np.log1p}.items():
    for x in [above, np.array(2.0), halves(2, 0)]:
        case(name, f, x)
case("reciprocal", lambda x: 1 / x, -above)
for least, most in [("-1.25", "2"), ("-1.25", "-"), ("-", "0"), ("1", "1")]:
    number = lambda x: None if x == "-" else float(x)
    for x in [some, np.array(5.0), halves(0)]:
        case(f"clip {least} {most}", lambda x: np.clip(x, number(least), number(most)), x)
for p in [0, 1, 2, 3, 4, -1, -2]:
    case(f"pow {p}", lambda x: x ** float(p), np.array([-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 3.0]))
for p in [0, 1, 2, 3, 0.5]:
    case(f"pow {p}", lambda x: x ** float(p), np.array([0.0, -0.0, 0.25] if p != 0.5 else [0.0, 0.25]))

# Reductions: no axes, all, negative ones, twice the same, out of range; sizes of one and zero
t = halves(2, 3, 4)
axes = ["-", "0", "1", "-1", "0,2", "-1,0", "0,1,2", "0,0", "1,-2", "3", "-4"]
listed = lambda text: () if text == "-" else tuple(int(axis) for axis in text.split(","))
reductions = {"sum": np.sum, "mean": np.mean, "prod": np.prod, "var": np.var, "std": np.std, "norm_1": lambda x, **k: np.sum(np.abs(x), **k)}
for name, f in reductions.items():
    for text, keep in itertools.product(axes, [False, True]):
        if name in ["norm_1", "var", "std"] and text == "-":
            continue  # of no axes: NumPy's is of single elements, and ours an error
        case(f"{name} {text} {keep}", lambda x: f(x, axis=listed(text), keepdims=keep), t / 2 if name == "prod" else t)
    for shape in [(2, 1, 1), (0, 3, 2), (2, 0, 1)]:
        case(f"{name} 1 False", lambda x: f(x, axis=1), halves(*shape))
case("sum 0 False", lambda x: np.sum(x, 0), wholes(3, 2))
case("sum - False", lambda x: np.sum(x, ()), np.array(2.5))
for name, f in {"any": np.any, "all": np.all}.items():
    for text, keep in itertools.product(axes, [False, True]):
        case(f"{name} {text} {keep}", lambda x: f(x, axis=listed(text), keepdims=keep), rng.integers(0, 4, (2, 3, 4)) > (2 if name == "any" else 0))
    case(f"{name} 0 False", lambda x: f(x, axis=0), bits(0, 2))
for ddof in [0, 1, 2, 3]:
    case(f"var 1 False {ddof}", lambda x: np.var(x, 1, ddof=ddof), halves(2, 3))
    case(f"std 1 True {ddof}", lambda x: np.std(x, 1, ddof=ddof, keepdims=True), halves(2, 3))
ties = [np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [-1.0, -5.0, -1.0]]), np.array([[0.0, -0.0], [-0.0, 0.0]]), np.array([[4, 4, -4], [-4, -4, 4]]), halves(3, 1), halves(1, 5), halves(4, 9)]
for name, f in {"max": np.max, "min": np.min, "arg_max": np.argmax, "arg_min": np.argmin}.items():
    for x, axis, keep in itertools.product(ties, [0, -1], [False, True]):
        case(f"{name} {axis} {keep}", lambda x: f(x, axis=axis, keepdims=keep), x)
    for shape, axis in [((0, 3), 0), ((3, 0), -1), ((0, 3), 1), ((2, 3), 2)]:
        case(f"{name} {axis} False", lambda x: f(x, axis=axis), halves(*shape))
for name, f in {"sort": lambda x, axis: np.sort(x, axis, stable=True), "arg_sort": lambda x, axis: np.argsort(x, axis, stable=True)}.items():
    for x, axis in itertools.product([*ties, halves(0, 2)], [0, -1]):
        case(f"{name} {axis} up", lambda x: f(x, axis), x)
        down = (lambda x: -f(-x, axis)) if name == "sort" else (lambda x: f(-x, axis))
        case(f"{name} {axis} down", down, x)
for x, axis in itertools.product([halves(2, 3), wholes(3, 1), bits(2, 5), halves(2, 0)], [0, -1]):
    case(f"cum_sum {axis}", lambda x: np.cumsum(x, axis), x)
for shape in [(2, 1), (1, 6), (0, 2)]:
    case("cum_prod -1", lambda x: np.cumprod(x, -1), halves(*shape) / 2)

# Softmax and norms of rows of one, of equal values, of spreads that no exponential reaches
rows = [np.array([[1.5], [-3.0]]), np.array([[2.0] * 4]), np.array([[1000.0, 0.0, -1000.0]]), np.array([[5.0, 5.0, -50.0]]), halves(0, 3), halves(3, 0)]
for x in rows:
    case("softmax", torched(lambda x: F.softmax(x, -1)), x)
    case("log_softmax", torched(lambda x: F.log_softmax(x, -1)), x)
    case("log_sum_exp", torched(lambda x: torch.logsumexp(x, -1)), x)
    if x.size:
        case("layer_norm", torched(lambda x: F.layer_norm(x, x.shape[-1:], eps=0.01)), x / 50)
        case("rms_norm", torched(lambda x: F.rms_norm(x, x.shape[-1:], eps=0.01)), x / 50)
case("batch_norm", torched(lambda x, g, b, m, v: F.batch_norm(x, m, v, g, b, eps=0.25)), halves(2, 3, 2), halves(3), halves(3), halves(3), np.array([0.0, 2.0, 1.0]))

# Products
for a, b in [((1, 1), (1, 1)), ((2, 3), (3, 1)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 3), (2, 3)), ((1, 2, 3), (4, 3, 2)), ((3,), (3,)), ((), (3,)), ((3,), (2, 3))]:
    case("mat_mul", np.matmul, halves(*a), halves(*b))
    case("mat_mul", np.matmul, wholes(*a), wholes(*b))
for equation, *shapes in [("ij,jk->ik", (2, 3), (2, 3)), ("ii->i", (2, 3)), ("i,i->", (1,), (1,)), ("->", ()), (",->", (), ()), ("ij->ijj", (2, 2)), ("ij->k", (2, 2)), ("i,i", (3,), (1,)), ("...i->...", (2, 3)), ("ij,jk->ik", (2, 0), (0, 3))]:
    case(f"einsum {equation}", lambda *x: np.einsum(equation, *x), *[halves(*shape) for shape in shapes])
for x, w, s, p, d, g in [((1, 1, 3, 3), (1, 1, 3, 3), 1, 0, 1, 1), ((2, 2, 5, 5), (2, 1, 2, 2), 3, 1, 2, 2), ((1, 1, 3, 3), (1, 1, 4, 4), 1, 0, 1, 1), ((0, 1, 3, 3), (1, 1, 2, 2), 1, 0, 1, 1), ((1, 2, 3, 3), (1, 1, 2, 2), 1, 0, 1, 1), ((1, 1, 3, 3), (2, 1, 1, 1), 5, 2, 1, 1)]:
    case(f"conv {s} {p} {d} {g}", torched(lambda x, w: F.conv2d(x, w, stride=s, padding=p, dilation=d, groups=g)), halves(*x), halves(*w))
for shape, k, s, p, d, ceil in [((1, 1, 5, 5), 2, 2, 0, 1, True), ((1, 1, 5, 5), 2, 2, 0, 1, False), ((1, 2, 6, 7), 3, 2, 1, 1, True), ((1, 1, 7, 7), 2, 3, 1, 2, True), ((1, 1, 6, 6), 3, 1, 1, 2, False), ((1, 1, 2, 2), 3, 1, 0, 1, False), ((1, 1, 3, 3), 3, 3, 0, 1, True), ((0, 1, 4, 4), 2, 2, 0, 1, False), ((1, 1, 4, 4), 2, 1, 2, 1, False)]:
    case(f"max_pool {k} {s} {p} {d} {ceil}", torched(lambda x: F.max_pool2d(x, k, s, p, d, ceil)), -np.abs(halves(*shape)))
    if d == 1 and p <= k // 2:
        for include in [True, False]:
            case(f"average_pool {k} {s} {p} {ceil} {include}", torched(lambda x: F.avg_pool2d(x, k, s, p, ceil, include)), halves(*shape))

for shape, k, s, p, d, ceil in [((1, 2, 4, 5, 3), 2, 2, 0, 1, True), ((2, 1, 5, 4, 6), 3, 2, 1, 1, False), ((1, 1, 6, 6, 6), 2, 1, 1, 2, False), ((1, 1, 2, 5, 5), 3, 1, 0, 1, False)]:
    case(f"max_pool {k} {s} {p} {d} {ceil}", torched(lambda x: F.max_pool3d(x, k, s, p, d, ceil)), halves(*shape))

# Movements: what is left empty, what does not fit, scalars
m = halves(2, 3)
case("reshape 1,1", lambda x: x.reshape(1, 1), np.array(1.5))
case("reshape -", lambda x: x.reshape(()), halves(1, 1))
case("reshape 2,2", lambda x: x.reshape(2, 2), m)
case("reshape 0,3", lambda x: x.reshape(0, 3), halves(0))
case("transpose -", lambda x: x.transpose(()), np.array(1.5))
case("transpose 1,0", lambda x: x.transpose(1, 0), bits(2, 3))
case("transpose 0,0", lambda x: x.transpose(0, 0), m)
case("expand 2,3", lambda x: np.broadcast_to(x, (2, 3)).copy(), np.array(-0.5))
case("expand 2,2,3", lambda x: np.broadcast_to(x, (2, 2, 3)).copy(), wholes(2, 1))
case("expand 2,2", lambda x: np.broadcast_to(x, (2, 2)).copy(), m)
case("concat -1", lambda *x: np.concatenate(x, -1), m, halves(2, 1), halves(2, 2))
case("concat 0", lambda *x: np.concatenate(x, 0), m, halves(2, 2))
case("concat 0", lambda *x: np.concatenate(x, 0), m, halves(0, 3))
case("concat 2", lambda *x: np.concatenate(x, 2), m, m)
case("stack -1", lambda *x: np.stack(x, -1), np.array(1.0), np.array(2.0))
case("stack 0", lambda *x: np.stack(x, 0), m, halves(3, 2))
case("squeeze 0", lambda x: np.squeeze(x, 0), m)
case("squeeze -1", lambda x: np.squeeze(x, -1), halves(2, 1))
case("unsqueeze 0,0", lambda x: np.expand_dims(x, (0, 0)), m)
case("unsqueeze -1,0", lambda x: np.expand_dims(x, (-1, 0)), np.array(2.5))
bound = lambda text: None if text == "-" else int(text)
for start, end, step in [("-", "-", "1"), ("-", "-", "-1"), ("2", "2", "1"), ("5", "-", "1"), ("-100", "100", "2"), ("100", "-100", "-2"), ("-1", "0", "-1"), ("0", "-1", "1"), ("1", "3", "-1"), ("-", "-", "0"), ("-2", "-", "-7"), ("3", "-", "3")]:
    case(f"slice {start} {end} {step}", lambda x: x[:, bound(start) : bound(end) : bound(step)], halves(2, 5))
for shift, axis in [(0, 0), (100, 1), (-100, -1), (1, 2), (3, 0)]:
    case(f"roll {shift} {axis}", lambda x: np.roll(x, shift, axis), m)
case("flip 0,0", lambda x: np.flip(x, (0, 0)), m)
case("flip -", lambda x: np.flip(x, ()), np.array(1.0))
for k in [-10, -2, -1, 0, 1, 2, 10]:
    for name, f in {"triu": np.triu, "tril": np.tril}.items():
        case(f"{name} {k}", lambda x: f(x, k), halves(2, 2, 3))
    case(f"diagonal {k}", lambda x: np.diagonal(x, k, -2, -1).copy(), halves(2, 2, 3))
    case(f"diag {k}", lambda x: np.diag(x, k), halves(2, 3))
for k in [-2, 0, 1]:
    case(f"diag {k}", lambda x: np.diag(x, k), halves(1))
for indices in ["0,-1,-3", "2", "3", "-4", "0,0,0,0"]:
    case(f"take {indices}", lambda x: np.take(x, [int(i) for i in indices.split(",")], 1), m)
case("repeat 1", lambda x: np.repeat(x, 1, 0), m)
case("repeat 0", lambda x: np.repeat(x, 0, 0), m)
case("tile 1", lambda x: np.tile(x, 1), np.array([2.0]))
case("tile 2", lambda x: np.tile(x, 2), np.array(2.0))
case("tile 0", lambda x: np.tile(x, 0), m)
for mode in ["reflect", "edge", "wrap", "constant"]:
    for before, after in [(0, 0), (2, 2), (5, 7), (0, 1)]:
        case(f"pad {mode} {before} {after}", lambda x: np.pad(x, (before, after), mode), halves(3))
case("pad constant 1 1", lambda x: np.pad(x, (1, 1)), wholes(2))
case("pad constant 1 1", lambda x: np.pad(x, (1, 1)), bits(2))
case("pad reflect 1 1", lambda x: np.pad(x, (1, 1), "reflect"), halves(0))
for parts in ["1,2", "3", "1,1,1", "1,1", "2,2"]:
    sizes = [int(size) for size in parts.split(",")]
    case(f"split {parts}", lambda x: [part.numpy() for part in torch.split(torch.from_numpy(x), sizes, 1)], m)


# ONNX's: an index below zero counts from the end, one out of range has no bit and gives zeros
def hot(i, depth):
    wrapped = np.where(i < 0, i + depth, i)
    return wrapped[..., None] == np.arange(depth)


for i in [np.array([0, 2, -1, -3, 3, -4, 100, -100]), np.array(1), wholes(0)]:
    case("one_hot 3", lambda i: hot(i, 3), i)
    case("pick 1", lambda x, i: np.tensordot(x, hot(i, 3), (1, -1)), m, i)
case("one_hot 1", lambda i: hot(i, 1), np.array([0, -1, 1]))

with open("edges.txt", "w") as file:
    file.write("\n".join(lines) + "\n")
