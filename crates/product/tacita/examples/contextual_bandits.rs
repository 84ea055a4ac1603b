//! A publisher, alice, knows something of each visitor. A shop, bob, has ten offers, shows a visitor one, and sees whether it is
//! taken. Together they learn which offer suits whom, by LinUCB: for each offer a linear regression of what it earns, and the
//! offer is chosen whose earnings could be highest, so that what is uncertain is tried out.
//!
//! The regressions are with both in shares and nobody ever sees them. Bob learns which offer to show to each visitor; whether
//! it was taken is his private input to the next round. Alice learns nothing, and nobody learns what was predicted. (The visitors
//! here are handwritten digits, of which alice knows the coarse picture; a visitor takes the offer of its number.)
//!
//! `cargo run --release -p tacita --example contextual_bandits`

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Array2, ArrayD, Axis, arr0, s};
use tacita::graph::ops::{
    Add, ArgMax, Cast, Constant, Div, MatMul, Mul, OneHot, Reshape, Sqrt, Sub, Sum, ToWhole, Transpose,
};
use tacita::graph::{DType, Graph, GraphError, Inputs, NodeId, Role, Visibility, dims, plain};
use tacita::{Error, Options, Session};
use tacita_data::{Source, read, read_labels};

/// Offers.
pub const ARMS: usize = 10;
/// Numbers of a visitor: 5 by 5 grey values, and a one for the constant term.
pub const FEATURES: usize = 26;
/// A ridge regression's penalty.
pub const PENALTY: f64 = 0.1;
/// How many deviations above its prediction an offer is given credit for.
const CREDIT: f64 = 0.5;
const VISITORS: usize = 1000;
const TOLD_EVERY: usize = 100;

fn main() -> Result<(), Error> {
    let visitors = Visitors::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models"), VISITORS)?;
    let clear = in_the_clear(&visitors)?;
    println!("offers taken of the last {TOLD_EVERY}: privately, by the same rule in the clear, by chance");
    let mut rewards = Vec::new();
    let (shown, _) = private(&visitors, Options::default(), &mut |reward| {
        rewards.push(reward);
        let seen = rewards.len();
        if seen.is_multiple_of(TOLD_EVERY) {
            let of = |rewards: &[f64]| rewards[seen - TOLD_EVERY..seen].iter().sum::<f64>();
            let chance = TOLD_EVERY / ARMS;
            println!(
                "{seen:>5} visitors: {:>3} {:>3} {chance:>3}",
                of(&rewards),
                of(&visitors.rewards(&clear))
            );
        }
    })?;
    let mean = |shown: &[usize]| visitors.rewards(shown).iter().sum::<f64>() / shown.len() as f64;
    println!("average reward: {:.3}, in the clear {:.3}, chance {:.3}", mean(&shown), mean(&clear), 0.1);
    Ok(())
}

/// Who comes, in order.
pub struct Visitors {
    /// What alice knows, a row each.
    pub contexts: Array2<f64>,
    /// Which offer each would take.
    takes: Vec<usize>,
}

impl Visitors {
    /// Reads so many of the digits in this folder.
    ///
    /// # Errors
    /// If the file is not there or has fewer.
    pub fn read(folder: &Path, count: usize) -> Result<Visitors, Error> {
        let input = |error: tacita_data::DataError| Error::Input(error.to_string());
        let array = |name: &str| Source::Npz(folder.join("digits-alice.npz"), Some(name.to_owned()));
        let images = read(&array("images")).map_err(input)?;
        let labels = read_labels(&array("labels")).map_err(input)?;
        // grey values of 4 by 4 pixels without the margin; rows about as long as 1
        let contexts = Array2::from_shape_fn((count, FEATURES), |(row, at)| {
            let (down, right) = (4 + at / 5 * 4, 4 + at % 5 * 4);
            let patch = |of: &ArrayD<f64>| {
                of.slice(s![row, 0, down..down + 4, right..right + 4]).sum() / (16.0 * 255.0)
            };
            if at == FEATURES - 1 { 0.5 } else { 0.5 * patch(&images) }
        });
        Ok(Visitors { contexts, takes: labels[..count].iter().map(|&label| label as usize).collect() })
    }

