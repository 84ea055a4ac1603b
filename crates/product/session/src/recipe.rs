//! Recipes: a dealer on another machine makes the parties' plan from the graph, the precision and the public inputs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_graph::{Graph, Inputs, Value};

use crate::error::Error;
use crate::members::Members;
use crate::prepared::Prepared;

#[derive(Serialize, Deserialize)]
struct Recipe<'a> {
    precision: u32,
    graph: &'a [u8],
    /// Name, shape, values.
    public: Vec<(String, Vec<u32>, Numbers)>,
}

/// The elements of a public input, row-major, in the type that they came in.
#[derive(Serialize, Deserialize)]
enum Numbers {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    Bool(Vec<bool>),
}

impl Numbers {
    fn of(value: &Value) -> Numbers {
        match value {
            Value::F32(array) => Numbers::F32(array.iter().copied().collect()),
            Value::F64(array) => Numbers::F64(array.iter().copied().collect()),
            Value::I64(array) => Numbers::I64(array.iter().copied().collect()),
            Value::U8(array) => Numbers::U8(array.iter().copied().collect()),
            Value::Bool(array) => Numbers::Bool(array.iter().copied().collect()),
        }
    }

    fn shaped(self, shape: &[usize]) -> Result<Value, ndarray::ShapeError> {
        Ok(match self {
            Numbers::F32(numbers) => ArrayD::from_shape_vec(shape, numbers)?.into(),
            Numbers::F64(numbers) => ArrayD::from_shape_vec(shape, numbers)?.into(),
            Numbers::I64(numbers) => ArrayD::from_shape_vec(shape, numbers)?.into(),
            Numbers::U8(numbers) => ArrayD::from_shape_vec(shape, numbers)?.into(),
            Numbers::Bool(numbers) => ArrayD::from_shape_vec(shape, numbers)?.into(),
        })
    }
}

/// For a prepared graph and its inputs, of which the public ones are taken.
pub(crate) fn encode(prepared: &Prepared, inputs: &Inputs) -> Result<Vec<u8>, Error> {
    let public = prepared
        .public_inputs()
        .filter_map(|name| Some((name, inputs.get(name)?)))
        .map(|(name, value)| {
            let shape = value.shape().iter().map(|&size| size as u32).collect();
            (name.to_owned(), shape, Numbers::of(value))
        })
        .collect();
    let graph = prepared.graph.encode();
    let recipe = Recipe { precision: prepared.precision, graph: &graph, public };
    postcard::to_stdvec(&recipe).map_err(|e| Error::Internal(format!("a graph that cannot be encoded: {e}")))
}

/// Reads what a party sent. The plan that comes of it is compared with what the parties agreed on, so bytes of a wrong
/// meaning are found out; bytes of no meaning are an error here.
pub(crate) fn decode(bytes: &[u8], members: &Members) -> Result<(Prepared, Inputs), Error> {
    let mut prepared = BTreeMap::new();
    let (_, public) = decode_again(bytes, members, &mut prepared)?;
    let nothing = || Error::Internal("a recipe of no graph".into());
    Ok((prepared.into_values().next().ok_or_else(nothing)?, public))
}

/// As [`decode`], of a graph that may be among those that were prepared already, by a hash, which is returned: public inputs
/// change from evaluation to evaluation, such as the pace of a training.
pub(crate) fn decode_again(
    bytes: &[u8],
    members: &Members,
    known: &mut BTreeMap<[u8; 32], Prepared>,
) -> Result<([u8; 32], Inputs), Error> {
    let broken = |why: &str| Error::Input(format!("the graph that the parties sent cannot be read: {why}"));
    let recipe: Recipe<'_> = postcard::from_bytes(bytes).map_err(|e| broken(&e.to_string()))?;
    if !tacita_graph::PRECISIONS.contains(&recipe.precision) {
        return Err(broken(&format!("{} fractional bits", recipe.precision)));
    }
    let mut public = Inputs::new();
    for (name, shape, values) in recipe.public {
        let shape: Vec<usize> = shape.into_iter().map(|size| size as usize).collect();
        let value = values.shaped(&shape).map_err(|e| broken(&e.to_string()))?;
        public.insert(name, value);
    }
    let mut hasher = blake3::Hasher::new();
    let hash = *hasher.update(&recipe.precision.to_le_bytes()).update(recipe.graph).finalize().as_bytes();
    if let Entry::Vacant(unknown) = known.entry(hash) {
        unknown.insert(Prepared::new(Graph::decode(recipe.graph)?, members, recipe.precision)?);
    }
    Ok((hash, public))
}

#[cfg(test)]
mod tests {
    use ndarray::arr1;
    use tacita_graph::{Role, Visibility, dims, ops};

    use super::*;

    fn members() -> Members {
        Members::parties(vec!["alice".into(), "bob".into()])
    }

    #[test]
    fn a_recipe_gives_the_same_plan() -> Result<(), Error> {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let x = graph.input("x", &dims(&[3]), Visibility::Private(alice), Role::Data)?;
        let c = graph.input("c", &dims(&[3]), Visibility::Public, Role::Data)?;
        let product = graph.add(ops::Mul {}, &[x, c], "product")?;
        graph.reveal(product, &[alice], "result")?;
        let prepared = Prepared::new(graph, &members(), 12)?;
        let value = arr1(&[1.0, -2.0, 0.5]).into_dyn();
        let inputs = Inputs::from([("x".to_owned(), value.clone()), ("c".to_owned(), value.clone())]);
        let bytes = encode(&prepared, &inputs)?;
        let (again, public) = decode(&bytes, &members())?;
        assert_eq!(again.plan.digest(), prepared.plan.digest());
        assert_eq!(public, Inputs::from([("c".to_owned(), value)]), "the private input stays");
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], &members()).is_err(), "{length} of {} bytes", bytes.len());
        }
        Ok(())
    }
}
