//! LinearModel models against scikit-learn: the weights that training ends with, and what is said with them.

use ndarray::{Array2, ArrayD, IxDyn, arr0};
use serde_json::Value;
use tacita_graph::testing::TARGET;
use tacita_graph::{
    Graph, Inputs, Nearest, Role, Visibility, dims, encode_every_leaf, fixed_kept, lower, optimize, plain,
};
use tacita_nn::{Layer, LinearModel, Loss, Optimiser, Output, Reduction, Schedule, Training};

/// What scikit-learn found, on a table of standardised columns.
struct Fixture(Value);

impl Fixture {
    fn new() -> Fixture {
        let path = format!("{}/tests/fixtures/ready.json", env!("CARGO_MANIFEST_DIR"));
        Fixture(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    fn x(&self) -> Array2<f64> {
        matrix(&self.0["x"])
    }

    /// A column.
    fn column(&self, name: &str) -> Vec<f64> {
        list(&self.0[name])
    }

    fn number(&self, model: &str, name: &str) -> f64 {
        self.0[model][name].as_f64().unwrap()
    }
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(list).collect();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| rows[row][column])
}

/// Targets as a model wants them.
fn targets(output: Output, column: &[f64]) -> ArrayD<f64> {
    let classes = column.iter().fold(0.0, |most: f64, x| most.max(*x)) as usize + 1;
    let width = if output == Output::Scores { classes } else { 1 };
    ArrayD::from_shape_fn(IxDyn(&[column.len(), width]), |at| match output {
        Output::Number | Output::LogOdds => column[at[0]],
        Output::Scores => f64::from(u8::from(column[at[0]] == at[1] as f64)),
        Output::Margin => 2.0 * column[at[0]] - 1.0,
    })
}

/// A model in training on all rows at once.
struct Trained {
    model: LinearModel,
    graph: Graph,
    data: Inputs,
    state: Inputs,
}

impl Trained {
    fn new(model: LinearModel, x: &Array2<f64>, column: &[f64]) -> Trained {
        let t = targets(model.output, column);
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let of_x = graph.input("x", &dims(x.shape()), Visibility::Private(alice), Role::Data).unwrap();
        let of_t = graph.input("t", &dims(t.shape()), Visibility::Private(alice), Role::Data).unwrap();
        let step = model.training.step(&mut graph, &model.network, of_x, of_t).unwrap();
        let mut start = Graph::new();
        let begin = step.start(&mut start).unwrap();
        let values = plain(&start, &begin.values(1)).unwrap();
        let kept = start.keeps().into_iter();
        let state = kept.map(|id| (start.node(id).name.clone(), values[&id].clone())).collect();
        let data = Inputs::from([("x".to_owned(), x.clone().into_dyn()), ("t".to_owned(), t)]);
        Trained { model, graph, data, state }
    }

    fn inputs(&self, schedule: &Schedule, step: u64) -> Inputs {
        let mut inputs = self.data.clone();
        inputs.extend(self.state.iter().map(|(name, value)| (name.clone(), value.clone())));
        inputs.insert(Training::PACE.to_owned(), arr0(schedule.pace(step)).into_dyn());
        inputs
    }

    fn train(&mut self, steps: u64, schedule: &Schedule) {
        for step in 1..=steps {
            let values = plain(&self.graph, &self.inputs(schedule, step)).unwrap();
            let kept = self.graph.keeps().into_iter();
            self.state = kept.map(|id| (self.graph.node(id).name.clone(), values[&id].clone())).collect();
        }
    }

    /// The same in fixed point, as the protocol does it.
    fn train_fixed(&mut self, steps: u64) {
        let graph = optimize(&self.graph).unwrap();
        let program = lower(&graph, 16, &TARGET).unwrap();
        let keeps = program.keeps();
        for step in 1..=steps {
            let leaves =
                encode_every_leaf(&graph, &program, &self.inputs(&Schedule::Constant, step)).unwrap();
            let values = fixed_kept(&program, &leaves, &mut Nearest, |id| keeps.contains(&id));
            let named = keeps.iter().map(|id| {
                let node = program.node(*id);
                (graph.node(node.origin).name.clone(), values[id].to_f64(node.ty))
            });
            self.state = named.collect();
        }
    }

    /// The largest distance of a weight or bias from those found.
    fn apart(&self, weight: &Array2<f64>, bias: &[f64]) -> f64 {
        assert_eq!(self.state["weight"].shape(), weight.shape());
        let (weights, biases) = (self.state["weight"].to_f64(), self.state["bias"].to_f64());
        let all = weights.iter().chain(&biases).zip(weight.iter().chain(bias));
        all.fold(0.0, |most, (ours, theirs)| most.max((ours - theirs).abs()))
    }

