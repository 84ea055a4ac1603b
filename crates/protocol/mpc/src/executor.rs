//! Runs a plan's tasks at a party.
//!
//! A task is a future that awaits openings and nothing else. Tasks that can run are polled lowest number first, so all
//! parties post their openings in the same order; when every task waits, the round is complete and its openings are
//! received. There is no waker and no runtime: a task is polled again when its opening has arrived.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tacita_net::{FrameHeader, FrameKind};
use tacita_program::RingId;

use crate::error::MpcError;
use crate::evaluation::Evaluation;
use crate::output::Output;
use crate::plan::TaskKind;
use crate::primitives;
use crate::task::TaskContext;
use crate::timeline::{Doing, Span};

/// How far an evaluation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Tasks done.
    pub done: usize,
    /// Tasks in all.
    pub total: usize,
    /// The node of the last task.
    pub node: RingId,
}

/// What running the tasks took.
pub(crate) struct Run {
    /// Spent waiting for corrections.
    pub waited: Duration,
    /// Computing, by task.
    pub task_seconds: Vec<f64>,
    /// Rounds that were completed.
    pub rounds: u32,
    /// Rounds completed when each task started and when it ended.
    pub task_rounds: Vec<(u32, u32)>,
    /// What was done when.
    pub timeline: Vec<Span>,
}

type TaskFuture<'a> = Pin<Box<dyn Future<Output = Result<Output, MpcError>> + 'a>>;

/// Runs all tasks, round by round.
pub(crate) fn execute(eval: &Evaluation<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Run, MpcError> {
    let plan = eval.plan;
    let tasks = &plan.tasks;
    let mut futures: Vec<Option<TaskFuture<'_>>> = (0..tasks.len()).map(|_| None).collect();
    let mut blocked: Vec<usize> = tasks.iter().map(|task| task.after.len()).collect();
    let mut runnable: BinaryHeap<Reverse<u32>> =
        (0..tasks.len() as u32).filter(|&t| blocked[t as usize] == 0).map(Reverse).collect();
    let mut run = Run {
        waited: Duration::ZERO,
        task_seconds: vec![0.0; tasks.len()],
        rounds: 0,
        task_rounds: vec![(0, 0); tasks.len()],
        timeline: Vec::new(),
    };
    let (mut started, mut done) = (0, 0);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        while let Some(Reverse(t)) = runnable.pop() {
            let at = t as usize;
            if futures[at].is_none() {
                if plan.order[started] != t {
                    return Err(MpcError::Internal(format!("task {t} started out of order")));
                }
                started += 1;
                run.task_rounds[at].0 = run.rounds;
                let (ctx, begun) = (TaskContext::new(eval, t), Instant::now());
                if tasks[at].kind == TaskKind::Run
                    && let Some(part) = primitives::ahead_of_dealer(ctx, tasks[at].node)?
                {
                    eval.prepared.borrow_mut().insert(t, part);
                    let span = Span::since(begun, Doing::Compute(tasks[at].node));
                    run.task_seconds[at] += (span.to - span.from).as_secs_f64();
                    run.timeline.push(span);
                }
                let begun = Instant::now();
                let waited = receive_corrections(eval, t)?;
                run.waited += waited;
                if waited > Duration::ZERO {
                    run.timeline.push(Span::since(begun, Doing::Correction(tasks[at].node)));
                }
                futures[at] = Some(start(ctx));
            }
            let begun = Instant::now();
            let polled = match &mut futures[at] {
                Some(future) => future.as_mut().poll(&mut cx),
                None => return Err(MpcError::Internal(format!("task {t} is gone"))),
            };
            let span = Span::since(begun, Doing::Compute(tasks[at].node));
            run.task_seconds[at] += (span.to - span.from).as_secs_f64();
            run.timeline.push(span);
            if let Poll::Ready(output) = polled {
                futures[at] = None;
                eval.finish(t, output?);
                run.task_rounds[at].1 = run.rounds;
                done += 1;
                progress(Progress { done, total: tasks.len(), node: tasks[at].node });
                for &later in &plan.dependents[at] {
                    blocked[later as usize] -= 1;
                    if blocked[later as usize] == 0 {
                        runnable.push(Reverse(later));
                    }
                }
            }
        }
        if eval.pending.borrow().is_empty() {
            break;
        }
        run.rounds += 1;
        eval.enter_round(run.rounds);
        let begun = Instant::now();
        runnable.extend(eval.end_round()?.into_iter().map(Reverse));
        run.timeline.push(Span::since(begun, Doing::Round(run.rounds)));
    }
    if done < tasks.len() {
        let waiting: Vec<&str> =
            (0..tasks.len()).filter(|&t| futures[t].is_some()).map(|t| plan.task_name(t as u32)).collect();
        return Err(MpcError::Internal(format!("tasks wait and nothing is opened: {}", waiting.join(", "))));
    }
    Ok(run)
}

fn start<'a>(ctx: TaskContext<'a>) -> TaskFuture<'a> {
    let task = &ctx.plan().tasks[ctx.task as usize];
    match task.kind {
        TaskKind::Run => Box::pin(primitives::run(ctx, task.node)),
        TaskKind::Open => Box::pin(ctx.open_value()),
    }
}

/// Takes the task's corrections off the dealer's link if this party is who receives them. Returns the time waited.
fn receive_corrections(eval: &Evaluation<'_>, task: u32) -> Result<Duration, MpcError> {
    let declared = &eval.plan.tasks[task as usize];
    if declared.receiver != eval.me || declared.steps.dealt.is_empty() {
        return Ok(Duration::ZERO);
    }
    let begun = Instant::now();
    let mut items = Vec::with_capacity(declared.steps.dealt.len());
    for (index, dealt) in declared.steps.dealt.iter().enumerate() {
        let header = FrameHeader {
            evaluation: eval.number,
            task,
            step: index as u16,
            kind: FrameKind::Correction,
            length: dealt.item.bytes(),
        };
        items.push(Some(eval.correction(header)?));
    }
    eval.corrections.borrow_mut().insert(task, items);
    Ok(begun.elapsed())
}
