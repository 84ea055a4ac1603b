#!/usr/bin/env python3
"""Makes the small tables that the tests read, as pyarrow writes them. Run with pyarrow installed, in this folder."""

import pyarrow as pa
import pyarrow.parquet as pq


def write(name, columns, **options):
    names = list(columns)
    table = pa.Table.from_arrays([pa.array(values, type) for values, type in columns.values()], names)
    pq.write_table(table, f"{name}.parquet", **options)


kinds = {
    "i8": ([-128, 0, 127], pa.int8()),
    "i16": ([-1, 2, 3], pa.int16()),
    "i32": ([-(2**31), 0, 2**31 - 1], pa.int32()),
    "i64": ([-(2**53) + 1, 0, 2**53 - 1], pa.int64()),
    "u8": ([0, 1, 255], pa.uint8()),
    "u16": ([0, 1, 65535], pa.uint16()),
    "u32": ([0, 1, 2**32 - 1], pa.uint32()),
    "u64": ([0, 1, 2**53 - 1], pa.uint64()),
    "f32": ([0.5, -0.1, 3e38], pa.float32()),
    "f64": ([0.1, -1e300, 5e-324], pa.float64()),
    "bit": ([True, False, True], pa.bool_()),
}
write("snappy", kinds)
write("gzip", kinds, compression="gzip", data_page_version="2.0", use_dictionary=False)
write("none", kinds, compression="none", row_group_size=2, use_byte_stream_split=["f32", "f64"], use_dictionary=False)
write("zstd", {"a": ([1.5], pa.float64())}, compression="zstd")
many = [i // 100 % 7 / 4 for i in range(40000)]
write("many", {"a": (many, pa.float64()), "b": ([int(4 * x) for x in many], pa.int32())}, row_group_size=25000)

write("null", {"a": ([1, 2, 3], pa.int64()), "b": ([0.5, 1.5, None], pa.float64())}, row_group_size=2)
write("text", {"a": ([1], pa.int64()), "name": (["x"], pa.string())})
write("date", {"day": ([1], pa.date32())})
write("time", {"at": ([1], pa.timestamp("us"))})
write("decimal", {"price": ([1], pa.decimal128(9, 2))})
write("half", {"h": ([1.0], pa.float16())})
write("list", {"a": ([[1, 2]], pa.list_(pa.int64()))})
write("record", {"a": ([{"x": 1}], pa.struct([("x", pa.int64())]))})
write("nan", {"a": ([1.0, float("nan")], pa.float64())})
write("infinite", {"a": ([1.0, 2.0, float("-inf")], pa.float32())})
write("large", {"id": ([1, 2**53], pa.int64())})
write("large_unsigned", {"id": ([2**64 - 1], pa.uint64())})
write("no_rows", {"a": ([], pa.float64())})
write("no_name", {"": ([1], pa.int64())})
write("control", {"a\nb": ([1], pa.int64())})
twice = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["a", "b", "a"])
pq.write_table(twice, "twice.parquet")
