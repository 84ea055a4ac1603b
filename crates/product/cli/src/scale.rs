//! `--scale`: bringing samples, such as bytes of pixels, to the range that a model was trained on.

use std::fmt;
use std::str::FromStr;

/// Scales samples down. Both ways of saying it are understood: `255` divides by 255, and so do `1/255` and
/// `0.00392156862745098`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    divisor: f64,
}

impl Scale {
    /// A sample, scaled.
    pub fn apply(self, x: f64) -> f64 {
        x / self.divisor
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Scale, String> {
        let refuse =
            || format!("{text:?} is no scale: give the divisor, such as 255, or the factor, as 1/255");
        let positive = |part: &str| {
            part.trim().parse::<f64>().ok().filter(|x| x.is_finite() && *x > 0.0).ok_or_else(refuse)
        };
        let divisor = match text.split_once('/') {
            Some((factor, divisor)) => positive(divisor)? / positive(factor)?,
            None => match positive(text)? {
                factor if factor < 1.0 => 1.0 / factor,
                divisor => divisor,
            },
        };
        if divisor.is_finite() && divisor > 0.0 { Ok(Scale { divisor }) } else { Err(refuse()) }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "divided by {}", self.divisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_say_it() {
        for text in ["255", "255.0", "1/255", " 1 / 255", "0.00392156862745098", "3.92156862745098e-3"] {
            let scale: Scale = text.parse().unwrap();
            assert!((scale.apply(255.0) - 1.0).abs() < 1e-14, "{text}");
        }
        assert_eq!("1".parse::<Scale>().unwrap().apply(7.0), 7.0);
        assert_eq!("0.5".parse::<Scale>().unwrap().apply(7.0), 3.5);
        assert_eq!("2".parse::<Scale>().unwrap().apply(7.0), 3.5);
        // a fraction is a factor, whatever its size
        assert_eq!("3/2".parse::<Scale>().unwrap().apply(7.0), 10.5);
    }

    #[test]
    fn refusals() {
        for text in ["", "0", "-255", "x", "1/0", "1/", "/255", "inf", "nan", "1e300/1e-300", "1e-310"] {
            assert!(text.parse::<Scale>().is_err(), "{text}");
        }
    }
}
