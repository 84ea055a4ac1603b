#!/usr/bin/env python3
"""Makes the small files that the tests read, as numpy writes them. Run with numpy installed, in this folder."""

import numpy as np

values = np.array([[0, 1, 2], [3, 4, 100]])
arrays = {}
for kind in "f4 f8 i1 i2 i4 i8 u1 u2 u4 u8".split():
    arrays[kind] = values.astype(kind)
    if kind[0] == "f":
        arrays[kind] = arrays[kind] + 0.25
    elif kind[0] == "i":
        arrays[kind] = -arrays[kind]
arrays["b1"] = values > 1
np.savez("plain.npz", **arrays)
np.savez_compressed("deflated.npz", **arrays)
np.savez_compressed("one.npz", only=arrays["f4"])

np.save("scalar.npy", np.float64(2.5))
np.save("empty.npy", np.zeros((0, 3), "f4"))
np.save("fortran.npy", np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4)))
np.save("nan.npy", np.array([[1, 2], [np.nan, np.inf]], "f4"))
np.save("big_endian.npy", values.astype(">f4"))
np.save("half.npy", values.astype("f2"))
np.save("complex.npy", values.astype("c8"))
np.save("text.npy", np.array(["a", "b"]))
np.save("object.npy", np.array([1, "b"], dtype=object), allow_pickle=True)
np.save("record.npy", np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]))
np.save("large.npy", np.array([[0, 2**53 + 1]], "i8"))
np.save("labels.npy", np.array([[7], [-2], [2**62]], "i8"))
with open("version2.npy", "wb") as file:
    np.lib.format.write_array(file, arrays["f4"], version=(2, 0))
