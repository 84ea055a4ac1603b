//! Cases that NumPy or PyTorch made, as `data/make.py` and `data/edges.py` write them: in f64 the results are equal; of
//! secrets, in fixed point, within the error rules.

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};
use tacita_graph::testing::TARGET;
use tacita_graph::*;

/// Fractional bits.
pub const PRECISION: u32 = 16;

/// What f64 itself is off by, in sums of a few terms.
const FLOAT: f64 = 1e-9;

/// Inputs and what becomes of them.
pub struct Case {
    pub inputs: Vec<(ArrayD<f64>, DType)>,
    pub outputs: Vec<ArrayD<f64>>,
    /// Whether a graph must not accept it.
    pub refused: bool,
}

/// The cases of a file, by name: a line with the name; then a line for each input, `>`, or `#` of integers, or `?` of
/// bits; then `<` for each output, or `!` where there must be none.
pub fn cases(text: &'static str) -> BTreeMap<&'static str, Case> {
    let mut cases = BTreeMap::new();
    let mut name = "";
    for line in text.lines() {
        if line.starts_with('!') {
            cases.get_mut(name).map(|case: &mut Case| case.refused = true).unwrap();
            continue;
        }
        let Some((shape, values)) = line.split_once(" |") else {
            name = line;
            let case = Case { inputs: vec![], outputs: vec![], refused: false };
            assert!(cases.insert(name, case).is_none(), "{name} twice");
            continue;
        };
        let (mark, shape) = shape.split_at(1);
        let shape: Vec<usize> = shape.split_whitespace().map(|size| size.parse().unwrap()).collect();
        let values = values.split_whitespace().map(|value| value.parse().unwrap()).collect();
        let array = ArrayD::from_shape_vec(IxDyn(&shape), values).unwrap();
        let case = cases.get_mut(name).unwrap();
        match mark {
            ">" => case.inputs.push((array, DType::Fixed)),
            "#" => case.inputs.push((array, DType::Int)),
            "?" => case.inputs.push((array, DType::Bit)),
            "<" => case.outputs.push(array),
            _ => panic!("{line}"),
        }
    }
    cases
}

/// A function of one result.
pub fn one(result: Result<NodeId, GraphError>) -> Result<Vec<NodeId>, GraphError> {
    result.map(|id| vec![id])
}

/// A graph of `build` on the case's inputs, secret or public, and the data of its inputs.
pub fn graph_of(
    case: &Case,
    secret: bool,
    build: impl FnOnce(&mut Graph, &[NodeId]) -> Result<Vec<NodeId>, GraphError>,
) -> Result<(Graph, Inputs), GraphError> {
    let (mut graph, mut inputs) = (Graph::new(), Inputs::new());
    let (alice, _) = (graph.owner("alice"), graph.owner("bob"));
    let mut operands = Vec::new();
    for (i, (value, dtype)) in case.inputs.iter().enumerate() {
        operands.push(if secret {
            self::secret(&mut graph, &mut inputs, i, value, *dtype)?
        } else {
            input(&mut graph, &mut inputs, &format!("x{i}"), Visibility::Public, value.clone(), *dtype)?
        });
    }
    for result in build(&mut graph, &operands)? {
        graph.reveal(result, &[alice], "result")?;
    }
    Ok((graph, inputs))
}

fn input(
    graph: &mut Graph,
    inputs: &mut Inputs,
    name: &str,
    visibility: Visibility,
    value: ArrayD<f64>,
    dtype: DType,
) -> Result<NodeId, GraphError> {
    let id = graph.input_of(name, &dims(value.shape()), visibility, Role::Data, dtype)?;
    inputs.insert(name.to_owned(), value);
    Ok(id)
}

/// The value as the sum of parts of two owners: halves, or itself and seven more of integers, or of bits others.
pub fn secret(
    graph: &mut Graph,
    inputs: &mut Inputs,
    i: usize,
    value: &ArrayD<f64>,
    dtype: DType,
) -> Result<NodeId, GraphError> {
    let parts = match dtype {
        DType::Fixed => [value / 2.0, value / 2.0],
        DType::Int => [value + 7.0, value.mapv(|_| -7.0)],
        DType::Bit => [value.mapv(|bit| 1.0 - bit), value.mapv(|_| 1.0)],
    };
    let mut ids = Vec::new();
    for (owner, part) in ["alice", "bob"].into_iter().zip(parts) {
        let visibility = Visibility::Private(graph.owner(owner));
        ids.push(input(graph, inputs, &format!("{owner} {i}"), visibility, part, dtype)?);
    }
    let op: Op = if dtype == DType::Bit { ops::Xor.into() } else { ops::Add.into() };
    graph.add(op, &ids, "")
}

fn close(name: &str, got: &ArrayD<f64>, expected: &ArrayD<f64>, bound: impl Fn(usize) -> f64) {
    assert_eq!(got.shape(), expected.shape(), "{name}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let allowed = bound(i) + FLOAT * (1.0 + expected.abs());
        assert!((got - expected).abs() <= allowed, "{name}: {got} for {expected} at {i}, bound {allowed}");
    }
}

/// `plain` of public inputs and `fixed` of secret ones against the case's outputs, or a refusal.
pub fn check(
    name: &str,
    case: &Case,
    build: impl Fn(&mut Graph, &[NodeId]) -> Result<Vec<NodeId>, GraphError>,
) {
    if case.refused {
        for secret in [false, true] {
            assert!(graph_of(case, secret, &build).is_err(), "{name} is accepted");
        }
        return;
    }
    let (graph, inputs) = graph_of(case, false, &build).unwrap_or_else(|error| panic!("{name}: {error}"));
    let results = plain(&graph, &inputs).unwrap();
    assert_eq!(results.len(), case.outputs.len(), "{name}");
    for (got, expected) in results.values().zip(&case.outputs) {
        close(name, got, expected, |_| 0.0);
    }
    let (graph, inputs) = graph_of(case, true, &build).unwrap();
    let graph = optimize(&graph).unwrap();
    let program = lower(&graph, PRECISION, &TARGET).unwrap();
    let leaves = encode_every_leaf(&graph, &program, &inputs).unwrap();
    let bounds = error_bounds(&graph, &inputs, PRECISION).unwrap();
    for rounding in [&mut Floor as &mut dyn Rounding, &mut Nearest] {
        let revealed = fixed(&program, &leaves, rounding);
        for ((reveal, bound), expected) in program.reveals().iter().zip(bounds.values()).zip(&case.outputs) {
            let value = revealed[reveal.index()].to_f64(program.node(*reveal).ty);
            let bound: Vec<f64> = bound.iter().copied().collect();
            close(name, &value, expected, |i| bound[i]);
        }
    }
}
