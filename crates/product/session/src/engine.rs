//! The engine of a session: the members here, and what is remembered of their evaluations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tacita_graph::{Graph, Inputs, Op, Role, Value};
use tacita_mpc::LeafKey;

use crate::consent::{Consent, Provenance};
use crate::error::Error;
use crate::evaluation::{Evaluation, collect};
use crate::local_members::{LocalMembers, Progress};
use crate::members::Members;
use crate::prepared::Prepared;

/// Graphs that a session holds prepared: one that is not among the last so many is prepared again.
const MAX_PREPARED: usize = 32;

/// The members here, and the memory of their evaluations.
pub(crate) struct Engine {
    pub local: LocalMembers,
    members: Members,
    /// The members here whose consent is asked for: none if all members are here.
    asked: Vec<String>,
    /// By digest, the last ones that were asked for; the latest at the end.
    prepared: Vec<([u8; 32], Arc<Prepared>)>,
    /// The parameters that were used: a parameter keeps its value, and its mask, as long as the session.
    bound: BTreeMap<String, Option<Value>>,
    /// The weights that members hold, each with the parameters that it is computed from.
    weights: BTreeMap<LeafKey, BTreeSet<String>>,
    pub consent: Consent,
    /// The provenance of values kept in shares, by name.
    pub provenance: BTreeMap<String, Provenance>,
}

impl Engine {
    pub fn new(local: LocalMembers, members: Members) -> Engine {
        let (here, elsewhere): (Vec<&str>, Vec<&str>) = members.names().partition(|name| local.has(name));
        let asked = if elsewhere.is_empty() { vec![] } else { here };
        Engine {
            asked: asked.into_iter().map(str::to_owned).collect(),
            local,
            members,
            prepared: vec![],
            bound: BTreeMap::new(),
            weights: BTreeMap::new(),
            consent: Consent::default(),
            provenance: BTreeMap::new(),
        }
    }

    pub fn prepare(&mut self, graph: &Graph, precision: u32) -> Result<Arc<Prepared>, Error> {
        let key = graph.digest();
        let prepared = match self.prepared.iter().position(|(other, _)| *other == key) {
            Some(at) => self.prepared.remove(at).1,
            None => Arc::new(Prepared::new(bind(graph)?, &self.members, precision)?),
        };
        if self.prepared.len() == MAX_PREPARED {
            self.prepared.remove(0);
        }
        self.prepared.push((key, prepared.clone()));
        Ok(prepared)
    }

    /// Asks for consent, checks parameters, evaluates, and notes what is kept and of whose data.
    pub fn evaluate(
        &mut self,
        prepared: &Arc<Prepared>,
        inputs: &Inputs,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Evaluation, Error> {
        let graph = prepared.graph();
        self.asked.iter().try_for_each(|me| self.consent.check(graph, &self.provenance, me))?;
        self.check_parameters(graph, inputs)?;
        let finished = self.local.evaluate(prepared, inputs, progress)?;
        self.bind_parameters(prepared, inputs);
        for (name, provenance) in Provenance::of_kept(graph, &self.provenance) {
            self.provenance.insert(name, provenance);
        }
        collect(prepared, &self.members, finished)
    }

    /// Weights are sent once under a mask that is bound to their value, so another value needs another name.
    fn check_parameters(&self, graph: &Graph, inputs: &Inputs) -> Result<(), Error> {
        for (name, value) in parameters(graph, inputs) {
            let refuse = |why: &str| {
                Err(Error::Input(format!(
                    "the parameter `{name}` {why}: open a new session, or give it a new name"
                )))
            };
            match self.bound.get(name) {
                Some(Some(bound)) if !bound.is_same(value) => {
                    return refuse("has another value than before");
                }
                Some(None) => return refuse("was forgotten"),
                _ => {}
            }
        }
        Ok(())
    }

    fn bind_parameters(&mut self, prepared: &Prepared, inputs: &Inputs) {
        for (name, value) in parameters(prepared.graph(), inputs) {
            self.bound.entry(name.to_owned()).or_insert_with(|| Some(value.clone()));
        }
        for (key, names) in prepared.weights() {
            self.weights.entry(key).or_insert(names);
        }
    }

    /// Drops values kept under these names.
    pub fn forget_kept(&mut self, names: &[String]) -> Result<(), Error> {
        if names.is_empty() {
            return Ok(());
        }
        names.iter().for_each(|name| {
            self.provenance.remove(name);
        });
        self.local.forget(names, &[])
    }

    /// Drops these parameters; their names stay taken.
    pub fn forget_parameters(&mut self, names: &[&str]) -> Result<(), Error> {
        for name in names {
            self.bound.insert((*name).to_owned(), None);
        }
        let of = |parameters: &BTreeSet<String>| names.iter().any(|name| parameters.contains(*name));
        let keys: Vec<LeafKey> =
            self.weights.iter().filter(|(_, names)| of(names)).map(|(key, _)| *key).collect();
        keys.iter().for_each(|key| {
            self.weights.remove(key);
        });
        self.local.forget(&[], &keys)
    }
}

/// The parameters of a graph that have a value here.
fn parameters<'a>(graph: &'a Graph, inputs: &'a Inputs) -> impl Iterator<Item = (&'a str, &'a Value)> {
    graph.inputs().into_iter().filter_map(|id| {
        let node = graph.node(id);
        let is_parameter = matches!(&node.op, Op::Input(input) if input.role == Role::Parameter);
        let value = inputs.get(&node.name).filter(|_| is_parameter)?;
        Some((node.name.as_str(), value))
    })
}

/// The graph pruned and rewritten.
///
/// # Errors
/// If a name becomes too long.
pub fn bind(graph: &Graph) -> Result<Graph, Error> {
    Ok(tacita_graph::optimize(&graph.prune()?)?)
}