    /// The scores, classes and probabilities of the rows.
    fn says(&self) -> [Option<ArrayD<f64>>; 2] {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let shape = dims(self.data["x"].shape());
        let x = graph.input("x", &shape, Visibility::Private(alice), Role::Data).unwrap();
        let score = self.model.network.apply(&mut graph, x).unwrap();
        let output = self.model.output;
        let said = [output.class(&mut graph, score), output.probability(&mut graph, score)];
        let said = said.map(|said| said.unwrap().map(|id| graph.reveal(id, &[alice], "").unwrap()));
        let values = plain(&graph, &self.inputs(&Schedule::Constant, 1)).unwrap();
        said.map(|id| id.map(|id| values[&id].clone()))
    }
}

/// All models, each with its name in the fixture and the column that it is trained with.
fn models(fixture: &Fixture) -> Vec<(&'static str, &'static str, LinearModel)> {
    let [samples, features] = [0, 1].map(|axis| fixture.x().shape()[axis]);
    let c = |name| fixture.number(name, "c");
    vec![
        ("linear", "numbers", LinearModel::linear_regression(features)),
        ("ridge", "numbers", LinearModel::ridge(features, fixture.number("ridge", "alpha"), samples)),
        ("logistic", "two", LinearModel::logistic_regression(features, c("logistic"), samples)),
        (
            "multinomial",
            "classes",
            LinearModel::multinomial_regression(features, 3, c("multinomial"), samples),
        ),
        ("svm", "two", LinearModel::linear_svm(features, c("svm"), samples)),
    ]
}

#[test]
fn models_are_scikit_learns() {
    let fixture = Fixture::new();
    for (name, column, mut model) in models(&fixture) {
        let (x, column) = (fixture.x(), fixture.column(column));
        let theirs = &fixture.0[name];
        // as near as scikit-learn's own solvers come; with kinks, as small as steps become
        let (steps, schedule, tolerance) = match model.output {
            Output::Margin => (20_000, Schedule::Exponential { factor: 0.9995 }, 1e-4),
            _ => (3_000, Schedule::Constant, 1e-6),
        };
        model.training = model.training.paced();
        let mut trained = Trained::new(model, &x, &column);
        trained.train(steps, &schedule);
        let mut bias = list(&theirs["bias"]);
        if model.output == Output::Scores {
            // the same added to all scores changes nothing
            let mean = bias.iter().sum::<f64>() / bias.len() as f64;
            bias.iter_mut().for_each(|bias| *bias -= mean);
        }
        let apart = trained.apart(&matrix(&theirs["weight"]), &bias);
        assert!(apart < tolerance, "{name}: {apart}");
        let [class, probability] = trained.says();
        match class {
            None => assert!(theirs.get("class").is_none()),
            Some(class) => assert_eq!(class.iter().copied().collect::<Vec<f64>>(), list(&theirs["class"])),
        }
        match probability {
            None => assert!(theirs.get("probability").is_none()),
            Some(ours) => {
                let theirs = matrix(&theirs["probability"]);
                let more = theirs.ncols() - ours.shape()[1];
                for (at, ours) in ours.indexed_iter() {
                    // scikit-learn has a column for class 0 of two as well
                    let theirs = theirs[[at[0], at[1] + more]];
                    assert!((ours - theirs).abs() < tolerance, "{name}: {ours} for {theirs}");
                }
            }
        }
    }
}

/// Functions are approximated within 2^-11, and a gradient that is off by so much moves the minimum by that over the least
/// curvature: of these squares 0.68, of this logistic loss 0.07, of the multinomial one, which does not see what is added to
/// all scores, the decay. Roundings of a unit of 2^-16 a step are less, divided by the rate. Where there are kinks, a row on
/// the margin counts or does not: one of all, as far as momentum carries a step.
#[test]
fn models_are_near_in_fixed_point() {
    let fixture = Fixture::new();
    for (name, column, model) in models(&fixture) {
        let (x, column) = (fixture.x(), fixture.column(column));
        let optimiser = model.training.optimiser();
        let tolerance = match model.output {
            Output::Number => 2f64.powi(-11) / 0.68,
            Output::LogOdds => 2f64.powi(-11) / 0.07,
            Output::Scores => 2f64.powi(-11) / optimiser.weight_decay,
            Output::Margin => 10.0 * optimiser.lr / column.len() as f64,
        };
        let [mut exact, mut rounded] = [0, 1].map(|_| Trained::new(model, &x, &column));
        exact.train(200, &Schedule::Constant);
        rounded.train_fixed(200);
        let weight = exact.state["weight"].clone().to_f64().into_dimensionality().unwrap();
        let bias: Vec<f64> = exact.state["bias"].to_f64().iter().copied().collect();
        let apart = rounded.apart(&weight, &bias);
        assert!(apart < tolerance, "{name}: {apart}, more than {tolerance}");
    }
}

#[test]
fn only_weights_decay_where_it_is_said() {
    let (x, column) = (Array2::zeros((2, 1)), [0.0, 0.0]);
    // the loss has no gradient by the weight, and draws the bias to 0
    let after = |model: LinearModel| {
        let mut trained = Trained::new(model, &x, &column);
        trained.state.iter_mut().for_each(|(_, value)| *value = value.to_f64().mapv(|_| 1.0).into());
        trained.train(1, &Schedule::Constant);
        [trained.state["weight"].to_f64()[[0, 0]], trained.state["bias"].to_f64()[[0]]]
    };
    let mut model = LinearModel::ridge(1, 3.0, 2);
    model.training =
        Training::new(Loss::Mse(Reduction::Mean), Optimiser::sgd(0.1).with_weight_decay_of_matrices(3.0));
    assert_eq!(after(model), [1.0 - 0.3, 1.0 - 0.2]);
    model.training = Training::new(Loss::Mse(Reduction::Mean), Optimiser::sgd(0.1).with_weight_decay(3.0));
    assert_eq!(after(model), [1.0 - 0.3, 1.0 - 0.2 - 0.3]);
    // the rate's two parts: 2 α / samples = 3 and the curvature of two columns of mean square 1
    assert_eq!(LinearModel::ridge(1, 3.0, 2).training.optimiser().weight_decay, 3.0);
    assert_eq!(LinearModel::ridge(1, 3.0, 2).training.optimiser().lr, 1.0 / 7.0);
}
