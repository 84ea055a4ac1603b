//! Sizes with names: what a model leaves open, and the numbers that fix it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use tacita_graph::{MAX_NAME, hides};

/// What the number of samples is called.
pub const BATCH: &str = "batch";

/// Numbers for the sizes that a template leaves open, by name.
pub type Sizes = BTreeMap<String, usize>;

/// The size of an axis of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AxisSize {
    /// Fixed by the model.
    Known(usize),
    /// Open, under a name: `batch`, or as the file calls it.
    Named(String),
}

impl AxisSize {
    /// A name as the file has it, or one of the axis where the file has none that can be shown.
    pub(crate) fn named(symbol: &str, axis: usize) -> AxisSize {
        let fits = !symbol.is_empty() && symbol.len() <= MAX_NAME && !hides(symbol);
        AxisSize::Named(if fits { symbol.to_string() } else { format!("axis{axis}") })
    }
}

impl fmt::Display for AxisSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AxisSize::Known(size) => write!(f, "{size}"),
            AxisSize::Named(name) => f.write_str(name),
        }
    }
}

/// A shape for people: `[batch, 3, height]`.
pub fn show_axes(shape: &[AxisSize]) -> String {
    let sizes: Vec<String> = shape.iter().map(AxisSize::to_string).collect();
    format!("[{}]", sizes.join(", "))
}

/// The sizes that data of this shape gives a template's input; `None` if it does not fit.
pub(crate) fn sizes_of(declared: &[AxisSize], shape: &[usize]) -> Option<Sizes> {
    if declared.len() != shape.len() {
        return None;
    }
    let mut sizes = Sizes::new();
    for (declared, &size) in declared.iter().zip(shape) {
        let fits = match declared {
            AxisSize::Known(known) => *known == size,
            AxisSize::Named(name) => *sizes.entry(name.clone()).or_insert(size) == size,
        };
        if !fits {
            return None;
        }
    }
    Some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_fixes_names_once() {
        let named = |name: &str| AxisSize::Named(name.to_string());
        let shape = [named(BATCH), AxisSize::Known(3), named("side"), named("side")];
        let sizes = sizes_of(&shape, &[5, 3, 8, 8]).unwrap();
        assert_eq!(sizes, Sizes::from([(BATCH.to_string(), 5), ("side".to_string(), 8)]));
        for other in [&[5, 3, 8, 9][..], &[5, 4, 8, 8], &[5, 3, 8]] {
            assert_eq!(sizes_of(&shape, other), None, "{other:?}");
        }
        assert_eq!(show_axes(&shape), "[batch, 3, side, side]");
        assert_eq!(AxisSize::named("a\u{202e}b", 2), named("axis2"));
    }
}
