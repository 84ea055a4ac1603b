#!/usr/bin/env python3
"""Makes the small models that the tests import, with inputs and what onnxruntime computes from them.

    python3 -m venv venv && venv/bin/pip install onnx onnxruntime numpy
    venv/bin/python make.py

in this folder. Writes NAME.onnx for each case and cases.json: for each case the input and the outputs, as shape and
values; refused/NAME.onnx, models that must be refused; and drawn/NAME.onnx, models whose results are random.
"""

import json
import os
import pathlib
import re

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)
cases = []


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def node(op, inputs, output="y", **attributes):
    outputs = output.split() if isinstance(output, str) else output
    return helper.make_node(op, inputs.split(), outputs, name=f"/{op.lower()}_{outputs[0]}", **attributes)


def model(nodes, weights, shape, opset=17, outputs=("y",), kind=TensorProto.FLOAT, output_kinds=(), ir=8):
    """A model of one input x; the shape's first entry may be a name."""
    inputs = [helper.make_tensor_value_info("x", kind, shape)]
    kinds = list(output_kinds) + [TensorProto.FLOAT] * len(outputs)
    outputs = [helper.make_tensor_value_info(name, kinds[i], None) for i, name in enumerate(outputs)]
    tensors = [w if isinstance(w, TensorProto) else numpy_helper.from_array(w, n) for n, w in weights.items()]
    graph = helper.make_graph(nodes, "test", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir, producer_name="")


def case(name, nodes, weights, shape, x=None, **more):
    """Writes a model and what it computes from one input."""
    made = model(nodes, weights, shape, **more)
    if x is None:
        # Sixteenths are exact, and short to write.
        x = np.round(normal(*[2 if isinstance(size, str) else size for size in shape]) * 16) / 16
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results = session.run(None, {"x": x})
    outputs = [{"name": o.name, "shape": r.shape, "values": r.ravel().tolist()} for o, r in zip(session.get_outputs(), results)]
    onnx.save(made, f"{name}.onnx")
    values = (x * 1).ravel().tolist()  # bits as numbers
    cases.append({"name": name, "input": {"shape": x.shape, "values": values}, "outputs": outputs})


def refused(name, nodes, weights, shape, **more):
    onnx.save(model(nodes, weights, shape, **more), f"refused/{name}.onnx")


def drawn(name, nodes, weights, shape, **more):
    """Writes a model that draws: onnxruntime runs it, but what it draws is nothing to compare with."""
    made = model(nodes, weights, shape, **more)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    session.run(None, {"x": np.full([2 if isinstance(size, str) else size for size in shape], 0.5, np.float32)})
    onnx.save(made, f"drawn/{name}.onnx")


os.chdir(pathlib.Path(__file__).parent)
os.makedirs("refused", exist_ok=True)
os.makedirs("drawn", exist_ok=True)
for old in [*pathlib.Path(".").glob("*.onnx"), *pathlib.Path(".").glob("*.weights"), *pathlib.Path("refused").glob("*"), *pathlib.Path("drawn").glob("*")]:
    old.unlink()

# Convolutions
IMAGE = ["batch", 2, 7, 6]
case("conv_plain", [node("Conv", "x w b")], {"w": normal(3, 2, 3, 3), "b": normal(3)}, IMAGE)
case("conv_attributes", [node("Conv", "x w", strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2], kernel_shape=[3, 2])],
     {"w": normal(3, 2, 3, 2)}, IMAGE)
case("conv_groups", [node("Conv", "x w b", group=2)], {"w": normal(4, 1, 2, 3), "b": normal(4)}, IMAGE)
case("conv_same_upper", [node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2])], {"w": normal(2, 2, 4, 3)}, IMAGE)
case("conv_same_lower", [node("Conv", "x w", auto_pad="SAME_LOWER", strides=[1, 2])], {"w": normal(2, 2, 4, 3)}, IMAGE)
case("conv_valid", [node("Conv", "x w", auto_pad="VALID")], {"w": normal(2, 2, 3, 3)}, IMAGE)
case("conv_1d", [node("Conv", "x w b", strides=[2], pads=[1, 2], dilations=[2], group=2)],
     {"w": normal(4, 1, 3), "b": normal(4)}, ["batch", 2, 11])
case("batch_norm", [node("BatchNormalization", "x s b m v", epsilon=1e-3)],
     {"s": normal(2), "b": normal(2), "m": normal(2), "v": normal(2) ** 2 + 0.1}, IMAGE)
case("batch_norm_rows", [node("BatchNormalization", "x s b m v")],
     {"s": normal(5), "b": normal(5), "m": normal(5), "v": normal(5) ** 2 + 0.1}, ["batch", 5])
case("conv_batch_norm", [node("Conv", "x w", "c"), node("BatchNormalization", "c s b m v", "n"), node("Relu", "n")],
     {"w": normal(3, 2, 3, 3), "s": normal(3), "b": normal(3), "m": normal(3), "v": normal(3) ** 2 + 0.1}, IMAGE)

# Pooling
for name, op in [("max", "MaxPool"), ("average", "AveragePool")]:
    case(f"{name}_pool", [node(op, "x", kernel_shape=[2, 3], strides=[2, 1])], {}, IMAGE)
    case(f"{name}_pool_pads", [node(op, "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 1])], {}, IMAGE)
    case(f"{name}_pool_ceil", [node(op, "x", kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1)], {}, IMAGE)
    case(f"{name}_pool_same_upper", [node(op, "x", kernel_shape=[2, 3], strides=[2, 2], auto_pad="SAME_UPPER")], {}, IMAGE)
    case(f"{name}_pool_same_lower", [node(op, "x", kernel_shape=[2, 2], auto_pad="SAME_LOWER")], {}, IMAGE)
    case(f"{name}_pool_1d", [node(op, "x", kernel_shape=[3], strides=[2], pads=[1, 1])], {}, ["batch", 2, 9])
case("max_pool_dilated", [node("MaxPool", "x", kernel_shape=[2, 2], dilations=[2, 3], storage_order=1)], {}, IMAGE)
case("max_pool_ceil_pads", [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)],
     {}, ["batch", 1, 6, 6])
case("average_pool_include", [node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)],
     {}, IMAGE)
case("average_pool_include_ceil",
     [node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1, ceil_mode=1)],
     {}, ["batch", 1, 6, 6], opset=19, ir=9)
case("global_average_pool", [node("GlobalAveragePool", "x")], {}, IMAGE)
case("global_average_pool_1d", [node("GlobalAveragePool", "x")], {}, ["batch", 2, 5])
case("reduce_mean", [node("ReduceMean", "x", axes=[-1, 2], keepdims=0)], {}, IMAGE)
case("reduce_mean_input", [node("ReduceMean", "x a")], {"a": ints(1)}, IMAGE, opset=18)
case("reduce_sum", [node("ReduceSum", "x a", keepdims=0)], {"a": ints(1, -1)}, IMAGE)
case("reduce_sum_nothing", [node("ReduceSum", "x", noop_with_empty_axes=1)], {}, IMAGE)

