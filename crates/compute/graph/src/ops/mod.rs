//! The operations, one file each: attributes, shape rule, meaning in f64, lowering, range, error.
//!
//! A new operation is its file, its `mod` line and its line in the registration below. New lines go last: the
//! position is the operation's number in encoded graphs.

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use self::error_rule::Deviation;
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{DType, Interval, MAX_ELEMENTS, MAX_RANK, Type};

mod abs;
mod add;
mod all;
mod and;
mod any;
mod arg_max;
mod arg_min;
mod arg_sort;
pub(crate) mod arrays;
mod average_pool;
mod batch_norm;
mod bernoulli;
mod cast;
mod ceil;
mod clip;
mod combine;
mod concat;
mod constant;
mod conv;
mod cos;
mod cum_sum;
mod detach;
mod div;
mod equal;
mod erf;
pub(crate) mod error_rule;
mod exp;
mod expand;
mod floor;
mod gather;
mod gelu;
mod greater;
mod greater_equal;
mod input;
mod keep;
mod less;
mod less_equal;
mod log;
mod log_softmax;
mod log_sum_exp;
mod mat_mul;
mod max;
mod max_pool;
mod max_pool_gradient;
mod maximum;
mod mean;
mod min;
mod minimum;
mod mul;
mod neg;
mod normalize;
mod not;
mod not_equal;
mod one_hot;
mod or;
mod pad;
mod pick;
mod precision;
mod reciprocal;
mod relu;
mod relu_gradient;
mod relu_max_pool;
mod reshape;
mod reveal;
mod round;
mod rsqrt;
mod select;
pub(crate) mod shape;
mod sigmoid;
mod sign;
mod silu;
mod sin;
mod slice;
mod softmax;
mod softplus;
mod sort;
mod sqrt;
mod sub;
mod sum;
mod tanh;
mod transpose;
mod uniform;
pub(crate) mod window;
mod xor;

/// The inferred type of a result, without the visibility, which does not depend on the operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Inferred {
    /// The result's shape.
    pub(crate) shape: Vec<usize>,
    /// The result's [`DType`].
    pub(crate) dtype: DType,
}

impl Inferred {
    /// A fixed-point result.
    pub(crate) fn fixed(shape: Vec<usize>) -> Result<Self, InferError> {
        Ok(Inferred { shape, dtype: DType::Fixed })
    }

    /// Refuses shapes that no value may have: too many axes or elements, or an empty axis.
    pub(crate) fn check(self) -> Result<Self, InferError> {
        let refuse = |reason: &str| {
            Err(InferError::Shape { shape: self.shape.clone(), reason: format!("the result {reason}") })
        };
        if self.shape.len() > MAX_RANK {
            return refuse("has more than 8 axes");
        }
        let mut elements = 1usize;
        for &size in &self.shape {
            if size == 0 {
                return refuse("has an empty axis");
            }
            match elements.checked_mul(size) {
                Some(product) if product <= MAX_ELEMENTS => elements = product,
                _ => return refuse("has more than 2^32 elements"),
            }
        }
        Ok(self)
    }
}

/// The definition of an operation.
pub(crate) trait Operation {
    /// The operation's name in errors and reports.
    fn name(&self) -> &'static str;

    /// The result's shape and type.
    ///
    /// # Errors
    /// If the operation does not accept inputs of these types, or its attributes are invalid for any input.
    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError>;

    /// The length of the lists in the attributes, or of those that lowering derives from them, in words of four bytes.
    fn listed(&self) -> usize {
        0
    }

    /// The result in f64 for inputs of inferred types. Bits are 0 and 1, indices are integers.
    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64>;

    /// The same result with identical rounding on every machine, for public values, which every party computes for
    /// itself.
    fn plain_reproducible(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        self.plain(x)
    }

    /// The constant that fills the result if `constants` fill the inputs; `None` if the operation has no such rule.
    fn fold(&self, _constants: &[f64]) -> Option<f64> {
        None
    }

    /// An interval that contains the result for inputs in `x` of types `types`.
    fn range(&self, x: &[Interval], types: &[&Type]) -> Interval;

    /// An interval that contains the result in f64. It equals `range` except for a function that saturates on secret
    /// values.
    fn plain_range(&self, x: &[Interval], types: &[&Type]) -> Interval {
        self.range(x, types)
    }

    /// The largest absolute value that a private evaluation reaches before a result in `result`.
    fn peak(&self, _x: &[Interval], _types: &[&Type], result: Interval) -> f64 {
        result.magnitude()
    }

    /// Whether an unrepresentable result saturates at the largest or least representable number, instead of being wrong
    /// by 2^64 units.
    fn saturates(&self) -> bool {
        false
    }

    /// Whether the operation only moves, adds, compares or selects, so that a fixed-point result keeps all fractional
    /// bits of its inputs. All other operations take and give the session's precision.
    fn keeps_frac(&self) -> bool {
        false
    }

