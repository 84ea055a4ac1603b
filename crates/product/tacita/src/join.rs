//! One member's part of an inference on several machines: what `tacita join` does.

use std::collections::BTreeMap;
use std::time::Instant;

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_graph::{Graph, Inputs, NodeId, Op, Role, Visibility};
use tacita_identity::{Identity, SessionFile, hex};
use tacita_onnx::{BATCH, Sizes, Template};

use crate::batches::{Batches, Outcome, accuracy, check_labels, check_samples};
use crate::infer::InferProgress;
use tacita_session::ConnectOptions;
use tacita_session::Error;
use tacita_session::Session;
use tacita_session::message::{decode, encode};
use tacita_session::{Parts, UsualBatch};
use tacita_session::{REPORT_VERSION, Report, cpu, peak_rss_bytes};

/// One member's part in a joint inference.
pub struct Part {
    /// The computation, the same at every member.
    pub template: Template,
    /// Open sizes that this member gives, without the batch; members that give one must give the same.
    pub sizes: Sizes,
    /// The weights, where they are owned; empty elsewhere.
    pub parameters: Inputs,
    /// The samples, first axis the batch, where they are owned.
    pub samples: Option<ArrayD<f64>>,
    /// Samples to evaluate together, if this member minds.
    pub batch: Option<usize>,
    /// How many to evaluate together if nobody minds: the same function at every member.
    pub usual_batch: UsualBatch,
    /// To compare the result with, where it is received.
    pub labels: Option<Vec<i64>>,
    /// Notes of the import.
    pub notes: Vec<String>,
}

/// A joint inference whose results are here and not yet final.
pub struct Joined {
    session: Session,
    /// The first output that this member receives, all samples; none if it receives nothing.
    pub output: Option<ArrayD<f64>>,
    /// Whether the output is of indices.
    pub indices: bool,
    /// Its costs.
    pub report: Report,
}

/// A member's message before the evaluation begins. Shapes are public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Terms {
    samples: Option<u64>,
    batch: Option<u64>,
    /// Open sizes, those of the member's data among them.
    sizes: BTreeMap<String, u64>,
}

