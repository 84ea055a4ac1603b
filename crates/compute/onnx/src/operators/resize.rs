//! Other sizes by resampling, and pixels from channels.

use tacita_graph::functions::{self, Coordinates, DepthOrder, NearestMode, Resampling, Resize};

use super::{Values, one};
use crate::call::{Call, checked_count};
use crate::error::{Fault, refuse};
use crate::value::{self, Size};

/// The new size of an axis, or what it is multiplied by, and rounded down or to the nearest.
#[derive(Clone)]
enum Target {
    Size(Size),
    Scale(f64),
    Rounded(f64),
}

/// Version 10 has scales alone, and rounds down from the first element on; later ones say how.
pub(super) fn resize(call: &mut Call<'_, '_>) -> Values {
    if call.opset() < 11 {
        return upsample(call);
    }
    let x = call.operand(0)?;
    let rank = call.shape(x).len();
    let coordinates = match call.text("coordinate_transformation_mode")?.unwrap_or("half_pixel") {
        "half_pixel" => Coordinates::HalfPixel,
        "half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
        "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        other => return refuse(format!("coordinate_transformation_mode {other:?} is not supported")),
    };
    let nearest = match call.text("nearest_mode")?.unwrap_or("round_prefer_floor") {
        "round_prefer_floor" | "" => NearestMode::RoundPreferFloor,
        "round_prefer_ceil" => NearestMode::RoundPreferCeil,
        "floor" => NearestMode::Floor,
        "ceil" => NearestMode::Ceil,
        other => return refuse(format!("nearest_mode {other:?} is unknown")),
    };
    let resampling = resampling(call, nearest)?;
    // They matter to cubic interpolation and to crops.
    let _ = (call.raw_float("cubic_coeff_a")?, call.raw_float("extrapolation_value")?);
    let outside_counts = !call.flag("exclude_outside")? || matches!(resampling, Resampling::Cubic { .. });
    if !outside_counts || call.flag("antialias")? {
        return refuse("antialias, and exclude_outside of other than cubic interpolation, are not supported");
    }
    let axes = match call.ints("axes")? {
        Some(list) => list.iter().map(|&axis| value::axis(axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    let policy = call.text("keep_aspect_ratio_policy")?.unwrap_or("stretch");
    let targets: Vec<Target> = match call.optional_numbers(2)? {
        Some(scales) => scales.into_iter().map(Target::Scale).collect(),
        None if policy != "stretch" => {
            let sizes = call.sizes(3)?.list;
            let shape = call.shape(x);
            let mut scales = Vec::with_capacity(sizes.len());
            for (&size, &axis) in sizes.iter().zip(&axes) {
                let before = shape[axis];
                scales.push(size as f64 / before as f64);
            }
            let of = |f: fn(f64, f64) -> f64| scales.iter().copied().reduce(f).unwrap_or(1.0);
            let scale = match policy {
                "not_larger" => of(f64::min),
                "not_smaller" => of(f64::max),
                other => return refuse(format!("keep_aspect_ratio_policy {other:?} is unknown")),
            };
            vec![Target::Rounded(scale); scales.len()]
        }
        None => call.sizes(3)?.list.into_iter().map(Target::Size).collect(),
    };
    resized(call, &axes, &targets, resampling, coordinates)
}

/// Scales are an attribute in version 7, an input since.
pub(super) fn upsample(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let resampling = resampling(call, NearestMode::Floor)?;
    let scales = match call.floats("scales")? {
        Some(list) => {
            let shown = format!("{list:?}");
            let list = list.iter().map(|&scale| f64::from(scale)).collect();
            call.scope.publish("scales", shown, call.name());
            Some(list)
        }
        None => call.optional_numbers(1)?,
    };
    let targets: Vec<Target> = scales.unwrap_or_default().into_iter().map(Target::Scale).collect();
    let axes: Vec<usize> = (0..call.shape(x).len()).collect();
    resized(call, &axes, &targets, resampling, Coordinates::Asymmetric)
}

fn resampling(call: &mut Call<'_, '_>, nearest: NearestMode) -> Result<Resampling, Fault> {
    match call.text("mode")?.unwrap_or("nearest") {
        "nearest" => Ok(Resampling::Nearest(nearest)),
        "linear" | "bilinear" => Ok(Resampling::Linear),
        "cubic" => {
            let a = call.float_or("cubic_coeff_a", -0.75)?;
            Ok(Resampling::Cubic { a, exclude_outside: call.flag("exclude_outside")? })
        }
        other => refuse(format!("mode {other:?} is unknown")),
    }
}

fn resized(
    call: &mut Call<'_, '_>,
    axes: &[usize],
    targets: &[Target],
    resampling: Resampling,
    coordinates: Coordinates,
) -> Values {
    let x = call.operand(0)?;
    let shape = call.shape(x);
    if targets.len() != axes.len() {
        return refuse(format!("{} sizes or scales for {} axes", targets.len(), axes.len()));
    }
    let mut changes = Vec::new();
    for (target, &axis) in targets.iter().zip(axes) {
        let (size, scale) = match (target, shape[axis]) {
            (Target::Scale(scale), _) if *scale == 1.0 => continue,
            (Target::Size(size), before) => {
                let size = checked_count("sizes", *size)?;
                (size, size as f64 / before as f64)
            }
            (Target::Rounded(scale), before) => {
                (checked_count("sizes", (scale * before as f64).round() as i64)?, *scale)
            }
            // Sizes are rounded down as other programs do it, in f32.
            (Target::Scale(scale), before) => {
                (checked_count("sizes", (*scale as f32 * before as f32) as i64)?, *scale)
            }
        };
        if shape[axis] != size || scale != 1.0 {
            changes.push(Resize { axis: axis as isize, size, scale });
        }
    }
    one(call.apply(|graph, name| functions::resize(graph, x, &changes, resampling, coordinates, name))?)
}

/// Blocks of pixels from channels.
pub(super) fn depth_to_space(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let block = call.count("blocksize", 0)?;
    let order = match call.text("mode")?.unwrap_or("DCR") {
        "DCR" => DepthOrder::PlaceFirst,
        "CRD" => DepthOrder::ChannelFirst,
        other => return refuse(format!("mode {other:?} is unknown")),
    };
    one(call.apply(|graph, name| functions::depth_to_space(graph, x, block, order, name))?)
}

/// Channels from blocks of pixels.
pub(super) fn space_to_depth(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let block = call.count("blocksize", 0)?;
    let order = DepthOrder::PlaceFirst;
    one(call.apply(|graph, name| functions::space_to_depth(graph, x, block, order, name))?)
}
