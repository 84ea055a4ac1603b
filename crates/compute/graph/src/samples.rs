//! Tracks the samples of a batch through a graph and finds the nodes that mix them.
//!
//! A batch larger than the template's may be evaluated in parts only if each sample's result depends on that sample
//! alone. [`samples`] checks this for a graph, node by node; [`same_per_sample`] checks that two sizes of a template
//! compute the same function of each sample. Both are conservative: they count anything they cannot follow as mixing.

use tacita_program::NodeId;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{Gather, Op, Pad, Slice};

/// The position of samples in a value: index i along the axis belongs to sample `(i / inner) % batch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleAxis {
    /// The axis.
    pub axis: usize,
    /// How many times the whole batch repeats along the axis.
    pub outer: usize,
    /// The number of consecutive elements of one sample along the axis.
    pub inner: usize,
}

impl SampleAxis {
    const fn whole(axis: usize) -> SampleAxis {
        SampleAxis { axis, outer: 1, inner: 1 }
    }

    fn on(self, axis: usize) -> SampleAxis {
        SampleAxis { axis, ..self }
    }
}

/// The dependence of a value on the samples.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// Independent of the samples. Along a marked axis every index has the same elements.
    Shared(Vec<bool>),
    /// Each element depends on one sample, by the same function for all samples.
    Along(SampleAxis),
}

use Place::{Along, Shared};

type Placed = Result<Place, String>;

/// The position of the samples in each node; `None` for a value that does not depend on them, or that no output needs.
/// `inputs` are the inputs that hold `batch` samples, at least two, along their first axis.
///
/// A drawn value counts as independent: each sample draws from the same distribution, whatever the batch.
///
/// # Errors
/// [`GraphError::MixesSamples`] names the first node whose result for a sample depends on other samples or on the
/// sample's position in the batch, or a reveal whose samples do not follow one another along an axis.
///
/// # Panics
/// If `batch` is below 2: a single sample cannot be told from a value without samples.
pub fn samples(
    graph: &Graph,
    inputs: &[NodeId],
    batch: usize,
) -> Result<Vec<Option<SampleAxis>>, GraphError> {
    let places = places(graph, inputs, batch)?;
    let along = |place| match place {
        Some(Along(at)) => Some(at),
        Some(Shared(_)) | None => None,
    };
    Ok(places.into_iter().map(along).collect())
}

/// Checks that `graph`, with `batch` samples, and `other`, with `others` samples, compute the same function of each
/// sample: they have the same nodes, and their sizes differ in the number of samples alone.
///
/// # Errors
/// [`GraphError::MixesSamples`] as [`samples`], or it names the first node that depends on the number of samples.
///
/// # Panics
/// If `batch` or `others` is below 2.
pub fn same_per_sample(
    (graph, inputs, batch): (&Graph, &[NodeId], usize),
    (other, other_inputs, others): (&Graph, &[NodeId], usize),
) -> Result<(), GraphError> {
    let (left, right) = (places(graph, inputs, batch)?, places(other, other_inputs, others)?);
    let fault = |id: NodeId| depends_on_number(graph, id);
    for id in graph.ids() {
        let Some(node) = other.nodes().get(id.index()) else { return Err(fault(id)) };
        let mine = graph.node(id);
        let (a, b) = (&left[id.index()], &right[id.index()]);
        let (shape, theirs) = (sizes(graph, id), sizes(other, id));
        let alike = match (a, b) {
            (None, None) => true,
            (Some(Along(a)), Some(Along(b))) => {
                a == b && shape.len() == theirs.len() && differ_only(&shape, &theirs, |axis| axis == a.axis)
            }
            (Some(Shared(a)), Some(Shared(b))) => {
                a.len() == b.len() && differ_only(&shape, &theirs, |axis| a[axis] && b[axis])
            }
            _ => false,
        };
        let same_shape = |&input: &NodeId| sizes(graph, input) == sizes(other, input);
        let shared = |input: &&NodeId| matches!(left[input.index()], Some(Shared(_)));
        let grows = a.is_some() && !mine.inputs.iter().filter(shared).all(same_shape);
        let same_op = a.is_none() || without_sizes(&mine.op, &shape) == without_sizes(&node.op, &theirs);
        if !alike || mine.inputs != node.inputs || !same_op || grows && !only_moves(&mine.op) {
            return Err(fault(id));
        }
    }
    match other.nodes().len() == graph.nodes().len() {
        true => Ok(()),
        false => Err(fault(NodeId(graph.nodes().len().saturating_sub(1) as u32))),
    }
}