# Matrix products
case("gemm", [node("Gemm", "x w b")], {"w": normal(5, 4), "b": normal(4)}, ["batch", 5])
case("gemm_attributes", [node("Gemm", "x w b", alpha=0.5, beta=-2.0, transB=1)], {"w": normal(4, 5), "b": normal(1, 4)}, ["batch", 5])
case("gemm_trans_a", [node("Gemm", "x w", transA=1, alpha=3.0, beta=0.0)], {"w": normal(3, 4)}, [3, 5])
case("gemm_column", [node("Gemm", "x w b")], {"w": normal(5, 4), "b": normal(2, 1)}, [2, 5])
case("gemm_scalar", [node("Gemm", "x w b")], {"w": normal(5, 4), "b": np.float32(1.5)}, ["batch", 5])
case("mat_mul", [node("MatMul", "x w")], {"w": normal(5, 4)}, ["batch", 5])
case("mat_mul_left", [node("MatMul", "w x")], {"w": normal(4, 5)}, ["batch", 2, 5, 3])
case("mat_mul_batches", [node("MatMul", "x w")], {"w": normal(2, 3, 4)}, ["batch", 2, 5, 3])
case("mat_mul_column", [node("MatMul", "x w")], {"w": normal(5)}, ["batch", 5])
case("mat_mul_row", [node("MatMul", "w x")], {"w": normal(5)}, ["batch", 5, 3])
case("mat_mul_self", [node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "x t")], {}, ["batch", 2, 3])

# Elementwise
for name, op in [("add", "Add"), ("sub", "Sub"), ("mul", "Mul"), ("div", "Div")]:
    case(name, [node(op, "x w")], {"w": normal(2, 1, 6) + 4}, IMAGE)
    case(f"{name}_scalar", [node(op, "x w")], {"w": np.float32(2.5)}, IMAGE)
case("sub_left", [node("Sub", "w x")], {"w": normal(6)}, IMAGE)
case("mul_self", [node("Mul", "x x")], {}, IMAGE)
case("add_self", [node("Add", "x x")], {}, IMAGE)
case("residual", [node("Relu", "x", "r"), node("Mul", "r w", "m"), node("Add", "m x")], {"w": normal(2, 1, 1)}, IMAGE)
case("neg", [node("Neg", "x")], {}, IMAGE)
case("relu", [node("Relu", "x")], {}, IMAGE)
case("clip", [node("Clip", "x lo hi")], {"lo": np.float32(-0.5), "hi": np.float32(0.75)}, IMAGE)
case("clip_max", [helper.make_node("Clip", ["x", "", "hi"], ["y"])], {"hi": np.float32(0.25)}, IMAGE)
case("clip_infinite", [node("Clip", "x lo hi")], {"lo": np.float32(0), "hi": np.float32(np.inf)}, IMAGE)
case("clip_attributes", [node("Clip", "x", min=0.0, max=0.5)], {}, IMAGE, opset=10)
case("clip_default", [node("Clip", "x", max=0.5)], {}, IMAGE, opset=10)
case("identity", [node("Identity", "x", "i"), node("Identity", "w", "v"), node("Add", "i v")], {"w": normal(6)}, IMAGE)
case("dropout", [node("Dropout", "x r", "d"), node("Relu", "d")], {"r": np.float32(0.5)}, IMAGE)
case("dropout_mask", [node("Dropout", "x", "d m", ratio=0.3), node("Relu", "d")], {}, IMAGE, opset=10)
case("dropout_flag", [node("Dropout", "x r t", "y", seed=3)], {"r": np.float32(0.5), "t": np.array(False)}, IMAGE)

# Constants
tensor = numpy_helper.from_array(normal(6), "inner")
case("constant", [node("Constant", "", "c", value=tensor), node("Mul", "x c")], {}, IMAGE)
case("constant_float", [node("Constant", "", "c", value_float=1.25), node("Mul", "x c")], {}, IMAGE)
case("constant_floats", [node("Constant", "", "c", value_floats=[1.0, -2.0]), node("MatMul", "x c")], {}, ["batch", 2])
case("float16", [node("Cast", "w", "v", to=TensorProto.FLOAT), node("Add", "x v")], {"w": normal(6).astype(np.float16)}, IMAGE)
case("float64", [node("Cast", "w", "v", to=TensorProto.FLOAT), node("Add", "x v")], {"w": normal(6).astype(np.float64)}, IMAGE)
typed = helper.make_tensor("w", TensorProto.FLOAT, [6], normal(6).tolist())
case("typed_list", [node("Add", "x w")], {"w": typed}, IMAGE)

# Layout
case("flatten", [node("Flatten", "x")], {}, IMAGE)
case("flatten_axis", [node("Flatten", "x", axis=-2)], {}, [2, 3, 4, 5])
case("flatten_all", [node("Flatten", "x", axis=0)], {}, [2, 3])
case("reshape", [node("Reshape", "x s")], {"s": ints(-1, 14, 6)}, IMAGE)
case("reshape_zero", [node("Reshape", "x s")], {"s": ints(0, 3, -1)}, IMAGE)
case("reshape_fixed", [node("Reshape", "x s")], {"s": ints(4, -1)}, [2, 2, 7])
case("transpose", [node("Transpose", "x", perm=[0, 2, 3, 1])], {}, IMAGE)
case("transpose_default", [node("Transpose", "x")], {}, [2, 3, 4])
case("transpose_weight", [node("Transpose", "w", "t"), node("MatMul", "x t")], {"w": normal(4, 5)}, ["batch", 5])
case("concat", [node("Relu", "x", "r"), node("Concat", "r x r", axis=-3)], {}, IMAGE)
case("pad", [node("Pad", "x p v")], {"p": ints(0, 0, 1, 2, 0, 1, 0, 3), "v": np.float32(1.5)}, IMAGE)
case("pad_default", [node("Pad", "x p", mode="constant")], {"p": ints(0, 0, 1, 2, 0, 0, 0, 3)}, IMAGE)
case("pad_axes", [helper.make_node("Pad", ["x", "p", "", "a"], ["y"])], {"p": ints(1, 2, 3, 0), "a": ints(-1, 2)}, IMAGE, opset=18)
case("pad_attributes", [node("Pad", "x", pads=[0, 1, 0, 0, 0, 0, 2, 0], value=-1.0)], {}, IMAGE, opset=10)
case("squeeze", [node("Squeeze", "x a")], {"a": ints(-2)}, ["batch", 3, 1, 4])
case("squeeze_all", [node("Squeeze", "x")], {}, ["batch", 1, 4, 1])
case("squeeze_attribute", [node("Squeeze", "x", axes=[2])], {}, ["batch", 3, 1, 4], opset=12)
case("unsqueeze", [node("Unsqueeze", "x a")], {"a": ints(-1, 1)}, ["batch", 4])
case("unsqueeze_attribute", [node("Unsqueeze", "x", axes=[2])], {}, ["batch", 4], opset=12)
case("unsqueeze_weight", [node("Unsqueeze", "w a", "u"), node("Add", "x u")], {"w": normal(7), "a": ints(1)}, IMAGE)
case("slice", [node("Slice", "x s e a t")], {"s": ints(1, -5), "e": ints(2**63 - 1, -1), "a": ints(3, 2), "t": ints(2, 1)}, IMAGE)
case("slice_batch", [node("Slice", "x s e")], {"s": ints(0, 1), "e": ints(2**31 - 1, 2)}, IMAGE)
case("slice_attributes", [node("Slice", "x", starts=[1], ends=[-1], axes=[2])], {}, IMAGE, opset=9)
case("split", [node("Split", "x s", "a b", axis=2), node("Concat", "b a", axis=2)], {"s": ints(2, 5)}, IMAGE)
case("split_attribute", [node("Split", "x", "a b", axis=-1, split=[1, 5]), node("Concat", "b a", axis=3)], {}, IMAGE, opset=12)
case("split_equal", [node("Split", "x", "a b", axis=1), node("Sub", "a b")], {}, IMAGE)
case("split_rest", [node("Split", "x", "a b", axis=2, num_outputs=2), node("Concat", "b a", axis=2)], {}, IMAGE, opset=18)

