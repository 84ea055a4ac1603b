//! Linear models for tables: scikit-learn's, by gradient descent.

use tacita_graph::ops::{ArgMax, Greater, Sigmoid, Softmax};
use tacita_graph::{Graph, GraphError, NodeId};

use crate::init::Init;
use crate::layers::Linear;
use crate::loss::{Loss, Reduction};
use crate::optimiser::Optimiser;
use crate::public::number;
use crate::training::Training;

/// A linear model of the columns of a table, how it is trained, and what it says.
///
/// Each has one minimum, which is scikit-learn's: weights begin at zero, penalties are of weights and not of the bias, and those
/// that scikit-learn counts against the sum over all samples are divided by their number, as the loss is. Steps may take a
/// part of the samples each.
///
/// Columns are to be standardised: mean 0, variance 1. Then the curvature of the loss is at most that of one row times the
/// number of columns, and the rate is one over this: steps do not overshoot, also with the momentum of 0.9. Who wants another
/// optimiser takes loss and decay from here.
///
/// ```
/// use tacita_graph::{Graph, Role, Visibility, dims};
/// use tacita_nn::{Layer, LinearModel};
///
/// let model = LinearModel::logistic_regression(30, 1.0, 456);
/// let mut graph = Graph::new();
/// let alice = graph.owner("alice");
/// let x = graph.input("x", &dims(&[64, 30]), Visibility::Private(alice), Role::Data)?;
/// let t = graph.input("t", &dims(&[64, 1]), Visibility::Private(alice), Role::Data)?;
/// model.training.step(&mut graph, &model.network, x, t)?;
///
/// let mut used = Graph::new();
/// let alice = used.owner("alice");
/// let x = used.input("x", &dims(&[1, 30]), Visibility::Private(alice), Role::Data)?;
/// let score = model.network.apply(&mut used, x)?;
/// let class = model.output.class(&mut used, score)?.expect("it classifies");
/// used.reveal(class, &[alice], "class")?;
/// # Ok::<(), tacita_graph::GraphError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LinearModel {
    /// The layer; its parameters are `weight` and `bias`.
    pub network: Linear,
    /// Its loss and optimiser.
    pub training: Training,
    /// What it says, and what it is told.
    pub output: Output,
}

/// The meaning of a linear model's output for a row, and of the targets that it is trained with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The number itself; targets (n, 1) of such numbers.
    Number,
    /// ln(p / (1 - p)) of the probability p of class 1; targets (n, 1) of 0 and 1.
    LogOdds,
    /// A score a class, of which the largest counts, and whose softmax are probabilities; targets (n, classes), one-hot rows.
    Scores,
    /// How far on the side of class 1, below 0 on the other; targets (n, 1) of -1 and 1.
    Margin,
}

/// Steps go on in the direction of those before them.
const MOMENTUM: f64 = 0.9;

impl LinearModel {
    /// Least squares: `LinearRegression`.
    pub fn linear_regression(features: usize) -> LinearModel {
        LinearModel::new([features, 1], Loss::Mse(Reduction::Mean), 2.0, 0.0, Output::Number)
    }

    /// Least squares and α times the sum of the squares of the weights: `Ridge(alpha)`. As scikit-learn adds that to the sum
    /// over all samples, whose mean is taken here, weights decay by 2 α / samples.
    ///
    /// # Panics
    /// If there are no samples, or α is negative.
    pub fn ridge(features: usize, alpha: f64, samples: usize) -> LinearModel {
        assert!(samples > 0 && alpha >= 0.0, "ridge regression of {samples} samples with alpha {alpha}");
        let decay = 2.0 * alpha / samples as f64;
        LinearModel::new([features, 1], Loss::Mse(Reduction::Mean), 2.0, decay, Output::Number)
    }

