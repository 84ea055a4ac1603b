//! What cannot be imported is refused by node, operation and reason, as the file has them.

use tacita_graph::{DType, GraphError, Interval, Op};
use tacita_onnx::{ImportError, ImportOptions, Model, Onnx, Sizes, import, import_bytes};

/// File, node, operation, and what the reason must contain.
const REFUSED: &[[&str; 4]] = &[
    ["unsupported", "/det_y", "Det", "not supported yet"],
    ["domain", "/gelu", "Gelu", "operations of the domain \"com.microsoft\""],
    ["control_flow", "/if_y", "If", "control flow is not supported"],
    ["quantized", "/dequantizelinear_d", "DequantizeLinear", "export the float model"],
    ["quantized_weight", "/add_y", "Add", "tensor \"w\": uint8 type: quantized models are not supported"],
    ["narrow_input", "x", "input", "its type is uint8; only floats, int32, int64 and bool"],
    ["no_shape", "x", "input", "it has no shape"],
    ["two_inputs", "z", "input", "one of 2 inputs: x, z; one is supported"],
    ["nan", "/matmul_y", "MatMul", "weight \"w\" is NaN at index [1, 2]"],
    ["infinite", "/add_y", "Add", "weight \"w\" is -inf at index [3]"],
    ["attribute", "/relu_y", "Relu", "attribute \"alpha\" is not supported"],
    ["attribute_type", "/flatten_y", "Flatten", "attribute \"axis\" has the wrong type"],
    ["pad_mode", "/pad_y", "Pad", "mode \"mirror\" is unknown"],
    ["pad_negative", "/pad_y", "Pad", "nothing is left of axis 1"],
    ["pool_indices", "/maxpool_p", "MaxPool", "its output \"i\", number 2, is not supported"],
    ["conv_4d", "/conv_y", "Conv", "windows over 4 axes of an input with 6 axes"],
    ["resize_mode", "/resize_y", "Resize", "mode \"lanczos\" is unknown"],
    ["resize_crop", "/resize_y", "Resize", "\"tf_crop_and_resize\" is not supported"],
    ["gather_beyond", "/gather_y", "Gather", "index 4 is out of range for an axis of 4"],
    ["conv_channels", "/conv_y", "Conv", "shapes [2, 2, 7, 6] and [3, 5, 3, 3] do not fit"],
    ["training", "/batchnormalization_y", "BatchNormalization", "training_mode is set"],
    ["prelu_wide", "/prelu_y", "PRelu", "more elements than its input"],
    ["group_norm_groups", "/groupnormalization_y", "GroupNormalization", "3 groups of 4 channels"],
    ["lp_3", "/lpnormalization_y", "LpNormalization", "p is 3; supported are 1 and 2"],
    ["gelu_unknown", "/gelu_y", "Gelu", "approximate \"cubic\" is unknown"],
    ["pow_integers", "/pow_y", "Pow", "several exponents that are integers"],
    ["div_zero", "/div_y", "Div", "its divisor has a zero"],
    [
        "data_shape",
        "/reshape_y",
        "Reshape",
        "depend on data are not supported: they would reveal it; the one given is private to",
    ],
    ["split_sizes", "/split_a", "Split", "parts of [1, 2] for 2 outputs of an axis of 4"],
    ["undefined", "/add_y", "Add", "its input \"nowhere\" is not the output of any earlier node"],
    ["constant_output", "y", "output", "it does not depend on the input"],
    ["unused_input", "x", "input", "no output depends on it"],
    ["opset_old", "ai.onnx", "opset", "version 6 of the operators"],
    ["opset_new", "ai.onnx", "opset", "version 99 of the operators"],
    ["defined_twice", "/neg_y", "Neg", "\"y\" is defined twice"],
    ["random_shape", "/randomuniform_r", "RandomUniform", "it has no shape"],
    ["random_negative", "/randomnormal_r", "RandomNormal", "shape: -1 is negative"],
    ["random_ints", "/randomuniform_r", "RandomUniform", "its type is int64; only floats are supported"],
    [
        "random_like_ints",
        "/randomnormallike_r",
        "RandomNormalLike",
        "its type is that of its input, of kind int; only floats are supported",
    ],
    ["random_empty", "/randomuniform_r", "RandomUniform", "nothing lies from 1 to below 1"],
    ["random_seed_type", "/randomuniform_r", "RandomUniform", "attribute \"seed\" has the wrong type"],
    ["bernoulli_ints", "/bernoulli_y", "Bernoulli", "its probabilities are of kind int, and must be floats"],
    [
        "bernoulli_narrow",
        "/bernoulli_b",
        "Bernoulli",
        "its type is uint8; only floats, int32, int64 and bool",
    ],
    ["dropout_all", "/dropout_y", "Dropout", "elements are dropped with probability 1; from 0 to below 1"],
    ["dropout_computed", "/dropout_y", "Dropout", "one from the file; the one given is private to"],
    ["external_missing", "/add_y", "Add", "gone.weights, which cannot be read"],
    ["external_outside", "/add_y", "Add", "\"../external.weights\", which is not beside the model"],
];