# Shapes computed from shapes, as exporters write them
view = [
    node("Shape", "x", "s"), node("Constant", "", "zero", value=numpy_helper.from_array(np.array(0, np.int64), "zero")),
    node("Gather", "s zero", "g", axis=0), node("Unsqueeze", "g a", "u"), node("Concat", "u m", "t", axis=0),
    node("Reshape", "x t"),
]
case("view_size_0", view, {"a": ints(0), "m": ints(-1)}, IMAGE)
case("view_unsqueezed_constants", [
    node("Shape", "x", "s"), node("Slice", "s i0 i1", "b"),
    node("Constant", "", "c", value_int=14), node("Unsqueeze", "c i0", "u"),
    node("Constant", "", "d", value_ints=[-1]), node("Concat", "b u d", "t", axis=0), node("Reshape", "x t"),
], {"i0": ints(0), "i1": ints(1)}, IMAGE)
case("view_product", [
    node("Shape", "x", "s"), node("Gather", "s i1", "c"), node("Gather", "s i2", "h"), node("Mul", "c h", "p"),
    node("Add", "p one", "q"), node("Sub", "q one", "r"), node("Div", "r one", "f"), node("Cast", "f", "k", to=TensorProto.INT64),
    node("Unsqueeze", "k i0", "u"), node("Concat", "m u six", "t", axis=0), node("Reshape", "x t"),
], {"i0": ints(0), "i1": np.int64(1), "i2": np.int64(2), "one": np.int64(1), "m": ints(-1), "six": ints(6)}, IMAGE)
case("shape_range", [node("Shape", "x", "s", start=-3, end=-1), node("Concat", "m s n", "t", axis=0), node("Reshape", "x t")],
     {"m": ints(0), "n": ints(2, 3)}, IMAGE)
case("squeezed_size", [
    node("Shape", "x", "s"), node("Slice", "s i0 i1", "b"), node("Squeeze", "b", "c"), node("Reshape", "c m", "d"),
    node("Concat", "d m", "t", axis=0), node("Reshape", "x t"),
], {"i0": ints(0), "i1": ints(1), "m": ints(-1)}, IMAGE)

# Ranking
case("arg_max", [node("ArgMax", "x", axis=1, keepdims=0)], {}, ["batch", 5], output_kinds=[TensorProto.INT64])
case("arg_max_keep", [node("ArgMax", "x", axis=-1)], {}, ["batch", 4, 5], output_kinds=[TensorProto.INT64])
case("arg_max_softmax", [node("Softmax", "x", "p", axis=-1), node("ArgMax", "p", axis=1, keepdims=0), node("Cast", "y", "z", to=TensorProto.INT32)],
     {}, ["batch", 5], outputs=("z",), output_kinds=[TensorProto.INT32])
case("softmax", [node("Relu", "x", "r"), node("Softmax", "r", axis=1)], {}, ["batch", 5])
case("softmax_identity", [node("Softmax", "x", "p"), node("Identity", "p")], {}, ["batch", 4, 5])
case("softmax_old", [node("Softmax", "x")], {}, ["batch", 4, 5], opset=12)
case("log_softmax", [node("LogSoftmax", "x", axis=1)], {}, ["batch", 5])

# Whole models
case("two_outputs", [node("Relu", "x", "r"), node("Neg", "x", "n"), node("Identity", "r")], {}, ["batch", 4], outputs=("y", "n"))
case("fixed_batch", [node("Gemm", "x w", "g"), node("Reshape", "g s")], {"w": normal(5, 4), "s": ints(2, 2, 2)}, [2, 5])
case("unused_weight", [node("Relu", "x"), node("Mul", "x w", "dead")], {"w": normal(4), "other": normal(9)}, ["batch", 4])
old = [node("Gemm", "x w", "y")]
made = model(old, {"w": normal(5, 4)}, ["batch", 5], opset=7, ir=3)
made.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [5, 4]))  # as in version 3 of the format
onnx.save(made, "listed_weights.onnx")
unnamed = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Neg", ["r"], ["y"])]
case("unnamed_nodes", unnamed, {}, ["batch", 4])
external = model([node("Add", "x w", "a"), node("Add", "a v")], {"w": normal(6), "v": normal(7, 1)}, IMAGE)
onnx.save(external, "external.onnx", save_as_external_data=True, location="external.weights", size_threshold=0)

# Refusals
refused("unsupported", [node("Det", "x")], {}, ["batch", 4])
refused("domain", [helper.make_node("Gelu", ["x"], ["y"], name="/gelu", domain="com.microsoft")], {}, ["batch", 4])
body = helper.make_graph([node("Relu", "x")], "body", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
refused("control_flow", [node("If", "c", then_branch=body, else_branch=body)], {"c": np.array(True)}, ["batch", 4])
refused("quantized", [node("DequantizeLinear", "w s z", "d"), node("Add", "x d")],
        {"w": np.ones(4, np.int8), "s": np.float32(1), "z": np.int8(0)}, ["batch", 4])
refused("quantized_weight", [node("Add", "x w")], {"w": np.ones(4, np.uint8)}, ["batch", 4])
refused("narrow_input", [node("Relu", "x")], {}, ["batch", 4], kind=TensorProto.UINT8)
refused("dynamic", [node("Relu", "x")], {}, ["batch", 3, "height", "width"])
refused("no_shape", [node("Relu", "x")], {}, None)
refused("two_inputs", [node("Add", "x z")], {}, ["batch", 4])
two = onnx.load("refused/two_inputs.onnx")
two.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 4]))
onnx.save(two, "refused/two_inputs.onnx")
nan, infinite = normal(2, 3), normal(4)
nan[1, 2], infinite[3] = np.nan, -np.inf
refused("nan", [node("MatMul", "x w")], {"w": nan}, ["batch", 2])
refused("infinite", [node("Add", "x w")], {"w": infinite}, ["batch", 4])
refused("attribute", [node("Relu", "x", alpha=0.1)], {}, ["batch", 4])
refused("attribute_type", [node("Flatten", "x", axis=1.0)], {}, ["batch", 4])
refused("pad_mode", [node("Pad", "x p", mode="mirror")], {"p": ints(0, 1, 0, 1)}, ["batch", 4])
refused("pad_negative", [node("Pad", "x p")], {"p": ints(0, -2, 0, -2)}, ["batch", 4])
refused("pool_indices", [node("MaxPool", "x", "p i", kernel_shape=[2, 2]), node("Cast", "i", "y", to=1)], {}, IMAGE)
refused("conv_4d", [node("Conv", "x w")], {"w": normal(2, 2, 1, 1, 1, 1)}, ["batch", 2, 3, 3, 3, 3])
refused("conv_channels", [node("Conv", "x w")], {"w": normal(3, 5, 3, 3)}, IMAGE)
refused("training", [node("BatchNormalization", "x s b m v", training_mode=1)],
        {"s": normal(2), "b": normal(2), "m": normal(2), "v": normal(2) ** 2}, IMAGE)
