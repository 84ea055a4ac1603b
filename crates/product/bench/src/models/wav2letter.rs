//! Wav2Letter on the waveform (Collobert, Puhrsch, Synnaeve, 2016): eleven convolutions over time and one before them
//! that takes the place of a spectrum. Logits of 40 letters; the receiver takes their softmax.

use tacita_graph::{GraphError, NodeId};

use super::builder::{Builder, Filters};

/// 16 s at 16 kHz.
const SAMPLES: usize = 16 * 16_000;

pub(super) fn build(b: &mut Builder) -> Result<NodeId, GraphError> {
    let mut x = b.input("sound", &[1, SAMPLES])?;
    // filters, kernel, stride, padding
    let mut layers = vec![[250, 250, 160, 45], [250, 48, 2, 23]];
    layers.extend([[250, 7, 1, 3]; 7]);
    layers.extend([[2000, 32, 1, 16], [2000, 1, 1, 0], [40, 1, 1, 0]]);
    let last = layers.len();
    for (index, [outputs, kernel, stride, pad]) in (1..).zip(layers) {
        let filters = Filters { outputs, kernel: [kernel], stride: [stride], pad: [pad] };
        x = b.conv(x, &filters, true, &format!("conv{index}"))?;
        if index < last {
            x = b.relu(x, &format!("relu{index}"))?;
        }
    }
    Ok(x)
}
