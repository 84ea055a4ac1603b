//! Evaluations of tensors: reveals, kept values, estimates, forgetting.

use std::sync::Arc;

use ndarray::ArrayD;
use tacita_graph::{NodeId, Value};

use crate::error::Error;
use crate::estimate::{Estimate, estimate_prepared};
use crate::evaluation::Evaluation;
use crate::local_members::Progress;
use crate::options::Link;
use crate::prepared::Prepared;
use crate::session::Session;
use crate::step::{Step, Target};
use crate::tensor::Tensor;

impl Session {
    /// Computes a tensor and opens it to the named members. Returns what the first of those who are here received, `None` if
    /// none of them is. The reveal is called `result`.
    ///
    /// # Errors
    /// If a receiver is no member, consent is missing, a value is out of range, or the protocol fails; also if the value holds
    /// integers from 2^53 on, which [`Session::run`] gives exactly.
    pub fn reveal(&self, tensor: &Tensor, to: &[&str]) -> Result<Option<ArrayD<f64>>, Error> {
        let value = self.run(&[(tensor, to)], &[])?.remove(0);
        match value {
            Some(Value::I64(numbers)) if numbers.iter().any(|x| x.unsigned_abs() > 1 << 53) => Err(
                Error::Input("the result has integers beyond 2^53: `Session::run` gives them exactly".into()),
            ),
            value => Ok(value.map(|value| value.to_f64())),
        }
    }

    /// One evaluation: computes these tensors, opens each to its receivers, and keeps those of `keep` in shares, besides what the
    /// program holds of what is computed on the way. Returns for each reveal what the first of its receivers who are here got.
    /// The reveals are called `result`, `result 2` and so on.
    ///
    /// # Errors
    /// As [`Session::reveal`]; also if a tensor of `keep` has other fractional bits than the session. After an error of an input,
    /// which is found before anything is sent, the session goes on.
    pub fn run(&self, reveal: &[(&Tensor, &[&str])], keep: &[&Tensor]) -> Result<Vec<Option<Value>>, Error> {
        let evaluation = self.run_with(reveal, keep, &mut |_| ())?.0;
        let first = |values: Vec<(String, Value)>| values.into_iter().next().map(|(_, value)| value);
        Ok(evaluation.revealed.into_values().map(first).collect())
    }

    /// As [`Session::run`], with progress, and with what it cost. Reveals are in the order in which they were given.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_with(
        &self,
        reveal: &[(&Tensor, &[&str])],
        keep: &[&Tensor],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Evaluation, Arc<Prepared>), Error> {
        if reveal.is_empty() && keep.iter().all(|tensor| tensor.is_kept()) {
            let to_do = "nothing to reveal, and what is to be kept is kept";
            return Err(Error::Usage(to_do.into()));
        }
        let mut engine = self.engine();
        let step = self.step(reveal, keep)?;
        let prepared = engine.prepare(&step.graph, self.precision)?;
        let evaluation = engine.evaluate(&prepared, &step.inputs, progress)?;
        let free = self.workspace.lock().commit(step.kept)?;
        engine.forget_kept(&free)?;
        Ok((evaluation, prepared))
    }

    /// Estimates the cost of revealing these tensors now, and lists the receivers. Nothing runs.
    ///
    /// # Errors
    /// As [`Session::run`], but for what happens while it runs.
    pub fn estimate(&self, reveal: &[(&Tensor, &[&str])]) -> Result<Estimate, Error> {
        let mut engine = self.engine();
        let step = self.step(reveal, &[])?;
        let prepared = engine.prepare(&step.graph, self.precision)?;
        estimate_prepared(&step.graph, &prepared, &self.members, Link::Memory)
    }

    /// The graph of an evaluation.
    fn step(&self, reveal: &[(&Tensor, &[&str])], keep: &[&Tensor]) -> Result<Step, Error> {
        for (tensor, to) in reveal {
            self.workspace.check(&[tensor])?;
            if to.is_empty() {
                return Err(Error::Usage("a reveal to nobody: name a receiver".into()));
            }
            to.iter().try_for_each(|name| self.check_member(name))?;
        }
        self.workspace.check(keep)?;
        let state = self.workspace.lock();
        let target = |(tensor, to): &(&Tensor, &[&str])| -> Target {
            (tensor.handle().id(&state), to.iter().map(|name| (*name).to_owned()).collect())
        };
        let reveal: Vec<Target> = reveal.iter().map(target).collect();
        let keep: Vec<NodeId> = keep.iter().map(|tensor| tensor.handle().id(&state)).collect();
        Step::new(&state, &reveal, &keep, self.precision)
    }

    /// Forgets parameters that no tensor is computed from any more: members drop what they hold of them. The names stay taken,
    /// as a mask serves one value.
    ///
    /// # Errors
    /// If there is no such parameter, or it is in use.
    pub fn forget(&self, parameters: &[&str]) -> Result<(), Error> {
        let mut engine = self.engine();
        {
            let state = self.workspace.lock();
            parameters.iter().try_for_each(|name| state.check_unused(name))?;
        }
        engine.forget_parameters(parameters)
    }
}
