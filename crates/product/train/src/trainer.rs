//! Training in a session.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ndarray::{ArrayD, arr0};
use tacita_graph::{DType, Graph, Inputs, Role, Visibility, dims};
use tacita_identity::Identity;
use tacita_mpc::KeptValues;
use tacita_nn::{Parameter, Step, Training};

use crate::checkpoint::{self, Checkpoint, Checkpoints, Secret, Terms, expected, local_secret};
use tacita_session::Error;
use tacita_session::Prepared;
use tacita_session::{Evaluation, Session};

/// A network in training: its parameters are with the computing parties, in shares, and change with every step.
///
/// # Security
/// Nobody sees parameters, gradients or data; what a step reveals is what its graph reveals. Initial values are public, made
/// from a seed, but for those of a [`Pretrained`] member, which nobody else sees. Semi-honest, as all of the protocol.
pub struct Trainer {
    session: Session,
    training: Training,
    step: Arc<Prepared>,
    parameters: Vec<Parameter>,
    /// The shapes of the values that live from step to step.
    kept: BTreeMap<String, Vec<usize>>,
    steps: u64,
}

/// A member's values of a network that is to be trained further.
///
/// All members name the same owner and parameters.
pub struct Pretrained<'a> {
    /// The owner of the values.
    pub owner: &'a str,
    /// The parameters that begin at them.
    pub parameters: &'a [&'a str],
    /// The values by parameter, where the owner is; others are not looked at.
    pub values: &'a Inputs,
}

impl Trainer {
    /// Begins training in a session: `graph` has one [`Step`] (see [`Training::step`]) and the reveals of each, such as that of
    /// the loss. Parameters begin at values from `seed`, the same at all members.
    ///
    /// # Errors
    /// If the graph cannot be run by these members, or the session fails.
    pub fn begin(
        session: Session,
        training: Training,
        graph: &Graph,
        step: &Step,
        seed: u64,
    ) -> Result<Trainer, Error> {
        let nothing = Pretrained { owner: "", parameters: &[], values: &Inputs::new() };
        Trainer::begin_from(session, training, graph, step, seed, &nothing)
    }

    /// As [`Trainer::begin`], but some parameters begin at private values of a member, such as those of a network that it
    /// trained on data of its own.
    ///
    /// # Errors
    /// As [`Trainer::begin`]; also if the network has no parameter of a name, or a value is missing where its owner is or has
    /// another shape.
    pub fn begin_from(
        session: Session,
        training: Training,
        graph: &Graph,
        step: &Step,
        seed: u64,
        pretrained: &Pretrained<'_>,
    ) -> Result<Trainer, Error> {
        let Pretrained { owner, parameters, values } = pretrained;
        if let Some(name) = parameters.iter().find(|&&name| step.parameters.iter().all(|p| p.name != name)) {
            return Err(Error::Usage(format!("the network trains no parameter `{name}`")));
        }
        let mut start = Graph::new();
        let begin = step.start_from(&mut start, owner, parameters)?;
        let mut inputs = begin.values(seed);
        let given = parameters.iter().filter_map(|&name| Some((name, values.get(name)?)));
        inputs.extend(given.map(|(name, value)| (format!("initial {name}"), value.clone())));
        let prepared = session.prepare(&start)?;
        session.evaluate(&prepared, &inputs, &mut |_| ())?;
        let prepared = session.prepare(graph)?;
        let (parameters, kept) = (step.parameters.clone(), expected(step));
        Ok(Trainer { session, training, step: prepared, parameters, kept, steps: 0 })
    }

    /// Goes on with a training from values that parties kept when it had taken so many steps ([`Trainer::begin`] makes new ones).
    /// All members give the same graph and number of steps, and each party its shares of one and the same state.
    pub(crate) fn go_on(
        session: Session,
        training: Training,
        graph: &Graph,
        step: &Step,
        (kept, steps): (BTreeMap<String, KeptValues>, u64),
    ) -> Result<Trainer, Error> {
        session.keep(kept)?;
        let prepared = session.prepare(graph)?;
        let (parameters, kept) = (step.parameters.clone(), expected(step));
        Ok(Trainer { session, training, step: prepared, parameters, kept, steps })
    }

    /// Writes the state of the training, as each computing party here has it: its shares, encrypted in a file in the folder, whole or
    /// not at all. The last two of each party are left. All members save after the same steps.
    ///
    /// The key follows from the party's identity. Where all parties are in this process there is none: the key is then a file
    /// in the folder, which protects nothing from whoever has both.
    ///
    /// # Errors
    /// If a file cannot be written, or one of several members gives no identity.
    pub fn save(&mut self, folder: &Path, identity: Option<&Identity>) -> Result<(), Error> {
        let mut kept = self.session.kept()?;
        for (party, store) in stores(&self.session, self.step.graph(), folder, identity)? {
            let mut kept = kept.remove(&party).unwrap_or_default();
            kept.retain(|name, _| self.kept.contains_key(name));
            store.write(&Checkpoint { step: self.steps, order: [0; 32], losses: vec![], kept })?;
        }
        Ok(())
    }