refused("mix_batch", [node("Reshape", "x s")], {"s": ints(-1, 7)}, IMAGE)
refused("flatten_batch", [node("Flatten", "x", axis=2)], {}, IMAGE)
refused("fixes_batch", [node("Reshape", "x s")], {"s": ints(1, -1)}, IMAGE)
refused("moves_batch", [node("Transpose", "x", perm=[1, 0])], {}, ["batch", 4])
refused("prelu_wide", [node("PRelu", "x w")], {"w": normal(1, 4).reshape(4, 1)}, [1, 4])
refused("div_zero", [node("Div", "x w")], {"w": np.array([1, 0, 2, 3], np.float32)}, ["batch", 4])
refused("group_norm_groups", [node("GroupNormalization", "x w w", num_groups=3)], {"w": normal(4)}, ["batch", 4, 2], opset=21)
refused("inner_softmax_batch", [node("Softmax", "x", "p", axis=0), node("Relu", "p")], {}, ["batch", 4])
refused("norm_batch", [node("MeanVarianceNormalization", "x")], {}, ["batch", 2, 3, 4])
refused("lp_3", [node("LpNormalization", "x", p=3)], {}, ["batch", 4])
refused("gelu_unknown", [node("Gelu", "x", approximate="cubic")], {}, ["batch", 4], opset=20)
refused("pow_integers", [node("Pow", "x e")], {"e": ints(1, 2, 3, 4)}, ["batch", 4])
refused("data_shape", [node("ArgMax", "x", "a", axis=1), node("Reshape", "x a")], {}, ["batch", 4])
refused("split_sizes", [node("Split", "x s", "a y", axis=1)], {"s": ints(1, 2)}, ["batch", 4])
refused("undefined", [node("Add", "x nowhere")], {}, ["batch", 4])
refused("constant_output", [node("Identity", "w")], {"w": normal(4)}, ["batch", 4])
refused("unused_input", [node("Relu", "w")], {"w": normal(4)}, ["batch", 4])
refused("opset_old", [node("Relu", "x")], {}, ["batch", 4], opset=6)
refused("opset_new", [node("Relu", "x")], {}, ["batch", 4], opset=99)
refused("defined_twice", [node("Relu", "x"), node("Neg", "x")], {}, ["batch", 4])
refused("batch_arithmetic", [node("Shape", "x", "s"), node("Slice", "s a b", "n"), node("Mul", "n two", "t"), node("Concat", "t m", "u", axis=0), node("Reshape", "x u")],
        {"a": ints(0), "b": ints(1), "two": ints(2), "m": ints(-1)}, ["batch", 4])
missing = model([node("Add", "x w")], {"w": normal(4)}, ["batch", 4])
onnx.save(missing, "refused/external_missing.onnx", save_as_external_data=True, location="gone.weights", size_threshold=0)
os.remove("refused/gone.weights")
outside = onnx.load("refused/external_missing.onnx", load_external_data=False)
outside.graph.initializer[0].external_data[0].value = "../external.weights"
onnx.save(outside, "refused/external_outside.onnx")

# The tensor library: movements by public indices, resizing, transposed convolutions, Einstein's sums, reductions
FIXED = [2, 3, 4]
case("pad_reflect", [node("Pad", "x p", mode="reflect")], {"p": ints(0, 0, 1, 2, 0, 0, 3, 3)}, IMAGE)
case("pad_edge", [node("Pad", "x p", mode="edge")], {"p": ints(0, 1, 1, 0, 0, 0, 0, 4)}, IMAGE)
case("pad_wrap", [node("Pad", "x p", mode="wrap")], {"p": ints(0, 0, 1, 2, 0, 0, 3, 3)}, IMAGE, opset=19, ir=9)
case("pad_cut", [node("Pad", "x p v")], {"p": ints(0, 0, -1, 2, 0, -1, 1, -3), "v": np.float32(0.5)}, IMAGE)
case("pad_reflect_cut", [node("Pad", "x p", mode="reflect")], {"p": ints(0, 0, -2, 0, 0, 0, 2, 0)}, IMAGE)
case("slice_backwards", [node("Slice", "x s e a t")], {"s": ints(-1, 4), "e": ints(-(2**63), 0), "a": ints(3, 2), "t": ints(-1, -2)}, IMAGE)
case("slice_all", [node("Slice", "x s e a t")], {"s": ints(-100), "e": ints(100), "a": ints(-1), "t": ints(3)}, IMAGE)
case("gather_data", [node("Gather", "x i", axis=2)], {"i": ints(3, -1, 0, 3)}, IMAGE)
case("gather_matrix", [node("Gather", "x i", axis=-1)], {"i": np.array([[0, 1], [-1, 5]])}, IMAGE)
case("gather_scalar", [node("Gather", "x i", axis=1)], {"i": np.array(1)}, IMAGE)
case("gather_weight", [node("Gather", "w i", "g"), node("Add", "x g")], {"w": normal(5, 4), "i": np.array(-2)}, ["batch", 4])
case("gather_elements", [node("GatherElements", "x i", axis=1)], {"i": np.array([[[0, -1, 2, 1]], [[1, 1, 0, 2]]])}, FIXED)
case("gather_nd", [node("GatherND", "x i")], {"i": np.array([[1, 2], [0, -3]])}, FIXED)
case("gather_nd_batch", [node("GatherND", "x i", batch_dims=1)], {"i": np.array([[[1]], [[2]]])}, FIXED)
for kind in ["none", "add", "mul", "max", "min"]:
    case(f"scatter_nd_{kind}", [node("ScatterND", "x i u", **({} if kind == "none" else {"reduction": kind}))],
         {"i": np.array([[1, 2], [0, 0], [1, 1]] + ([[1, 2]] if kind != "none" else [])), "u": normal(4 if kind != "none" else 3, 4)}, FIXED, opset=18)
    case(f"scatter_elements_{kind}", [node("ScatterElements", "x i u", axis=1, **({} if kind == "none" else {"reduction": kind}))],
         {"i": np.array([[[0, -1, 2, 1]], [[1, 1, 0, 2]]]), "u": normal(2, 1, 4)}, FIXED, opset=18)
