//! The rounding that the masks make: lets `fixed` compute what `mpc` computes, bit for bit.

use tacita_correlations::{StreamId, Streams};
use tacita_net::{Endpoint, Limits, memory};
use tacita_program::{ClearValue, RingId, RingNode, RingType, Rounding, Threshold, Visibility};
use tacita_ring::{BitTensor, Exponential, FourierSum, RingTensor};

use crate::config::Config;
use crate::draws::contribution;
use crate::error::MpcError;
use crate::handshake::handshake;
use crate::leaves::Leaves;
use crate::linear::constants;
use crate::masks::EvaluationMasks;
use crate::plan::{Plan, TaskKind};
use crate::primitives::truncate_clear;
use crate::sizes::{elements, words};

/// Every Bernoulli bit of truncation is a function of the mask, and this knows the masks: it holds what the dealer
/// holds. It also holds what no member has but each party of its own, for what is drawn. For tests.
pub struct MaskRounding<'a> {
    plan: &'a Plan,
    streams: Streams,
    /// The parties' own seeds.
    own: Streams,
    public: Leaves,
    evaluation: u64,
}

impl<'a> MaskRounding<'a> {
    /// The rounding of a session's evaluation with this number, from the seeds of an insecurely seeded session.
    ///
    /// # Errors
    /// As the handshake's.
    pub fn new(plan: &'a Plan, config: &Config, public: &Leaves, evaluation: u64) -> Result<Self, MpcError> {
        // a session of the same seed, whose handshake gives the same seeds
        let parties = plan.parties();
        let mut endpoints = memory(&plan.member_names(), &Limits::default());
        let dealer = endpoints.remove(parties);
        let (seeds, own) = std::thread::scope(|scope| {
            let own = |endpoint: Endpoint| {
                let me = endpoint.id().index();
                let shaken = handshake(&endpoint, parties, config, None)?;
                Ok(shaken.pairwise.into_iter().nth(me).flatten())
            };
            let others: Vec<_> =
                endpoints.into_iter().map(|endpoint| scope.spawn(move || own(endpoint))).collect();
            let seeds = handshake(&dealer, parties, config, None)?.streams;
            let ended = |_| MpcError::Internal("a member of the handshake panicked".into());
            let own = others.into_iter().map(|other| other.join().map_err(ended)?);
            Ok::<_, MpcError>((seeds, own.collect::<Result<Vec<_>, MpcError>>()?))
        })?;
        Ok(MaskRounding {
            plan,
            streams: Streams::new(seeds, config.hooks.overrides.clone()),
            own: Streams::new(own, config.hooks.overrides.clone()),
            public: constants(plan.values(), public),
            evaluation,
        })
    }

    /// The first words of a stream that a party shares with the dealer.
    ///
    /// # Errors
    /// If there is no such party.
    pub fn stream(&self, party: usize, stream: StreamId, words: usize) -> Result<Vec<u64>, MpcError> {
        Ok(self.streams.words(party, stream, 0, words)?)
    }

    /// The mask of an opened value.
    ///
    /// # Errors
    /// If the value is not opened in this plan.
    pub fn mask(&self, id: RingId) -> Result<RingTensor, MpcError> {
        let mut masks = EvaluationMasks::new(self.plan, self.evaluation, &self.streams, &self.public);
        Ok(RingTensor::clone(&*masks.mask(id)?))
    }

    /// A value's mask, and the masked value.
    ///
    /// # Panics
    /// If the value is not opened: `fixed` asks for nothing else.
    fn opened(&self, value: RingId, z: &RingTensor) -> (RingTensor, Vec<u64>) {
        let mask = self.mask(value).unwrap_or_else(|e| panic!("the mask of ring node {}: {e}", value.0));
        let opened = z.data().iter().zip(mask.data()).map(|(z, r)| z.wrapping_add(*r)).collect();
        (mask, opened)
    }
}

impl Rounding for MaskRounding<'_> {
    fn truncate(&mut self, value: RingId, z: &RingTensor, bits: u32) -> RingTensor {
        let mut out = z.clone();
        if self.plan.node(value).visibility == Visibility::Public {
            out.data_mut().iter_mut().for_each(|z| *z = (*z as i64 >> bits) as u64);
            return out;
        }
        let (mask, opened) = self.opened(value, z);
        for ((out, opened), r) in out.data_mut().iter_mut().zip(opened).zip(mask.data()) {
            *out = truncate_clear(opened, *r, bits);
        }
        out
    }

    fn below(&mut self, value: RingId, z: &RingTensor, threshold: Threshold, sign: u32) -> RingTensor {
        let (mask, opened) = self.opened(value, z);
        let bits = opened.iter().zip(mask.data()).map(|(opened, r)| {
            let c = opened.wrapping_sub(threshold.at as u64);
            let low = |word: u64| (word & ((1 << sign) - 1)) >> threshold.dropped;
            (c >> sign & 1) ^ (r >> sign & 1) ^ u64::from(low(c) < low(*r))
        });
        RingTensor::new(z.shape().to_vec(), bits.collect())
    }

    fn fourier_sum(&mut self, value: RingId, z: &RingTensor, sum: &FourierSum) -> RingTensor {
        let (mask, opened) = self.opened(value, z);
        let mut dealt = vec![0; opened.len() * sum.words()];
        sum.cosines(mask.data(), &mut dealt);
        let mut out = vec![sum.whole(); opened.len()];
        sum.add_difference(&opened, &dealt, &mut out);
        RingTensor::new(z.shape().to_vec(), out)
    }

    fn exponential(&mut self, value: RingId, z: &RingTensor, spec: &Exponential) -> RingTensor {
        let (mask, opened) = self.opened(value, z);
        RingTensor::new(z.shape().to_vec(), spec.of_difference(&opened, mask.data()))
    }

    fn random(&mut self, value: RingId, node: &RingNode, _draw: u32) -> ClearValue {
        let task = self.plan.tasks.iter().position(|task| task.node == value && task.kind == TaskKind::Run);
        let task = task.expect("every node has a task") as u32;
        let parts = (0..self.plan.parties()).map(|party| {
            contribution(&self.own, party, self.evaluation, task, words(node))
                .unwrap_or_else(|e| panic!("what party {party} contributes to ring node {}: {e}", value.0))
        });
        match node.ty {
            RingType::Ring { .. } => {
                let mut sum = RingTensor::zeros(&node.shape);
                parts.for_each(|words| sum.add_assign(&RingTensor::new(node.shape.clone(), words)));
                ClearValue::Ring(sum)
            }
            RingType::Bits { planes } => {
                let mut sum = BitTensor::zeros(elements(node), planes);
                parts.for_each(|words| sum.xor_assign(&BitTensor::from_words(elements(node), planes, words)));
                let plane = |plane| RingTensor::new(node.shape.clone(), sum.to_ring(plane));
                ClearValue::Bits((0..planes).map(plane).collect())
            }
        }
    }
}
