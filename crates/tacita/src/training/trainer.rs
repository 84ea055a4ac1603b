//! Training in a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{ArrayD, arr0};
use tacita_graph::{Graph, Inputs, Kind, Role, Visibility, dims};
use tacita_mpc::KeptValues;
use tacita_nn::{Parameter, Step, Training};

use crate::error::Error;
use crate::prepared::Prepared;
use crate::session::{Evaluation, Session};

/// A network in training: its parameters are with the computing parties, in shares, and change with every step.
///
/// # Security
/// Nobody sees parameters, gradients or data; what a step reveals is what its graph reveals. Initial values are public, made
/// from a seed. Semi-honest, as all of the protocol.
pub struct Trainer {
    session: Session,
    training: Training,
    step: Arc<Prepared>,
    parameters: Vec<Parameter>,
    steps: u64,
}

impl Trainer {
    /// Begins training in a session: `graph` has one [`Step`] (see [`Training::step`]) and the reveals of each, such as that of
    /// the loss. Parameters begin at values from `seed`, the same at all members.
    ///
    /// # Errors
    /// If the graph cannot be run by these members, or the session fails.
    pub fn begin(
        mut session: Session,
        training: Training,
        graph: &Graph,
        step: &Step,
        seed: u64,
    ) -> Result<Trainer, Error> {
        let mut start = Graph::new();
        let begin = step.start(&mut start)?;
        let prepared = session.prepare(&start, 1)?;
        session.evaluate(&prepared, &begin.values(seed), &mut |_| ())?;
        let prepared = session.prepare(graph, 1)?;
        let parameters = step.parameters.clone();
        Ok(Trainer { session, training, step: prepared, parameters, steps: 0 })
    }

    /// Goes on with a training from values that parties kept when it had taken so many steps ([`Trainer::begin`] makes new ones).
    /// All members give the same graph and number of steps, and each party its shares of one and the same state.
    pub(crate) fn resume(
        mut session: Session,
        training: Training,
        graph: &Graph,
        step: &Step,
        (kept, steps): (BTreeMap<String, KeptValues>, u64),
    ) -> Result<Trainer, Error> {
        session.keep(kept)?;
        let prepared = session.prepare(graph, 1)?;
        let parameters = step.parameters.clone();
        Ok(Trainer { session, training, step: prepared, parameters, steps })
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

    /// What a step costs and needs.
    pub fn prepared(&self) -> &Prepared {
        &self.step
    }

    /// The session, to evaluate other graphs of the parameters in, such as of the network as it is used
    /// ([`Layer::apply`](tacita_nn::Layer::apply)): secret inputs of their names are their values.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
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
            let id = graph.input_of(name, &dims(shape), Visibility::Secret, Role::Data, Kind::Fixed)?;
            graph.reveal(id, &owners, name)?;
            names.push(name.clone());
        }
        let prepared = self.session.prepare(&graph, 1)?;
        let evaluation = self.session.evaluate(&prepared, &Inputs::new(), &mut |_| ())?;
        let first = evaluation.revealed.into_values().map(|values| values.into_iter().next());
        Ok(names.into_iter().zip(first).filter_map(|(name, value)| Some((name, value?.1))).collect())
    }
}
