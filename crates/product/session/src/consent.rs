//! Consent: the reveals of a member's own data in a graph, and whether the member agrees to them.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use tacita_graph::{Graph, NodeId, Op, Visibility};

use crate::error::Error;
use crate::report::Reveal;

/// A value that will be opened, as it is shown before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// The name of the value.
    pub value: String,
    /// Its shape.
    pub shape: String,
    /// The owners of the private data that it depends on.
    pub of: Vec<String>,
    /// Whether it depends on values kept in shares, which may say something of anybody's data.
    pub kept: bool,
    /// The members that learn it.
    pub to: Vec<String>,
}

/// Everything that a graph reveals, in its order: nobody learns anything else.
pub fn disclosures(graph: &Graph) -> Vec<Disclosure> {
    disclosures_with(graph, &BTreeMap::new())
}

/// The same where it is known whose data some kept values depend on.
fn disclosures_with(graph: &Graph, known: &BTreeMap<String, Provenance>) -> Vec<Disclosure> {
    let of = Provenance::of_nodes(graph, known);
    let disclosure = |(id, reveal): (NodeId, Reveal)| {
        let Provenance { owners, unknown } = &of[id.index()];
        Disclosure {
            value: reveal.value,
            shape: tacita_graph::show(&reveal.shape),
            of: in_order(graph, owners),
            kept: *unknown,
            to: reveal.to,
        }
    };
    graph.reveals().into_iter().zip(Reveal::all(graph)).map(disclosure).collect()
}

/// Names in the order of a graph's owners; others, of whom it keeps something, follow.
fn in_order(graph: &Graph, names: &BTreeSet<Arc<str>>) -> Vec<String> {
    let listed = graph.owners().iter().filter(|name| names.contains(name.as_str())).cloned();
    let others = names.iter().map(|name| (**name).to_owned()).filter(|name| !graph.owners().contains(name));
    listed.chain(others).collect()
}

/// The owners of the private data that a value depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Provenance {
    owners: BTreeSet<Arc<str>>,
    /// Whether it may depend on anybody's, such as a value of a checkpoint.
    unknown: bool,
}

impl Provenance {
    /// Of a value that may depend on anybody's data.
    pub fn unknown() -> Provenance {
        Provenance { owners: BTreeSet::new(), unknown: true }
    }

    /// By node of a graph, if kept values have `known` provenance.
    fn of_nodes(graph: &Graph, known: &BTreeMap<String, Provenance>) -> Vec<Provenance> {
        let owners: Vec<Arc<str>> = graph.owners().iter().map(|name| name.as_str().into()).collect();
        let mut all: Vec<Provenance> = Vec::with_capacity(graph.nodes().len());
        for node in graph.nodes() {
            let provenance = match (&node.op, node.ty.visibility) {
                (Op::Input(_), Visibility::Private(owner)) => {
                    let owners = BTreeSet::from([owners[owner.0 as usize].clone()]);
                    Provenance { owners, unknown: false }
                }
                (Op::Input(_), Visibility::Secret) => {
                    known.get(&node.name).cloned().unwrap_or_else(Provenance::unknown)
                }
                (Op::Input(_), Visibility::Public) => Provenance::default(),
                _ => {
                    let mut joined = Provenance::default();
                    for input in &node.inputs {
                        let Provenance { owners, unknown } = &all[input.index()];
                        joined.owners.extend(owners.iter().cloned());
                        joined.unknown |= unknown;
                    }
                    joined
                }
            };
            all.push(provenance);
        }
        all
    }

    /// Of what a graph keeps, by name.
    pub fn of_kept(graph: &Graph, known: &BTreeMap<String, Provenance>) -> Vec<(String, Provenance)> {
        let keeps = graph.keeps();
        if keeps.is_empty() {
            return vec![];
        }
        let of = Provenance::of_nodes(graph, known);
        keeps.into_iter().map(|id| (graph.node(id).name.clone(), of[id.index()].clone())).collect()
    }
}

