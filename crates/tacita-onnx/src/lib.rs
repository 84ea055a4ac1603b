//! ONNX models as Tacita graphs.
