//! Faults of programs.

use thiserror::Error;

use crate::program::{RingId, RingType, Visibility};

/// A node of a ring program that breaks a precondition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("ring node {} ({op}), part of {origin:?}: {fault}", node.0)]
pub struct ProgramError {
    /// The node.
    pub node: RingId,
    /// Its operation.
    pub op: &'static str,
    /// The name of the graph's node that it is part of.
    pub origin: String,
    /// The precondition that it breaks.
    pub fault: Fault,
}

/// A precondition that a node breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// An input that is not an earlier node.
    #[error("its input {} is not an earlier node", input.0)]
    Order {
        /// The input.
        input: RingId,
    },
    /// A node of no graph node.
    #[error("the program does not know the graph node that it is part of")]
    Origin,
    /// A wrong number of inputs.
    #[error("it has {got} inputs")]
    Arity {
        /// How many inputs it has.
        got: usize,
    },
    /// More elements than memory can hold.
    #[error("its shape has more elements than memory can hold")]
    Elements,
    /// An input of bits instead of ring elements, or of ring elements instead of bits, or of another number of planes.
    #[error("its input {at} is {got:?}, which the operation does not take")]
    InputType {
        /// The input's position.
        at: usize,
        /// Its type.
        got: RingType,
    },
    /// A result of another type than the operation gives.
    #[error("it is {got:?} instead of {expected:?}")]
    Type {
        /// Its type.
        got: RingType,
        /// The type that follows from inputs and attributes.
        expected: RingType,
    },
    /// Fractional bits of an input that do not fit those of the result.
    #[error("the fractional bits of its input {at} do not fit those of the result")]
    Frac {
        /// The input's position.
        at: usize,
    },
    /// More fractional bits than an encoder or decoder takes.
    #[error("it has {got} fractional bits, and at most {most} are possible")]
    TooManyFractionalBits {
        /// How many it has.
        got: u32,
        /// How many are possible.
        most: u32,
    },
    /// Shapes of inputs that the operation does not combine.
    #[error("the shapes of its inputs do not fit each other or the attributes")]
    InputShapes,
    /// A result of another shape than the operation gives.
    #[error("its shape is {got:?} instead of {expected:?}")]
    Shape {
        /// Its shape.
        got: Vec<usize>,
        /// The shape that follows from inputs and attributes.
        expected: Vec<usize>,
    },
    /// An axis beyond the input's, repeated or out of order; a permutation that does not name each axis once.
    #[error("its axes are not axes of the input, each at most once and in order")]
    Axes,
    /// A slice beyond its input, with a step of 0, or not of all axes.
    #[error("it slices beyond its input")]
    Slice,
    /// A gathered index beyond the axis.
    #[error("it gathers index {index}, and the axis has {size} elements")]
    Index {
        /// The index.
        index: u32,
        /// The elements along the axis.
        size: usize,
    },
    /// A constant tensor whose values are not as many as its elements.
    #[error("it has {got} values for {expected} elements")]
    Values {
        /// How many values it has.
        got: usize,
        /// How many elements.
        expected: usize,
    },
    /// A number of bits outside of the operation's limits.
    #[error("its {got} bits are not from {least} to {most}")]
    Bits {
        /// How many it has.
        got: u32,
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// A list of attributes that does not go with the inputs or planes, one each.
    #[error("it has {got} attributes for {expected} inputs or planes")]
    Attributes {
        /// How many it has.
        got: usize,
        /// How many inputs or planes.
        expected: usize,
    },
    /// A plane that the input does not have.
    #[error("it takes plane {plane} of {planes}")]
    Plane {
        /// The plane.
        plane: usize,
        /// How many there are.
        planes: usize,
    },
    /// A comparison in fewer bits than the range of its input takes.
    #[error("it compares {got} bits, and its inputs may take {needed}")]
    Width {
        /// The bits that it compares.
        got: u32,
        /// The bits that the range bounds of its inputs take.
        needed: u32,
    },
    /// Thresholds that are missing, do not ascend, or leave out so many bits that a value may be on both sides.
    #[error(
        "its thresholds do not ascend far enough from one to the next, or leave out a wrong number of bits"
    )]
    Thresholds,
    /// A value that is never below 2^62 in magnitude, where it is divided.
    #[error(
        "it divides its input {at}, which is never below 2^62 in magnitude; use a lower precision or a smaller range"
    )]
    Beyond {
        /// The input's position.
        at: usize,
    },
    /// A Fourier sum whose steps or precision no evaluator has.
    #[error("its sum has steps or a precision that no evaluator has")]
    Sum,
    /// An exponential whose window or precision no evaluator has, or of other fractional bits than its input.
    #[error("its window or precision is none that evaluators have, or does not go with its input")]
    Window,
    /// A sort whose second column does not number the rows of each matrix.
    #[error("the second column of its input does not number the rows")]
    SortIndices,
    /// A sort of more rows than the keys have room for.
    #[error("{rows} rows do not fit into {shift} bits of a key")]
    SortRows {
        /// How many rows.
        rows: usize,
        /// The bits of a key that number them.
        shift: u32,
    },
    /// Bits of which more than one plane may be 1, where a selection takes at most one.
    #[error("more than one plane of its bits may be 1")]
    PlaneSets,
    /// Bits that are not the comparisons of all pairs of as many values.
    #[error("its bits are not the comparisons of all pairs of {values} values")]
    Pairs {
        /// How many values it selects from.
        values: usize,
    },
    /// A factor that is not the sum of the planes times the factors.
    #[error("its input 1 is not the sum of the planes times the factors")]
    Factor,
    /// A result that more may know than some input.
    #[error("it is {got}, and {expected} follows from its inputs")]
    Visibility {
        /// Who may know the result.
        got: Visibility,
        /// Who may know all inputs.
        expected: Visibility,
    },
    /// An operation that no evaluator computes of public values alone.
    #[error("all its inputs are public, and the operation takes others")]
    Public,
    /// A secret leaf that is to stay the same for a session.
    #[error("it is a secret leaf, which cannot be persistent")]
    SecretPersistent,
    /// An owner that the program does not name.
    #[error("it names owner {owner}, which the program does not have")]
    Owner {
        /// The owner.
        owner: u16,
    },
    /// Receivers that are missing, or not in ascending order, each once.
    #[error("its receivers are missing, or not in ascending order, each once")]
    Receivers,
    /// A result without a name.
    #[error("its graph node has no name, by which its result is known")]
    Unnamed,
    /// Two results of one graph node.
    #[error("another result has the same graph node, and so the same name")]
    SharedOrigin,
    /// Two nodes of one draw.
    #[error("another node has the same draw")]
    RepeatedDraw,
    /// A revealed Fourier sum that was not truncated.
    #[error("it reveals the last bits of a Fourier sum, which tell of more than its result")]
    RevealedSum,
    /// A recorded bound that no value satisfies.
    #[error("its recorded bound is empty")]
    Bound,
    /// A node that serves nothing.
    #[error("it serves no reveal and nothing kept")]
    Unused,
}