    /// One of two classes: `LogisticRegression(C=c)`. As scikit-learn multiplies the sum of the losses of all samples by C, and
    /// adds half the sum of the squares of the weights, weights decay by 1 / (C samples).
    ///
    /// # Panics
    /// If there are no samples, or C is not above 0.
    pub fn logistic_regression(features: usize, c: f64, samples: usize) -> LinearModel {
        let loss = Loss::BceWithLogits(Reduction::Mean);
        LinearModel::new([features, 1], loss, 0.25, decay(c, samples), Output::LogOdds)
    }

    /// One of several classes: `LogisticRegression(C=c)` for these, also called softmax regression. C as of
    /// [`LinearModel::logistic_regression`].
    ///
    /// # Panics
    /// As [`LinearModel::logistic_regression`].
    pub fn multinomial_regression(features: usize, classes: usize, c: f64, samples: usize) -> LinearModel {
        let loss = Loss::CrossEntropy(Reduction::Mean);
        LinearModel::new([features, classes], loss, 0.5, decay(c, samples), Output::Scores)
    }

    /// One of two classes, with a margin between them: `SVC(kernel="linear", C=c)`, and `LinearSVC(loss="hinge", C=c)` but that
    /// its bias is not penalised. C as of [`LinearModel::logistic_regression`].
    ///
    /// The loss has kinks, and steps of one length end beside the minimum: train it [`paced`](Training::paced), by a
    /// [`Schedule`](crate::Schedule) that ends low.
    ///
    /// # Panics
    /// As [`LinearModel::logistic_regression`].
    pub fn linear_svm(features: usize, c: f64, samples: usize) -> LinearModel {
        LinearModel::new([features, 1], Loss::Hinge(Reduction::Mean), 1.0, decay(c, samples), Output::Margin)
    }

    /// `curvature` is the largest second derivative of the loss of a sample by what the layer says. That by weights and bias is
    /// at most this times the mean of the squares of a row's numbers and 1.
    fn new(
        [features, outputs]: [usize; 2],
        loss: Loss,
        curvature: f64,
        decay: f64,
        output: Output,
    ) -> LinearModel {
        let network = Linear::new(features, outputs).with_init(Init::ZEROS, Init::ZEROS);
        let lr = 1.0 / (curvature * (features + 1) as f64 + decay);
        let optimiser = Optimiser::sgd(lr).with_momentum(MOMENTUM).with_weight_decay_of_matrices(decay);
        LinearModel { network, training: Training::new(loss, optimiser), output }
    }
}

/// What C is for a mean over so many samples.
fn decay(c: f64, samples: usize) -> f64 {
    assert!(samples > 0 && c > 0.0, "a classifier of {samples} samples with C {c}");
    1.0 / (c * samples as f64)
}

impl Output {
    /// Adds the class that a score says: a bit (n, 1) of two classes, an index (n) of several, nothing where the score is a
    /// number.
    ///
    /// # Errors
    /// If the score has not the shape that the model gives.
    pub fn class(self, graph: &mut Graph, score: NodeId) -> Result<Option<NodeId>, GraphError> {
        match self {
            Output::Number => Ok(None),
            Output::LogOdds | Output::Margin => {
                let zero = number(graph, 0.0)?;
                graph.add(Greater, &[score, zero], "class").map(Some)
            }
            Output::Scores => {
                let axis = graph.node(score).ty.rank().saturating_sub(1);
                graph.add(ArgMax { axis, keepdims: false }, &[score], "class").map(Some)
            }
        }
    }

    /// Adds the probability of class 1 (n, 1), or of each (n, classes), where the model has any.
    ///
    /// # Errors
    /// As [`Output::class`].
    pub fn probability(self, graph: &mut Graph, score: NodeId) -> Result<Option<NodeId>, GraphError> {
        match self {
            Output::Number | Output::Margin => Ok(None),
            Output::LogOdds => graph.add(Sigmoid, &[score], "probability").map(Some),
            Output::Scores => {
                let axis = graph.node(score).ty.rank().saturating_sub(1);
                graph.add(Softmax { axis }, &[score], "probability").map(Some)
            }
        }
    }
}