case("scatter_old", [node("Scatter", "x i u", axis=2)], {"i": np.array([[[0, -1]], [[1, 2]]]), "u": normal(2, 1, 2)}, FIXED, opset=10)
case("trilu", [node("Trilu", "x k")], {"k": np.array(1)}, IMAGE)
case("trilu_lower", [node("Trilu", "x", upper=0)], {}, IMAGE)
case("tile", [node("Tile", "x r")], {"r": ints(1, 2, 1, 3)}, IMAGE)
case("expand", [node("Expand", "x s")], {"s": ints(1, 5, 1)}, ["batch", 1, 3])
case("expand_shape", [node("Shape", "x", "s"), node("Expand", "w s", "e"), node("Mul", "x e")], {"w": normal(6)}, IMAGE)
case("depth_to_space", [node("DepthToSpace", "x", blocksize=2)], {}, ["batch", 8, 2, 3])
case("depth_to_space_crd", [node("DepthToSpace", "x", blocksize=2, mode="CRD")], {}, ["batch", 8, 2, 3])
case("space_to_depth", [node("SpaceToDepth", "x", blocksize=2)], {}, ["batch", 2, 4, 6])
case("cum_sum", [node("CumSum", "x a")], {"a": np.array(2)}, IMAGE)
case("cum_sum_flags", [node("CumSum", "x a", exclusive=1, reverse=1)], {"a": np.array(-1)}, IMAGE)
def resize(inputs="x  s", **attributes):
    return [helper.make_node("Resize", inputs.split(" "), ["y"], name="/resize_y", **attributes)]
for mode in ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]:
    case(f"resize_linear_{mode}", resize(mode="linear", coordinate_transformation_mode=mode), {"s": np.array([1, 1, 1.5, 0.5], np.float32)}, IMAGE)
    case(f"resize_sizes_{mode}", resize("x   s", mode="linear", coordinate_transformation_mode=mode), {"s": ints(2, 2, 5, 9)}, [2, 2, 7, 6])
    for nearest in ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]:
        case(f"resize_{nearest}_{mode}", resize(mode="nearest", coordinate_transformation_mode=mode, nearest_mode=nearest),
             {"s": np.array([1, 1, 2, 0.5], np.float32)}, ["batch", 1, 4, 6])
case("resize_computed", [
    node("Shape", "x", "s", start=0, end=2), node("Concat", "s hw", "t", axis=0), *resize("x   t", mode="nearest"),
], {"hw": ints(14, 12)}, IMAGE)
case("resize_axes", resize("x  s", mode="linear", axes=[3, 2]), {"s": np.array([2, 3], np.float32)}, ["batch", 1, 3, 4], opset=18)
case("resize_10", [node("Resize", "x s", mode="nearest")], {"s": np.array([1, 1, 2, 3], np.float32)}, ["batch", 1, 3, 4], opset=10)
case("resize_10_linear", [node("Resize", "x s", mode="linear")], {"s": np.array([1, 1, 2, 2], np.float32)}, ["batch", 1, 3, 4], opset=10)
case("upsample", [node("Upsample", "x s", mode="nearest")], {"s": np.array([1, 1, 2, 3], np.float32)}, ["batch", 1, 3, 4], opset=9)
case("upsample_attribute", [node("Upsample", "x", mode="linear", scales=[1.0, 1.0, 2.0, 2.0])], {}, ["batch", 1, 3, 4], opset=7)
case("conv_transpose", [node("ConvTranspose", "x w b")], {"w": normal(2, 3, 3, 3), "b": normal(3)}, IMAGE)
case("conv_transpose_attributes", [node("ConvTranspose", "x w", strides=[2, 3], pads=[1, 0, 2, 1], dilations=[1, 2], output_padding=[1, 2], group=2)],
     {"w": normal(2, 2, 3, 2)}, IMAGE)
case("conv_transpose_same_upper", [node("ConvTranspose", "x w", auto_pad="SAME_UPPER", strides=[2, 2])], {"w": normal(2, 2, 3, 3)}, IMAGE)
case("conv_transpose_same_lower", [node("ConvTranspose", "x w", auto_pad="SAME_LOWER", strides=[2, 2])], {"w": normal(2, 2, 3, 3)}, IMAGE)
case("conv_transpose_shape", [node("ConvTranspose", "x w", output_shape=[15, 12], strides=[2, 2])], {"w": normal(2, 2, 4, 4)}, IMAGE)
case("conv_transpose_1d", [node("ConvTranspose", "x w", strides=[2], pads=[1, 0])], {"w": normal(2, 3, 4)}, ["batch", 2, 5])
case("conv_3d", [node("Conv", "x w b", strides=[1, 2, 1], pads=[1, 0, 1, 0, 1, 1], dilations=[2, 1, 1])],
     {"w": normal(3, 2, 2, 2, 2), "b": normal(3)}, ["batch", 2, 3, 4, 3])
case("average_pool_dilated", [node("AveragePool", "x", kernel_shape=[2, 2], dilations=[2, 3], pads=[1, 0, 1, 1])], {}, IMAGE, opset=19, ir=9)
case("average_pool_3d", [node("AveragePool", "x", kernel_shape=[2, 2, 2])], {}, ["batch", 1, 3, 4, 3])
case("global_max_pool", [node("GlobalMaxPool", "x")], {}, IMAGE)
case("reduce_prod", [node("ReduceProd", "x", axes=[-1], keepdims=0)], {}, IMAGE)
case("reduce_sum_square", [node("ReduceSumSquare", "x", axes=[1, 3])], {}, IMAGE)
case("reduce_all", [node("ReduceMean", "x", keepdims=0)], {}, FIXED)
case("reduce_empty", [node("ReduceSum", "x a")], {"a": np.array([], np.int64)}, FIXED)
case("einsum", [node("Einsum", "x w", equation="bchw,wk->bkch")], {"w": normal(6, 3)}, IMAGE)
case("einsum_batch", [node("Einsum", "x x", equation="...ij,...kj->...ik")], {}, IMAGE)
case("einsum_diagonal", [node("Einsum", "x", equation="bii->bi")], {}, ["batch", 3, 3])
case("einsum_three", [node("Einsum", "x w v", equation="bi,ij,j")], {"w": normal(4, 3), "v": normal(3)}, ["batch", 4])
case("constant_of_shape", [node("ConstantOfShape", "s", "c", value=helper.make_tensor("v", TensorProto.FLOAT, [1], [1.5])), node("Mul", "x c")], {"s": ints(6)}, IMAGE)
case("constant_of_input_shape", [node("Shape", "x", "s"), node("ConstantOfShape", "s", "c"), node("Concat", "x c", axis=1)], {}, IMAGE)
case("range", [node("Range", "a b d", "r"), node("Gather", "x r", axis=3)], {"a": np.array(5), "b": np.array(-1), "d": np.array(-2)}, IMAGE)
case("size", [node("Size", "x", "n"), node("Unsqueeze", "n z", "u"), node("Reshape", "x u")], {"z": ints(0)}, FIXED)
refused("resize_mode", resize(mode="lanczos"), {"s": np.array([1, 1, 2, 2], np.float32)}, IMAGE)
refused("resize_crop", resize(coordinate_transformation_mode="tf_crop_and_resize"), {"s": np.array([1, 1, 2, 2], np.float32)}, IMAGE)
refused("resize_batch", resize(mode="nearest"), {"s": np.array([2, 1, 1, 1], np.float32)}, IMAGE)
refused("gather_beyond", [node("Gather", "x i", axis=1)], {"i": ints(4)}, ["batch", 4])
refused("einsum_equation", [node("Einsum", "x", equation="bi->i")], {}, ["batch", 4])
refused("tile_batch", [node("Tile", "x r")], {"r": ints(2, 1)}, ["batch", 4])

