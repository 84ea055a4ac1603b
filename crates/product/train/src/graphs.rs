//! The graphs of a training: a step, test rows through the network, the figures of the test.

use tacita_graph::ops::Concat;
use tacita_graph::{DType, Graph, GraphError, NodeId, Owner, Role, Visibility, dims};
use tacita_nn::{Answers, Layer, Step, Training};

use crate::config::TrainConfig;
use crate::network::outputs;
use crate::sections::Split;
use tacita_session::Error;

/// The public facts that a training's graphs are made from.
pub(crate) struct Blueprint<'a> {
    pub config: &'a TrainConfig,
    pub network: &'a dyn Layer,
    pub training: &'a Training,
    /// The shape of each owner's rows, in the configuration's order.
    pub shapes: Vec<Vec<usize>>,
}

/// Names of inputs.
pub(crate) fn rows_of(owner: &str) -> String {
    format!("rows of {owner}")
}

/// Names of inputs.
pub(crate) fn labels_of(owner: &str) -> String {
    format!("labels of {owner}")
}

fn outputs_of(part: usize) -> String {
    format!("test outputs {part}")
}

/// Rows of owners that go through the network together, by their places in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestPart {
    /// The owner of the rows; if columns are split, all owners have the same rows.
    pub owners: Vec<usize>,
    /// Which of the owner's test rows.
    pub rows: std::ops::Range<usize>,
}

impl Blueprint<'_> {
    fn owner(&self, graph: &mut Graph, at: usize) -> Owner {
        graph.owner(&self.config.data[at].owner)
    }

    fn owners(&self, graph: &mut Graph, names: &[String]) -> Vec<Owner> {
        let mut owners: Vec<Owner> = names.iter().map(|name| graph.owner(name)).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// So many rows of each of these owners as one value.
    fn rows(&self, graph: &mut Graph, counts: &[(usize, usize)]) -> Result<NodeId, GraphError> {
        let mut parts = Vec::new();
        for &(at, count) in counts {
            let owner = self.owner(graph, at);
            let shape: Vec<usize> = [count].iter().chain(&self.shapes[at]).copied().collect();
            let name = rows_of(&self.config.data[at].owner);
            parts.push(graph.input(&name, &dims(&shape), Visibility::Private(owner), Role::Data)?);
        }
        self.together(graph, parts, usize::from(self.config.split == Split::Columns))
    }

    fn together(&self, graph: &mut Graph, parts: Vec<NodeId>, axis: usize) -> Result<NodeId, GraphError> {
        match parts[..] {
            [one] => Ok(one),
            _ => graph.add(Concat { axis }, &parts, "rows"),
        }
    }

    /// Labels of so many rows of each of these owners that has some: of this shape and kind.
    fn labels(
        &self,
        graph: &mut Graph,
        counts: &[(usize, usize)],
        (after, dtype): (&[usize], DType),
    ) -> Result<NodeId, GraphError> {
        let mut parts = Vec::new();
        for &(at, count) in counts.iter().filter(|(at, _)| self.config.data[*at].has_labels()) {
            let owner = self.owner(graph, at);
            let shape: Vec<usize> = [count].iter().chain(after).copied().collect();
            let name = labels_of(&self.config.data[at].owner);
            parts.push(graph.input_of(
                &name,
                &dims(&shape),
                Visibility::Private(owner),
                Role::Data,
                dtype,
            )?);
        }
        self.together(graph, parts, 0)
    }

    /// A step on so many rows of each owner.
    ///
    /// # Errors
    /// If the network does not fit.
    pub fn step(&self, counts: &[(usize, usize)]) -> Result<(Graph, Step), Error> {
        let mut graph = Graph::new();
        let x = self.rows(&mut graph, counts)?;
        let labels = self.labels(&mut graph, counts, (&[outputs(self.config)], DType::Fixed))?;
        let step = self.training.step(&mut graph, self.network, x, labels)?;
        let to = self.owners(&mut graph, &self.config.reveal.loss);
        if !to.is_empty() {
            graph.reveal(step.loss, &to, "loss")?;
        }
        Ok((graph, step))
    }

    /// Test rows through the network as it is now; what it gives is kept.
    pub fn test(&self, part: usize, of: &TestPart) -> Result<Graph, Error> {
        let mut graph = Graph::new();
        let counts: Vec<(usize, usize)> = of.owners.iter().map(|&at| (at, of.rows.len())).collect();
        let x = self.rows(&mut graph, &counts)?;
        let y = self.network.apply(&mut graph, x)?;
        graph.keep(y, &outputs_of(part))?;
        Ok(graph)
    }

    /// The figures of a test of these parts, whose outputs are kept; `counts` are the test rows of each owner that has labels.
    pub fn figures(&self, parts: &[TestPart], counts: &[(usize, usize)]) -> Result<Graph, Error> {
        let config = self.config;
        let mut graph = Graph::new();
        let columns = outputs(config);
        let mut kept = Vec::new();
        for (part, of) in parts.iter().enumerate() {
            let shape = dims(&[of.rows.len(), columns]);
            kept.push(graph.input_of(
                &outputs_of(part),
                &shape,
                Visibility::Secret,
                Role::Data,
                DType::Fixed,
            )?);
        }
        let outputs = self.together(&mut graph, kept, 0)?;
        let (after, dtype): (&[usize], DType) = match config.label_classes() {
            None => (&[1], DType::Fixed),
            Some(_) if columns == 1 => (&[1], DType::Bit),
            Some(_) => (&[], DType::Int),
        };
        let labels = self.labels(&mut graph, counts, (after, dtype))?;
        let answers = Answers { outputs, labels };
        let reveal = &config.reveal;
        let to = self.owners(&mut graph, &reveal.accuracy);
        if !to.is_empty() {
            match config.label_classes() {
                Some(_) => {
                    // with the number of rows, which is public, it is the accuracy, and exact
                    let right = answers.right(&mut graph)?;
                    graph.reveal(right, &to, "accuracy")?;
                }
                None => {
                    let loss = self.training.loss().of(&mut graph, outputs, labels)?;
                    graph.reveal(loss, &to, "test loss")?;
                }
            }
        }
        let to = self.owners(&mut graph, &reveal.auc);
        if !to.is_empty() {
            let auc = answers.auc(&mut graph)?;
            graph.reveal(auc, &to, "auc")?;
        }
        let to = self.owners(&mut graph, &reveal.confusion);
        if !to.is_empty() {
            let confusion = answers.confusion(&mut graph)?;
            graph.reveal(confusion, &to, "confusion")?;
        }
        Ok(graph)
    }
}
