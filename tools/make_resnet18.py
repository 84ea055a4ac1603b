#!/usr/bin/env python3
"""Makes the ResNet-18 that tests and benchmarks import: torchvision's architecture with random weights.

    python3 -m venv venv && venv/bin/pip install onnx numpy torch torchvision
    venv/bin/python tools/make_resnet18.py [FOLDER, default /tmp]

writes into FOLDER

    resnet18.onnx      input `image` (batch, 3, 224, 224) f32 with a symbolic batch, output `logits`
    resnet_input.npy   one standard normal image, f32 (1, 3, 224, 224)
    resnet_logits.npy  torch's float32 logits of that image, f32 (1, 1000)

The weights are torch's initialisation under seed 1. Batch norm's running mean and variance come from one pass
in training mode over random images, so that folding it is not the identity. Nothing is downloaded, and the
model (47 MB) is not committed.
"""

import pathlib
import sys

import numpy as np
import onnx
import torch
import torchvision


def main() -> None:
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp")
    torch.manual_seed(1)
    model = torchvision.models.resnet18(weights=None)
    model.train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0  # the running statistics become those of this batch
                module.weight.uniform_(0.8, 1.2)
                module.bias.uniform_(-0.1, 0.1)
        model(torch.randn(16, 3, 224, 224))
    model.eval()

    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        logits = model(image)

    path = folder / "resnet18.onnx"
    torch.onnx.export(
        model,
        (image,),
        str(path),
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=13,
        do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE,  # otherwise the exporter folds batch norm itself
        dynamo=False,
    )
    onnx.checker.check_model(str(path))
    operations = {node.op_type for node in onnx.load(str(path)).graph.node}
    np.save(folder / "resnet_input.npy", image.numpy())
    np.save(folder / "resnet_logits.npy", logits.numpy())
    print(f"{path}: {', '.join(sorted(operations))}; logits in [{logits.min():.3f}, {logits.max():.3f}]")


if __name__ == "__main__":
    main()
