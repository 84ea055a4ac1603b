//! The dealer protocol as a target of lowering.

use tacita_program::Target;

/// What the dealer protocol has, and what it costs.
///
/// A round is worth the bytes, of the dealer and of the parties, that a link of 100 Mbit/s carries meanwhile if its messages
/// take 20 ms, and then five times that, as bytes cost computing as well. Whatever chooses between both goes by it.
///
/// Owners encode their own inputs, and the protocol takes them to be honest about the ranges that these declare.
pub const TARGET: Target = Target {
    round: 5 << 18,
    comparison: 36,
    rounds_of_pairs: 4,
    rounds_of_all: 5,
    fourier_sum: true,
    exponential: true,
    trusts_ranges: true,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_the_graph_lower_for_this_target() {
        assert_eq!(TARGET, tacita_graph::testing::TARGET);
    }
}