    /// Goes on with a training that was saved, in a new session, from the latest step that all parties have. All members give
    /// the same graph as before, and each party its own folder and identity.
    ///
    /// # Errors
    /// If a checkpoint cannot be read, is of another graph or party, parties have none in common, or the session fails.
    pub fn resume(
        session: Session,
        training: Training,
        graph: &Graph,
        step: &Step,
        folder: &Path,
        identity: Option<&Identity>,
    ) -> Result<Trainer, Error> {
        let bound = session.prepare(graph)?;
        let stores = stores(&session, bound.graph(), folder, identity)?;
        let mut terms = Vec::new();
        for (party, store) in &stores {
            terms.push((party.clone(), Terms { writes: true, resumes: Some(store.stamps()?) }));
        }
        let nothing = || Error::Disagreement("no party resumes".into());
        let stamp = checkpoint::agree(&session, terms)?.ok_or_else(nothing)?;
        let kept = stores
            .iter()
            .map(|(party, store)| Ok((party.clone(), store.read(stamp.step, &expected(step))?.kept)));
        let kept = kept.collect::<Result<_, Error>>()?;
        Trainer::go_on(session, training, graph, step, (kept, stamp.step))
    }

    /// Takes a step with the data of a batch, of those owners that are here.
    ///
    /// # Errors
    /// If an input is missing or out of range, or the session fails.
    pub fn step(&mut self, batch: &Inputs) -> Result<Evaluation, Error> {
        self.step_at(batch, 1.0)
    }

    /// As [`Trainer::step`], at a rate of `pace` times the optimiser's, from 0 to 1: for schedules, which a paced training has
    /// ([`Training::paced`]).
    ///
    /// # Errors
    /// As [`Trainer::step`]; also if the training is not paced and the pace is not 1.
    pub fn step_at(&mut self, batch: &Inputs, pace: f64) -> Result<Evaluation, Error> {
        self.steps += 1;
        if !self.training.is_paced() {
            if pace != 1.0 {
                return Err(Error::Usage("this training has a fixed rate: make it `paced`".into()));
            }
            return self.session.evaluate(&self.step, batch, &mut |_| ());
        }
        let mut inputs = batch.clone();
        let pace = pace * self.training.optimiser().pace(self.steps);
        inputs.insert(Training::PACE.to_owned(), arr0(pace).into_dyn());
        self.session.evaluate(&self.step, &inputs, &mut |_| ())
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The prepared graph of a step.
    pub fn prepared(&self) -> &Prepared {
        &self.step
    }

    /// The session, to evaluate other graphs of the parameters in, such as of the network as it is used
    /// ([`Layer::apply`](tacita_nn::Layer::apply)): secret inputs of their names are their values.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Ends the training; the session goes on.
    pub(crate) fn into_session(self) -> Session {
        self.session
    }

    /// Opens the parameters to a member, by name: what the first of those who are here received, nothing if none is.
    ///
    /// # Errors
    /// If a receiver is no member, or the session fails.
    pub fn reveal(&mut self, to: &[&str]) -> Result<Vec<(String, ArrayD<f64>)>, Error> {
        let mut graph = Graph::new();
        let mut owners: Vec<_> = to.iter().map(|name| graph.owner(name)).collect();
        owners.sort_unstable();
        owners.dedup();
        let mut names = Vec::new();
        for Parameter { name, shape, .. } in &self.parameters {
            let id = graph.input_of(name, &dims(shape), Visibility::Secret, Role::Data, DType::Fixed)?;
            graph.reveal(id, &owners, "model")?;
            names.push(name.clone());
        }
        let prepared = self.session.prepare(&graph)?;
        let evaluation = self.session.evaluate(&prepared, &Inputs::new(), &mut |_| ())?;
        let first = evaluation.revealed.into_values().map(|values| values.into_iter().next());
        Ok(names.into_iter().zip(first).filter_map(|(name, value)| Some((name, value?.1.to_f64()))).collect())
    }
}

/// Where the checkpoints of each computing party here are.
fn stores<'a>(
    session: &Session,
    graph: &Graph,
    folder: &Path,
    identity: Option<&'a Identity>,
) -> Result<Vec<(String, Checkpoints<'a>)>, Error> {
    let parties = session.computing_here();
    let secret = match identity {
        _ if parties.is_empty() => return Ok(vec![]),
        Some(identity) => Secret::Identity(identity),
        None if session.is_of_several_machines() => {
            return Err(Error::Usage(format!(
                "{}'s shares are encrypted under its key: give its identity",
                parties[0]
            )));
        }
        None => Secret::Local(local_secret(folder)?),
    };
    let of = [blake3::derive_key("tacita training of a program v1", &[]), graph.digest()];
    Ok(checkpoint::stores(folder, parties, secret, of))
}
