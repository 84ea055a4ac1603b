//! What the documentation says of operators beyond their names: limits, what becomes public, what they cost.

use super::OPERATORS;

#[rustfmt::skip] // an operator a line
const NOTES: &[(&str, &str)] = &[
    ("Add", "also of shapes"),
    ("ArgMax", "`select_last_index` is refused"),
    ("AveragePool", "1-D to 3-D"),
    ("BatchNormalization", "folded into the layer before it, or a product and a sum; `training_mode` is refused"),
    ("Cast", "between float types, and between integer types"),
    ("Celu", "`alpha` above 0"),
    ("Clip", "bounds become public"),
    ("Constant", "dense numbers and integers"),
    ("ConstantOfShape", "the number becomes public"),
    ("Conv", "1-D to 3-D"),
    ("ConvTranspose", "1-D to 3-D"),
    ("CumSum", "free"),
    ("Div", "by weights a product; else a reciprocal and a product; also of shapes"),
    ("Dropout", "does nothing; `training_mode` is refused"),
    ("Einsum", "equations with ellipsis; not over the symbolic batch"),
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
    ("LayerNormalization", "the first output; also where it is spelled out with `ReduceMean`, `Sqrt` and `Div`"),
    ("LeakyRelu", "one comparison"),
    ("Log", "of numbers above 0"),
    ("LogSoftmax", "as `Softmax`"),
    ("LpNormalization", "`p` 1 and 2"),
    ("MaxPool", "1-D to 3-D; without indices"),
    ("MeanVarianceNormalization", "not over the symbolic batch"),
    ("Mish", "softplus, tanh and a product"),
    ("Mul", "also of a value with itself; also of shapes"),
    ("PRelu", "slopes stay private"),
    ("Pad", "constant, reflect, edge and wrap; amounts become public"),
    ("Pow", "a single exponent becomes public: products for integers, roots for halves, else of bases above 0; exponents that are tensors stay private, of bases above 0"),
    ("RMSNormalization", "also where it is spelled out"),
    ("Range", "of sizes"),
    ("ReduceL1", "a comparison an element"),
    ("ReduceLogSum", "of sums above 0"),
    ("ReduceProd", "log2 n products one after another"),
    ("Reshape", "public shape; keeps the symbolic batch an axis"),
    ("Resize", "nearest and linear; scales become public; not of the symbolic batch"),
    ("Scatter", "public indices"),
    ("ScatterElements", "public indices; reductions cost what they are"),
    ("ScatterND", "public indices; reductions cost what they are"),
    ("Selu", "one comparison and an exponential"),
    ("Shape", "computed from types alone"),
    ("Size", "computed from types alone"),
    ("Slice", "public bounds"),
    ("Softmax", "as the last operation left to the receiver of the logits, or out before an argmax; else computed"),
    ("Softsign", "one comparison and a quotient"),
    ("Split", "public sizes"),
    ("Sqrt", "of numbers that are not negative"),
    ("Sub", "also of shapes"),
    ("Swish", "any `alpha` but 0"),
    ("ThresholdedRelu", "one comparison and a selection"),
    ("Tile", "public times"),
    ("Upsample", "as `Resize`"),
];

/// The operators that can be imported, in alphabetical order, each with a note on its limits that may be empty. The table of
/// the documentation is made of it.
pub fn operators() -> impl Iterator<Item = (&'static str, &'static str)> {
    OPERATORS
        .iter()
        .map(|&(name, _)| (name, NOTES.iter().find(|(of, _)| *of == name).map_or("", |(_, note)| *note)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_of_operators_and_in_order() {
        assert!(NOTES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(NOTES.iter().all(|(name, _)| OPERATORS.iter().any(|(known, _)| known == name)));
    }
}
