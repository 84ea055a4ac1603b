//! Curves of a training as an SVG image: a panel for each series, one below the other.
//!
//! The image has no background, and text and lines in colours that are read on a light and on a dark one.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use tacita_data::{DataError, Staged};

/// The width of the image and the height of a panel.
const PANEL: (u32, u32) = (720, 260);
const TEXT: RGBColor = RGBColor(128, 128, 128);
const CURVE: RGBColor = RGBColor(38, 132, 214);
/// Values beyond this are left out, as those that are no numbers are: nothing else could be seen beside them.
const LARGEST: f64 = 1e12;
/// Points of a curve that are drawn.
const MOST_POINTS: usize = 2000;
/// So few points are marked, as a line may hide that there are no others, or be none.
const MARKED: usize = 30;
/// A curve of fewer points is not smoothed.
const LEAST_SMOOTHED: usize = 40;

/// A curve: a panel of the image.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it is of.
    pub name: String,
    /// What it goes along, such as `step`.
    pub along: String,
    /// Places along that and values, in order.
    pub points: Vec<(f64, f64)>,
    /// Whether a smoothed curve is drawn over it, where there are points enough.
    pub smoothed: bool,
}

/// Writes the image, up to the renaming.
///
/// # Errors
/// [`DataError::Write`].
pub fn stage(path: &Path, series: &[Series]) -> Result<Staged, DataError> {
    Staged::write(path, |file| {
        let image = draw(series).map_err(std::io::Error::other)?;
        file.write_all(image.as_bytes())
    })
}

/// The image as text.
fn draw(series: &[Series]) -> Result<String, String> {
    let mut image = String::new();
    let count = series.len().max(1);
    {
        let area = SVGBackend::with_string(&mut image, (PANEL.0, PANEL.1 * count as u32)).into_drawing_area();
        for (series, panel) in series.iter().zip(area.split_evenly((count, 1))) {
            // its errors name the type of what is drawn on
            draw_panel(series, &panel).map_err(|error| error.to_string())?;
        }
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(image)
}

fn draw_panel(
    series: &Series,
    panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
) -> Result<(), Box<dyn Error>> {
    let drawn = |value: f64| value.is_finite() && value.abs() <= LARGEST;
    let all: Vec<(f64, f64)> = series.points.iter().copied().filter(|&(x, y)| drawn(x) && drawn(y)).collect();
    let smooth = if series.smoothed && all.len() >= LEAST_SMOOTHED { smoothed(&all) } else { vec![] };
    let points = thinned(&all);
    let (xs, ys) = (bounds(points.iter().map(|p| p.0), 0.0), bounds(points.iter().map(|p| p.1), 0.05));
    let text = |size: i32| ("sans-serif", size).into_font().color(&TEXT);
    let title = if all.is_empty() { format!("{}: no values", series.name) } else { series.name.clone() };

    // a line break or another control character would be no part of an image
    let line = |text: &str| text.replace(char::is_control, " ");
    let mut chart = ChartBuilder::on(panel)
        .margin(12)
        .caption(line(&title), text(20))
        .x_label_area_size(42)
        .y_label_area_size(72)
        .build_cartesian_2d(xs.0..xs.1, ys.0..ys.1)?;
    let (x_label, y_label) = (label(xs), label(ys));
    chart
        .configure_mesh()
        .axis_style(TEXT)
        .bold_line_style(TEXT.mix(0.25))
        .light_line_style(TRANSPARENT)
        .label_style(text(15))
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&x_label)
        .y_label_formatter(&y_label)
        .x_desc(line(&series.along))
        .y_desc(line(&series.name))
        .axis_desc_style(text(16))
        .draw()?;
    let faint = if smooth.is_empty() { CURVE.mix(1.0) } else { CURVE.mix(0.35) };
    chart.draw_series(LineSeries::new(points.iter().copied(), faint))?;
    if points.len() <= MARKED {
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, CURVE.filled())))?;
    }
    chart.draw_series(LineSeries::new(thinned(&smooth), CURVE.stroke_width(2)))?;
    Ok(())
}

