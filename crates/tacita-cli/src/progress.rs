//! A bar on standard error while an inference runs, if a person watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tacita::InferProgress;

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
