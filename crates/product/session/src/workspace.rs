//! The workspace of a session: the graph that its tensors are nodes of, and which of them are kept in shares.
//!
//! The graph grows with every operation. An evaluation takes the part that its targets need (`step.rs`), and afterwards what
//! no tensor reaches is dropped, so that neither a loop nor a service grows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tacita_graph::{DType, Graph, GraphError, MAX_NAME, NodeId, Op, Role, Value, Visibility, hides, ops};

use crate::error::Error;
use crate::tensor::Tensor;

/// The state that a session shares with its tensors. Any thread may use it: a lock admits one operation at a time.
#[derive(Default)]
pub(crate) struct Workspace(Mutex<State>);

/// A node that a program holds. Nodes are numbered anew when others are dropped, under the workspace's lock.
pub(crate) struct Handle {
    workspace: Arc<Workspace>,
    id: AtomicU32,
    /// Whether derivatives with respect to it may be asked for.
    tracked: AtomicBool,
}

impl Handle {
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// The node, as long as the workspace is locked.
    pub fn id(&self, _locked: &State) -> NodeId {
        NodeId(self.id.load(Ordering::Relaxed))
    }

    pub fn is_tracked(&self) -> bool {
        self.tracked.load(Ordering::Relaxed)
    }

    pub fn track(&self) {
        self.tracked.store(true, Ordering::Relaxed);
    }
}

/// The contents of a workspace.
#[derive(Default)]
pub(crate) struct State {
    pub graph: Graph,
    /// Values of inputs, by node.
    pub data: BTreeMap<NodeId, Value>,
    /// Names that inputs were given, by node; others are numbered in each evaluation.
    pub names: BTreeMap<NodeId, String>,
    /// The names under which nodes are kept in shares.
    pub slots: BTreeMap<NodeId, String>,
    /// Names of all parameters that there ever were: a name stands for one value.
    parameters: BTreeSet<String>,
    handles: Vec<Weak<Handle>>,
    /// Inputs that were added: the graph's names of inputs are numbers.
    inputs: u64,
    /// Handles at which those of dropped tensors are swept out.
    sweep_at: usize,
}

impl Workspace {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // no operation leaves it half done
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what `build` adds to the graph, given the nodes of these tensors: the general form of every operation.
    pub fn apply(
        self: &Arc<Self>,
        inputs: &[&Tensor],
        build: impl FnOnce(&mut Graph, &[NodeId]) -> Result<Vec<NodeId>, GraphError>,
    ) -> Result<Vec<Tensor>, Error> {
        self.check(inputs)?;
        let mut state = self.lock();
        let ids: Vec<NodeId> = inputs.iter().map(|tensor| tensor.handle().id(&state)).collect();
        let results = build(&mut state.graph, &ids)?;
        Ok(results.into_iter().map(|id| self.tensor(&mut state, id)).collect())
    }

    /// Refuses tensors of another session.
    pub fn check(self: &Arc<Self>, tensors: &[&Tensor]) -> Result<(), Error> {
        match tensors.iter().all(|tensor| Arc::ptr_eq(self, tensor.handle().workspace())) {
            true => Ok(()),
            false => Err(Error::Usage("tensors of two sessions cannot be combined".into())),
        }
    }

    /// A tensor of a node.
    pub fn tensor(self: &Arc<Self>, state: &mut State, id: NodeId) -> Tensor {
        let (id, tracked) = (AtomicU32::new(id.0), AtomicBool::new(false));
        let handle = Arc::new(Handle { workspace: self.clone(), id, tracked });
        if state.handles.len() >= state.sweep_at {
            state.handles.retain(|handle| handle.strong_count() > 0);
            state.sweep_at = 2 * state.handles.len() + 64;
        }
        state.handles.push(Arc::downgrade(&handle));
        Tensor::new(handle)
    }

