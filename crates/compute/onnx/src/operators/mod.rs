//! The operators, grouped by family: one function each, and one line in [`OPERATORS`].
//!
//! A function reads its node's inputs and attributes through [`Call`] and returns the values of the node's outputs, in
//! order. Attributes that it does not read are refused for it, and so is the use of outputs that it does not return.

mod activation;
mod arithmetic;
mod attention;
mod constants;
mod convolution;
mod indexing;
mod layout;
mod logic;
mod matrix;
mod normalization;
mod notes;
mod pooling;
mod random;
mod ranking;
mod reduction;
mod reshape;
mod resize;
mod rounding;
mod selection;
mod sizes;
mod window;

pub use notes::{Imported, operators};
use tacita_graph::NodeId;

use crate::call::Call;
use crate::error::{Fault, refuse};
use crate::value::Value;

/// The values of a node's outputs.
pub(crate) type Values = Result<Vec<Value>, Fault>;

/// What turns a node of the file into nodes of the graph.
pub(crate) type Operator = fn(&mut Call<'_, '_>) -> Values;

/// Every operator, by its name in a file.
const OPERATORS: &[(&str, Operator)] = &[
    ("Abs", rounding::abs),
    ("Add", arithmetic::add),
    ("And", logic::and),
    ("ArgMax", ranking::arg_max),
    ("ArgMin", ranking::arg_min),
    ("Attention", attention::attention),
    ("AveragePool", pooling::average_pool),
    ("BatchNormalization", convolution::batch_normalization),
    ("Bernoulli", random::bernoulli),
    ("Cast", sizes::cast),
    ("CastLike", sizes::cast_like),
    ("Ceil", rounding::ceil),
    ("Celu", activation::celu),
    ("Clip", activation::clip),
    ("Compress", indexing::compress),
    ("Concat", layout::concat),
    ("Constant", constants::constant),
    ("ConstantOfShape", sizes::constant_of_shape),
    ("Conv", convolution::conv),
    ("ConvTranspose", convolution::conv_transpose),
    ("Cos", activation::cos),
    ("Cosh", activation::cosh),
    ("CumProd", reduction::cum_prod),
    ("CumSum", reduction::cum_sum),
    ("DepthToSpace", resize::depth_to_space),
    ("Div", arithmetic::div),
    ("Dropout", random::dropout),
    ("Einsum", matrix::einsum),
    ("Elu", activation::elu),
    ("Equal", logic::equal),
    ("Erf", activation::erf),
    ("Exp", activation::exp),
    ("Expand", layout::expand),
    ("Flatten", reshape::flatten),
    ("Floor", rounding::floor),
    ("Gather", indexing::gather),
    ("GatherElements", indexing::gather_elements),
    ("GatherND", indexing::gather_nd),
    ("Gelu", activation::gelu),
    ("Gemm", matrix::gemm),
    ("GlobalAveragePool", pooling::global_average_pool),
    ("GlobalMaxPool", pooling::global_max_pool),
    ("Greater", logic::greater),
    ("GreaterOrEqual", logic::greater_or_equal),
    ("GroupNormalization", normalization::group_normalization),
    ("HardSigmoid", activation::hard_sigmoid),
    ("HardSwish", activation::hard_swish),
    ("Hardmax", ranking::hardmax),
    ("Identity", activation::identity),
    ("InstanceNormalization", normalization::instance_normalization),
    ("LRN", normalization::local_response_normalization),
    ("LayerNormalization", normalization::layer_normalization),
    ("LeakyRelu", activation::leaky_relu),
    ("Less", logic::less),
    ("LessOrEqual", logic::less_or_equal),
    ("Log", activation::log),
    ("LogSoftmax", ranking::softmax),
    ("LpNormalization", normalization::lp_normalization),
    ("MatMul", matrix::mat_mul),
    ("Max", arithmetic::max),
    ("MaxPool", pooling::max_pool),
    ("Mean", arithmetic::mean),
    ("MeanVarianceNormalization", normalization::mean_variance_normalization),
    ("Min", arithmetic::min),
    ("Mish", activation::mish),
    ("Mod", arithmetic::modulo),
    ("Mul", arithmetic::mul),
    ("Neg", arithmetic::neg),
    ("Not", logic::not),
    ("OneHot", selection::one_hot),
    ("Or", logic::or),
    ("PRelu", activation::prelu),
    ("Pad", layout::pad),
    ("Pow", arithmetic::pow),
    ("RMSNormalization", normalization::rms_normalization),
    ("RandomNormal", random::random_normal),
    ("RandomNormalLike", random::random_normal_like),
    ("RandomUniform", random::random_uniform),
    ("RandomUniformLike", random::random_uniform_like),
    ("Range", sizes::range),
    ("Reciprocal", activation::reciprocal),
    ("ReduceL1", reduction::reduce_l1),
    ("ReduceL2", reduction::reduce_l2),
    ("ReduceLogSum", reduction::reduce_log_sum),
    ("ReduceLogSumExp", reduction::reduce_log_sum_exp),
    ("ReduceMax", reduction::reduce_max),
    ("ReduceMean", reduction::reduce_mean),
    ("ReduceMin", reduction::reduce_min),
    ("ReduceProd", reduction::reduce_prod),
    ("ReduceSum", reduction::reduce_sum),
    ("ReduceSumSquare", reduction::reduce_sum_square),
    ("Relu", activation::relu),
    ("Reshape", reshape::reshape),
    ("Resize", resize::resize),
    ("Round", rounding::round),
    ("Scatter", indexing::scatter_elements),
    ("ScatterElements", indexing::scatter_elements),
    ("ScatterND", indexing::scatter_nd),
    ("Selu", activation::selu),
    ("Shape", sizes::shape),
    ("Shrink", activation::shrink),
    ("Sigmoid", activation::sigmoid),
    ("Sign", rounding::sign),
    ("Sin", activation::sin),
    ("Sinh", activation::sinh),
    ("Size", sizes::size),
    ("Slice", layout::slice),
    ("Softmax", ranking::softmax),
    ("Softplus", activation::softplus),
    ("Softsign", activation::softsign),
    ("SpaceToDepth", resize::space_to_depth),
    ("Split", layout::split),
    ("Sqrt", activation::sqrt),
    ("Squeeze", reshape::squeeze),
    ("Sub", arithmetic::sub),
    ("Sum", arithmetic::sum),
    ("Swish", activation::swish),
    ("Tan", activation::tan),
    ("Tanh", activation::tanh),
    ("ThresholdedRelu", activation::thresholded_relu),
    ("Tile", layout::tile),
    ("TopK", selection::top_k),
    ("Transpose", layout::transpose),
    ("Trilu", indexing::trilu),
    ("Unsqueeze", reshape::unsqueeze),
    ("Upsample", resize::upsample),
    ("Where", logic::choose),
    ("Xor", logic::xor),
];

/// The operator of that name, or why there is none.
pub(crate) fn find(name: &str) -> Result<Operator, Fault> {
    if let Some((_, operator)) = OPERATORS.iter().find(|(known, _)| *known == name) {
        return Ok(*operator);
    }
    if ["If", "Loop", "Scan"].contains(&name) {
        return refuse("control flow is not supported: the same operations must run whatever the data");
    }
    if name.contains("uantize") || name.starts_with("QLinear") || name.ends_with("Integer") {
        return refuse("quantized models are not supported; export the float model");
    }
    refuse("this operation is not supported yet")
}

/// The only output, a node of the graph.
fn one(node: NodeId) -> Values {
    Ok(vec![Value::Node(node)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(OPERATORS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn refusals_say_why() {
        let reason = |name| find(name).map(|_| ()).unwrap_err();
        assert_eq!(
            Err(reason("Loop")),
            refuse::<()>("control flow is not supported: the same operations must run whatever the data")
        );
        for name in ["QLinearConv", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger"] {
            assert_eq!(
                Err(reason(name)),
                refuse::<()>("quantized models are not supported; export the float model")
            );
        }
        assert_eq!(Err(reason("")), refuse::<()>("this operation is not supported yet"));
    }
}