    /// The nominal fractional bits of a fixed-point result for fixed-point inputs with `x` bits; it has more until it
    /// is truncated.
    fn frac(&self, x: &[u32], session: u32) -> u32 {
        let most = x.iter().copied().max();
        most.filter(|_| self.keeps_frac()).unwrap_or(session)
    }

    /// A bound on each element's distance between fixed point, for any rounding, and f64. See `error_rule`. The default
    /// rule holds for operations that are linear with nonnegative coefficients.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        self.plain(d.errors)
    }

    /// Propagates the derivative of the loss from the result to each input: see [`grad`](crate::grad()).
    ///
    /// # Errors
    /// If the operation has no derivative.
    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        Err(b.none())
    }

    /// Adds ring nodes for the current node, whose value is secret, and returns the one that holds its value.
    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError>;
}

macro_rules! operations {
    ($($module:ident :: $name:ident,)*) => {
        $(pub use $module::$name;)*

        /// One of the operations.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)] // each variant is documented at its struct
        pub enum Op {
            $($name($name),)*
        }

        impl Op {
            /// The operation's definition.
            pub(crate) fn operation(&self) -> &dyn Operation {
                match self {
                    $(Op::$name(op) => op,)*
                }
            }
        }

        $(impl From<$name> for Op {
            fn from(op: $name) -> Self {
                Op::$name(op)
            }
        })*
    };
}

pub use cast::ToWhole;

operations! {
    input::Input,
    constant::Constant,
    add::Add,
    sub::Sub,
    mul::Mul,
    neg::Neg,
    mat_mul::MatMul,
    conv::Conv,
    sum::Sum,
    mean::Mean,
    average_pool::AveragePool,
    max_pool::MaxPool,
    relu_max_pool::ReluMaxPool,
    reshape::Reshape,
    transpose::Transpose,
    concat::Concat,
    slice::Slice,
    pad::Pad,
    expand::Expand,
    relu::Relu,
    clip::Clip,
    batch_norm::BatchNorm,
    max::Max,
    arg_max::ArgMax,
    maximum::Maximum,
    minimum::Minimum,
    less::Less,
    greater::Greater,
    less_equal::LessEqual,
    greater_equal::GreaterEqual,
    not::Not,
    select::Select,
    softmax::Softmax,
    sqrt::Sqrt,
    reciprocal::Reciprocal,
    reveal::Reveal,
    sigmoid::Sigmoid,
    tanh::Tanh,
    erf::Erf,
    gelu::Gelu,
    silu::Silu,
    softplus::Softplus,
    sin::Sin,
    cos::Cos,
    exp::Exp,
    log::Log,
    rsqrt::Rsqrt,
    log_softmax::LogSoftmax,
    log_sum_exp::LogSumExp,
    normalize::Normalize,
    div::Div,
    gather::Gather,
    combine::Combine,
    cum_sum::CumSum,
    equal::Equal,
    not_equal::NotEqual,
    and::And,
    or::Or,
    xor::Xor,
    any::Any,
    all::All,
    abs::Abs,
    sign::Sign,
    min::Min,
    arg_min::ArgMin,
    cast::Cast,
    floor::Floor,
    ceil::Ceil,
    round::Round,
    sort::Sort,
    arg_sort::ArgSort,
    one_hot::OneHot,
    pick::Pick,
    precision::Precision,
    uniform::Uniform,
    bernoulli::Bernoulli,
    keep::Keep,
    relu_gradient::ReluGradient,
    max_pool_gradient::MaxPoolGradient,
    detach::Detach,
}

impl Op {
    /// The operation's name in errors and reports.
    pub fn name(&self) -> &'static str {
        self.operation().name()
    }

    /// The draw number, if the operation draws random values: unique among the nodes of a graph.
    pub fn draw(&self) -> Option<u32> {
        match self {
            Op::Uniform(op) => Some(op.draw),
            Op::Bernoulli(op) => Some(op.draw),
            _ => None,
        }
    }

    /// Whether the operation is a reveal or a keep, which no node may use as input.
    pub fn is_end(&self) -> bool {
        matches!(self, Op::Reveal(_) | Op::Keep(_))
    }

    /// The same operation with another draw number, for use in another graph. Operations that do not draw are
    /// unchanged.
    #[must_use]
    pub fn with_draw(mut self, draw: u32) -> Self {
        match &mut self {
            Op::Uniform(op) => op.draw = draw,
            Op::Bernoulli(op) => op.draw = draw,
            _ => {}
        }
        self
    }

    /// The shape attribute.
    pub(crate) fn shape_attribute(&mut self) -> Option<&mut Vec<usize>> {
        match self {
            Op::Input(op) => Some(&mut op.shape),
            Op::Constant(op) => Some(&mut op.shape),
            Op::Reshape(op) => Some(&mut op.shape),
            Op::Expand(op) => Some(&mut op.shape),
            Op::Uniform(op) => Some(&mut op.shape),
            Op::Bernoulli(op) => Some(&mut op.shape),
            _ => None,
        }
    }
}