# Bits, whole numbers, order. Halves, so that there are ties; outputs of bits are made floats.
HALVES = np.round(np.random.default_rng(2).standard_normal((3, 2, 5)) * 3) / 2
HALVES = HALVES.astype(np.float32)
LINE = ["batch", 2, 5]


def halves(name, nodes, weights=None, outputs=("y",), **more):
    case(name, nodes, weights or {}, LINE, HALVES, outputs=outputs, **more)


as_float = node("Cast", "b", "y", to=TensorProto.FLOAT)
row = np.array([-1, 0, 0.5, 1, 2], np.float32)
for name, op in [("equal", "Equal"), ("greater", "Greater"), ("greater_or_equal", "GreaterOrEqual"), ("less", "Less"), ("less_or_equal", "LessOrEqual")]:
    halves(name, [node(op, "x w", "b"), as_float], {"w": row})
for name, op in [("and", "And"), ("or", "Or"), ("xor", "Xor")]:
    halves(name, [node("Less", "x w", "l"), node("Greater", "x v", "g"), node(op, "l g", "b"), as_float], {"w": row, "v": -row})
halves("not", [node("Less", "x w", "l"), node("Not", "l", "b"), as_float], {"w": row})
halves("where", [node("Less", "x w", "l"), node("Where", "l x v")], {"w": row, "v": row * 3})
halves("where_mask", [node("Where", "m x v")], {"m": np.array([True, False, True, True, False]), "v": row})
for name, op in [("abs", "Abs"), ("sign", "Sign"), ("floor", "Floor"), ("ceil", "Ceil"), ("round", "Round")]:
    halves(name, [node(op, "x")])
halves("cast_int", [node("Cast", "x", "i", to=TensorProto.INT64), node("Cast", "i", "y", to=TensorProto.FLOAT)])
halves("cast_bool", [node("Cast", "x", "b", to=TensorProto.BOOL), as_float])
halves("equal_int", [node("Cast", "x", "i", to=TensorProto.INT64), node("Equal", "i w", "b"), as_float], {"w": ints(-1, 0, 1, 1, 2)})
halves("arg_min", [node("ArgMin", "x", axis=-1, keepdims=0)], output_kinds=[TensorProto.INT64])
halves("reduce_max", [node("ReduceMax", "x", axes=[1, -1], keepdims=0)])
halves("reduce_max_keep", [node("ReduceMax", "x a")], {"a": ints(1)}, opset=18)
halves("reduce_min", [node("ReduceMin", "x", axes=[-1])])
halves("top_k", [node("TopK", "x k", "y i", axis=-1)], {"k": ints(3)}, outputs=("y", "i"), output_kinds=[TensorProto.FLOAT, TensorProto.INT64])
halves("top_k_smallest", [node("TopK", "x k", "y i", axis=1, largest=0)], {"k": ints(1)}, outputs=("y", "i"), output_kinds=[TensorProto.FLOAT, TensorProto.INT64])
halves("one_hot", [node("Cast", "x", "i", to=TensorProto.INT64), node("OneHot", "i d v", axis=1)], {"d": ints(4), "v": np.array([0.5, 2], np.float32)})
halves("gather_rows", [node("ArgMax", "x", "i", axis=-1, keepdims=0), node("Gather", "w i", axis=0)], {"w": normal(5, 3)})


# Nonlinear functions, softmax within networks, norms
rng = np.random.default_rng(5)
ROWS = ["batch", 3, 8]
positive = np.round(np.abs(normal(2, 3, 8)) * 16) / 16 + np.float32(0.25)
for op in ["Sigmoid", "Tanh", "Erf", "Softplus", "Sin", "Cos", "Exp", "Elu", "Selu", "Celu", "LeakyRelu", "ThresholdedRelu",
           "HardSigmoid", "HardSwish", "Softsign"]:
    case(op.lower(), [node(op, "x")], {}, ROWS)
for op in ["Log", "Sqrt", "Reciprocal"]:
    case(op.lower(), [node(op, "x")], {}, ROWS, x=positive)
