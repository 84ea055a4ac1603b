use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::Combine;
use tacita_program::NodeId;

/// Where an element of the result lies among those of x: i is its place, s the scale, n and m the sizes before and
/// after. The names are ONNX's `coordinate_transformation_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinates {
    /// (i + 1/2) / s - 1/2.
    HalfPixel,
    /// As half pixel, about the middle of x where s n is not m.
    HalfPixelSymmetric,
    /// As half pixel; 0 if m is 1.
    PytorchHalfPixel,
    /// i (n - 1) / (m - 1): first and last elements meet; 0 if m is 1.
    AlignCorners,
    /// i / s.
    Asymmetric,
}

/// Which element is the nearest to a place between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NearestMode {
    /// The nearer one, the lower of equals.
    RoundPreferFloor,
    /// The nearer one, the upper of equals.
    RoundPreferCeil,
    /// The lower.
    Floor,
    /// The upper.
    Ceil,
}

/// How the result's elements follow from those of x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resampling {
    /// One of the elements: free.
    Nearest(NearestMode),
    /// Between two elements in proportion, along each axis.
    Linear,
    /// Of four elements around, along each axis, by the piecewise cubic with the parameter `a` (Keys, 1981).
    Cubic {
        /// The slope at distance 1: -0.75 and -0.5 are usual.
        a: f64,
        /// Whether elements beyond the ends count as nothing, and the others for them, rather than as the last one.
        exclude_outside: bool,
    },
}

/// How an axis gets another size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resize {
    /// The axis.
    pub axis: isize,
    /// Its new size.
    pub size: usize,
    /// The new size divided by the old one, or what it was before it was made an integer; above 0.
    pub scale: f64,
}

impl Coordinates {
    fn place(self, at: usize, scale: f64, before: usize, after: usize) -> f64 {
        let i = at as f64;
        match self {
            Coordinates::AlignCorners | Coordinates::PytorchHalfPixel if after == 1 => 0.0,
            Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => (i + 0.5) / scale - 0.5,
            Coordinates::HalfPixelSymmetric => {
                let exact = scale * before as f64;
                before as f64 / 2.0 * (1.0 - after as f64 / exact) + (i + 0.5) / scale - 0.5
            }
            Coordinates::AlignCorners => i * (before as f64 - 1.0) / (after as f64 - 1.0),
            Coordinates::Asymmetric => i / scale,
        }
    }
}

impl NearestMode {
    fn round(self, place: f64) -> f64 {
        match self {
            NearestMode::RoundPreferFloor => (place - 0.5).ceil(),
            NearestMode::RoundPreferCeil => (place + 0.5).floor(),
            NearestMode::Floor => place.floor(),
            NearestMode::Ceil => place.ceil(),
        }
    }
}

/// x with other sizes of the axes named, its elements resampled one axis after another. What lies beyond the first or
/// last element is that element. Nearest: any kind, without communication; linear and cubic: fixed, products by public
/// numbers that are the same at every party, and one truncation an axis.
///
/// # Errors
/// If an axis is not x's, named twice, or the batch, or a size or scale is 0 or not finite.
pub fn resize(
    graph: &mut Graph,
    x: NodeId,
    axes: &[Resize],
    resampling: Resampling,
    coordinates: Coordinates,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Resize", name);
    let named: Vec<isize> = axes.iter().map(|resize| resize.axis).collect();
    let mut x = x;
    for (axis, &Resize { size: after, scale, .. }) in b.axes(x, &named)?.into_iter().zip(axes) {
        let before = b.size(x, axis);
        let after = b.checked_length(after, 1)?;
        if !scale.is_finite() || scale <= 0.0 {
            return b.refuse(format!("a scale of {scale}"));
        }
        let last = before as f64 - 1.0;
        let place = |at| coordinates.place(at, scale, before, after);
        x = match resampling {
            Resampling::Nearest(mode) => {
                let nearest = |at| Some(mode.round(place(at)).clamp(0.0, last) as usize);
                b.gather(x, axis, (0..after).map(nearest))?
            }
            Resampling::Linear => {
                b.check_rows(after, 2)?;
                let row = |at| {
                    let place = place(at).clamp(0.0, last);
                    let (below, part) = (place.floor(), place.fract());
                    let mut row = vec![(below as u32, 1.0 - part)];
                    if part > 0.0 {
                        row.push((below as u32 + 1, part));
                    }
                    row
                };
                let rows: Vec<_> = (0..after).map(row).collect();
                b.combined(x, axis, before, rows)?
            }
            Resampling::Cubic { a, exclude_outside } => {
                b.check_rows(after, 4)?;
                if !a.is_finite() {
                    return b.refuse(format!("a cubic of {a}"));
                }
                let rows = (0..after).map(|at| cubic(place(at), last, a, exclude_outside)).collect();
                b.combined(x, axis, before, rows)?
            }
        };
    }
    Ok(x)
}

/// The weights of the elements around a place, of which `last` is the last.
fn cubic(place: f64, last: f64, a: f64, exclude_outside: bool) -> Vec<(u32, f64)> {
    let mut row: Vec<(u32, f64)> = Vec::with_capacity(4);
    let place = place.clamp(-3.0, last + 3.0); // farther away nothing changes
    for step in -1..=2 {
        let at = place.floor() + f64::from(step);
        let s = (place - at).abs();
        let weight = match s {
            ..=1.0 => ((a + 2.0) * s - (a + 3.0)) * s * s + 1.0,
            _ => ((a * s - 5.0 * a) * s + 8.0 * a) * s - 4.0 * a,
        };
        if weight == 0.0 || (exclude_outside && !(0.0..=last).contains(&at)) {
            continue;
        }
        let at = at.clamp(0.0, last) as u32;
        match row.iter_mut().find(|(there, _)| *there == at) {
            Some((_, sum)) => *sum += weight,
            None => row.push((at, weight)),
        }
    }
    if exclude_outside {
        let sum: f64 = row.iter().map(|(_, weight)| weight).sum();
        row.iter_mut().for_each(|(_, weight)| *weight /= sum);
    }
    row
}

impl Build<'_> {
    /// Sums along an axis of `before` elements; x itself where they change nothing.
    fn combined(
        &mut self,
        x: NodeId,
        axis: usize,
        before: usize,
        rows: Vec<Vec<(u32, f64)>>,
    ) -> Result<NodeId, GraphError> {
        let same = before == rows.len() && rows.iter().zip(0..).all(|(row, at)| *row == [(at, 1.0)]);
        if same { Ok(x) } else { self.add(Combine { axis, rows }, &[x]) }
    }
}
