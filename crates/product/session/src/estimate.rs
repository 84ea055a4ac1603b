//! Estimates: the costs and reveals of an evaluation, without running it.

use serde::Serialize;
use tacita_graph::ops::Input;
use tacita_graph::{Graph, Interval, Op, Visibility, show};
use tacita_identity::SessionFile;
use tacita_onnx::{BATCH, Sizes, Template, show_axes};

use crate::engine::bind;
use crate::error::Error;
use crate::members::Members;
use crate::options::{Link, Options};
use crate::prepared::Prepared;
use crate::report::{NodeReport, Reveal};
use tacita_identity::hex;

/// A network to predict times for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Network {
    /// A name.
    pub name: &'static str,
    /// One-way latency of a directed link in milliseconds.
    pub latency_ms: f64,
    /// Rate of a directed link in megabits a second.
    pub mbit: f64,
}

/// The networks that [`estimate`] always predicts for.
pub const NETWORKS: [Network; 2] = [
    Network { name: "LAN", latency_ms: 0.1, mbit: 10_000.0 },
    Network { name: "WAN", latency_ms: 20.0, mbit: 100.0 },
];

/// Communication time of one batch on a network. Computing is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The network.
    #[serde(flatten)]
    pub network: Network,
    /// Seconds for what the dealer sends.
    pub offline_seconds: f64,
    /// Seconds for rounds and openings.
    pub online_seconds: f64,
    /// Seconds for both, as parties on machines of their own compute while the dealer deals.
    pub seconds: f64,
}

/// The estimated costs of a graph.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// The graph's digest, in hexadecimal.
    pub graph_digest: String,
    /// Computing parties.
    pub parties: usize,
    /// Members that own data or receive results and do not compute.
    pub data_owners: usize,
    /// Samples of the batch.
    pub batch: usize,
    /// Fractional bits.
    pub precision_bits: u32,
    /// Values are representable below 2^range_bits.
    pub range_bits: u32,
    /// Rounds of the online phase.
    pub rounds: u32,
    /// Payload sent online by the party that sends most.
    pub online_bytes_per_party: u64,
    /// Payload sent by the dealer.
    pub offline_bytes: u64,
    /// Payload sent once a session by the party that sends most.
    pub setup_bytes_per_party: u64,
    /// Payload sent by the data owner that sends most: its weights, once a session, and its inputs.
    pub bytes_per_data_owner: u64,
    /// By node.
    pub nodes: Vec<NodeReport>,
    /// All that anyone will learn.
    pub reveals: Vec<Reveal>,
    /// Numbers that everybody knows, with who needs them.
    pub public_constants: Vec<String>,
    /// Inputs: name, shape, who owns it.
    pub inputs: Vec<String>,
    /// Predicted communication times.
    pub predictions: Vec<Prediction>,
    /// Warnings of values that may leave the representable range.
    pub warnings: Vec<String>,
}

/// Plans a template at these sizes and tells what it will cost and reveal. If the options' link is a shaped
/// one, times are predicted for it too.
///
/// # Errors
/// If the graph cannot be run privately by that many parties.
pub fn estimate(template: &Template, sizes: &Sizes, options: &Options) -> Result<Estimate, Error> {
    options.check()?;
    let members = Members::parties(computing_parties(template.example(), options)?);
    estimate_with(template, sizes, &members, options.precision, options.link)
}

/// As [`estimate`], for the members of a session between machines and at its precision.
///
/// # Errors
/// If the graph cannot be run privately by these members.
pub fn estimate_session(
    template: &Template,
    sizes: &Sizes,
    file: &SessionFile,
    link: Link,
) -> Result<Estimate, Error> {
    estimate_with(template, sizes, &Members::of(file), file.precision_bits, link)
}

fn estimate_with(
    template: &Template,
    sizes: &Sizes,
    members: &Members,
    precision: u32,
    link: Link,
) -> Result<Estimate, Error> {
    let batch = sizes.get(BATCH).copied().or(template.fixed_batch()).unwrap_or(1);
    let graph = template.at(sizes)?;
    let prepared = Prepared::new(bind(&graph)?, members, precision)?;
    let graph_digest = hex(&template.digest());
    let shape = |name: &str| template.inputs().iter().find(|(other, _)| other == name);
    let inputs = inputs(&graph, &|name| shape(name).map(|(_, shape)| show_axes(shape)));
    let estimate = estimate_prepared(&graph, &prepared, members, link)?;
    Ok(Estimate { graph_digest, batch, inputs, ..estimate })
}

