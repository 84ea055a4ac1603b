#!/usr/bin/env python3
"""Fetches the single-operator tests of the `onnx` package (its backend data) and packs them into one file.

    tools/fetch_onnx_tests.py [FILE]        default: target/onnx-backend/node.pb

`cargo test -p tacita-onnx --release --test backend -- --ignored` runs them. Needs pip and a network; onnx itself is not
installed, and nothing of it is run. 1.22.0 is the last version whose wheel holds this data.

The file is a protobuf message: field 1 is a test, repeated, by name; of a test, field 1 is the name, 2 the model, 3 and
4 the inputs and outputs in order, as the package has them.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

WHEEL = "onnx==1.22.0 --hash=sha256:1d0a2bdb15eb2b3cb65c438f3423d9620d14fdce32f92380e6bb1b2e09568ef5"
PLATFORM = ["--python-version=3.11", "--implementation=cp", "--abi=cp311", "--platform=manylinux_2_28_x86_64"]
NODE = re.compile(r"onnx/backend/test/data/node/test_([^/]+)/(?:test_data_set_0/)?(model\.onnx|(?:input|output)_\d+\.pb)")


def varint(number):
    septets = []
    while number >= 0x80:
        septets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*septets, number])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def wheel(folder):
    requirements = pathlib.Path(folder, "requirements.txt")
    requirements.write_text(WHEEL + "\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    subprocess.run([*command, *PLATFORM, "--dest", folder, "--requirement", requirements], check=True)
    (found,) = pathlib.Path(folder).glob("*.whl")
    return found


def tests(archive):
    """The parts of each test, by its name."""
    parts = {}
    for name in archive.namelist():
        if match := NODE.fullmatch(name):
            test, part = match.groups()
            parts.setdefault(test, {})[part] = archive.read(name)
    return parts


def packed(name, parts):
    content = field(1, name.encode()) + field(2, parts["model.onnx"])
    for number, kind in [(3, "input"), (4, "output")]:
        count = sum(part.startswith(kind) for part in parts)
        content += b"".join(field(number, parts[f"{kind}_{index}.pb"]) for index in range(count))
    return field(1, content)


def main():
    default = pathlib.Path(__file__).parent.parent / "target/onnx-backend/node.pb"
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel(folder)) as archive:
        found = tests(archive)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"".join(packed(name, found[name]) for name in sorted(found)))
    print(f"{target}: {len(found)} tests")


if __name__ == "__main__":
    main()
