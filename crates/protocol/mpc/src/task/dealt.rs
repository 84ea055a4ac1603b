//! A party's shares of correlations and masks of its task, and its own draws.

use tacita_correlations::{Mask, Scratch, Share, Source, Unit, Use, for_each_tile};
use tacita_ring::simd::dispatch;

use super::TaskContext;
use crate::draws::contribution;
use crate::error::MpcError;

impl<'a> TaskContext<'a> {
    /// This party's share of the task's dealt item.
    pub fn dealt(&self, index: usize) -> Result<Share<Source<'a>>, MpcError> {
        let index = self.first.1 + index;
        let source = Source::stream(self.eval.streams, self.eval.me, self.stream(Use::Dealt(index as u16)));
        if self.plan().tasks[self.task as usize].receiver != self.eval.me {
            return Ok(Share::new(source));
        }
        let mut corrections = self.eval.corrections.borrow_mut();
        let item =
            corrections.get_mut(&self.task).and_then(|items| items.get_mut(index)).and_then(Option::take);
        let item = item.ok_or_else(|| {
            MpcError::Internal(format!("correction {index} of task {} taken twice", self.task))
        })?;
        Ok(Share::new(source.received(item.into_words(), self.eval.endpoint.buffers())))
    }

    /// Adds this party's share of a dealt ring item to `values`.
    pub fn add_dealt(&self, index: usize, values: &mut [u64]) -> Result<(), MpcError> {
        let dealt = self.dealt(index)?;
        for_each_tile(values.len(), [(values, Unit::Word)], &|range, [values]| {
            let mut scratch = Scratch::default();
            let dealt = dealt.read(range, &mut scratch)?;
            dispatch(
                #[inline(always)]
                || values.iter_mut().zip(dealt).for_each(|(v, d)| *v = v.wrapping_add(*d)),
            );
            Ok(())
        })?;
        Ok(())
    }

    /// This party's share of the mask of the task's opening `step`.
    pub fn step_mask(&self, step: u16) -> Mask<Source<'a>> {
        let stream = self.stream(Use::Mask(self.first.0 + step));
        Mask::new(Source::stream(self.eval.streams, self.eval.me, stream))
    }

    /// So many draws for this party's permutation.
    pub fn permutation(&self, draws: usize) -> Result<Vec<u64>, MpcError> {
        Ok(self.eval.streams.words(self.eval.me, self.stream(Use::Permutation), 0, draws)?)
    }

    /// This party's contribution to a value that nobody knows.
    pub fn contribution(&self, words: usize) -> Result<Vec<u64>, MpcError> {
        contribution(self.eval.pairwise, self.eval.me, self.eval.number, self.task, words)
    }
}
