//! The dealer: sums the parties' masks from their seeds and sends what makes the shares of its values right.

use std::time::{Duration, Instant};

use tacita_correlations::{OtherShares, StreamId, Streams, TaskDealer, Use};
use tacita_net::{Endpoint, Frame, FrameKind, MemberId, NetError, Payload, Phase, Traffic};

use crate::agreement::{agreed, digests_differ, hear};
use crate::config::Config;
use crate::error::MpcError;
use crate::leaves::Leaves;
use crate::linear::constants;
use crate::masks::EvaluationMasks;
use crate::plan::Plan;
use crate::session::Membership;
use crate::timeline::{Doing, Span};

/// The dealer of a session.
///
/// # Security
/// It knows every mask, so it must never see a masked value: links between parties are encrypted against it too, and
/// nothing but seeds and digests reaches it. It learns program, public values, and how often and when something is
/// evaluated.
pub struct Dealer {
    member: Membership,
    streams: Streams,
    /// The evaluation that the parties have agreed on and nobody has dealt for: its number and digest.
    asked: Option<(u64, [u8; 32])>,
}

/// What the parties want dealt.
pub struct Request {
    /// What they agreed on, equal for equal plans and public leaves.
    pub digest: [u8; 32],
    /// What a party sent to make the plan and the public leaves from, if it did not before.
    pub recipe: Option<Vec<u8>>,
}

/// What dealing for one evaluation cost.
pub struct Dealt {
    /// Time from the parties' agreement to the last correction queued, waits for slow receivers included.
    pub time: Duration,
    /// What was sent.
    pub traffic: Traffic,
    /// What it did when.
    pub timeline: Vec<Span>,
}

impl Dealer {
    /// Joins a session, in which so many parties compute; the dealer is the member after them.
    ///
    /// # Errors
    /// If a peer cannot be reached in time or the operating system gives no randomness.
    pub fn connect(endpoint: Endpoint, parties: usize, config: Config) -> Result<Dealer, MpcError> {
        let (member, streams, _) = Membership::join(endpoint, parties, config, None)?;
        Ok(Dealer { member, streams, asked: None })
    }

    /// Lets a test send what a dealer never would.
    #[doc(hidden)]
    pub fn endpoint_for_tests(&self) -> &Endpoint {
        &self.member.endpoint
    }

    /// Waits until the parties agree on their next evaluation. None once they have left the session in order.
    ///
    /// # Errors
    /// If they do not agree, fall silent, or do nothing for longer than [`Config::idle`]. Any error poisons the dealer.
    pub fn request(&mut self) -> Result<Option<Request>, MpcError> {
        let number = self.member.begin()?;
        let request = self.hear_all(number);
        self.member.conclude(request)
    }

    fn hear_all(&mut self, number: u64) -> Result<Option<Request>, MpcError> {
        let Membership { endpoint, config, .. } = &self.member;
        let fail = |source| MpcError::Net { node: "agreement".into(), round: 0, source };
        endpoint.set_phase(Phase::Offline);
        endpoint.set_place("agreement", 0);
        let (mut first, mut recipe) = (None, None);
        for peer in endpoint.members() {
            let timeout = if first.is_none() { config.idle } else { config.timeout };
            let (digest, sent) = match hear(endpoint, peer, number, timeout) {
                Err(NetError::Closed { .. }) if first.is_none() => return Ok(None),
                heard => heard.map_err(fail)?,
            };
            if first.is_some_and(|agreed| agreed != digest) {
                return Err(self.hear_of_difference());
            }
            first = Some(digest);
            recipe = recipe.or(sent);
        }
        self.asked = first.map(|digest| (number, digest));
        Ok(first.map(|digest| Request { digest, recipe }))
    }

    /// The others find out at which node they differ, and say so when they leave.
    fn hear_of_difference(&self) -> MpcError {
        let Membership { endpoint, config, .. } = &self.member;
        let said = endpoint.receive(MemberId(0), config.timeout).map(drop);
        let (peer, what) = match said {
            Err(NetError::Aborted { by, cause, .. }) => (by, format!("stopped the session: {cause}")),
            _ => (
                endpoint.name(MemberId(0)).to_owned(),
                "is about to evaluate another program than others".into(),
            ),
        };
        MpcError::Mismatch { peer, what }
    }