/// Checks that two graphs have the same nodes, ignoring sizes. It replaces [`same_per_sample`] for a batch of one, in
/// which a sample cannot be tracked.
///
/// # Errors
/// [`GraphError::MixesSamples`] names the first node that differs.
pub fn same_nodes(graph: &Graph, other: &Graph) -> Result<(), GraphError> {
    let needed = graph.needed();
    for id in graph.ids().filter(|id| needed[id.index()]) {
        let mine = graph.node(id);
        let (shape, theirs) = (sizes(graph, id), other.nodes().get(id.index()).map(|_| sizes(other, id)));
        let same = theirs.is_some_and(|theirs| {
            let node = other.node(id);
            node.inputs == mine.inputs
                && theirs.len() == shape.len()
                && without_sizes(&mine.op, &shape) == without_sizes(&node.op, &theirs)
        });
        if !same {
            return Err(depends_on_number(graph, id));
        }
    }
    Ok(())
}

fn depends_on_number(graph: &Graph, id: NodeId) -> GraphError {
    let reason = "what it computes depends on the number of samples".to_owned();
    GraphError::MixesSamples { node: graph.label(id), op: graph.node(id).op.name(), reason }
}

fn differ_only(a: &[usize], b: &[usize], may: impl Fn(usize) -> bool) -> bool {
    a.iter().zip(b).enumerate().all(|(axis, (a, b))| a == b || may(axis))
}

/// The operation with result shape `shape`, without the sizes that follow from its inputs and result.
fn without_sizes(op: &Op, shape: &[usize]) -> Op {
    let mut op = op.clone();
    if let Some(shape) = op.shape_attribute() {
        shape.clear();
    }
    if let Op::Slice(Slice { starts, ends, steps }) = &mut op {
        for (axis, end) in ends.iter_mut().enumerate() {
            if starts[axis] == 0 && steps[axis] == 1 && shape.get(axis).is_some_and(|size| *end >= *size) {
                *end = usize::MAX;
            }
        }
    }
    op
}

/// Whether each element of the result stays the same if an input without samples is repeated.
fn only_moves(op: &Op) -> bool {
    match kind(op) {
        Kind::Filled
        | Kind::Elementwise
        | Kind::Reshape
        | Kind::Transpose(_)
        | Kind::Concat(_)
        | Kind::Slice(_)
        | Kind::Gather(_)
        | Kind::Pad(_)
        | Kind::OneHot
        | Kind::Pick(_)
        | Kind::Reveal => true,
        Kind::Over(..)
        | Kind::Within(_)
        | Kind::Window
        | Kind::Input
        | Kind::MatMul
        | Kind::Conv
        | Kind::BatchNorm
        | Kind::Combine(_)
        | Kind::Keep => false,
    }
}

fn sizes(graph: &Graph, id: NodeId) -> Vec<usize> {
    graph.node(id).ty.shape.clone()
}