    /// An input. Without a name it is numbered in each evaluation, so that a loop's step is the same graph every time.
    pub fn input(
        self: &Arc<Self>,
        name: &str,
        owner: Option<&str>,
        input: ops::Input,
        value: Option<Value>,
    ) -> Result<Tensor, Error> {
        if name.len() > MAX_NAME || hides(name) {
            let reason = "it is too long, or has characters that cannot be seen";
            return Err(Error::Usage(format!("the name {name:?} cannot be used: {reason}")));
        }
        let mut state = self.lock();
        let taken = || {
            let why = "give another name, or drop every tensor that is computed from the old one";
            Error::Usage(format!("there is an input `{name}` already: {why}"))
        };
        let reached = |state: &State| {
            let named = state.names.iter().find(|(_, other)| *other == name);
            named.is_some_and(|(id, _)| state.reached(&BTreeSet::new())[id.index()])
        };
        match input.role {
            Role::Parameter if name.is_empty() => {
                return Err(Error::Usage("a parameter needs a name".into()));
            }
            Role::Parameter if state.parameters.contains(name) => return Err(taken()),
            _ if !name.is_empty() && (state.parameters.contains(name) || reached(&state)) => {
                return Err(taken());
            }
            _ => {}
        }
        let visibility = match owner {
            Some(owner) => Visibility::Private(state.graph.owner(owner)),
            None => input.visibility,
        };
        let role = input.role;
        let id = state.add_input(ops::Input { visibility, ..input })?;
        if role == Role::Parameter {
            state.parameters.insert(name.to_owned());
        }
        if !name.is_empty() {
            state.names.retain(|_, other| other != name);
            state.names.insert(id, name.to_owned());
        }
        if let Some(value) = value {
            state.data.insert(id, value);
        }
        Ok(self.tensor(&mut state, id))
    }
}

impl State {
    fn add_input(&mut self, input: ops::Input) -> Result<NodeId, GraphError> {
        self.inputs += 1;
        let name = self.inputs.to_string();
        self.graph.add(input, &[], &name)
    }

    /// A name that no parameter has had: this one, or with primes.
    pub fn parameter_name(&mut self, name: &str) -> String {
        let mut name = name.to_owned();
        while self.parameters.contains(&name) {
            name.push('\'');
        }
        self.parameters.insert(name.clone());
        name
    }

    /// Adds a parameter under a name of [`State::parameter_name`].
    pub fn add_parameter(
        &mut self,
        input: ops::Input,
        name: String,
        value: Option<Value>,
    ) -> Result<NodeId, GraphError> {
        let id = self.add_input(input)?;
        self.names.insert(id, name);
        if let Some(value) = value {
            self.data.insert(id, value);
        }
        Ok(id)
    }

    /// The nodes of tensors that the program holds.
    pub fn live(&self) -> BTreeSet<NodeId> {
        self.handles.iter().filter_map(Weak::upgrade).map(|handle| handle.id(self)).collect()
    }

    /// Of these nodes, those that the program wants derivatives of.
    pub fn tracked(&self) -> Vec<Arc<Handle>> {
        self.handles.iter().filter_map(Weak::upgrade).filter(|handle| handle.is_tracked()).collect()
    }

    /// By node, whether one of `targets` is computed from it. What is kept is computed from nothing.
    pub fn needed(&self, targets: impl IntoIterator<Item = NodeId>) -> Vec<bool> {
        self.needed_besides(targets, |id| self.slots.contains_key(&id))
    }

    /// The same where `ends` says which nodes are computed from nothing.
    pub fn needed_besides(
        &self,
        targets: impl IntoIterator<Item = NodeId>,
        ends: impl Fn(NodeId) -> bool,
    ) -> Vec<bool> {
        let mut needed = vec![false; self.graph.nodes().len()];
        targets.into_iter().for_each(|id| needed[id.index()] = true);
        for id in self.graph.ids().rev() {
            if needed[id.index()] && !ends(id) {
                self.graph.node(id).inputs.iter().for_each(|input| needed[input.index()] = true);
            }
        }
        needed
    }

    /// By node, whether a tensor that the program holds reaches it: by a computation that is still to come, or by a derivative
    /// that may be asked for. `kept` are taken as kept already.
    pub fn reached(&self, kept: &BTreeSet<NodeId>) -> Vec<bool> {
        let tracks = self.tracks();
        let is_kept = |id: NodeId| self.slots.contains_key(&id) || kept.contains(&id);
        self.needed_besides(self.live(), |id| is_kept(id) && !self.has_history(&tracks, id))
    }

