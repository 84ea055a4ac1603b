//! Whatever the bytes, importing a model gives a graph or an error; a graph that it gives can be encoded and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_graph::Graph;
use tacita_onnx::{ImportOptions, import_bytes};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = import_bytes(bytes, &ImportOptions::default()) {
        let encoded = model.graph.encode();
        let again = Graph::decode(&encoded).expect("a graph that was built can be read back");
        assert_eq!(again.encode(), encoded);
    }
});