/// File, and the node and operation that mix samples, or let results depend on their number.
const MIXED: &[[&str; 3]] = &[
    ["resize_batch", "/resize_y", "Gather"],
    ["einsum_equation", "/einsum_y", "Sum"],
    ["tile_batch", "y", "Reveal"],
    ["inner_softmax_batch", "/softmax_p", "Softmax"],
    ["norm_batch", "/meanvariancenormalization_y", "Normalize"],
];

/// File, the shape of what is revealed, and the axis along which samples follow one another in it.
const MOVED: &[(&str, &str, usize)] = &[
    ("mix_batch", "[12*batch, 7]", 0),
    ("fixes_batch", "[1, 84*batch]", 1),
    ("flatten_batch", "[2*batch, 42]", 0),
    ("moves_batch", "[4, batch]", 1),
    ("batch_arithmetic", "[2*batch, 2]", 0),
];

fn folder() -> String {
    format!("{}/tests/data", env!("CARGO_MANIFEST_DIR"))
}

fn refused(name: &str) -> Model {
    let path = format!("{}/refused/{name}.onnx", folder());
    import(path.as_ref(), &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn samples_that_mix_are_not_taken_apart() {
    for [name, node, op] in MIXED {
        let error = refused(name).template.check_parts(&Sizes::new(), &[2, 3]).unwrap_err();
        let ImportError::Graph(GraphError::MixesSamples { node: found, op: by, .. }) = &error else {
            panic!("{name}: {error}")
        };
        assert_eq!((found.as_str(), *by), (*node, *op), "{error}");
    }
    for (name, shape, axis) in MOVED {
        let template = refused(name).template;
        assert_eq!(template.reveals(), [*shape], "{name}");
        assert_eq!(template.check_parts(&Sizes::new(), &[2, 3]), Ok(vec![*axis]), "{name}");
    }
}

#[test]
fn sizes_that_are_open_get_numbers() {
    let template = refused("dynamic").template;
    assert_eq!(template.reveals(), ["[batch, 3, height, width]"]);
    let sizes = |sizes: &[(&str, usize)]| -> Sizes {
        sizes.iter().map(|(name, size)| ((*name).to_string(), *size)).collect()
    };
    for (given, words) in [
        (
            sizes(&[("batch", 2), ("height", 5)]),
            "size \"width\": it is open: give it a number, as in --size width=16",
        ),
        (sizes(&[("batch", 2), ("height", 5), ("width", 0)]), "size \"width\": it must be 1 or more"),
        (
            sizes(&[("depth", 2)]),
            "size \"depth\": the model has no open size of this name; open are: batch, height, width",
        ),
    ] {
        assert_eq!(template.at(&given).unwrap_err().to_string(), words);
    }
    let graph = template.at(&sizes(&[("batch", 2), ("height", 5), ("width", 4)])).unwrap();
    assert_eq!(graph.node(graph.reveals()[0]).ty.shape, [2, 3, 5, 4]);
    assert_eq!(
        template.sizes_of(&[2, 3, 5, 4], &Sizes::new()),
        Ok(sizes(&[("batch", 2), ("height", 5), ("width", 4)]))
    );
    let other = template.sizes_of(&[2, 3, 5, 4], &sizes(&[("width", 6)])).unwrap_err();
    assert_eq!(other.to_string(), "size \"width\": 6 is given, and the data has 4");
    let fixed = template.fixed(&sizes(&[("height", 5)])).unwrap();
    assert_eq!(fixed.reveals(), ["[batch, 3, 5, width]"]);
    assert_ne!(fixed.digest(), template.digest());
    assert_eq!(tacita_onnx::Template::decode(&fixed.encode()).unwrap().digest(), fixed.digest());
}

#[test]
fn refusals_name_node_operation_and_reason() {
    for [name, node, op, reason] in REFUSED {
        let path = format!("{}/refused/{name}.onnx", folder());
        let error = import(path.as_ref(), &ImportOptions::default()).unwrap_err();
        let ImportError::Refused { file, node: found_node, op: found_op, reason: found } = &error else {
            panic!("{name}: {error}")
        };
        assert_eq!((file, found_node.as_str(), found_op.as_str()), (&path, *node, *op), "{error}");
        assert!(found.contains(reason), "{error}");
        assert!(
            !error.to_string().contains('\n')
                && error.to_string().contains(&format!("node {node:?} ({op}): "))
        );
    }
    let files = std::fs::read_dir(format!("{}/refused", folder())).unwrap().count();
    assert_eq!(files, REFUSED.len() + MIXED.len() + MOVED.len() + 1, "every refused model is tested");
}

#[test]
fn damaged_files() {
    let reason = |bytes: &[u8]| match import_bytes(bytes, &ImportOptions::default()).unwrap_err() {
        ImportError::File { file, reason } => {
            assert_eq!(file, "model");
            reason
        }
        other => panic!("{other}"),
    };
    assert!(reason(b"").contains("it holds no graph"));
    assert!(reason(b"\x89PNG\r\n\x1a\n").contains("not an ONNX file"));
    assert!(reason(b"{\"a\": 1}").contains("not an ONNX file"));
    let missing = import("no/such.onnx".as_ref(), &ImportOptions::default()).unwrap_err().to_string();
    assert!(missing.starts_with("no/such.onnx: cannot be read: "), "{missing}");
    // A claim of 2^62 bytes.
    assert!(reason(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x3f").contains("truncated or not an ONNX file"));
    // Two million empty nodes.
    let mut many = b"\x3a".to_vec();
    let mut length = 4_000_000u32;
    while length >= 0x80 {
        many.push(length as u8 | 0x80);
        length >>= 7;
    }
    many.push(length as u8);
    many.extend(b"\x0a\x00".repeat(2_000_000));
    assert!(reason(&many).contains("more than 1048576 parts"));
}

#[test]
fn truncated_weights_beside_the_model() {
    let folder_there = tempfile::tempdir().unwrap();
    let path = folder_there.path().join("external.onnx");
    std::fs::copy(format!("{}/external.onnx", folder()), &path).unwrap();
    let weights = std::fs::read(format!("{}/external.weights", folder())).unwrap();
    std::fs::write(folder_there.path().join("external.weights"), &weights[..weights.len() - 1]).unwrap();
    let error = import(&path, &ImportOptions::default()).unwrap_err();
    assert!(
        matches!(&error, ImportError::File { reason, .. } if reason.contains("external.weights is truncated")),
        "{error}"
    );

    let bytes = std::fs::read(&path).unwrap();
    let error = import_bytes(&bytes, &ImportOptions::default()).unwrap_err();
    assert!(error.to_string().contains("import the model from its file"), "{error}");
}

#[test]
fn options_are_checked() {
    let path = format!("{}/relu.onnx", folder());
    for options in [
        ImportOptions { receivers: Vec::new(), ..ImportOptions::default() },
        ImportOptions { weights_owner: String::new(), ..ImportOptions::default() },
        ImportOptions { receivers: vec!["r".repeat(10_000)], ..ImportOptions::default() },
        ImportOptions { receivers: vec!["r".to_string(); 2000], ..ImportOptions::default() },
    ] {
        assert!(matches!(import(path.as_ref(), &options), Err(ImportError::Options(_))));
    }
    let within = |name: &str, min: f64, max: f64| {
        let input_range = Some(Interval { min, max });
        let options = ImportOptions { input_range, ..ImportOptions::default() };
        import(format!("{}/{name}.onnx", folder()).as_ref(), &options)
    };
    let range = |model: &Model| match &model.template.example().node(model.template.example().inputs()[0]).op
    {
        Op::Input(input) => (input.dtype, input.range),
        other => panic!("{other:?}"),
    };
    let declared = Some(Interval { min: -1.0, max: 3.0 });
    assert_eq!(range(&within("relu", -1.0, 3.0).unwrap()), (DType::Fixed, declared));
    assert_eq!(range(&within("embedding", -1.0, 3.0).unwrap()), (DType::Int, declared));
    for (name, min, max, reason) in [
        ("relu", 1.0, 0.0, "is empty"),
        ("relu", 0.0, f64::INFINITY, "maximum"),
        ("bit_input", 0.0, 1.0, "0 and 1"),
    ] {
        let error = within(name, min, max).unwrap_err().to_string();
        assert!(error.contains("node \"x\"") && error.contains(reason), "{error}");
    }
    let argmax = ImportOptions { argmax: true, ..ImportOptions::default() };
    let two = import(format!("{}/two_outputs.onnx", folder()).as_ref(), &argmax).unwrap_err();
    assert!(two.to_string().contains("one of 2 outputs; argmax needs one"), "{two}");
}

#[test]
fn building_onto_an_input_of_another_shape() {
    use tacita_graph::{Graph, Role, Visibility};
    let onnx = Onnx::open(format!("{}/gemm.onnx", folder()).as_ref()).unwrap();
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let input = |graph: &mut Graph, name: &str, shape: &[usize]| {
        graph.input(name, shape, Visibility::Private(alice), Role::Data).unwrap()
    };
    let fits = input(&mut graph, "fits", &[7, 5]);
    let wide = input(&mut graph, "wide", &[7, 6]);
    let error = onnx.build(&mut graph, wide, alice, "").unwrap_err();
    assert!(error.to_string().contains("it has shape [batch, 5], not [7, 6]"), "{error}");

    // Twice onto one graph, apart by prefix; without one, the names clash.
    let first = onnx.build(&mut graph, fits, alice, "first.").unwrap();
    let second = onnx.build(&mut graph, fits, alice, "second.").unwrap();
    assert_eq!(first.parameters.keys().collect::<Vec<_>>(), ["first.b", "first.w"]);
    assert_eq!(second.parameters.keys().collect::<Vec<_>>(), ["second.b", "second.w"]);
    assert_eq!(graph.node(second.outputs[0].node).ty.shape, [7, 4]);
    let error = onnx.build(&mut graph, fits, alice, "first.").unwrap_err();
    assert!(error.to_string().contains("used twice"), "{error}");
}