    /// What visitors paid who were shown these offers.
    pub fn rewards(&self, shown: &[usize]) -> Vec<f64> {
        let each = shown.iter().zip(&self.takes);
        each.map(|(shown, takes)| f64::from(u8::from(shown == takes))).collect()
    }

    fn context(&self, visitor: usize) -> ArrayD<f64> {
        self.contexts.index_axis(Axis(0), visitor).to_owned().into_dyn()
    }
}

/// What the parties keep from round to round, and where it begins: of each arm the estimates w, and the inverse of its
/// visitors' moments with the penalty, (λ + Σ x xᵀ)⁻¹; of the last round the visitor, and the arm as a row with a one.
fn state() -> [(&'static str, ArrayD<f64>); 4] {
    let inverse = ArrayD::from_shape_fn(vec![ARMS, FEATURES, FEATURES], |at| {
        if at[1] == at[2] { 1.0 / PENALTY } else { 0.0 }
    });
    let zeros = |shape: &[usize]| ArrayD::zeros(shape);
    [
        ("estimates", zeros(&[ARMS, FEATURES])),
        ("inverses", inverse),
        ("last visitor", zeros(&[FEATURES, 1])),
        ("last arm", zeros(&[1, ARMS])),
    ]
}

/// A graph that keeps the state before the first visitor.
fn start() -> Result<(Graph, Inputs), GraphError> {
    let (mut graph, mut inputs) = (Graph::new(), Inputs::new());
    for (name, value) in state() {
        let first = format!("first {name}");
        let id = graph.input(&first, &dims(value.shape()), Visibility::Public, Role::Data)?;
        graph.keep(id, name)?;
        inputs.insert(first, value);
    }
    Ok((graph, inputs))
}

/// A round: what the last visitor did is learned, and an arm is chosen for the next one.
struct Round {
    graph: Graph,
    /// The arm, which bob learns.
    arm: NodeId,
}

impl Round {
    fn new() -> Result<Round, GraphError> {
        let mut graph = Graph::new();
        let g = &mut graph;
        let (alice, bob) = (g.owner("alice"), g.owner("bob"));
        let visitor = g.input("visitor", &dims(&[FEATURES]), Visibility::Private(alice), Role::Data)?;
        let reward = g.input("last reward", &[], Visibility::Private(bob), Role::Data)?;
        let mut kept = Vec::new();
        for (name, value) in state() {
            kept.push(g.input(name, &dims(value.shape()), Visibility::Secret, Role::Data)?);
        }
        let [estimates, inverses, x, arm] = kept[..] else { unreachable!("four values are kept") };
        let [estimates, inverses] = learn(g, [estimates, inverses], [x, arm, reward])?;

        let x = g.add(Reshape { shape: dims(&[FEATURES, 1]) }, &[visitor], "")?;
        let likely = g.add(MatMul, &[estimates, x], "predictions")?;
        let unsure = g.add(MatMul, &[inverses, x], "")?;
        let unsure = g.add(Mul, &[unsure, x], "")?;
        let unsure = g.add(Sum { axes: vec![1], keepdims: false }, &[unsure], "variances")?;
        let unsure = g.add(Sqrt, &[unsure], "deviations")?;
        let factor = g.add(Constant { shape: vec![], value: CREDIT }, &[], "")?;
        let credit = g.add(Mul, &[unsure, factor], "")?;
        let bound = g.add(Add, &[likely, credit], "upper bounds")?;
        let arm = g.add(ArgMax { axis: 0, keepdims: false }, &[bound], "")?;
        let row = g.add(OneHot { depth: ARMS }, &[arm], "")?;
        let row = g.add(Cast { to: DType::Fixed, rounding: ToWhole::Nearest }, &[row], "")?;
        for ((name, _), value) in state().into_iter().zip([estimates, inverses, x, row]) {
            g.keep(value, name)?;
        }
        let arm = g.reveal(arm, &[bob], "arm")?;
        Ok(Round { graph, arm })
    }
}

/// Recursive least squares (Sherman and Morrison 1950) for the one arm that was shown; which one it is nobody sees here.
fn learn(
    g: &mut Graph,
    [estimates, inverses]: [NodeId; 2],
    [x, arm, reward]: [NodeId; 3],
) -> Result<[NodeId; 2], GraphError> {
    // h = A⁻¹ x and the prediction w x, of the arm
    let of_all = g.add(MatMul, &[inverses, x], "")?;
    let of_all = g.add(Reshape { shape: dims(&[ARMS, FEATURES]) }, &[of_all], "")?;
    let h = g.add(MatMul, &[arm, of_all], "")?;
    let predicted = g.add(MatMul, &[estimates, x], "")?;
    let predicted = g.add(MatMul, &[arm, predicted], "")?;
    // g = h / (1 + x h)
    let one = g.add(Constant { shape: vec![], value: 1.0 }, &[], "")?;
    let length = g.add(MatMul, &[h, x], "")?;
    let length = g.add(Add, &[length, one], "")?;
    let gain = g.add(Div, &[h, length], "gain")?;
    // w + g (reward - w x), A⁻¹ - g hᵀ
    let missed = g.add(Sub, &[reward, predicted], "")?;
    let by = g.add(Mul, &[gain, missed], "")?;
    let turned = g.add(Transpose { perm: vec![1, 0] }, &[arm], "")?;
    let by = g.add(MatMul, &[turned, by], "")?;
    let estimates = g.add(Add, &[estimates, by], "")?;
    let turned = g.add(Transpose { perm: vec![1, 0] }, &[gain], "")?;
    let by = g.add(MatMul, &[turned, h], "")?;
    let arm = g.add(Reshape { shape: dims(&[ARMS, 1, 1]) }, &[arm], "")?;
    let by = g.add(Mul, &[arm, by], "")?;
    let inverses = g.add(Sub, &[inverses, by], "")?;
    Ok([estimates, inverses])
}

/// What the owners give for a round.
fn inputs(visitor: ArrayD<f64>, last_reward: f64) -> Inputs {
    Inputs::from([("visitor".to_owned(), visitor), ("last reward".to_owned(), arr0(last_reward).into_dyn())])
}

/// The arms that visitors are shown, and the session, in which the estimates are kept.
///
/// # Errors
/// If the session fails.
pub fn private(
    visitors: &Visitors,
    options: Options,
    told: &mut dyn FnMut(f64),
) -> Result<(Vec<usize>, Session), Error> {
    let session = Session::with_options(options)?;
    let (graph, first) = start()?;
    let prepared = session.prepare(&graph)?;
    session.evaluate(&prepared, &first, &mut |_| ())?;
    let round = session.prepare(&Round::new()?.graph)?;
    let (mut shown, mut reward) = (Vec::new(), 0.0);
    for visitor in 0..visitors.takes.len() {
        let evaluation = session.evaluate(&round, &inputs(visitors.context(visitor), reward), &mut |_| ())?;
        // bob learns the arm, shows it, and sees what comes of it
        let arm = evaluation
            .revealed
            .values()
            .next()
            .and_then(|values| Some(values.first()?.1.to_f64().sum() as usize));
        let arm = arm.ok_or_else(|| Error::Usage("bob is not here".into()))?;
        shown.push(arm);
        reward = visitors.rewards(&shown)[visitor];
        told(reward);
    }
    Ok((shown, session))
}

/// The arms that the same rule shows where nothing is private.
///
/// # Errors
/// If the graph is malformed.
pub fn in_the_clear(visitors: &Visitors) -> Result<Vec<usize>, GraphError> {
    let round = Round::new()?;
    let mut kept: Inputs = state().map(|(name, value)| (name.to_owned(), value)).into();
    let (mut shown, mut reward) = (Vec::new(), 0.0);
    for visitor in 0..visitors.takes.len() {
        kept.extend(inputs(visitors.context(visitor), reward));
        let values: BTreeMap<NodeId, ArrayD<f64>> = plain(&round.graph, &kept)?;
        shown.push(values[&round.arm].sum() as usize);
        reward = visitors.rewards(&shown)[visitor];
        let next = round.graph.keeps().into_iter();
        kept = next.map(|id| (round.graph.node(id).name.clone(), values[&id].clone())).collect();
    }
    Ok(shown)
}