case("gelu", [node("Gelu", "x")], {}, ROWS, opset=20, ir=9)
case("gelu_tanh", [node("Gelu", "x", approximate="tanh")], {}, ROWS, opset=20, ir=9)
case("mish", [node("Mish", "x")], {}, ROWS, opset=18)
case("elu_alpha", [node("Elu", "x", alpha=0.5)], {}, ROWS)
case("selu_alpha", [node("Selu", "x", alpha=1.5, gamma=2.0)], {}, ROWS)
case("celu_alpha", [node("Celu", "x", alpha=2.0)], {}, ROWS)
case("leaky_relu_alpha", [node("LeakyRelu", "x", alpha=0.25)], {}, ROWS)
case("hard_sigmoid_alpha", [node("HardSigmoid", "x", alpha=0.5, beta=0.25)], {}, ROWS)
case("thresholded_relu_alpha", [node("ThresholdedRelu", "x", alpha=0.3125)], {}, ROWS)
case("prelu", [node("PRelu", "x w")], {"w": normal(3, 1)}, ROWS)
case("pow_2", [node("Pow", "x e")], {"e": np.float32(2)}, ROWS)
case("pow_3_integer", [node("Pow", "x e")], {"e": np.int64(3)}, ROWS)
case("pow_half", [node("Pow", "x e")], {"e": np.array([0.5], np.float32)}, ROWS, x=positive)
case("pow_tensor", [node("Pow", "x e")], {"e": normal(8)}, ROWS, x=positive)
case("div_secret", [node("Mul", "x w", "d"), node("Div", "x d")], {"w": np.abs(normal(8)) + np.float32(0.5)}, ROWS, x=positive)
case("softmax_inner", [node("Softmax", "x", "p"), node("Mul", "p w")], {"w": normal(8)}, ROWS)
case("softmax_twice", [node("Softmax", "x", "p", axis=1), node("Add", "p p")], {}, ROWS)
case("softmax_old_inner", [node("Softmax", "x", "p"), node("Neg", "p")], {}, ROWS, opset=12)
case("log_softmax_inner", [node("LogSoftmax", "x", "p"), node("Neg", "p")], {}, ROWS)
case("arg_max_softmax_other", [node("Softmax", "x", "p", axis=1), node("ArgMax", "p", axis=2)], {}, ROWS, output_kinds=[TensorProto.INT64])
case("reduce_log_sum_exp", [node("ReduceLogSumExp", "x", axes=[-1, 1])], {}, ROWS)
case("reduce_log_sum_exp_apart", [node("ReduceLogSumExp", "x a", keepdims=0)], {"a": ints(1, 3)}, IMAGE, opset=18)
case("reduce_log_sum", [node("ReduceLogSum", "x", axes=[1])], {}, ROWS, x=positive)
case("reduce_l1", [node("ReduceL1", "x", axes=[2], keepdims=0)], {}, ROWS)
case("reduce_l2", [node("ReduceL2", "x a")], {"a": ints(1, 2)}, ROWS, opset=18)
case("layer_norm", [node("LayerNormalization", "x w b")], {"w": normal(8), "b": normal(8)}, ROWS)
case("layer_norm_axis", [node("LayerNormalization", "x w", axis=1, epsilon=0.125)], {"w": normal(3, 8)}, ROWS)
case("group_norm", [node("GroupNormalization", "x w b", num_groups=2)], {"w": normal(4), "b": normal(4)}, ["batch", 4, 3], opset=21, ir=10)
case("group_norm_old", [node("GroupNormalization", "x w b", num_groups=2)], {"w": normal(2), "b": normal(2)}, ["batch", 4, 3], opset=18)
case("instance_norm", [node("InstanceNormalization", "x w b", epsilon=0.01)], {"w": normal(2), "b": normal(2)}, IMAGE)
case("rms_norm", [node("RMSNormalization", "x w")], {"w": normal(8)}, ROWS, opset=23, ir=10)
case("lp_norm_1", [node("LpNormalization", "x", p=1, axis=1)], {}, ROWS)
case("lp_norm_2", [node("LpNormalization", "x")], {}, ROWS)
case("mean_variance_norm", [node("MeanVarianceNormalization", "x")], {}, [2, 2, 3, 4])
case("mean_variance_norm_axes", [node("MeanVarianceNormalization", "x", axes=[2, 3])], {}, IMAGE)

# What exporters spell out: GELU, layer norm, RMS norm, attention
def number(value):
    return np.float32(value)


case("gelu_spelled", [node("Div", "x r", "u"), node("Erf", "u", "e"), node("Add", "e one", "s"), node("Mul", "x s", "p"), node("Mul", "p half")],
     {"r": number(np.sqrt(2)), "one": number(1), "half": number(0.5)}, ROWS)
case("gelu_tanh_spelled", [
    node("Mul", "x half", "h"), node("Pow", "x three", "c"), node("Mul", "c k", "m"), node("Add", "x m", "i"),
    node("Mul", "i r", "v"), node("Tanh", "v", "t"), node("Add", "t one", "s"), node("Mul", "h s"),
], {"half": number(0.5), "three": number(3), "k": number(0.044715), "r": number(np.sqrt(2 / np.pi)), "one": number(1)}, ROWS)
case("layer_norm_spelled", [
    node("ReduceMean", "x", "m", axes=[-1]), node("Sub", "x m", "d"), node("Pow", "d two", "q"), node("ReduceMean", "q", "v", axes=[-1]),
    node("Add", "v e", "w"), node("Sqrt", "w", "s"), node("Div", "d s", "n"), node("Mul", "n g", "h"), node("Add", "h b"),
], {"two": number(2), "e": number(1e-5), "g": normal(8), "b": normal(8)}, ROWS)
case("rms_norm_spelled", [
    node("Pow", "x two", "q"), node("ReduceMean", "q", "v", axes=[-1]), node("Add", "v e", "w"), node("Sqrt", "w", "s"),
    node("Div", "one s", "i"), node("Mul", "x i", "n"), node("Mul", "g n"),
], {"two": number(2), "e": number(1e-6), "one": number(1), "g": normal(8)}, ROWS)
case("attention_spelled", [
    node("MatMul", "x q", "a"), node("MatMul", "x k", "b"), node("Transpose", "b", "t", perm=[0, 2, 1]), node("MatMul", "a t", "l"),
    node("Div", "l r", "s"), node("Softmax", "s", "p", axis=-1), node("MatMul", "p x"),
], {"q": normal(8, 4), "k": normal(8, 4), "r": number(2)}, ROWS)

# Whole numbers and bits as inputs, numbers computed from shapes
rng = np.random.default_rng(6)
case("embedding", [node("Gather", "w x")], {"w": normal(5, 3)}, ["batch", 4], ints(0, 4, 2, 2, 1, 3, 0, 4).reshape(2, 4), kind=TensorProto.INT64)
case("whole_input", [node("Add", "x w", "s"), node("Mul", "s s", "p"), node("Max", "p v", "m"), node("Cast", "m", "y", to=TensorProto.FLOAT)],
     {"w": ints(1, -2, 3), "v": ints(4)}, ["batch", 3], ints(0, 1, -5, 2, 7, 3).reshape(2, 3), kind=TensorProto.INT64)
case("bit_input", [node("Not", "x", "n"), node("Or", "n w", "o"), node("Cast", "o", "y", to=TensorProto.FLOAT)], {"w": np.array([True, False, False])},
     ["batch", 3], np.array([[True, True, False], [False, True, True]]), kind=TensorProto.BOOL)
case("scale_of_shape", [
    node("Shape", "x", "s", start=-1), node("Cast", "s", "f", to=TensorProto.FLOAT), node("Sqrt", "f", "r"), node("Div", "one r", "q"), node("Mul", "x q"),
], {"one": np.array([1], np.float32)}, ROWS)
case("scales_of_shape", [
    node("Shape", "x", "s", start=-1), node("Cast", "s", "f", to=TensorProto.FLOAT), node("Reciprocal", "f", "i"), node("Ceil", "f", "c"),
    node("Sub", "c i", "d"), node("Add", "x d"),
], {}, ROWS)
case("logic_of_shape", [
    node("Shape", "x", "s", start=1), node("Equal", "s w", "e"), node("Not", "e", "n"), node("Less", "s v", "l"), node("And", "n l", "a"),
    node("Where", "a v s", "t"), node("Mod", "t u", "m"), node("Neg", "m", "k"), node("Tile", "x r", "z"), node("Cast", "k", "b", to=TensorProto.INT64),
    node("Neg", "b", "c"), node("Concat", "minus c", "shape", axis=0), node("Reshape", "z shape"),
], {"w": ints(3, 5), "v": ints(4, 17), "u": ints(7, 9), "r": ints(1, 1, 1), "minus": ints(-1)}, ["batch", 3, 8])
case("cast_of_file", [node("Cast", "w", "f", to=TensorProto.FLOAT), node("Mul", "x f", "p"), node("CastLike", "v x", "c"), node("Add", "p c")],
     {"w": ints(1, -2, 3, 0), "v": np.array([2, 0, 0, 1], np.int32)}, ["batch", 4])
