#!/usr/bin/env python3
"""Puts models that tacita-onnx exported to ONNX's checker and to onnxruntime.

    TACITA_EXPORTED=FOLDER cargo test -p tacita-onnx --release --test export
    python3 -m venv venv && venv/bin/pip install onnx onnxruntime numpy
    venv/bin/python tools/check_exported.py FOLDER

FOLDER has NAME.onnx, NAME.in.INPUT.npy and NAME.out.OUTPUT.npy, what tacita computes in f64. float32 is off by 6e-8 of a
number for each operation; 1e-5 of the largest number (and of 1) is allowed. Where a random graph compares, float32 may find
another outcome: of those, one in a hundred may differ. Some look up what a table does not have: zeros here, and an error in
onnxruntime. What is drawn (drawn_*) is compared in shape alone.
"""

import pathlib
import sys

import numpy
import onnx
import onnxruntime

TYPES = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64, "tensor(bool)": numpy.bool_}


def run(path):
    """The outputs by name, and what is expected of them."""
    onnx.checker.check_model(str(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    stem = path.with_suffix("")
    inputs = {
        value.name: numpy.load(f"{stem}.in.{value.name}.npy").astype(TYPES[value.type]) for value in session.get_inputs()
    }
    names = [output.name for output in session.get_outputs()]
    return {name: (found, numpy.load(f"{stem}.out.{name}.npy")) for name, found in zip(names, session.run(names, inputs))}


def fault(found, expected, is_drawn):
    if found.shape != expected.shape:
        return f"has shape {found.shape}, not {expected.shape}"
    if is_drawn:
        return None
    largest = max(1.0, numpy.abs(expected).max(initial=0.0))
    off = numpy.abs(found.astype(numpy.float64) - expected).max(initial=0.0)
    return None if off <= 1e-5 * largest else f"is off by {off}, of numbers up to {largest}"


def main(folder):
    models = sorted(pathlib.Path(folder).glob("*.onnx"))
    wrong, random, differ, beyond = [], 0, [], 0
    for path in models:
        is_random = path.name.startswith("random_")
        random += is_random
        try:
            is_drawn = path.name.startswith("drawn_")
            outputs = run(path).items()
            faults = [f"{name} {why}" for name, values in outputs if (why := fault(*values, is_drawn))]
        except Exception as error:  # whatever a runtime says of a model is what is asked for
            if is_random and "indices element out of data bounds" in str(error):
                beyond += 1
            else:
                wrong.append(f"{path.name}: {error}")
            continue
        if faults:
            (differ if is_random else wrong).append(f"{path.name}: {'; '.join(faults)}")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(*(f"(random) {line}" for line in differ), sep="\n", end="\n" if differ else "")
    agree = len(models) - len(wrong) - len(differ) - beyond
    print(
        f"{len(models)} models, {agree} agree, {len(wrong)} are wrong; "
        f"of {random} random ones {len(differ)} differ and {beyond} look up what is not there"
    )
    return 1 if wrong or not models or len(differ) * 100 > random else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
