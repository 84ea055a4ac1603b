//! How rows are evaluated: all together, or in parts where samples do not mix.

use std::ops::Range;

use ndarray::{ArrayD, Axis};
use tacita_onnx::{BATCH, Sizes, Template};

use crate::error::Error;

/// How many rows are evaluated together if nobody says, of so many: the same function at every member.
pub type UsualBatch = fn(&Template, &Sizes, usize) -> usize;

/// The parts in which rows are evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    rows: usize,
    batch: usize,
    /// The axes along which what is revealed is joined.
    axes: Vec<usize>,
}

impl Parts {
    /// Chooses parts for `rows` rows, at least one: of the batch that the template fixes, of what was `asked` for, or of what is
    /// usual. `sizes` are the template's open sizes but the batch.
    ///
    /// If there are more rows than the batch, it must be shown that samples do not mix. Otherwise all rows are one batch, or the
    /// run is refused.
    ///
    /// # Errors
    /// If the template fixes a batch of which `rows` is no multiple, samples mix in a batch that is fixed or asked for, or the
    /// graph does not exist at these sizes.
    pub fn choose(
        template: &Template,
        sizes: &Sizes,
        rows: usize,
        asked: Option<usize>,
        usual: UsualBatch,
    ) -> Result<Parts, Error> {
        let reveals = template.example().reveals().len();
        let whole = Parts { rows, batch: rows, axes: vec![0; reveals] };
        let batch = match (template.fixed_batch(), asked) {
            (Some(fixed), _) if !rows.is_multiple_of(fixed) => {
                return Err(Error::Input(format!(
                    "the model takes batches of {fixed}, and {rows} samples are no multiple"
                )));
            }
            (Some(fixed), _) => fixed,
            (None, Some(asked)) => asked.clamp(1, rows),
            (None, None) => usual(template, sizes, rows).clamp(1, rows),
        };
        if batch == rows {
            return Ok(whole);
        }
        let mut lengths = vec![batch];
        lengths.extend((!rows.is_multiple_of(batch)).then_some(rows % batch));
        match template.check_parts(sizes, &lengths) {
            Ok(axes) => Ok(Parts { rows, batch, axes }),
            Err(_) if asked.is_none() && template.fixed_batch().is_none() => Ok(whole),
            Err(error) => Err(error.into()),
        }
    }

    /// All rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of a part; the last may have fewer.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The parts in order.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> + use<> {
        let (rows, batch) = (self.rows, self.batch);
        (0..rows.div_ceil(batch)).map(move |index| index * batch..((index + 1) * batch).min(rows))
    }

    /// The sizes of a part of `rows` rows.
    pub fn sizes(template: &Template, sizes: &Sizes, rows: usize) -> Sizes {
        let mut sizes = sizes.clone();
        if template.names().contains(BATCH) {
            sizes.insert(BATCH.to_owned(), rows);
        }
        sizes
    }

    /// Joins the values that the parts gave for a reveal.
    ///
    /// # Errors
    /// If their shapes do not fit.
    pub fn join(&self, reveal: usize, parts: &[ArrayD<f64>]) -> Result<ArrayD<f64>, Error> {
        if let [one] = parts {
            return Ok(one.clone());
        }
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        let axis = Axis(self.axes.get(reveal).copied().unwrap_or(0));
        if views.iter().any(|view| view.ndim() <= axis.index()) {
            return Err(Error::Usage(
                "what is revealed has no axis of samples: evaluate all rows at once".into(),
            ));
        }
        ndarray::concatenate(axis, &views).map_err(|e| Error::Internal(e.to_string()))
    }
}
