//! The dealer: sums the parties' masks from their seeds and sends what makes the shares of its values right.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tacita_graph::{RingId, Visibility};
use tacita_net::{Endpoint, MemberId, Phase, Traffic};

use crate::config::Config;
use crate::deal::DealContext;
use crate::error::MpcError;
use crate::linear::{Image, apply, constant};
use crate::party::Leaves;
use crate::plan::{Plan, TaskKind};
use crate::primitives;
use crate::session::{agree, handshake};
use crate::streams::Streams;

/// The dealer of a session.
///
/// # Security
/// It knows every mask, so it must never see an opening: links between parties are encrypted against it too, and
/// nothing but seeds and digests reaches it. It learns program, public values, and how often and when something is
/// evaluated.
pub struct Dealer {
    endpoint: Endpoint,
    config: Config,
    streams: Streams,
    evaluations: u64,
    poisoned: Option<String>,
}

/// What dealing for one evaluation cost.
pub struct Dealt {
    /// Time from the parties' agreement to the last correction queued, waits for slow receivers included.
    pub time: Duration,
    /// What was sent.
    pub traffic: Traffic,
}

impl Dealer {
    /// Joins a session as its last member.
    ///
    /// # Errors
    /// If a peer cannot be reached in time or the operating system gives no randomness.
    pub fn connect(endpoint: Endpoint, config: Config) -> Result<Dealer, MpcError> {
        let shaken = handshake(&endpoint, &config)?;
        let streams = Streams::new(shaken.seeds, config.hooks.overrides.clone());
        Ok(Dealer { endpoint, config, streams, evaluations: 0, poisoned: None })
    }

    /// Deals for the parties' next evaluation, which must be of this plan. `public` holds the public leaves.
    ///
    /// # Errors
    /// If the parties do not agree, or one does not receive in time. Any error poisons the dealer.
    pub fn deal(&mut self, plan: &Plan, public: &Leaves) -> Result<Dealt, MpcError> {
        if let Some(cause) = &self.poisoned {
            return Err(MpcError::Poisoned { cause: cause.clone() });
        }
        self.evaluations += 1;
        let dealt = self.attempt(plan, public);
        if let Err(error) = &dealt {
            self.endpoint.abort(&error.to_string(), 0, 0);
            self.poisoned = Some(error.to_string());
        }
        dealt
    }

    /// Leaves the session: tells the parties why, and refuses to deal again.
    pub fn abort(&mut self, cause: &str) {
        self.endpoint.abort(cause, 0, 0);
        self.poisoned.get_or_insert_with(|| cause.to_owned());
    }

    fn attempt(&mut self, plan: &Plan, public: &Leaves) -> Result<Dealt, MpcError> {
        let number = self.evaluations;
        self.endpoint.set_phase(Phase::Offline);
        for party in 0..plan.parties() {
            agree(&self.endpoint, MemberId(party as u16), number, plan.digest(), self.config.timeout)?;
        }
        let start = Instant::now();
        let constants = constants(plan, public);
        let mut ctx = DealContext {
            plan,
            config: &self.config,
            number,
            endpoint: &self.endpoint,
            streams: &self.streams,
            public: &constants,
            masks: BTreeMap::new(),
            task: 0,
            emitted: 0,
        };
        for (position, &t) in plan.order.iter().enumerate() {
            let task = &plan.tasks[t as usize];
            if task.kind == TaskKind::Run && !task.steps.dealt.is_empty() {
                (ctx.task, ctx.emitted) = (t, 0);
                primitives::deal(&mut ctx, task.node)?;
                if ctx.emitted != task.steps.dealt.len() {
                    let (dealt, declared) = (ctx.emitted, task.steps.dealt.len());
                    return Err(MpcError::Internal(format!(
                        "task {t} dealt {dealt} items, declared {declared}"
                    )));
                }
            }
            for expired in &plan.expired_masks[position] {
                ctx.masks.remove(expired);
            }
        }
        Ok(Dealt { time: start.elapsed(), traffic: self.endpoint.meter().reset() })
    }
}

/// Public values that masks are multiplied by: leaves, constants, and what is computed from them.
pub(crate) fn constants(plan: &Plan, public: &Leaves) -> Leaves {
    let mut values = public.clone();
    for (i, node) in plan.program.nodes.iter().enumerate() {
        let id = RingId(i as u32);
        if node.visibility != Visibility::Public || values.contains_key(&id) {
            continue;
        }
        let inputs: Vec<_> = node.inputs.iter().map(|input| values.get(input).cloned()).collect();
        let linear = node.op.is_linear() || node.op.is_bilinear();
        let value = if linear { apply(plan, node, &inputs, Image::Whole) } else { constant(node) };
        if let Some(value) = value {
            values.insert(id, Arc::new(value));
        }
    }
    values
}
