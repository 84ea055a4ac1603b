//! A bar on standard error while an inference or a training runs, if a person watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tacita::{InferProgress, TrainProgress};

/// Ticks of a batch.
const RESOLUTION: u64 = 1_000;

/// The bar; it vanishes at the end.
pub struct Bar(ProgressBar);

impl Bar {
    /// Shows itself on a terminal, and never if `quiet`.
    pub fn new(quiet: bool) -> Bar {
        if quiet {
            return Bar(ProgressBar::hidden());
        }
        // indicatif draws nothing where standard error is no terminal
        let bar = ProgressBar::with_draw_target(Some(RESOLUTION), ProgressDrawTarget::stderr());
        let template = "{elapsed_precise} {bar:32} {percent:>3} % {wide_msg}";
        bar.set_style(ProgressStyle::with_template(template).expect("a template that is right"));
        bar.set_message("connecting the parties and the dealer");
        bar.tick();
        Bar(bar)
    }

    /// Moves on in something that is counted.
    pub fn count(&self, done: usize, all: usize) {
        self.0.set_length(all as u64);
        self.0.set_position(done as u64);
        self.0.set_message(format!("{done} of {all}"));
    }

    /// Moves on.
    pub fn update(&self, progress: &InferProgress<'_>) {
        let share = RESOLUTION * progress.done as u64 / progress.total.max(1) as u64;
        self.0.set_length(progress.batches as u64 * RESOLUTION);
        self.0.set_position(progress.batch as u64 * RESOLUTION + share);
        let batch = progress.batch + 1;
        self.0.set_message(format!("batch {batch} of {}, {}", progress.batches, progress.node));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The bar of a training: step, loss where it is revealed, throughput, time left.
pub struct TrainBar {
    bar: Bar,
    /// When the first step of this run was done, and which it was.
    since: std::cell::Cell<Option<(std::time::Instant, u64)>>,
}

impl TrainBar {
    /// As [`Bar::new`].
    pub fn new(quiet: bool) -> TrainBar {
        TrainBar { bar: Bar::new(quiet), since: std::cell::Cell::new(None) }
    }

    /// Moves on.
    pub fn update(&self, progress: &TrainProgress<'_>) {
        let TrainProgress { step, steps, loss, batch, .. } = *progress;
        let (begun, first) = self.since.get().unwrap_or_else(|| (std::time::Instant::now(), step));
        self.since.set(Some((begun, first)));
        let mut message = format!("step {step} of {steps}");
        if let Some(loss) = loss {
            message += &format!(", loss {loss:.4}");
        }
        if step > first {
            let each = begun.elapsed().as_secs_f64() / (step - first) as f64;
            let left =
                indicatif::HumanDuration(std::time::Duration::from_secs_f64(each * (steps - step) as f64));
            message += &format!(", {:.0} rows/s, {left:#} left", batch as f64 / each);
        }
        // for whoever has no terminal, with --log info
        if step.is_multiple_of((steps / 20).max(1)) || step == steps {
            tracing::info!("{message}");
        }
        self.bar.0.set_length(steps);
        self.bar.0.set_position(step);
        self.bar.0.set_message(message);
    }
}
