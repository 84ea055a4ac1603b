//! Layers, losses and optimisers: functions that build training graphs.
//!
//! A network is a [`Layer`], most often a [`Sequential`] of others. [`Training`] adds one step of its training to a graph:
//! forward pass, loss, derivatives, update. Parameters and what optimisers remember are values kept in shares
//! ([`Graph::keep`](tacita_graph::Graph::keep)), so evaluating the same graph again is the next step. The crate may use
//! `tacita-graph` and `tacita-ring`, and runs nothing itself. Begin with `training.rs`, then any file in `layers`.
//!
//! ```
//! use tacita_graph::{Graph, Role, Visibility, dims};
//! use tacita_nn::{Linear, Loss, Optimiser, Reduction, Relu, Sequential, Training};
//!
//! let network = Sequential::new().then(Linear::new(30, 16)).then(Relu).then(Linear::new(16, 1));
//! let training = Training::new(Loss::BceWithLogits(Reduction::Mean), Optimiser::sgd(0.1).with_momentum(0.9));
//!
//! let mut graph = Graph::new();
//! let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
//! let x = graph.input("x", &dims(&[32, 30]), Visibility::Private(alice), Role::Data)?;
//! let y = graph.input("y", &dims(&[32, 1]), Visibility::Private(bob), Role::Data)?;
//! let step = training.step(&mut graph, &network, x, y)?;
//! graph.reveal(step.loss, &[alice, bob], "loss")?;
//! assert_eq!(step.parameters.len(), 4);
//! # Ok::<(), tacita_graph::GraphError>(())
//! ```
//!
//! # Layers
//! Layers have PyTorch's names, shapes and initial values of parameters, so that what is trained here is used there and the
//! other way round. Sequences are batch first. What has two inputs, a decoder or attention to another sequence, has a method
//! beside [`Layer::forward`], which the layer of a whole network calls. Where PyTorch has a floating mask, attention here is
//! causal or sees all: a mask is public. [`Frozen`] layers are used with an owner's private values, and not trained.
//!
//! # Rates
//! A [`Schedule`] says the pace of each step, a public factor of the rate, which a [`paced`](Training::paced) training takes.
//! [`LinearModel`] has linear models with losses, rates and penalties as scikit-learn counts them.
//!
//! # Numbers
//! Gradients of a mean over a batch are small, and fixed point has an absolute unit (2^-16). So [`Training`] multiplies the
//! loss by a power of two before it takes derivatives and divides the rate by it, as one does with half-precision floats:
//! see [`Training::with_scale`].

mod init;
mod layer;
mod layers;
mod linear_model;
mod loss;
mod metrics;
mod net;
mod optimiser;
mod public;
mod schedule;
mod training;

pub use init::Init;
pub use layer::{Layer, Sequential};
pub use layers::{
    AvgPool2d, BatchNorm, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Dropout, Elementwise, Embedding,
    Flatten, Frozen, GroupNorm, Gru, LayerNorm, Linear, Lstm, MaxPool2d, MultiheadAttention, Relu, Rnn,
    States, TransformerDecoderLayer, TransformerEncoderLayer,
};
pub use linear_model::{LinearModel, Output};
pub use loss::{Loss, Reduction};
pub use metrics::Answers;
pub use net::{Net, Parameter};
pub use optimiser::{Clipping, Optimiser, Rule};
pub use schedule::Schedule;
pub use training::{Start, Step, Training};