/// Means of each value and those around it, the further away the less: half of the weight is within a sixtieth of the curve.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let keep = 0.5f64.powf(60.0 / points.len() as f64);
    let before = running_sums(points.iter().map(|p| p.1), keep);
    let after = running_sums(points.iter().rev().map(|p| p.1), keep);
    let sums = points.iter().zip(before.iter().zip(after.iter().rev()));
    // the value itself is in both
    sums.map(|(&(x, y), (before, after))| (x, (before.0 + after.0 - y) / (before.1 + after.1 - 1.0)))
        .collect()
}

/// Sums of each value and those before it, of which each counts for `keep` of the next, and the sums of what they count.
fn running_sums(values: impl Iterator<Item = f64>, keep: f64) -> Vec<(f64, f64)> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let add = |y: f64| {
        (sum, weight) = (sum * keep + y, weight * keep + 1.0);
        (sum, weight)
    };
    values.map(add).collect()
}

/// At most so many points as can be told apart, the last among them.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    let mut kept: Vec<(f64, f64)> = points.iter().rev().step_by(step).copied().collect();
    kept.reverse();
    kept
}

/// From the least to the greatest with a margin, wide enough for labels that differ.
fn bounds(values: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
    let fold = |(least, most): (f64, f64), value: f64| (least.min(value), most.max(value));
    let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), fold);
    if least > most {
        return (0.0, 1.0);
    }
    let narrow = 1e-6 * least.abs().max(most.abs()).max(1.0);
    let side = if most - least < narrow {
        (1e5 * narrow).min(0.5f64.max(1e-2 * most.abs()))
    } else {
        (most - least) * margin
    };
    (least - side, most + side)
}

