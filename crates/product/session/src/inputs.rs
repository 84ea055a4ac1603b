//! Inputs of a session: members' data, public values, draws, models.

use std::ops::RangeInclusive;
use std::path::Path;

use tacita_graph::{DType, Graph, GraphError, Interval, NodeId, Role, Value, Visibility, functions, ops};

use crate::data::Data;
use crate::error::Error;
use crate::model::Model;
use crate::session::Session;
use crate::tensor::Tensor;

impl Session {
    /// A private input of a party or data owner: nobody else learns it. The data, an array of floats, is given where the owner
    /// is, and `None::<Value>` elsewhere.
    ///
    /// An input without a name is numbered in each evaluation. A name is free again once no tensor is computed from its input, so
    /// that a loop uses the same one in every step.
    ///
    /// # Errors
    /// If the name is taken, the owner is no party, the data is of another shape, missing, or somebody else's.
    pub fn input(&self, name: &str, owner: &str, shape: &[usize], data: impl Data) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), (shape, DType::Fixed, None), data.into_value(), Role::Data)
    }

    /// As [`Session::input`], of numbers that are declared to lie in this range. All members declare the same: it is public. What
    /// can leave the representable range follows from it, and comparisons may cost less.
    ///
    /// # Errors
    /// As [`Session::input`], and if the range is empty or not finite. Data outside of it is refused when something that depends
    /// on it is revealed.
    pub fn input_within(
        &self,
        name: &str,
        owner: &str,
        shape: &[usize],
        range: RangeInclusive<f64>,
        data: impl Data,
    ) -> Result<Tensor, Error> {
        let range = Interval { min: *range.start(), max: *range.end() };
        self.leaf(name, Some(owner), (shape, DType::Fixed, Some(range)), data.into_value(), Role::Data)
    }

    /// As [`Session::input`], of integers below 2^62 in absolute value, or of bits. Both are exact: nothing is rounded.
    ///
    /// # Errors
    /// As [`Session::input`]. Data that is of another kind is refused when something that depends on it is revealed.
    pub fn input_of(
        &self,
        name: &str,
        owner: &str,
        shape: &[usize],
        dtype: DType,
        data: impl Data,
    ) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), (shape, dtype, None), data.into_value(), Role::Data)
    }

    /// A private input that lives as long as the session, such as a weight: its masked value is sent only once. Its name stands
    /// for this value for ever, also after [`Session::forget`].
    ///
    /// # Errors
    /// As [`Session::input`].
    pub fn parameter(
        &self,
        name: &str,
        owner: &str,
        shape: &[usize],
        data: impl Data,
    ) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), (shape, DType::Fixed, None), data.into_value(), Role::Parameter)
    }

    /// A value that everybody knows.
    ///
    /// # Errors
    /// As [`Session::input`].
    pub fn public(&self, name: &str, shape: &[usize], data: impl Data) -> Result<Tensor, Error> {
        self.leaf(name, None, (shape, DType::Fixed, None), data.into_value(), Role::Data)
    }

    /// Numbers that nobody knows, no party and not the dealer, uniform from `low` to below `high`. They are drawn once.
    ///
    /// # Errors
    /// If `low` is not below `high`, or the shape is one that no value may have.
    pub fn uniform(&self, low: f64, high: f64, shape: &[usize]) -> Result<Tensor, Error> {
        self.draw(|graph| functions::uniform(graph, shape, low, high, ""))
    }

    /// Numbers that nobody knows, of the normal distribution, at most 6.2 deviations from the mean at 16 fractional bits. They are
    /// drawn once.
    ///
    /// # Errors
    /// If mean or deviation is not finite, or the shape is one that no value may have.
    pub fn normal(&self, mean: f64, deviation: f64, shape: &[usize]) -> Result<Tensor, Error> {
        self.draw(|graph| functions::normal(graph, shape, mean, deviation, ""))
    }

    /// Bits that nobody knows, each 1 with this probability. They are drawn once. Fair bits cost nothing.
    ///
    /// # Errors
    /// If it is no probability, or the shape is one that no value may have.
    pub fn bernoulli(&self, probability: f64, shape: &[usize]) -> Result<Tensor, Error> {
        self.draw(|graph| functions::bernoulli(graph, shape, probability, ""))
    }

    fn draw(&self, function: impl FnOnce(&mut Graph) -> Result<NodeId, GraphError>) -> Result<Tensor, Error> {
        Ok(self.build(&[], |graph, _| Ok(vec![function(graph)?]))?.remove(0))
    }

    /// The results of whatever `build` adds to the graph, given the nodes of these tensors: the general form of every operation
    /// and function.
    ///
    /// # Errors
    /// Those of `build`, and if a tensor is of another session.
    pub fn build(
        &self,
        inputs: &[&Tensor],
        build: impl FnOnce(&mut Graph, &[NodeId]) -> Result<Vec<NodeId>, GraphError>,
    ) -> Result<Vec<Tensor>, Error> {
        self.workspace.apply(inputs, build)
    }

    fn leaf(
        &self,
        name: &str,
        owner: Option<&str>,
        (shape, dtype, range): (&[usize], DType, Option<Interval>),
        data: Option<Value>,
        role: Role,
    ) -> Result<Tensor, Error> {
        owner.map_or(Ok(()), |owner| self.check_member(owner))?;
        let here = owner.is_none_or(|owner| self.is_here(owner));
        match &data {
            Some(data) if data.shape() != shape => {
                let got = data.shape();
                return Err(Error::Input(format!(
                    "input `{name}` is declared {shape:?} and its data is {got:?}"
                )));
            }
            Some(_) if !here => {
                let owner = owner.unwrap_or_default();
                return Err(Error::Usage(format!(
                    "the data of `{name}` is {owner}'s alone: give None here, and the data at {owner}"
                )));
            }
            Some(data) => check_finite(name, data.first_not_finite())?,
            None if here => {
                let owner = owner.unwrap_or("everybody");
                return Err(Error::Input(format!("no data for `{name}`, which {owner} has to give here")));
            }
            None => {}
        }
        // the workspace knows the owner's number
        let visibility = Visibility::Public;
        let input = ops::Input { shape: shape.to_vec(), visibility, role, range, dtype };
        self.workspace.input(name, owner, input, data)
    }

    pub(crate) fn check_member(&self, name: &str) -> Result<(), Error> {
        match self.members.index(name) {
            Some(_) => Ok(()),
            None => Err(Error::Usage(format!("{name} is none of the members {}", self.members.list()))),
        }
    }

    /// A model of `owner`, whose weights become that member's private inputs. The owner gives the ONNX file; where the
    /// owner is not, the graph that `tacita export-graph` wrote of it is enough.
    ///
    /// # Errors
    /// If the file cannot be read or the model is refused; the error names the node.
    pub fn model(&self, path: impl AsRef<Path>, owner: &str) -> Result<Model, Error> {
        self.check_member(owner)?;
        Model::read(&self.workspace, path.as_ref(), owner, self.is_here(owner))
    }
}

/// Refuses what is not a number, with its place: the first number of an input that is not finite, if there is one.
///
/// # Errors
/// [`Error::Input`] naming the input, the number and its index.
pub fn check_finite(name: &str, found: Option<(Vec<usize>, f64)>) -> Result<(), Error> {
    match found {
        None => Ok(()),
        Some((index, number)) => Err(Error::Input(format!(
            "input `{name}` holds {number} at {index:?}: only finite numbers can be shared"
        ))),
    }
}