/// Which reveals of its own data to others a member agrees to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Those that are listed, and no other.
    Listed(Vec<Allowance>),
    /// Every reveal that this program makes: for a member who has read the program, and knows that nobody else chooses what it
    /// reveals.
    EverythingThisProgramReveals,
}

impl Default for Consent {
    fn default() -> Consent {
        Consent::Listed(vec![])
    }
}

impl Consent {
    /// To exactly what a graph reveals.
    pub fn to_reveals_of(graph: &Graph) -> Consent {
        let each = Reveal::all(graph).into_iter().flat_map(|reveal| {
            let allowance = move |to: &String| Allowance {
                text: format!("{}:{to}", reveal.value),
                value: reveal.value.clone(),
                to: Some(to.clone()),
            };
            reveal.to.clone().iter().map(allowance).collect::<Vec<_>>()
        });
        Consent::Listed(each.collect())
    }

    /// Agrees to one more.
    pub(crate) fn add(&mut self, allowance: Allowance) {
        match self {
            Consent::Listed(listed) => listed.push(allowance),
            Consent::EverythingThisProgramReveals => {}
        }
    }

    /// Refuses a graph that reveals something of a member's own data to others and to which it has not agreed. Kept values of
    /// unknown provenance may be of anybody's data.
    pub(crate) fn check(
        &self,
        graph: &Graph,
        known: &BTreeMap<String, Provenance>,
        me: &str,
    ) -> Result<(), Error> {
        let Consent::Listed(allowed) = self else { return Ok(()) };
        for Disclosure { value, of, kept, to, .. } in disclosures_with(graph, known) {
            if kept || of.iter().any(|owner| owner == me) {
                agreed(&value, &to, me, allowed)?;
            }
        }
        Ok(())
    }
}

/// A reveal of its own data that a member agrees to: `NAME` to whomever the graph names, `NAME:RECEIVER` to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    value: String,
    to: Option<String>,
    /// As it was written, since a value's name may hold a colon.
    text: String,
}

impl FromStr for Allowance {
    type Err = Error;

    fn from_str(text: &str) -> Result<Allowance, Error> {
        if text.is_empty() {
            return Err(Error::Usage("an empty name of a reveal: give NAME or NAME:RECEIVER".into()));
        }
        let (value, to) = match text.rsplit_once(':') {
            Some((value, to)) if !value.is_empty() && !to.is_empty() => (value, Some(to.to_owned())),
            _ => (text, None),
        };
        Ok(Allowance { value: value.to_owned(), to, text: text.to_owned() })
    }
}

impl Allowance {
    fn covers(&self, value: &str, to: &str) -> bool {
        self.text == value || self.value == value && self.to.as_deref() == Some(to)
    }
}

/// Refuses a graph that reveals something of a member's own data to others and is not listed. What was kept in shares may be
/// of anybody's data. [`Session::evaluate`](crate::Session::evaluate) asks the same; this is to ask before a session is joined.
///
/// # Errors
/// [`Error::NotAllowed`] that names the first such value, its receiver, and what to type.
pub fn consent(graph: &Graph, me: &str, allowed: &[Allowance]) -> Result<(), Error> {
    Consent::Listed(allowed.to_vec()).check(graph, &BTreeMap::new(), me)
}

