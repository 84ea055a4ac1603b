//! The `.onnx` file: protobuf, the messages in it, and the tensors it holds or points to.

pub(crate) mod encode;
pub(crate) mod messages;
pub(crate) mod tensor;
pub(crate) mod wire;