    /// By node, whether a derivative with respect to a tracked tensor passes through it.
    fn tracks(&self) -> Vec<bool> {
        let mut tracks = vec![false; self.graph.nodes().len()];
        self.tracked().iter().for_each(|handle| tracks[handle.id(self).index()] = true);
        for id in self.graph.ids() {
            tracks[id.index()] |= self.has_history(&tracks, id);
        }
        tracks
    }

    /// Whether a derivative passes from a node on to its inputs.
    fn has_history(&self, tracks: &[bool], id: NodeId) -> bool {
        let node = self.graph.node(id);
        node.ty.dtype == DType::Fixed
            && !matches!(node.op, Op::Detach(_))
            && node.inputs.iter().any(|input| tracks[input.index()])
    }

    /// Notes what an evaluation kept, and drops what no tensor of the program reaches any more; the nodes only if they are most
    /// of the graph. What is kept and has no derivative becomes an input then. Returns the names under which nothing is kept now.
    pub fn commit(&mut self, kept: Vec<(NodeId, String)>) -> Result<Vec<String>, Error> {
        let names: BTreeSet<&String> = kept.iter().map(|(_, name)| name).collect();
        self.slots.retain(|_, name| !names.contains(name));
        self.slots.extend(kept);
        let reached = self.reached(&BTreeSet::new());
        let mut free = Vec::new();
        self.slots.retain(|id, name| {
            if !reached[id.index()] {
                free.push(std::mem::take(name));
            }
            reached[id.index()]
        });
        self.data.retain(|id, _| reached[id.index()]);
        self.names.retain(|id, _| reached[id.index()]);
        let stay = reached.iter().filter(|&&reached| reached).count();
        if self.graph.nodes().len() > 2 * stay + 64 {
            self.rebuild(&reached)?;
        }
        Ok(free)
    }

    fn rebuild(&mut self, reached: &[bool]) -> Result<(), Error> {
        let tracks = self.tracks();
        let mut graph = Graph::new();
        self.graph.owners().iter().for_each(|owner| {
            graph.owner(owner);
        });
        let mut ids = vec![NodeId(u32::MAX); reached.len()];
        let (mut data, mut names, mut slots) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for id in self.graph.ids().filter(|id| reached[id.index()]) {
            let node = self.graph.node(id);
            let slot = self.slots.remove(&id);
            let new = if slot.is_some() && !self.has_history(&tracks, id) && !matches!(node.op, Op::Input(_))
            {
                self.inputs += 1;
                let (shape, dtype) = (node.ty.shape.clone(), node.ty.dtype);
                let (visibility, role, range) = (Visibility::Secret, Role::Data, None);
                let input = ops::Input { shape, visibility, role, range, dtype };
                graph.add(input, &[], &self.inputs.to_string())?
            } else {
                let inputs: Vec<NodeId> = node.inputs.iter().map(|input| ids[input.index()]).collect();
                graph.add(node.op.clone(), &inputs, &node.name)?
            };
            ids[id.index()] = new;
            if let Some(slot) = slot {
                slots.insert(new, slot);
            }
            if let Some(value) = self.data.remove(&id) {
                data.insert(new, value);
            }
            if let Some(name) = self.names.remove(&id) {
                names.insert(new, name);
            }
        }
        self.handles.retain(|handle| handle.strong_count() > 0);
        for handle in self.handles.iter().filter_map(Weak::upgrade) {
            let old = handle.id.load(Ordering::Relaxed);
            // a tensor that was dropped since `reached` was found out has no node any more
            if let Some(new) = ids.get(old as usize).filter(|new| new.0 != u32::MAX) {
                handle.id.store(new.0, Ordering::Relaxed);
            }
        }
        (self.graph, self.data, self.names, self.slots) = (graph, data, names, slots);
        Ok(())
    }

    /// Whether a parameter of this name may be forgotten: no tensor reaches it.
    pub fn check_unused(&self, name: &str) -> Result<(), Error> {
        if !self.parameters.contains(name) {
            return Err(Error::Usage(format!("there is no parameter `{name}`")));
        }
        let node = self.names.iter().find(|(_, other)| *other == name);
        match node.is_some_and(|(id, _)| self.reached(&BTreeSet::new())[id.index()]) {
            true => Err(Error::Usage(format!(
                "the parameter `{name}` is in use: drop every tensor that is computed from it first"
            ))),
            false => Ok(()),
        }
    }
}
