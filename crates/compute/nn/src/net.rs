//! A network under construction: the graph that layers add to, and the parameters that they ask for.

use std::collections::BTreeMap;

use tacita_graph::{DType, Graph, GraphError, NodeId, Role, Visibility, dims};

use crate::init::Init;

/// A value of a network that lives from step to step.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name, that of its layer before it, as PyTorch has it: `0.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Where it begins.
    pub init: Init,
    /// Whether the optimiser changes it. Running means are not trained.
    pub trained: bool,
}

/// A network under construction.
pub struct Net<'g> {
    graph: &'g mut Graph,
    training: bool,
    scope: String,
    /// Whose private values the layers that are built have, if they are frozen.
    frozen: Option<String>,
    /// Nodes that are parameters of these names already.
    given: BTreeMap<String, NodeId>,
    pub(crate) parameters: Vec<(Parameter, NodeId)>,
    /// New values of parameters that are not trained.
    pub(crate) updates: Vec<(String, NodeId)>,
}

impl<'g> Net<'g> {
    /// A network that adds to this graph, to be trained or to be used.
    pub fn new(graph: &'g mut Graph, training: bool) -> Net<'g> {
        Net {
            graph,
            training,
            scope: String::new(),
            frozen: None,
            given: BTreeMap::new(),
            parameters: Vec::new(),
            updates: Vec::new(),
        }
    }

    /// The same, whose parameters of these names are nodes of the graph already; others are secret inputs, as ever.
    pub fn with_parameters(graph: &'g mut Graph, training: bool, given: BTreeMap<String, NodeId>) -> Net<'g> {
        Net { given, ..Net::new(graph, training) }
    }

    /// What [`buffers`](Self::buffer) are in the next step, by name.
    pub fn updates(&self) -> &[(String, NodeId)] {
        &self.updates
    }

    /// The graph.
    pub fn graph(&mut self) -> &mut Graph {
        self.graph
    }

    /// The shape of something in the graph.
    pub fn shape(&self, x: NodeId) -> &[usize] {
        &self.graph.node(x).ty.shape
    }

    /// Whether the network is trained: layers such as dropout differ.
    pub fn is_training(&self) -> bool {
        self.training
    }

    /// The parameters that layers asked for, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().map(|(parameter, _)| parameter)
    }

    /// The name of something of this layer.
    pub fn name(&self, what: &str) -> String {
        format!("{}{what}", self.scope)
    }

    /// A trained parameter of this layer: a secret input, kept in shares. In a [`Frozen`](crate::Frozen) layer, its owner's
    /// private input.
    ///
    /// # Errors
    /// If the layer has another of that name, or the shape is one that no value may have.
    pub fn parameter(&mut self, what: &str, shape: &[usize], init: Init) -> Result<NodeId, GraphError> {
        self.value(what, shape, init, true)
    }

    /// A value of this layer that is no parameter to the optimiser.
    ///
    /// # Errors
    /// As [`Net::parameter`].
    pub fn buffer(&mut self, what: &str, shape: &[usize], init: Init) -> Result<NodeId, GraphError> {
        self.value(what, shape, init, false)
    }

    fn value(
        &mut self,
        what: &str,
        shape: &[usize],
        init: Init,
        trained: bool,
    ) -> Result<NodeId, GraphError> {
        let name = self.name(what);
        if let Some(owner) = &self.frozen {
            let owner = Visibility::Private(self.graph.owner(owner));
            return self.graph.input_of(&name, &dims(shape), owner, Role::Parameter, DType::Fixed);
        }
        let id = match self.given.get(&name) {
            Some(&id) => id,
            None => self.graph.input_of(&name, &dims(shape), Visibility::Secret, Role::Data, DType::Fixed)?,
        };
        self.parameters.push((Parameter { name, shape: shape.to_vec(), init, trained }, id));
        Ok(id)
    }

    /// What a [`buffer`](Self::buffer) of this layer is in the next step.
    pub fn update(&mut self, what: &str, value: NodeId) {
        self.updates.push((self.name(what), value));
    }

    /// Builds a layer as it is used, with this owner's private values as its parameters.
    pub(crate) fn frozen(
        &mut self,
        owner: &str,
        build: impl FnOnce(&mut Self) -> Result<NodeId, GraphError>,
    ) -> Result<NodeId, GraphError> {
        let outer = (self.training, self.frozen.replace(owner.to_owned()));
        self.training = false;
        let built = build(self);
        (self.training, self.frozen) = outer;
        built
    }

    /// Builds a layer under a name.
    ///
    /// # Errors
    /// Those of `build`.
    pub fn within<T>(
        &mut self,
        name: &str,
        build: impl FnOnce(&mut Self) -> Result<T, GraphError>,
    ) -> Result<T, GraphError> {
        let outer = self.scope.len();
        self.scope.push_str(name);
        self.scope.push('.');
        let built = build(self);
        self.scope.truncate(outer);
        built
    }
}
