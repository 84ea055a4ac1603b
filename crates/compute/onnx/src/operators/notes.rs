//! What the documentation says of operators beyond their names: limits, what becomes public, what they cost.

use super::OPERATORS;
use crate::onnx::OPSETS;

#[rustfmt::skip] // an operator a line
const NOTES: &[(&str, &str)] = &[
    ("Add", "also of shapes"),
    ("Attention", "scale and cap become public; masks stay private, and hold no infinity; without `nonpad_kv_seqlen`"),
    ("AveragePool", "1-D to 3-D"),
    ("BatchNormalization", "folded into the layer before it, or a product and a sum; `training_mode` is refused"),
    ("Bernoulli", "as `RandomUniform`; probabilities stay private"),
    ("Cast", "to floats, int32, int64 and bool"),
    ("CastLike", "as `Cast`"),
    ("Celu", "`alpha` above 0"),
    ("Clip", "bounds become public"),
    ("Compress", "public condition"),
    ("Constant", "dense numbers and integers"),
    ("ConstantOfShape", "the number becomes public"),
    ("Conv", "1-D to 3-D"),
    ("ConvTranspose", "1-D to 3-D"),
    ("Cosh", "two exponentials"),
    ("CumProd", "log2 n products one after another; `exclusive` is refused"),
    ("CumSum", "free"),
    ("Div", "by weights a product; else a reciprocal and a product; integers of shapes alone"),
    ("Dropout", "does nothing; with `training_mode` as `RandomUniform`, and the ratio becomes public"),
    ("Einsum", "equations with ellipsis"),
    ("Elu", "one comparison and an exponential"),
    ("Exp", "saturates at the largest representable number"),
    ("Expand", "public shape"),
    ("Gather", "public indices"),
    ("GatherElements", "public indices"),
    ("GatherND", "public indices"),
    ("Gelu", "`approximate` none and tanh; also where it is spelled out with `Erf` or `Tanh`"),
    ("Gemm", "`alpha` and `beta` become public"),
    ("GroupNormalization", "scale and bias by group up to version 20, by channel since"),
    ("HardSigmoid", "two comparisons at once"),
    ("HardSwish", "two comparisons at once and a product"),
    ("Hardmax", "as `ArgMax`"),
    ("LRN", "a logarithm and an exponential"),
    ("LayerNormalization", "also where it is spelled out with `ReduceMean`, `Sqrt` and `Div`"),
    ("LeakyRelu", "one comparison"),
    ("Log", "of numbers above 0"),
    ("LogSoftmax", "as `Softmax`"),
    ("LpNormalization", "`p` 1 and 2"),
    ("MaxPool", "1-D to 3-D; without indices"),
    ("Mish", "softplus, tanh and a product"),
    ("Mod", "of shapes"),
    ("Mul", "also of a value with itself; also of shapes"),
    ("PRelu", "slopes stay private"),
    ("Pad", "constant, reflect, edge and wrap; amounts become public"),
    ("Pow", "a single exponent becomes public: products for integers, roots for halves, else of bases above 0; exponents that are tensors stay private, of bases above 0"),
    ("RMSNormalization", "also where it is spelled out"),
    ("RandomNormal", "as `RandomUniform`; a logarithm, a root, a sine and a cosine for two numbers"),
    ("RandomNormalLike", "as `RandomNormal`"),
    ("RandomUniform", "nobody learns what is drawn; bounds are public; a `seed` is not followed, which is noted"),
    ("RandomUniformLike", "as `RandomUniform`"),
    ("Range", "of sizes"),
    ("ReduceL1", "a comparison an element"),
    ("ReduceLogSum", "of sums above 0"),
    ("ReduceProd", "log2 n products one after another"),
    ("Reshape", "public shape"),
    ("Resize", "nearest, linear and cubic; scales become public; crops and `antialias` are refused"),
    ("Scatter", "public indices"),
    ("ScatterElements", "public indices; reductions cost what they are"),
    ("ScatterND", "public indices; reductions cost what they are"),
    ("Selu", "one comparison and an exponential"),
    ("Shape", "computed from types alone"),
    ("Shrink", "two comparisons at once, and selections"),
    ("Sinh", "two exponentials"),
    ("Size", "computed from types alone"),
    ("Slice", "public bounds"),
    ("Softmax", "as the last operation left to the receiver of the logits, or out before an argmax; else computed"),
    ("Softsign", "one comparison and a quotient"),
    ("Split", "public sizes"),
    ("Sqrt", "of numbers that are not negative"),
    ("Sub", "also of shapes"),
    ("Swish", "any `alpha` but 0"),
    ("Tan", "a sine, a cosine and a quotient"),
    ("ThresholdedRelu", "one comparison and a selection"),
    ("Tile", "public times"),
    ("Upsample", "as `Resize`"),
];

/// The versions of ONNX's operators that brought those that are not in the earliest one that is known.
#[rustfmt::skip]
const SINCE: &[(&str, i64)] = &[
    ("Attention", 23), ("Bernoulli", 15), ("CastLike", 15), ("Celu", 12), ("Compress", 9), ("ConstantOfShape", 9), ("Cosh", 9), ("CumProd", 26), ("CumSum", 11),
    ("Einsum", 12), ("Erf", 9), ("Expand", 8), ("GatherElements", 11), ("GatherND", 11), ("Gelu", 20),
    ("GreaterOrEqual", 12), ("GroupNormalization", 18), ("HardSwish", 14), ("LayerNormalization", 17), ("LessOrEqual", 12),
    ("MeanVarianceNormalization", 9), ("Mish", 18), ("Mod", 10), ("OneHot", 9), ("RMSNormalization", 23), ("Range", 11),
    ("Resize", 10), ("Round", 11), ("Scatter", 9), ("ScatterElements", 11), ("ScatterND", 11), ("Shrink", 9), ("Sign", 9),
    ("Sinh", 9), ("Swish", 24), ("ThresholdedRelu", 10), ("Trilu", 14), ("Where", 9),
];

/// An operator that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its name in a file.
    pub name: &'static str,
    /// The first version of ONNX's operators with which it can be imported.
    pub since: i64,
    /// What a user should know of its limits and cost; may be empty.
    pub note: &'static str,
}

/// The operators that can be imported, in alphabetical order. The table of the documentation is made of it.
pub fn operators() -> impl Iterator<Item = Imported> {
    OPERATORS.iter().map(|&(name, _)| Imported {
        name,
        since: SINCE.iter().find(|(of, _)| *of == name).map_or(*OPSETS.start(), |(_, since)| *since),
        note: NOTES.iter().find(|(of, _)| *of == name).map_or("", |(_, note)| *note),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_of_operators_and_in_order() {
        assert!(NOTES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(SINCE.is_sorted_by(|a, b| a.0 < b.0));
        let mut names = NOTES.iter().map(|(name, _)| name).chain(SINCE.iter().map(|(name, _)| name));
        assert!(names.all(|name| OPERATORS.iter().any(|(known, _)| known == name)));
    }
}