/// Joins a session and evaluates a graph on its owners' data, in batches that all members agree on. `opened` is
/// called with the session once all members are there.
///
/// The caller checks consent before ([`crate::consent`]), then writes what it has to write, then calls
/// [`Joined::finish`].
///
/// # Errors
/// If inputs do not fit, the members do not agree, or the session fails.
pub fn join(
    file: &SessionFile,
    me: &str,
    identity: &Identity,
    options: &ConnectOptions,
    part: Part,
    opened: impl FnOnce(&Session),
    progress: &mut dyn FnMut(InferProgress<'_>),
) -> Result<Joined, Error> {
    let Part { template, sizes, parameters, samples, batch, usual_batch, labels, notes } = part;
    let graph = template.example();
    let mine = data_inputs(graph, me);
    let input = match (mine.as_slice(), &samples) {
        ([], None) => None,
        ([], Some(_)) => {
            return Err(Error::Usage(format!("{me} owns no input of this graph: leave --input out")));
        }
        ([id], Some(samples)) => {
            let name = graph.node(*id).name.as_str();
            Some((name, check_samples(&template, (name, samples))?))
        }
        ([id], None) => {
            let name = graph.label(*id);
            return Err(Error::Usage(format!("{me} owns the input `{name}`: give it with --input")));
        }
        (several, _) => {
            let names: Vec<String> = several.iter().map(|id| graph.label(*id)).collect();
            return Err(Error::Usage(format!(
                "{me} owns {}: a graph with several inputs of one owner is for the library",
                names.join(", ")
            )));
        }
    };
    check_parameters(graph, me, &parameters)?;
    let sizes = match &samples {
        Some(samples) => template.sizes_of(samples.shape(), &sizes)?,
        None => sizes,
    };
    let others = sizes.into_iter().filter(|(name, _)| name != BATCH);
    let mut own = Terms {
        samples: input.map(|(_, count)| count as u64),
        batch: batch.map(|batch| batch as u64),
        sizes: others.map(|(name, size)| (name, size as u64)).collect(),
    };

    let begun = Instant::now();
    let session = Session::connect_with(file, me, identity, options)?;
    opened(&session);
    if let Some((_, dealt)) = session.dealt_ahead() {
        own.batch.get_or_insert(dealt as u64);
    }
    let (parts, sizes) = agree(&session, &template, own, me, usual_batch)?;
    let (count, batch) = (parts.rows(), parts.batch());
    let batches = Batches::new(&template, &sizes, &parts)?;
    if let Some(dealt) = session.dealt_ahead()
        && dealt != (count, batch)
    {
        session.abandon(&format!("{me} was dealt correlations for other samples or batches"));
        return Err(Error::Input(format!(
            "the correlations were dealt for {} samples, {} at a time, and this session evaluates {count}, {batch} at a \
             time: have them dealt for that",
            dealt.0, dealt.1
        )));
    }
    if let Err(error) = check_labels(labels.as_deref(), count) {
        session.abandon(&format!("{me} has labels for another number of samples"));
        return Err(error);
    }
    let opening = begun.elapsed().as_secs_f64();
    let own_samples = input.map(|(name, _)| name).zip(samples.as_ref());
    let outcome = batches.evaluate(&session, parameters, own_samples, Some(me), progress);
    let outcome = outcome.inspect_err(|error| {
        // of an error of the protocol the others know; of others they learn no more than that
        if !matches!(error, Error::Protocol(_)) {
            session.abandon(&format!("{me} cannot evaluate, and was told why"));
        }
    })?;
    let Outcome { output, mut totals, .. } = outcome;
    totals.seconds.setup += opening;
    totals.seconds.total += opening;
    let accuracy = output.as_ref().zip(labels).map(|(output, labels)| accuracy(&output.labels(), &labels));
    let mut report = Report {
        version: REPORT_VERSION,
        graph_digest: hex(&template.digest()),
        parties: file.parties.len(),
        threads: options.threads,
        dealer_threads: None,
        cpu: cpu(),
        transport: "tcp".to_owned(),
        precision_bits: file.precision_bits,
        range_bits: 62 - 2 * file.precision_bits,
        samples: count,
        batch,
        rounds: totals.rounds,
        online_bytes_per_party: totals.online.iter().copied().max().unwrap_or(0),
        wire_bytes: totals.wire,
        offline_bytes: totals.offline,
        setup_bytes_per_party: totals.setup.iter().copied().max().unwrap_or(0),
        seconds: totals.seconds,
        peak_rss_bytes: peak_rss_bytes(),
        max_abs_error: None,
        mean_abs_error: None,
        argmax_agreement: None,
        accuracy,
        accuracy_plain: None,
        reveals: totals.reveals,
        nodes: totals.nodes.into_values().collect(),
        notes,
    };
    // each knows what it sent itself; a report is of all
    for (_, bytes) in session.exchange("wire bytes", &encode(&report.wire_bytes)?)? {
        report.wire_bytes = report.wire_bytes.saturating_add(decode(&bytes)?);
    }
    let (output, indices) = output.map(|output| (output.value, output.indices)).unzip();
    Ok(Joined { session, output, indices: indices.unwrap_or(false), report })
}

impl Joined {
    /// Tells the others that this member has all that it wanted, and waits for their word, so that an output appears at
    /// no member if one of them fails.
    ///
    /// # Errors
    /// If another member fails.
    pub fn finish(self) -> Result<(), Error> {
        self.session.exchange("finished", &[]).map(drop)
    }

    /// Tells the others that this member cannot use what it got, so that they do not take it for a success.
    pub fn abandon(self, cause: &str) {
        self.session.abandon(cause);
    }
}

/// The inputs that are a member's data, not weights.
fn data_inputs(graph: &Graph, me: &str) -> Vec<NodeId> {
    owned(graph, me, Role::Data)
}

fn owned(graph: &Graph, me: &str, role: Role) -> Vec<NodeId> {
    let is_mine = |id: &NodeId| {
        let node = graph.node(*id);
        let owned = match node.ty.visibility {
            Visibility::Private(owner) => graph.owners()[owner.0 as usize] == me,
            _ => false,
        };
        owned && matches!(&node.op, Op::Input(input) if input.role == role)
    };
    graph.inputs().into_iter().filter(is_mine).collect()
}

/// Refuses to join without one's own weights, before anybody waits.
fn check_parameters(graph: &Graph, me: &str, parameters: &Inputs) -> Result<(), Error> {
    for id in owned(graph, me, Role::Parameter) {
        let node = graph.node(id);
        let Some(value) = parameters.get(&node.name) else {
            let name = &node.name;
            return Err(Error::Usage(format!("{me} owns the weight `{name}`: give the model with --model")));
        };
        if node.ty.shape != value.shape() {
            let (name, want, got) = (&node.name, tacita_graph::show(&node.ty.shape), value.shape());
            return Err(Error::Input(format!(
                "the weight `{name}` is {got:?} in the model and {want} in the graph: was the graph exported from another model?"
            )));
        }
    }
    Ok(())
}

/// Agrees on the template's sizes, the number of samples and of those evaluated together.
fn agree(
    session: &Session,
    template: &Template,
    own: Terms,
    me: &str,
    usual: UsualBatch,
) -> Result<(Parts, Sizes), Error> {
    let told = encode(&own)?;
    let mut terms = vec![(me.to_owned(), own)];
    for (name, bytes) in session.exchange("terms", &told)? {
        terms.push((name, decode(&bytes)?));
    }
    let one = |what: &str, of: &dyn Fn(&Terms) -> Option<u64>| -> Result<Option<usize>, Error> {
        let mut found: Option<(&str, u64)> = None;
        for (name, terms) in &terms {
            let Some(number) = of(terms) else { continue };
            match found {
                Some((other, first)) if first != number => {
                    return Err(Error::Disagreement(format!(
                        "{other} has {first} {what}, {name} {number}: all members must have the same"
                    )));
                }
                _ => found = Some((name, number)),
            }
        }
        Ok(found.and_then(|(_, number)| usize::try_from(number).ok()))
    };
    let samples = one("samples", &|terms| terms.samples)?;
    let asked = one("samples a batch", &|terms| terms.batch)?;
    let mut sizes = Sizes::new();
    for name in template.names().into_iter().filter(|name| name != BATCH) {
        if let Some(size) = one(&format!("as size {name}"), &|terms| terms.sizes.get(&name).copied())? {
            sizes.insert(name, size);
        }
    }
    let count = match samples {
        Some(0) => return Err(Error::Disagreement("an owner says that it has no samples".into())),
        Some(count) => count,
        None => template.fixed_batch().unwrap_or(1),
    };
    Ok((Parts::choose(template, &sizes, count, asked, usual)?, sizes))
}
