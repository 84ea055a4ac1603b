//! The network of a configuration.

use tacita_graph::{Graph, NodeId, Role, Visibility, dims};
use tacita_nn::{
    AvgPool2d, BatchNorm, Conv1d, Conv2d, ConvTranspose2d, Dropout, Elementwise, Flatten, GroupNorm, Gru,
    Layer, LayerNorm, Linear, Lstm, MaxPool2d, Net, Relu, Rnn, Sequential, TransformerEncoderLayer,
};

use crate::config::TrainConfig;
use crate::sections::{ConvConfig, LayerConfig, RecurrentConfig};
use tacita_session::Error;

/// Builds the network for samples of a shape; what each layer takes follows from what comes before.
///
/// # Errors
/// [`Error::Usage`] naming the layer that does not fit, or if the end is not what the loss takes.
pub(crate) fn network(config: &TrainConfig, sample: &[usize]) -> Result<Box<dyn Layer>, Error> {
    if let Some(model) = config.model {
        return match *sample {
            [features] => Ok(Box::new(model.build(features, config.classes.unwrap_or(2), 1).network)),
            _ => Err(Error::Usage(format!("a linear [model] takes rows of columns, not of {sample:?}"))),
        };
    }
    // built on the side, to learn the shapes between layers
    let mut graph = Graph::new();
    let owner = graph.owner("somebody");
    let batch: Vec<usize> = [2].iter().chain(sample).copied().collect();
    let mut x = graph.input("x", &dims(&batch), Visibility::Private(owner), Role::Data)?;
    let mut net = Net::new(&mut graph, true);
    let mut layers = Sequential::new();
    for (at, layer) in config.layer.iter().enumerate() {
        let here = |reason: String| Error::Usage(format!("[[layer]] {}, {}: {reason}", at + 1, name(layer)));
        let shape = shape_of(&net, x);
        let built = build(layer, &shape).map_err(&here)?;
        let scope = at.to_string();
        x = net.within(&scope, |net| built.forward(net, x)).map_err(|error| here(error.to_string()))?;
        layers = layers.then(built);
    }
    let (ends, wanted) = (shape_of(&net, x), outputs(config));
    if ends != [2, wanted] {
        let (loss, ends) = (serde_json::to_string(&config.loss()).unwrap_or_default(), &ends[1..]);
        return Err(Error::Usage(format!(
            "the network ends with {ends:?} for each row, and the loss {loss} takes {wanted}: let it end with kind = \"linear\", outputs = {wanted}"
        )));
    }
    Ok(Box::new(layers))
}

/// How many numbers the network gives for a row.
pub(crate) fn outputs(config: &TrainConfig) -> usize {
    match config.label_classes() {
        Some(classes) if config.loss() == crate::sections::LossConfig::CrossEntropy => classes,
        _ => 1,
    }
}

fn shape_of(net: &Net<'_>, x: NodeId) -> Vec<usize> {
    let shape = net.shape(x).iter();
    shape.copied().collect()
}

fn name(layer: &LayerConfig) -> String {
    let value = serde_json::to_value(layer).unwrap_or_default();
    value["kind"].as_str().unwrap_or_default().to_owned()
}