/// Numbers with as many digits as tell labels of the range apart.
fn label(range: (f64, f64)) -> impl Fn(&f64) -> String {
    let digits = (2.0 - (range.1 - range.0).log10().floor()).clamp(0.0, 9.0) as usize;
    move |value| {
        let text = format!("{value:.digits$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        if text == "-0" { "0".to_string() } else { text.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: Vec<(f64, f64)>) -> Series {
        Series { name: "loss".to_string(), along: "step".to_string(), points, smoothed: true }
    }

    /// The places of an image's curves and marks, panel by panel, and its texts; each is well-formed XML.
    fn parts(image: &str, panels: usize) -> (Vec<Vec<(f64, f64)>>, Vec<String>) {
        let document = roxmltree::Document::parse(image).unwrap_or_else(|error| panic!("{error}: {image}"));
        assert_eq!(document.root_element().tag_name().name(), "svg");
        let mut drawn = vec![vec![]; panels];
        let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("{text:?} is no number"));
        let mut place = |x: f64, y: f64| drawn[(y / f64::from(PANEL.1)) as usize].push((x, y));
        for node in document.descendants() {
            let attribute = |name| number(node.attribute(name).unwrap());
            // the mesh has other colours
            let colour = format!("#{:02X}{:02X}{:02X}", CURVE.0, CURVE.1, CURVE.2);
            let is_curve = ["stroke", "fill"].iter().any(|name| node.attribute(*name) == Some(&colour));
            match node.tag_name().name() {
                "polyline" if is_curve => {
                    for pair in node.attribute("points").unwrap().split_whitespace() {
                        let (x, y) = pair.split_once(',').unwrap();
                        place(number(x), number(y));
                    }
                }
                "circle" if is_curve => place(attribute("cx"), attribute("cy")),
                _ => {}
            }
        }
        let texts = document.descendants().filter(|node| node.tag_name().name() == "text");
        (drawn, texts.filter_map(|node| node.text()).map(|text| text.trim().to_string()).collect())
    }

    fn assert_inside(points: &[(f64, f64)], panel: usize) {
        let top = f64::from(PANEL.1) * panel as f64;
        for &(x, y) in points {
            // right of labels, above those of the axis, below the title
            let inside = (84.0..=f64::from(PANEL.0) - 12.0).contains(&x)
                && (top + 12.0..=top + f64::from(PANEL.1) - 54.0).contains(&y);
            assert!(inside, "({x}, {y}) in panel {panel}");
        }
    }

    #[test]
    fn each_series_is_in_its_panel() {
        let loss =
            (0..10_000).map(|i| (f64::from(i), 2.3 / (1.0 + f64::from(i) / 100.0) + f64::from(i % 7) / 50.0));
        let mut accuracy =
            series((1..4).map(|epoch| (f64::from(epoch), 1.0 - 0.5 / f64::from(epoch))).collect());
        accuracy.name = "accuracy".to_string();
        accuracy.along = "epoch".to_string();
        let image = draw(&[series(loss.collect()), accuracy]).unwrap();
        let (drawn, texts) = parts(&image, 2);
        // the curve and its smoothed one; a line and its marks
        assert_eq!((drawn[0].len(), drawn[1].len()), (2 * MOST_POINTS, 2 * 3));
        drawn.iter().enumerate().for_each(|(panel, points)| assert_inside(points, panel));
        for text in ["loss", "step", "0", "2000", "8000", "accuracy", "epoch", "1", "3", "0.5", "0.8"] {
            assert!(texts.iter().any(|there| there == text), "no {text:?} in {texts:?}");
        }
        assert!(image.len() < 200_000, "{} bytes", image.len());
        // no background that would be one of a dark viewer's
        assert!(!image.contains("#FFFFFF") && !image.contains("#000000"), "{image}");
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let holes = vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, f64::INFINITY), (3.0, 1e300), (4.0, 2.0)];
        let without = vec![(0.0, 1.0), (4.0, 2.0)];
        assert_eq!(draw(&[series(holes)]).unwrap(), draw(&[series(without)]).unwrap());
    }

    #[test]
    fn few_points_and_none() {
        let (drawn, texts) = parts(&draw(&[series(vec![])]).unwrap(), 1);
        assert_eq!(drawn[0], []);
        assert!(texts.contains(&"loss: no values".to_string()), "{texts:?}");
        parts(&draw(&[]).unwrap(), 1);
        for value in [0.0, -0.7, 1e-15, 123_456.789, -1e12, LARGEST] {
            let (drawn, _) = parts(&draw(&[series(vec![(7.0, value)])]).unwrap(), 1);
            assert!(!drawn[0].is_empty(), "{value}");
            assert_inside(&drawn[0], 0);
        }
    }

    /// However values lie, drawing ends.
    #[test]
    fn ranges_of_every_size() {
        for exponent in -300..=12 {
            let size = 10f64.powi(exponent);
            for values in [[0.0, size], [-size, size], [size, size * (1.0 + 1e-15)], [1.0, 1.0 + size]] {
                let points = values.into_iter().enumerate().map(|(i, y)| (i as f64, y)).collect();
                let (drawn, _) = parts(&draw(&[series(points)]).unwrap(), 1);
                assert_inside(&drawn[0], 0);
            }
        }
    }

    #[test]
    fn names_are_text() {
        let mut odd = series(vec![(0.0, 0.5), (1.0, 0.25)]);
        odd.name = "<loss> & \"more\"\n\u{1}".to_string();
        let (_, texts) = parts(&draw(&[odd]).unwrap(), 1);
        assert!(texts.iter().any(|text| text.starts_with("<loss> & \"more\"")), "{texts:?}");
    }

    #[test]
    fn a_smoothed_curve_follows() {
        let points: Vec<(f64, f64)> = (0..300)
            .map(|i| (f64::from(i), if i < 100 { 4.0 } else { 1.0 } + f64::from(i % 2) - 0.5))
            .collect();
        let smooth = smoothed(&points);
        assert_eq!(smooth.len(), points.len());
        // half of the weight is on ten points, so that halves that alternate leave less than a twentieth, and forty away from the
        // step nothing is seen of it
        assert!((smooth[50].1 - 4.0).abs() < 0.05 && (smooth[200].1 - 1.0).abs() < 0.05, "{:?}", smooth[50]);
        assert!(smooth.iter().all(|&(_, y)| (0.5..=4.5).contains(&y)));
    }

    #[test]
    fn a_file_is_there_once_it_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.svg");
        let staged = stage(&path, &[series(vec![(0.0, 1.0)])]).unwrap();
        assert!(!path.exists());
        staged.commit().unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("<svg"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = stage(&folder.path().join("none/curves.svg"), &[]).unwrap_err();
        assert!(error.to_string().contains("none/curves.svg"), "{error}");
    }
}