    /// Deals for the evaluation that [`Dealer::request`] returned, or, if that was not called, for the parties' next one. It
    /// must be of this plan. `public` holds the public leaves.
    ///
    /// # Errors
    /// If the parties do not agree, or one does not receive in time. Any error poisons the dealer.
    pub fn deal(&mut self, plan: &Plan, public: &Leaves) -> Result<Dealt, MpcError> {
        if self.asked.is_none() && self.request()?.is_none() {
            let error = MpcError::Internal("the parties have left the session".into());
            return self.member.conclude(Err(error));
        }
        let dealt = self.attempt(plan, public);
        self.member.conclude(dealt)
    }

    /// Leaves the session: tells the parties why, and refuses to deal again.
    pub fn abort(&mut self, cause: &str) {
        self.member.abort(cause);
    }

    fn attempt(&mut self, plan: &Plan, public: &Leaves) -> Result<Dealt, MpcError> {
        self.member.fits(plan)?;
        let Membership { endpoint, config, .. } = &self.member;
        let asked = self.asked.take();
        let (number, digest) = asked.ok_or_else(|| MpcError::Internal("nothing was asked for".into()))?;
        let _span = self.member.span(number).entered();
        let own = agreed(plan, public);
        if own != digest {
            let (peer, node) = (endpoint.name(MemberId(0)).to_owned(), String::new());
            let difference = digests_differ(&own, &digest);
            return Err(MpcError::Disagreement { peer, node, difference });
        }
        endpoint.set_place("dealing", 0);
        config.hooks.at("offline", 0);
        let start = Instant::now();
        let deliver = |party: usize, frame: Frame| {
            endpoint.post_bounded(MemberId(party as u16), frame, config.dealer_ahead)
        };
        let timeline = deal_all(plan, public, number, &self.streams, config, &deliver)?;
        self.member.evaluated(plan.rounds(), start);
        Ok(Dealt { time: start.elapsed(), traffic: endpoint.meter().reset(), timeline })
    }
}

/// Deals all corrections of an evaluation, in order. Returns what was dealt when.
pub(crate) fn deal_all(
    plan: &Plan,
    public: &Leaves,
    number: u64,
    streams: &Streams,
    config: &Config,
    deliver: &dyn Fn(usize, Frame) -> Result<(), NetError>,
) -> Result<Vec<Span>, MpcError> {
    let public = constants(plan.values(), public);
    let mut masks = EvaluationMasks::new(plan, number, streams, &public);
    let (mut count, mut timeline) = (0, Vec::new());
    for (position, &t) in plan.order.iter().enumerate() {
        let task = &plan.tasks[t as usize];
        if !task.steps.dealt.is_empty() {
            let begun = Instant::now();
            masks.enter(t);
            let mut dealer = TaskDealer::new(&mut masks);
            let holders: Vec<usize> = (0..plan.parties()).filter(|&party| party != task.receiver).collect();
            for (index, correlation) in (0..).zip(&task.steps.dealt) {
                let stream = StreamId::Evaluation { evaluation: number, task: t, purpose: Use::Dealt(index) };
                let shares = OtherShares { item: correlation.item, streams, stream, holders: &holders };
                let payload = Payload::from(dealer.deal(correlation, &shares)?.into_words());
                let frame = Frame::new(number, t, index, FrameKind::Correction, payload);
                config.hooks.sent(plan.parties(), task.receiver, &frame);
                deliver(task.receiver, frame).map_err(|source| MpcError::Net {
                    node: plan.task_name(t).to_owned(),
                    round: task.start + 1,
                    source,
                })?;
            }
            timeline.push(Span::since(begun, Doing::Deal(task.node)));
            count += 1;
            config.hooks.at("dealt", count);
        }
        for expired in &plan.expired_masks[position] {
            masks.forget(*expired);
        }
    }
    Ok(timeline)
}