/// Refuses a value of a member's own data that goes to others and is not listed.
///
/// # Errors
/// [`Error::NotAllowed`] that names its first receiver.
pub fn agreed(value: &str, to: &[String], me: &str, allowed: &[Allowance]) -> Result<(), Error> {
    let others = to.iter().filter(|receiver| *receiver != me);
    match others.into_iter().find(|to| !allowed.iter().any(|allowance| allowance.covers(value, to))) {
        None => Ok(()),
        Some(to) => Err(Error::NotAllowed { value: value.to_owned(), of: me.to_owned(), to: to.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use tacita_graph::{Role, dims, ops};

    use super::*;

    /// Alice's x times Bob's w goes to `to`, and Bob's w alone to Bob.
    fn graph(to: &[&str]) -> Graph {
        let mut graph = Graph::new();
        let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
        let x = graph.input("x", &dims(&[2]), Visibility::Private(alice), Role::Data).unwrap();
        let w = graph.input("w", &dims(&[2]), Visibility::Private(bob), Role::Parameter).unwrap();
        let product = graph.add(ops::Mul {}, &[x, w], "product").unwrap();
        let to: Vec<_> = to.iter().map(|name| graph.owner(name)).collect();
        graph.reveal(product, &to, "scores").unwrap();
        graph.reveal(w, &[bob], "weights").unwrap();
        graph
    }

    #[test]
    fn what_a_value_depends_on_is_found() {
        let found = disclosures(&graph(&["alice"]));
        assert_eq!((found[0].of.join(","), found[0].to.join(",")), ("alice,bob".into(), "alice".into()));
        assert_eq!((found[1].of.join(","), found[1].to.join(",")), ("bob".into(), "bob".into()));
    }

    #[test]
    fn seventy_owners_are_told_apart() {
        let mut graph = Graph::new();
        let names: Vec<String> = (0..70).map(|n| format!("owner{n}")).collect();
        let mut input = |name: &String| {
            let owner = graph.owner(name);
            graph.input(name, &dims(&[2]), Visibility::Private(owner), Role::Data).unwrap()
        };
        let inputs: Vec<_> = names.iter().map(&mut input).collect();
        let to = graph.owner("owner1");
        graph.reveal(inputs[69], &[to], "last").unwrap();
        let sum =
            inputs[1..].iter().fold(inputs[0], |sum, &x| graph.add(ops::Add {}, &[sum, x], "").unwrap());
        graph.reveal(sum, &[to], "sum").unwrap();
        let found = disclosures(&graph);
        assert_eq!((found[0].of.join(","), found[0].to.join(",")), ("owner69".into(), "owner1".into()));
        assert_eq!(found[1].of, names);
        // 69 - 64 = 5: in a mask of 64 bits these two are one
        let only_last: Vec<Allowance> = vec!["sum".parse().unwrap()];
        assert!(consent(&graph, "owner5", &only_last).is_ok());
        assert!(consent(&graph, "owner69", &only_last).is_err());
    }

    #[test]
    fn only_reveals_of_ones_own_data_to_others_need_a_yes() {
        let graph = graph(&["alice"]);
        assert!(consent(&graph, "alice", &[]).is_ok() && consent(&graph, "carol", &[]).is_ok());
        let refused = consent(&graph, "bob", &[]).unwrap_err();
        assert_eq!(refused.exit_code(), 5);
        assert!(refused.to_string().contains("scores") && refused.to_string().contains("--allow-reveal"));
    }

    #[test]
    fn a_yes_is_for_a_value_and_a_receiver() {
        let graph = graph(&["alice", "carol"]);
        let yes = |texts: &[&str]| {
            let allowed: Vec<Allowance> = texts.iter().map(|text| text.parse().unwrap()).collect();
            consent(&graph, "bob", &allowed).is_ok()
        };
        assert!(yes(&["scores"]) && yes(&["scores:alice", "scores:carol"]));
        assert!(!yes(&["scores:alice"]) && !yes(&["weights"]) && !yes(&["scores:bob"]) && !yes(&["scor"]));
    }

    #[test]
    fn what_is_kept_may_be_of_anybodys_data() {
        let mut graph = Graph::new();
        let bob = graph.owner("bob");
        let kind = tacita_graph::DType::Fixed;
        let w = graph.input_of("w", &dims(&[2]), Visibility::Secret, Role::Data, kind).unwrap();
        let y = graph.add(ops::Relu {}, &[w], "").unwrap();
        graph.reveal(y, &[bob], "weights").unwrap();
        assert!(disclosures(&graph)[0].kept);
        assert!(consent(&graph, "bob", &[]).is_ok(), "to itself alone");
        // alice is not even named in the graph
        assert!(matches!(consent(&graph, "alice", &[]), Err(Error::NotAllowed { .. })));
        assert!(consent(&graph, "alice", &["weights:bob".parse().unwrap()]).is_ok());
    }
}