/// The estimate for a graph and its prepared form.
pub(crate) fn estimate_prepared(
    graph: &Graph,
    prepared: &Prepared,
    members: &Members,
    link: Link,
) -> Result<Estimate, Error> {
    let precision = prepared.precision;
    let graph_now = prepared.graph();
    let cost = prepared.plan().cost();
    let fracs = tacita_graph::fracs(graph_now, precision);
    let op = |id: tacita_graph::NodeId| {
        let (op, frac) = (graph_now.node(id).op.name(), fracs[id.index()]);
        if frac == 0 || frac == precision { op.to_owned() } else { format!("{op} ({frac} bits)") }
    };
    let nodes = cost
        .nodes
        .iter()
        .map(|node| NodeReport {
            name: graph_now.label(node.node),
            op: op(node.node),
            rounds: u64::from(node.rounds),
            online_bytes: node.online_bytes.iter().copied().max().unwrap_or(0),
            offline_bytes: node.offline_bytes,
            seconds: 0.0,
        })
        .collect();
    let reveals = Reveal::all(graph_now);
    let asked = match link {
        Link::Shaped { latency_ms, mbit } => Some(Network { name: "asked for", latency_ms, mbit }),
        Link::Memory | Link::Loopback => None,
    };
    let predictions = NETWORKS
        .into_iter()
        .chain(asked)
        .map(|network| {
            let plan = prepared.plan();
            let predicted = plan.predict(network.latency_ms / 1e3, network.mbit * 1e6);
            Prediction {
                network,
                offline_seconds: predicted.offline,
                online_seconds: predicted.online,
                seconds: predicted.together,
            }
        })
        .collect();
    Ok(Estimate {
        graph_digest: hex(&graph.digest()),
        parties: members.parties.len(),
        data_owners: members.data_owners.len(),
        batch: 1,
        precision_bits: precision,
        range_bits: 62 - 2 * precision,
        rounds: cost.rounds,
        online_bytes_per_party: cost.online_bytes.iter().copied().max().unwrap_or(0),
        offline_bytes: cost.offline_bytes,
        setup_bytes_per_party: cost.setup_bytes.iter().copied().max().unwrap_or(0),
        bytes_per_data_owner: cost
            .data_owners
            .iter()
            .map(|(setup, online)| setup + online)
            .max()
            .unwrap_or(0),
        nodes,
        reveals,
        public_constants: public_constants(graph),
        inputs: inputs(graph, &|_| None),
        predictions,
        warnings: tacita_graph::warnings(graph_now, precision)?.iter().map(describe).collect(),
    })
}

/// The inputs of a graph, a line each. `axes` names the sizes of those that have open ones.
fn inputs(graph: &Graph, axes: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let line = |id| {
        let node = graph.node(id);
        let who = match node.ty.visibility {
            Visibility::Private(owner) => format!("private to {}", graph.owners()[owner.0 as usize]),
            Visibility::Public => "public".to_owned(),
            Visibility::Secret => "secret".to_owned(),
        };
        let within = match &node.op {
            Op::Input(Input { range: Some(Interval { min, max }), .. }) => format!(", {min} to {max}"),
            _ => String::new(),
        };
        let shape = axes(&node.name).unwrap_or_else(|| show(&node.ty.shape));
        format!("{} {shape} {who}{within}", node.name)
    };
    graph.inputs().into_iter().map(line).collect()
}

/// The local names if they are all that the graph names; else the graph's owners, and local names to make up the number.
fn computing_parties(graph: &Graph, options: &Options) -> Result<Vec<String>, Error> {
    let (owners, names) = (graph.owners(), options.party_names());
    if owners.iter().all(|owner| names.contains(owner)) {
        return Ok(names);
    }
    if owners.len() > options.parties {
        let (all, count) = (owners.join(", "), owners.len());
        return Err(Error::Usage(format!(
            "the graph is of {all}: {count} parties or more compute it, not {}",
            options.parties
        )));
    }
    let others = names.into_iter().filter(|name| !owners.contains(name));
    Ok(owners.iter().cloned().chain(others).take(options.parties).collect())
}

fn describe(warning: &tacita_graph::RangeWarning) -> String {
    let basis = if warning.assumed { "some input declares no range" } else { "the declared ranges allow it" };
    let then = if warning.saturates { "; it would be that, not what it should" } else { "" };
    format!(
        "`{}` ({}) could reach {:.3e}, beyond the representable {:.3e}{then}: {basis}",
        warning.name, warning.op, warning.peak, warning.limit
    )
}

/// The numbers among a graph's attributes, which everybody reads.
fn public_constants(graph: &Graph) -> Vec<String> {
    let mut found = vec![];
    for id in graph.ids() {
        let numbers = match &graph.node(id).op {
            Op::Clip(clip) => vec![("min", clip.min), ("max", clip.max)],
            Op::BatchNorm(norm) => vec![("epsilon", Some(norm.epsilon))],
            Op::Constant(constant) => vec![("value", Some(constant.value))],
            Op::Pad(pad) => vec![("value", Some(pad.value).filter(|value| *value != 0.0))],
            _ => continue,
        };
        for (name, value) in numbers {
            if let Some(value) = value {
                found.push(format!("{name} = {value} (for {})", graph.label(id)));
            }
        }
    }
    found
}