fn places(graph: &Graph, inputs: &[NodeId], batch: usize) -> Result<Vec<Option<Place>>, GraphError> {
    assert!(batch >= 2, "a single sample shows nothing");
    let needed = graph.needed();
    let mut places: Vec<Option<Place>> = Vec::with_capacity(needed.len());
    for id in graph.ids() {
        if !needed[id.index()] {
            places.push(None);
            continue;
        }
        let node = graph.node(id);
        let given = node.inputs.iter().map(|&input| Given {
            place: places[input.index()].as_ref().expect("what a needed node takes is needed"),
            shape: sizes(graph, input),
        });
        let step = Step { op: &node.op, x: given.collect(), shape: sizes(graph, id), batch };
        let place = match inputs.contains(&id) {
            true => step.input(),
            false => step.place(),
        };
        let op = node.op.name();
        places.push(Some(place.map_err(|reason| GraphError::MixesSamples {
            node: graph.label(id),
            op,
            reason,
        })?));
    }
    Ok(places)
}

/// The kinds of operations, as far as samples are concerned.
enum Kind<'a> {
    /// A constant, or drawn element by element.
    Filled,
    /// Element by element, with broadcasting.
    Elementwise,
    /// A reduction over these axes, which stay with size 1 or disappear.
    Over(&'a [usize], bool),
    /// Each result depends on all elements along these axes, which keep their size.
    Within(&'a [usize]),
    /// A window over the axes from the third on.
    Window,
    Input,
    MatMul,
    Conv,
    BatchNorm,
    Reshape,
    Transpose(&'a [usize]),
    Concat(usize),
    Slice(&'a Slice),
    Gather(&'a Gather),
    Pad(&'a Pad),
    Combine(usize),
    OneHot,
    Pick(usize),
    Reveal,
    Keep,
}

fn kind(op: &Op) -> Kind<'_> {
    use std::slice::from_ref;
    match op {
        Op::Constant(_) | Op::Uniform(_) | Op::Bernoulli(_) => Kind::Filled,
        Op::Add(_)
        | Op::Sub(_)
        | Op::Mul(_)
        | Op::Neg(_)
        | Op::Expand(_)
        | Op::Relu(_)
        | Op::Clip(_)
        | Op::Maximum(_)
        | Op::Minimum(_)
        | Op::Less(_)
        | Op::Greater(_)
        | Op::LessEqual(_)
        | Op::GreaterEqual(_)
        | Op::Not(_)
        | Op::Select(_)
        | Op::Sqrt(_)
        | Op::Reciprocal(_)
        | Op::Sigmoid(_)
        | Op::Tanh(_)
        | Op::Erf(_)
        | Op::Gelu(_)
        | Op::Silu(_)
        | Op::Softplus(_)
        | Op::Sin(_)
        | Op::Cos(_)
        | Op::Exp(_)
        | Op::Log(_)
        | Op::Rsqrt(_)
        | Op::Div(_)
        | Op::Equal(_)
        | Op::NotEqual(_)
        | Op::And(_)
        | Op::Or(_)
        | Op::Xor(_)
        | Op::Abs(_)
        | Op::Sign(_)
        | Op::Cast(_)
        | Op::Floor(_)
        | Op::Ceil(_)
        | Op::Round(_)
        | Op::Precision(_)
        | Op::Detach(_)
        | Op::ReluGradient(_) => Kind::Elementwise,
        Op::Sum(op) => Kind::Over(&op.axes, op.keepdims),
        Op::Mean(op) => Kind::Over(&op.axes, op.keepdims),
        Op::Any(op) => Kind::Over(&op.axes, op.keepdims),
        Op::All(op) => Kind::Over(&op.axes, op.keepdims),
        Op::Max(op) => Kind::Over(from_ref(&op.axis), op.keepdims),
        Op::Min(op) => Kind::Over(from_ref(&op.axis), op.keepdims),
        Op::ArgMax(op) => Kind::Over(from_ref(&op.axis), op.keepdims),
        Op::ArgMin(op) => Kind::Over(from_ref(&op.axis), op.keepdims),
        Op::LogSumExp(op) => Kind::Over(from_ref(&op.axis), op.keepdims),
        Op::Softmax(op) => Kind::Within(from_ref(&op.axis)),
        Op::LogSoftmax(op) => Kind::Within(from_ref(&op.axis)),
        Op::CumSum(op) => Kind::Within(from_ref(&op.axis)),
        Op::Sort(op) => Kind::Within(from_ref(&op.axis)),
        Op::ArgSort(op) => Kind::Within(from_ref(&op.axis)),
        Op::Normalize(op) => Kind::Within(&op.axes),
        Op::AveragePool(_) | Op::MaxPool(_) | Op::ReluMaxPool(_) | Op::MaxPoolGradient(_) => Kind::Window,
        Op::Input(_) => Kind::Input,
        Op::MatMul(_) => Kind::MatMul,
        Op::Conv(_) => Kind::Conv,
        Op::BatchNorm(_) => Kind::BatchNorm,
        Op::Reshape(_) => Kind::Reshape,
        Op::Transpose(op) => Kind::Transpose(&op.perm),
        Op::Concat(op) => Kind::Concat(op.axis),
        Op::Slice(op) => Kind::Slice(op),
        Op::Gather(op) => Kind::Gather(op),
        Op::Pad(op) => Kind::Pad(op),
        Op::Combine(op) => Kind::Combine(op.axis),
        Op::OneHot(_) => Kind::OneHot,
        Op::Pick(op) => Kind::Pick(op.axis),
        Op::Reveal(_) => Kind::Reveal,
        Op::Keep(_) => Kind::Keep,
    }
}

/// An input of a node.
struct Given<'a> {
    place: &'a Place,
    shape: Vec<usize>,
}

impl Given<'_> {
    /// Whether all indices along an axis have the same elements.
    fn same(&self, axis: usize) -> bool {
        self.shape[axis] == 1 || matches!(self.place, Shared(same) if same[axis])
    }
}

/// A node whose samples are to be located.
struct Step<'a> {
    op: &'a Op,
    x: Vec<Given<'a>>,
    shape: Vec<usize>,
    batch: usize,
}

/// The reason if a sample's result depends on its position.
const BY_PLACE: &str = "what a sample meets depends on its place in the batch";

impl Step<'_> {
    /// An input that holds the samples.
    fn input(&self) -> Placed {
        match self.shape.first() {
            Some(&size) if size == self.batch => Ok(Along(SampleAxis::whole(0))),
            _ => Err(format!("its first axis does not hold {} samples", self.batch)),
        }
    }

    fn place(&self) -> Placed {
        match kind(self.op) {
            Kind::Filled => Ok(Shared(vec![true; self.shape.len()])),
            Kind::Elementwise => self.elementwise(),
            Kind::Over(axes, keepdims) => self.over(axes, keepdims),
            Kind::Within(axes) => self.within(axes),
            Kind::Window => self.window(),
            Kind::Input => Ok(Shared(vec![false; self.shape.len()])),
            Kind::MatMul => self.mat_mul(),
            Kind::Conv => self.conv(),
            Kind::BatchNorm => self.batch_norm(),
            Kind::Reshape => self.reshape(),
            Kind::Transpose(perm) => Ok(match self.x[0].place {
                Along(at) => {
                    Along(at.on(perm.iter().position(|&axis| axis == at.axis).expect("a permutation")))
                }
                Shared(same) => Shared(perm.iter().map(|&axis| same[axis]).collect()),
            }),
            Kind::Concat(axis) => self.concat(axis),
            Kind::Slice(op) => self.slice(op),
            Kind::Gather(op) => self.gather(op),
            Kind::Pad(op) => {
                self.along(|axis| op.before[axis] != 0 || op.after[axis] != 0, "it pads the batch")
            }
            Kind::Combine(along) => self.along(|axis| axis == along, "it combines samples"),
            Kind::OneHot => Ok(match self.x[0].place {
                Along(at) => Along(*at),
                Shared(same) => Shared([same.as_slice(), &[false]].concat()),
            }),
            Kind::Pick(axis) => self.pick(axis),
            Kind::Reveal => self.reveal(),
            Kind::Keep => match self.x[0].place {
                Along(_) => Err("what is kept would be of one batch alone".to_owned()),
                Shared(same) => Ok(Shared(same.clone())),
            },
        }
    }

    /// One input whose axes keep their position; samples may not lie along an axis that is `touched`.
    fn along(&self, touched: impl Fn(usize) -> bool, reason: &str) -> Placed {
        match self.x[0].place {
            Along(at) if touched(at.axis) => Err(reason.to_owned()),
            Along(at) => Ok(Along(*at)),
            Shared(same) => {
                Ok(Shared(same.iter().enumerate().map(|(axis, &same)| same && !touched(axis)).collect()))
            }
        }
    }

    fn over(&self, axes: &[usize], keepdims: bool) -> Placed {
        let kept = |axis: usize| keepdims || !axes.contains(&axis);
        match self.x[0].place {
            Along(at) if axes.contains(&at.axis) => {
                Err(format!("it takes all samples together, over axis {}", at.axis))
            }
            Along(at) => Ok(Along(at.on((0..at.axis).filter(|&axis| kept(axis)).count()))),
            Shared(same) => {
                let kept = same.iter().enumerate().filter(|(axis, _)| kept(*axis));
                Ok(Shared(kept.map(|(_, &same)| same).collect()))
            }
        }
    }

    fn within(&self, axes: &[usize]) -> Placed {
        self.along(|axis| axes.contains(&axis), "it takes all samples together")
    }

    /// Inputs that broadcast to the result's shape.
    fn elementwise(&self) -> Placed {
        let rank = self.shape.len();
        join(rank, self.x.iter().map(|x| (x, (rank - x.shape.len()..rank).collect())))
    }

    fn window(&self) -> Placed {
        match self.elementwise()? {
            Along(at) if at.axis >= 2 => Err("its windows lie over several samples".to_owned()),
            Shared(mut same) => {
                same.iter_mut().skip(2).for_each(|same| *same = false);
                Ok(Shared(same))
            }
            place => Ok(place),
        }
    }

    fn mat_mul(&self) -> Placed {
        let rank = self.shape.len();
        let [a, b] = self.x.as_slice() else { return Err("it has not two inputs".to_owned()) };
        let contracted = |x: &Given<'_>, axis: usize| matches!(x.place, Along(at) if at.axis == axis);
        if contracted(a, a.shape.len() - 1) || contracted(b, b.shape.len() - 2) {
            return Err("it takes all samples together: the product is summed over them".to_owned());
        }
        // a summed axis does not appear in the result; no result axis is beyond `rank`
        let lead = |x: &Given<'_>| rank - x.shape.len()..rank - 2;
        let axes_a: Vec<usize> = lead(a).chain([rank - 2, rank]).collect();
        let axes_b: Vec<usize> = lead(b).chain([rank, rank - 1]).collect();
        join(rank, [(a, axes_a), (b, axes_b)].into_iter())
    }

    fn conv(&self) -> Placed {
        let (x, weights) = self.x.split_first().ok_or_else(|| "it has no input".to_owned())?;
        if weights.iter().any(|w| matches!(w.place, Along(_))) {
            return Err("its weights depend on samples".to_owned());
        }
        match x.place {
            Along(at) if at.axis > 0 => Err("it takes all samples together".to_owned()),
            Along(at) => Ok(Along(*at)),
            Shared(same) => Ok(Shared((0..self.shape.len()).map(|axis| axis == 0 && same[0]).collect())),
        }
    }

    /// Parameters are per channel, axis 1.
    fn batch_norm(&self) -> Placed {
        let rank = self.shape.len();
        let axes = |index: usize| if index == 0 { (0..rank).collect() } else { vec![1] };
        if self.x.iter().skip(1).any(|p| matches!(p.place, Along(_))) {
            return Err("its parameters depend on samples".to_owned());
        }
        join(rank, self.x.iter().enumerate().map(|(index, x)| (x, axes(index))))
    }

    fn pick(&self, axis: usize) -> Placed {
        let [table, bits] = self.x.as_slice() else { return Err("it has not two inputs".to_owned()) };
        let lead = bits.shape.len() - 1;
        match (table.place, bits.place) {
            (Along(_), Along(_)) => Err("each sample looks up what others gave".to_owned()),
            (Along(at), _) if at.axis == axis => Err("it looks up among all samples".to_owned()),
            (Along(at), _) => Ok(Along(at.on(if at.axis < axis { at.axis } else { at.axis + lead - 1 }))),
            (_, Along(at)) if at.axis == lead => Err("it takes all samples together".to_owned()),
            (_, Along(at)) => Ok(Along(at.on(axis + at.axis))),
            (Shared(table), Shared(bits)) => {
                Ok(Shared([&table[..axis], &bits[..lead], &table[axis + 1..]].concat()))
            }
        }
    }

    fn reshape(&self) -> Placed {
        let x = &self.x[0];
        let same = match x.place {
            Along(at) => return self.moved(&x.shape, *at),
            Shared(same) => same,
        };
        if same.iter().all(|&same| same) {
            return Ok(Shared(vec![true; self.shape.len()]));
        }
        let after = |shape: &[usize], axis: usize| shape[axis + 1..].iter().product::<usize>();
        let place = |axis: usize| {
            (0..self.shape.len()).find(|&to| {
                self.shape[to] == x.shape[axis] && after(&self.shape, to) == after(&x.shape, axis)
            })
        };
        let mut result = vec![false; self.shape.len()];
        for axis in (0..x.shape.len()).filter(|&axis| same[axis] && x.shape[axis] > 1) {
            match place(axis) {
                Some(to) => result[to] = true,
                // equal for all samples, merged with other axes: from here on each element belongs to one sample
                None if x.shape[axis] == self.batch => return self.moved(&x.shape, SampleAxis::whole(axis)),
                None => {}
            }
        }
        Ok(Shared(result))
    }

    /// The position in the result's shape of samples that lie `at` an axis of `from`.
    fn moved(&self, from: &[usize], at: SampleAxis) -> Placed {
        let inner = at.inner * from[at.axis + 1..].iter().product::<usize>();
        let mut after = 1;
        for (axis, &size) in self.shape.iter().enumerate().rev() {
            let whole = inner.is_multiple_of(after) && size.is_multiple_of(inner / after * self.batch);
            if whole && inner / after * self.batch <= size {
                let inner = inner / after;
                return Ok(Along(SampleAxis { axis, outer: size / (inner * self.batch), inner }));
            }
            after *= size;
        }
        Err("it splits the batch over several axes".to_owned())
    }

    fn concat(&self, axis: usize) -> Placed {
        let rank = self.shape.len();
        let inner = self.x.iter().find_map(|x| match x.place {
            Along(at) if at.axis == axis => Some(at.inner),
            _ => None,
        });
        let Some(inner) = inner else {
            let joined = join(rank, self.x.iter().map(|x| (x, (0..rank).collect())))?;
            return Ok(match joined {
                Shared(mut same) => {
                    same[axis] = false;
                    Shared(same)
                }
                place => place,
            });
        };
        let mut outer = 0;
        for x in &self.x {
            let block = inner * self.batch;
            outer += match x.place {
                Along(at) if at.axis == axis && at.inner == inner => at.outer,
                Shared(_) if x.shape[axis].is_multiple_of(block) && x.same(axis) => x.shape[axis] / block,
                _ => return Err("it lines samples up with others' or with what is no sample".to_owned()),
            };
        }
        Ok(Along(SampleAxis { axis, outer, inner }))
    }

    fn slice(&self, op: &Slice) -> Placed {
        let at = match self.x[0].place {
            Along(at) => *at,
            Shared(same) => return Ok(Shared(same.clone())),
        };
        let axis = at.axis;
        let indices = (0..self.shape[axis]).map(|to| Some(op.starts[axis] + to * op.steps[axis]));
        self.taken(at, &indices.collect::<Vec<_>>())
    }

    fn gather(&self, op: &Gather) -> Placed {
        let index = |&index: &u32| (index != Gather::ZERO).then_some(index as usize);
        match self.x[0].place {
            Along(at) if at.axis == op.axis => {
                self.taken(*at, &op.indices.iter().map(index).collect::<Vec<_>>())
            }
            Along(at) => Ok(Along(*at)),
            Shared(_) => self.along(|axis| axis == op.axis && op.indices.contains(&Gather::ZERO), ""),
        }
    }

    /// Picks elements along the samples' axis by index. Each sample must contribute the same ones, otherwise samples
    /// mix.
    fn taken(&self, at: SampleAxis, indices: &[Option<usize>]) -> Placed {
        let (count, batch) = (indices.len(), self.batch);
        let source =
            |index: usize| (index / at.inner % batch, (index / (at.inner * batch), index % at.inner));
        let fits = |inner: usize| {
            (0..count).all(|to| {
                let sample = to / inner % batch;
                // the first sample's element at the same position
                let first = indices[to - sample * inner].map(source);
                match (indices[to].map(source), first) {
                    (None, None) => true,
                    (Some((of, place)), Some((0, first))) => of == sample && place == first,
                    _ => false,
                }
            })
        };
        let inner = (1..=count / batch)
            .filter(|inner| count.is_multiple_of(inner * batch))
            .find(|&inner| fits(inner));
        match inner {
            Some(inner) => Ok(Along(SampleAxis { axis: at.axis, outer: count / (inner * batch), inner })),
            None => Err("it takes samples by their place in the batch".to_owned()),
        }
    }

    /// Samples follow one another along one axis, so that parts can be concatenated.
    fn reveal(&self) -> Placed {
        let x = &self.x[0];
        match x.place {
            Along(at) if at.outer == 1 => Ok(Along(*at)),
            Along(_) => Err("its samples do not follow one another along an axis".to_owned()),
            Shared(_)
                if self.shape.first().is_some_and(|size| size.is_multiple_of(self.batch)) && x.same(0) =>
            {
                Ok(Along(SampleAxis { axis: 0, outer: 1, inner: self.shape[0] / self.batch }))
            }
            Shared(_) => Err("its result is not of single samples".to_owned()),
        }
    }
}

/// Inputs whose axes map to the result's as given; axes from `rank` on do not appear in the result. All inputs with
/// samples must hold them in the same position; the other inputs must have no such axis, one element, or equal elements
/// there.
fn join<'a>(rank: usize, inputs: impl Iterator<Item = (&'a Given<'a>, Vec<usize>)> + Clone) -> Placed {
    let mut found: Option<SampleAxis> = None;
    for (x, axes) in inputs.clone() {
        let Along(at) = x.place else { continue };
        let here = at.on(axes[at.axis]);
        match found {
            Some(other) if other != here => {
                return Err("its inputs hold samples in different places".to_owned());
            }
            _ => found = Some(here),
        }
    }
    let Some(found) = found else {
        let mut same = vec![true; rank];
        for (x, axes) in inputs {
            for (axis, &to) in axes.iter().enumerate().filter(|(_, to)| **to < rank) {
                same[to] &= x.same(axis);
            }
        }
        return Ok(Shared(same));
    };
    for (x, axes) in inputs.filter(|(x, _)| matches!(x.place, Shared(_))) {
        if axes.iter().position(|&to| to == found.axis).is_some_and(|axis| !x.same(axis)) {
            return Err(BY_PLACE.to_owned());
        }
    }
    Ok(Along(found))
}