case("layer_norm_statistics", [node("LayerNormalization", "x w b", "y m i")], {"w": normal(8), "b": normal(8)}, ROWS, outputs=("y", "m", "i"))
case("max_pool_3d", [node("MaxPool", "x", kernel_shape=[2, 3, 2], strides=[1, 2, 2], pads=[1, 0, 1, 0, 1, 1], dilations=[1, 1, 2])], {}, ["batch", 2, 3, 5, 5])
case("lrn", [node("LRN", "x", size=3, alpha=0.5, beta=0.75, bias=1.5)], {}, ["batch", 5, 3, 2])
case("hardmax", [node("Hardmax", "x", axis=1)], {}, IMAGE)
halves("arg_max_last", [node("ArgMax", "x", axis=-1, keepdims=0, select_last_index=1)], output_kinds=[TensorProto.INT64])
case("several", [node("Max", "x w v", "a"), node("Min", "a u", "b"), node("Sum", "b x w", "c"), node("Mean", "c b")], {"w": normal(6), "v": normal(1), "u": normal(7, 1)}, IMAGE)
case("shrink", [node("Shrink", "x", lambd=0.75, bias=0.25)], {}, IMAGE)
case("tan_sinh_cosh", [node("Tan", "x", "t"), node("Sinh", "x", "s"), node("Cosh", "x", "c"), node("Sum", "t s c")], {}, ROWS, x=positive / 4)
case("compress", [node("Compress", "x m", axis=2)], {"m": np.array([True, False, True, True])}, IMAGE)
CUBIC = {"s": np.array([1, 1, 1.5, 2], np.float32)}
case("resize_linear_spelled", resize(mode="linear", cubic_coeff_a=-0.75, exclude_outside=0, extrapolation_value=0.0), CUBIC, IMAGE)
case("resize_cubic", resize(mode="cubic"), CUBIC, IMAGE)
case("resize_cubic_inside", resize(mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1), CUBIC, IMAGE)
case("resize_symmetric", resize(mode="linear", coordinate_transformation_mode="half_pixel_symmetric"),
     {"s": np.array([1, 1, 1.3, 0.6], np.float32)}, IMAGE, opset=19, ir=9)
for policy in ["not_larger", "not_smaller"]:
    case(f"resize_{policy}", resize("x   s", mode="linear", axes=[2, 3], keep_aspect_ratio_policy=policy), {"s": ints(9, 11)}, IMAGE, opset=18)
case("clip_crossing", [node("Clip", "x lo hi")], {"lo": np.float32(0.5), "hi": np.float32(0.25)}, IMAGE)

# Draws
WIDE = ["batch", 499]
drawn("random_uniform", [node("RandomUniform", "", "r", shape=[499], low=-3.0, high=5.0, dtype=1), node("Add", "x r")], {}, WIDE)
drawn("random_uniform_like", [node("RandomUniformLike", "x", "r", seed=7.0), node("Add", "x r")], {}, WIDE)
drawn("random_uniform_like_weight", [node("RandomUniformLike", "i", "r", dtype=1), node("Add", "x r")], {"i": np.array([1.0], np.float32)}, WIDE)
drawn("random_normal", [node("RandomNormal", "", "r", shape=[3, 1, 499], mean=-2.0, scale=0.5, dtype=11), node("Cast", "r", "f", to=1), node("Add", "x f")],
      {}, ["batch", 3, 1, 499])
drawn("random_normal_like", [node("RandomNormalLike", "x", "r"), node("Add", "x r")], {}, WIDE)
drawn("random_normal_like_softmax", [node("Softmax", "x", "p", axis=1), node("RandomNormalLike", "p", "r", seed=1.0), node("Add", "x r")], {}, WIDE)
drawn("bernoulli", [node("Bernoulli", "x")], {}, WIDE)
drawn("bernoulli_bool", [node("Bernoulli", "x", "b", dtype=TensorProto.BOOL, seed=0.0), node("Where", "b x w")], {"w": np.float32(-1)}, WIDE)
drawn("bernoulli_weight", [node("Bernoulli", "p", "b"), node("Mul", "x b")], {"p": np.full(499, 0.25, np.float32)}, WIDE)
drawn("dropout_training", [node("Dropout", "x r t", "y")], {"r": np.float32(0.3), "t": np.array(True)}, WIDE)
drawn("dropout_training_half", [helper.make_node("Dropout", ["x", "", "t"], ["y", "m"], name="/dropout_y", seed=3)], {"t": np.array(True)}, WIDE,
      outputs=("y", "m"), output_kinds=[TensorProto.FLOAT, TensorProto.BOOL])
drawn("dropout_training_none", [node("Dropout", "x r t", "y m")], {"r": np.float32(0), "t": np.array(True)}, WIDE,
      outputs=("y", "m"), output_kinds=[TensorProto.FLOAT, TensorProto.BOOL])
case("dropout_mask_used", [node("Dropout", "x", "d m"), node("Where", "m d w")], {"w": np.float32(3)}, IMAGE)
refused("random_shape", [node("RandomUniform", "", "r"), node("Add", "x r")], {}, ["batch", 4])
refused("random_negative", [node("RandomNormal", "", "r", shape=[-1, 4]), node("Add", "x r")], {}, ["batch", 4])
refused("random_ints", [node("RandomUniform", "", "r", shape=[4], dtype=TensorProto.INT64), node("Add", "x r")], {}, ["batch", 4])
refused("random_like_ints", [node("RandomNormalLike", "x", "r"), node("Cast", "x", "f", to=1), node("Add", "f r")], {}, ["batch", 4], kind=TensorProto.INT64)
refused("random_empty", [node("RandomUniform", "", "r", shape=[4], low=1.0, high=1.0), node("Add", "x r")], {}, ["batch", 4])
refused("random_seed_type", [node("RandomUniform", "", "r", shape=[4], seed=1), node("Add", "x r")], {}, ["batch", 4])
refused("bernoulli_ints", [node("Bernoulli", "x", "y", dtype=1)], {}, ["batch", 4], kind=TensorProto.INT64)
refused("bernoulli_narrow", [node("Bernoulli", "x", "b", dtype=TensorProto.UINT8), node("Cast", "b", "y", to=1)], {}, ["batch", 4])
refused("dropout_all", [node("Dropout", "x r t")], {"r": np.float32(1), "t": np.array(True)}, ["batch", 4])
refused("dropout_computed", [node("ReduceMax", "x", "r", keepdims=0), node("Dropout", "x r t")], {"t": np.array(True)}, [1, 4])

json_text = json.dumps(cases, separators=(",", ":"), default=list)
# Eight digits are more than the tests compare.
json_text = re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda m: f"{float(m[0]):.8g}", json_text)
pathlib.Path("cases.json").write_text(json_text.replace('},{"name":"', '},\n{"name":"') + "\n")
print(len(cases), "cases", len(json_text), "bytes")
