//! Layers of a network.

use serde::{Deserialize, Serialize};

use super::positive;

/// A layer; what it takes follows from what comes before. Those without fields have braces, or serde would pass over fields
/// that they have not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerConfig {
    /// Every output a weighted sum of all inputs.
    Linear {
        /// Outputs.
        outputs: usize,
    },
    /// Convolution over the last two axes.
    Conv2d(ConvConfig),
    /// Convolution over the last axis.
    Conv1d(ConvConfig),
    /// Transposed convolution over the last two axes.
    ConvTranspose2d(ConvConfig),
    /// The largest of each window, windows side by side.
    MaxPool2d {
        /// Its sides.
        kernel: usize,
    },
    /// The mean of each window, windows side by side.
    AvgPool2d {
        /// Its sides.
        kernel: usize,
    },
    /// Normalisation by channel.
    BatchNorm {},
    /// Normalisation of each row over its last axis.
    LayerNorm {},
    /// Normalisation of groups of channels.
    GroupNorm {
        /// How many groups.
        groups: usize,
    },
    /// A recurrent layer over rows of steps of numbers; what it says after the last step.
    Rnn(RecurrentConfig),
    /// The same with long short-term memory.
    Lstm(RecurrentConfig),
    /// The same with gated units.
    Gru(RecurrentConfig),
    /// A transformer's encoder layer, over rows of steps of numbers.
    TransformerEncoder {
        /// Heads of the attention, which divide the numbers of a step.
        heads: usize,
        /// Features between its linear layers.
        inner: usize,
        /// Dropout.
        #[serde(default)]
        dropout: f64,
    },
    /// All axes but the first as one.
    Flatten {},
    /// Values set to zero at random, known to nobody.
    Dropout {
        /// The share of them.
        share: f64,
    },
    /// max(x, 0).
    Relu {},
    /// 1 / (1 + e^-x).
    Sigmoid {},
    /// The hyperbolic tangent.
    Tanh {},
    /// x Φ(x).
    Gelu {},
    /// x / (1 + e^-x).
    Silu {},
}

/// A window that slides over a picture or a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvConfig {
    /// Channels of the result.
    pub channels: usize,
    /// The sides of the window.
    pub kernel: usize,
    /// From window to window; of transposed ones, between the places of two elements in the result.
    #[serde(default = "one")]
    pub stride: usize,
    /// Zeros at every side; of transposed ones, so much is taken away.
    #[serde(default)]
    pub padding: usize,
}

/// A layer along a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurrentConfig {
    /// Numbers of the result.
    pub hidden: usize,
    /// Layers upon each other.
    #[serde(default = "one")]
    pub layers: usize,
    /// Whether steps are read from both ends.
    #[serde(default)]
    pub bidirectional: bool,
}

impl LayerConfig {
    pub(crate) fn check(&self) -> Result<(), String> {
        match *self {
            LayerConfig::Linear { outputs } => positive("outputs", outputs)?,
            LayerConfig::Conv1d(conv) | LayerConfig::Conv2d(conv) | LayerConfig::ConvTranspose2d(conv) => {
                let ConvConfig { channels, kernel, stride, padding } = conv;
                positive("channels", channels)?;
                positive("kernel", kernel)?;
                positive("stride", stride)?;
                positive("padding", padding + 1)?;
            }
            LayerConfig::MaxPool2d { kernel } | LayerConfig::AvgPool2d { kernel } => {
                positive("kernel", kernel)?
            }
            LayerConfig::GroupNorm { groups } => positive("groups", groups)?,
            LayerConfig::Rnn(parts) | LayerConfig::Lstm(parts) | LayerConfig::Gru(parts) => {
                let RecurrentConfig { hidden, layers, .. } = parts;
                positive("hidden", hidden)?;
                if !(1..=16).contains(&layers) {
                    return Err(format!("`layers` {layers}: give 1 to 16"));
                }
            }
            LayerConfig::TransformerEncoder { heads, inner, dropout } => {
                positive("heads", heads)?;
                positive("inner", inner)?;
                if !(0.0..1.0).contains(&dropout) {
                    return Err(format!("`dropout` {dropout}: a share is from 0 to less than 1"));
                }
            }
            LayerConfig::Dropout { share } if !(0.0..1.0).contains(&share) => {
                return Err(format!("`share` {share} of dropout: a share is from 0 to less than 1"));
            }
            _ => {}
        }

        Ok(())
    }
}

fn one() -> usize {
    1
}
