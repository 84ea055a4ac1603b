//! Properties that hold for any bytes that a peer or a file may give. Fuzz targets and the replay of their corpora call these
//! functions; a failed assertion is a fault in the code under test.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use tacita_graph::{Graph, GraphError, Role, Value, Visibility, dims, lower, ops, seal_body};
use tacita_mpc::fuzzing::Session;

use crate::error::Error;
use crate::members::Members;
use crate::prepared::{Prepared, leaves};
use crate::{consent, correlations, disclosures, model_of_template, recipe};

/// Elements of all values of a graph beyond which [`recipe`](self::recipe) leaves it: a graph may say much in few bytes.
const ELEMENTS: usize = 1 << 18;

/// A message to people is one line without control characters, which terminals would obey.
pub fn assert_line(error: &dyn std::fmt::Display) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "not one line: {text:?}");
}

/// The recipe that a party sends the dealer: as it is if the first byte is even; if it is odd, put together from a precision (one
/// byte), a graph's body (its length in two bytes before it), which gets a right checksum, and the rest. What is read
/// makes the same plan once it is sent on.
pub fn recipe(bytes: &[u8]) {
    let sent = match *bytes {
        [choice, precision, low, high, ref rest @ ..] if choice % 2 == 1 => {
            let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
            let (body, rest) = rest.split_at(length);
            let graph = seal_body(body);
            let mut sent =
                postcard::to_stdvec(&(u32::from(precision), graph.as_slice())).expect("plain data");
            sent.extend(rest);
            sent
        }
        [_, ref rest @ ..] => rest.to_vec(),
        [] => return,
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let members = Members { parties: names(&["alice", "bob"]), data_owners: names(&["carol"]) };
    if let Err(error) = try_recipe(&sent, &members) {
        assert_line(&error);
    }
}

fn try_recipe(sent: &[u8], members: &Members) -> Result<(), Error> {
    let (prepared, public) = recipe::decode(sent, members)?;
    let (again, values) = recipe::decode(&recipe::encode(&prepared, &public)?, members)?;
    assert_eq!(again.plan.digest(), prepared.plan.digest());
    for name in prepared.public_inputs() {
        assert!(same(public.get(name), values.get(name)), "{name:?}");
    }
    if elements(&prepared) <= ELEMENTS {
        leaves(&prepared, None, public, &BTreeMap::new())?;
    }
    Ok(())
}

fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

fn elements(prepared: &Prepared) -> usize {
    let sizes = prepared.graph.nodes().iter().map(|node| &node.ty.shape);
    sizes.map(|sizes| sizes.iter().product::<usize>()).sum()
}

/// A graph file as a model, and what it discloses to whom.
pub fn graph_file(bytes: &[u8]) {
    let Some(template) = tacita_onnx::fuzzing::template_decode(bytes) else { return };
    let graph = template.example().clone();
    for disclosure in disclosures(&graph) {
        assert!(!disclosure.value.is_empty());
    }
    let owners = graph.owners().to_vec();
    for owner in &owners {
        if let Err(error) = consent(&graph, owner, &[]) {
            assert_line(&error);
        }
    }
    if let Err(error) = model_of_template(template) {
        assert_line(&error);
    }
}

/// A correlation file, as the first byte says: as it is (0 modulo 3), behind a header that is right (1), or the plaintext of
/// one (2), which nobody but the dealer can have written.
pub fn correlations(bytes: &[u8]) {
    let Some((&choice, rest)) = bytes.split_first() else { return };
    let outcome = match choice % 3 {
        2 => correlations::read_contents(rest),
        way => correlations::read_encrypted(rest, way == 1),
    };
    if let Err(error) = outcome {
        assert_line(&error);
    }
}

/// The frames that a member receives in a session, edited: see [`Session::replay`].
pub fn mpc_session(bytes: &[u8]) {
    static RECORDED: LazyLock<Session> = LazyLock::new(|| {
        let graph = session_graph().expect("a graph");
        Session::record(lower(&graph, 16, &tacita_mpc::TARGET).expect("it can be lowered"))
    });
    RECORDED.replay(bytes);
}

/// A graph with openings, corrections of several kinds, a weight, a public input, and reveals to both parties.
fn session_graph() -> Result<Graph, GraphError> {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x = graph.input("x", &dims(&[2, 3]), Visibility::Private(alice), Role::Data)?;
    let w = graph.input("w", &dims(&[3, 2]), Visibility::Private(bob), Role::Parameter)?;
    let c = graph.input("c", &dims(&[2, 2]), Visibility::Public, Role::Data)?;
    let product = graph.add(ops::MatMul {}, &[x, w], "product")?;
    let sum = graph.add(ops::Mul {}, &[product, c], "sum")?;
    let relu = graph.add(ops::Relu {}, &[sum], "relu")?;
    let square = graph.add(ops::Mul {}, &[relu, relu], "square")?;
    let best = graph.add(ops::ArgMax { axis: 1, keepdims: false }, &[square], "best")?;
    graph.reveal(relu, &[bob], "values")?;
    graph.reveal(best, &[alice], "indices")?;
    Ok(graph)
}