/// A layer for values of a shape, the rows first.
fn build(layer: &LayerConfig, shape: &[usize]) -> Result<Box<dyn Layer>, String> {
    let channels_of = |axes: usize| match shape {
        [_, channels, ..] if shape.len() == axes => Ok(*channels),
        _ => Err(format!("it takes values of {axes} axes, rows and channels first, and gets {shape:?}")),
    };
    let last = *shape.last().unwrap_or(&1);
    let steps_of = || match shape {
        [_, _, numbers] => Ok(*numbers),
        _ => Err(format!("it takes rows of steps of numbers, and gets {shape:?}")),
    };
    Ok(match *layer {
        LayerConfig::Linear { outputs } => Box::new(Linear::new(last, outputs)),
        LayerConfig::Conv2d(ConvConfig { channels, kernel, stride, padding }) => {
            let conv = Conv2d::new(channels_of(4)?, channels, [kernel; 2]);
            Box::new(conv.with_stride([stride; 2]).with_padding([padding; 2]))
        }
        LayerConfig::Conv1d(ConvConfig { channels, kernel, stride, padding }) => {
            let conv = Conv1d::new(channels_of(3)?, channels, [kernel]);
            Box::new(conv.with_stride([stride]).with_padding([padding]))
        }
        LayerConfig::ConvTranspose2d(ConvConfig { channels, kernel, stride, padding }) => {
            let conv = ConvTranspose2d::new(channels_of(4)?, channels, [kernel; 2]);
            Box::new(conv.with_stride([stride; 2]).with_padding([padding; 2]))
        }
        LayerConfig::GroupNorm { groups } => {
            let channels = *shape.get(1).unwrap_or(&1);
            if !channels.is_multiple_of(groups) {
                return Err(format!("{groups} groups do not divide {channels} channels"));
            }
            Box::new(GroupNorm::new(groups, channels))
        }
        LayerConfig::Rnn(RecurrentConfig { hidden, layers, bidirectional }) => {
            let layer = Rnn::new(steps_of()?, hidden).with_layers(layers).last();
            Box::new(if bidirectional { layer.bidirectional() } else { layer })
        }
        LayerConfig::Lstm(RecurrentConfig { hidden, layers, bidirectional }) => {
            let layer = Lstm::new(steps_of()?, hidden).with_layers(layers).last();
            Box::new(if bidirectional { layer.bidirectional() } else { layer })
        }
        LayerConfig::Gru(RecurrentConfig { hidden, layers, bidirectional }) => {
            let layer = Gru::new(steps_of()?, hidden).with_layers(layers).last();
            Box::new(if bidirectional { layer.bidirectional() } else { layer })
        }
        LayerConfig::TransformerEncoder { heads, inner, dropout } => {
            let width = steps_of()?;
            if !width.is_multiple_of(heads) {
                return Err(format!("{heads} heads do not divide the {width} numbers of a step"));
            }
            Box::new(TransformerEncoderLayer::new(width, heads).with_inner(inner).with_dropout(dropout))
        }
        LayerConfig::MaxPool2d { kernel } => Box::new(MaxPool2d::new([kernel; 2])),
        LayerConfig::AvgPool2d { kernel } => Box::new(AvgPool2d::new([kernel; 2])),
        LayerConfig::BatchNorm {} => Box::new(BatchNorm::new(*shape.get(1).unwrap_or(&1))),
        LayerConfig::LayerNorm {} => Box::new(LayerNorm::new(last)),
        LayerConfig::Flatten {} => Box::new(Flatten),
        LayerConfig::Dropout { share } => Box::new(Dropout(share)),
        LayerConfig::Relu {} => Box::new(Relu),
        LayerConfig::Sigmoid {} => Box::new(Elementwise::sigmoid()),
        LayerConfig::Tanh {} => Box::new(Elementwise::tanh()),
        LayerConfig::Gelu {} => Box::new(Elementwise::gelu()),
        LayerConfig::Silu {} => Box::new(Elementwise::silu()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(sample: &[usize], layers: &str) -> Result<Box<dyn Layer>, Error> {
        let text = format!(
            "version = 1\nsplit = \"rows\"\nloss = \"bce_with_logits\"\nbatch = 4\nsteps = 1\n[optimiser]\nrule = \"sgd\"\nlr = \
             0.1\n[[data]]\nowner = \"alice\"\nfile = \"x.npy\"\nlabels = \"y.npy\"\n{layers}[[layer]]\nkind = \"linear\"\noutputs = 1\n"
        );
        network(&TrainConfig::parse(text.as_bytes())?, sample)
    }

    fn layer(text: &str) -> String {
        format!("[[layer]]\nkind = {text}\n")
    }

    #[test]
    fn every_kind_of_layer_finds_its_shape() -> Result<(), Error> {
        let flat = layer("\"flatten\"");
        for (sample, layers) in [
            (
                &[2, 6, 6][..],
                layer("\"conv2d\"\nchannels = 4\nkernel = 3\npadding = 1")
                    + &layer("\"group_norm\"\ngroups = 2"),
            ),
            (
                &[2, 6, 6],
                layer("\"conv_transpose2d\"\nchannels = 3\nkernel = 2\nstride = 2")
                    + &layer("\"max_pool2d\"\nkernel = 2"),
            ),
            (
                &[2, 6, 6],
                layer("\"batch_norm\"")
                    + &layer("\"avg_pool2d\"\nkernel = 3")
                    + &layer("\"dropout\"\nshare = 0.5"),
            ),
            (&[2, 9], layer("\"conv1d\"\nchannels = 3\nkernel = 3\nstride = 2") + &layer("\"layer_norm\"")),
            (&[5, 4], layer("\"lstm\"\nhidden = 3\nlayers = 2")),
            (&[5, 4], layer("\"gru\"\nhidden = 3\nbidirectional = true")),
            (&[5, 4], layer("\"rnn\"\nhidden = 3") + &layer("\"sigmoid\"")),
            (&[5, 4], layer("\"transformer_encoder\"\nheads = 2\ninner = 8") + &layer("\"gelu\"")),
            (&[3], layer("\"tanh\"") + &layer("\"silu\"") + &layer("\"relu\"")),
        ] {
            built(sample, &(layers.clone() + &flat))
                .map_err(|error| Error::Usage(format!("{layers}: {error}")))?;
        }
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (sample, layers, word) in [
            (&[5, 4][..], layer("\"transformer_encoder\"\nheads = 3\ninner = 8"), "3 heads"),
            (&[4], layer("\"lstm\"\nhidden = 3"), "rows of steps"),
            (&[3, 4, 4], layer("\"group_norm\"\ngroups = 2"), "2 groups"),
            (&[4, 4], layer("\"conv2d\"\nchannels = 2\nkernel = 3"), "4 axes"),
        ] {
            let error = built(sample, &layers).err().expect("it is refused").to_string();
            assert!(error.contains("[[layer]] 1") && error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_field_that_no_layer_has_is_named() {
        for layers in [
            layer("\"conv2d\"\nchannels = 4\nkernel = 3\nkernl = 3"),
            layer("\"gru\"\nhidden = 4\nkernl = 3"),
            layer("\"relu\"\nkernl = 3"),
            layer("\"dropout\"\nshare = 0.1\nkernl = 3"),
        ] {
            let error = built(&[2, 6, 6], &layers).err().expect("it is refused").to_string();
            assert!(error.contains("kernl"), "{layers}: {error}");
        }
    }
}
