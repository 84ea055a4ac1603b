//! Templates: a model's structure without weights and with named sizes.
//!
//! A template is what others get to read and what a model is identified by. [`Template::at`] makes a graph of it, in which
//! every size is a number; what exporters compute from shapes is folded there.
//!
//! A template of an ONNX file keeps the file's nodes and attributes, and of its tensors those whose numbers become public;
//! of weights it has name, shape and type. A template of a graph built in Rust is that graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tacita_graph::{Graph, GraphError, NodeId, Op, Role, SampleAxis, encoding, same_per_sample};

use crate::error::ImportError;
use crate::file::encode;
use crate::file::messages::{self, Tensor};
use crate::import::graph_at;
use crate::model::ImportOptions;
use crate::onnx::{OPSETS, Onnx};
use crate::sizes::{AxisSize, BATCH, Sizes, show_axes, sizes_of};

/// Sizes at which a template is looked at where nobody gives others.
const EXAMPLES: [usize; 8] = [8, 16, 7, 32, 4, 64, 224, 3];
/// The batch at which it is.
const EXAMPLE_BATCH: usize = 2;
/// What files of templates are called in errors.
const FILE: &str = "template";
/// The most open sizes.
const MAX_NAMES: usize = 64;

/// A model's structure without weights and with named sizes.
#[derive(Clone, Debug)]
pub struct Template {
    body: Body,
    /// Inputs that are data, in order.
    inputs: Vec<(String, Vec<AxisSize>)>,
    example: Graph,
}

#[derive(Clone, Debug)]
enum Body {
    /// All sizes are known.
    Graph,
    Onnx {
        onnx: Arc<Onnx>,
        options: ImportOptions,
    },
}

/// What stands before the nodes of a template in a file.
#[derive(Serialize, Deserialize)]
struct Header {
    opset: i64,
    options: ImportOptions,
    /// Sizes that the exporter fixed.
    fixed: Sizes,
}

impl Template {
    /// The template of a file's structure; `read` are the tensors whose numbers are public, by address.
    pub(crate) fn of_onnx(
        onnx: &Onnx,
        options: &ImportOptions,
        read: &BTreeSet<*const Tensor>,
    ) -> Result<Template, ImportError> {
        let graph = without_weights(onnx, read)?;
        let onnx = Onnx::of_graph(graph, onnx.opset, onnx.file().to_string(), None)?;
        Template::checked(onnx, options.clone())
    }

    fn checked(onnx: Onnx, options: ImportOptions) -> Result<Template, ImportError> {
        let sizes = example_sizes(&onnx, &options)?;
        let (example, ..) = graph_at(&onnx, &options, &sizes, false)?;
        let inputs = vec![(onnx.input().to_string(), onnx.input_shape().to_vec())];
        Ok(Template { body: Body::Onnx { onnx: Arc::new(onnx), options }, inputs, example })
    }

    /// The names of the sizes that are open, of which one may be [`BATCH`].
    pub fn names(&self) -> BTreeSet<String> {
        let axes = self.inputs.iter().flat_map(|(_, shape)| shape);
        let named = |axis: &AxisSize| match axis {
            AxisSize::Named(name) => Some(name.clone()),
            AxisSize::Known(_) => None,
        };
        axes.filter_map(named).collect()
    }

    /// The inputs that are data, with their shapes.
    pub fn inputs(&self) -> &[(String, Vec<AxisSize>)] {
        &self.inputs
    }

    /// The batch that the template fixes: `None` where it is open, or where the first input has no axes.
    pub fn fixed_batch(&self) -> Option<usize> {
        match self.inputs.first()?.1.first()? {
            AxisSize::Known(size) => Some(*size),
            AxisSize::Named(_) => None,
        }
    }

    /// The graph at some small sizes: owners, inputs, operations and reveals are those of every size.
    pub fn example(&self) -> &Graph {
        &self.example
    }

    /// The graph in which every open size is the number that `sizes` gives. Names that the template does not have are
    /// refused.
    ///
    /// # Errors
    /// [`ImportError::Size`] for a size that is missing, unknown or 0; [`ImportError::Refused`] for a node that cannot be
    /// computed at these sizes.
    pub fn at(&self, sizes: &Sizes) -> Result<Graph, ImportError> {
        let names = self.names();
        let wrong = |name: &str, reason: String| Err(ImportError::Size { name: name.to_string(), reason });
        for (name, &size) in sizes {
            if !names.contains(name) {
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_string() } else { known.join(", ") };
                return wrong(name, format!("the model has no open size of this name; open are: {known}"));
            }
            if size == 0 {
                return wrong(name, "it must be 1 or more".to_string());
            }
        }
        if let Some(name) = names.iter().find(|name| !sizes.contains_key(*name)) {
            return wrong(name, format!("it is open: give it a number, as in --size {name}=16"));
        }
        match &self.body {
            Body::Graph => Ok(self.example.clone()),
            Body::Onnx { onnx, options } => Ok(graph_at(onnx, options, sizes, false)?.0),
        }
    }

    /// The sizes that data of `shape` gives the only input, `given` ones included.
    ///
    /// # Errors
    /// [`ImportError::Size`] if the data has another size than one that is given; [`ImportError::Graph`] if it does not fit
    /// the input.
    pub fn sizes_of(&self, shape: &[usize], given: &Sizes) -> Result<Sizes, ImportError> {
        let [(input, declared)] = self.inputs.as_slice() else { return Ok(given.clone()) };
        let Some(found) = sizes_of(declared, shape) else {
            let (name, reason) =
                (input.clone(), format!("the input is {}, its data {shape:?}", show_axes(declared)));
            return Err(ImportError::Size { name, reason });
        };
        for (name, size) in given {
            if let Some(other) = found.get(name)
                && other != size
            {
                let reason = format!("{size} is given, and the data has {other}");
                return Err(ImportError::Size { name: name.clone(), reason });
            }
        }
        Ok(given.clone().into_iter().chain(found).collect())
    }

    /// The template with some of its open sizes fixed.
    ///
    /// # Errors
    /// As [`at`](Self::at), if the template has no such sizes, or the model cannot be computed at them.
    pub fn fixed(&self, sizes: &Sizes) -> Result<Template, ImportError> {
        let names = self.names();
        if let Some(name) = sizes.keys().find(|name| !names.contains(*name)) {
            self.at(&Sizes::from([(name.clone(), 1)]))?;
        }
        match &self.body {
            Body::Graph => Ok(self.clone()),
            Body::Onnx { onnx, options } => {
                let mut onnx = Onnx::clone(onnx);
                onnx.fix(sizes);
                Template::checked(onnx, options.clone())
            }
        }
    }

    /// The shapes of what is revealed, in order, with names where a size follows one: `[batch, 10]`.
    pub fn reveals(&self) -> Vec<String> {
        let shape = |graph: &Graph, id: NodeId| graph.node(id).ty.shape.clone();
        let sizes = self.example_sizes();
        let larger: BTreeMap<&String, Graph> = sizes
            .iter()
            .filter_map(|(name, size)| {
                let mut other = sizes.clone();
                other.insert(name.clone(), size + 1);
                Some((name, self.at(&other).ok()?))
            })
            .collect();
        let axis = |id: NodeId, axis: usize, size: usize| {
            let grows = |name: &&String, to: &Graph| {
                let (before, after) = (sizes[*name], shape(to, id).get(axis).copied());
                (size.is_multiple_of(before) && after == Some(size / before * (before + 1))).then(|| {
                    if size == before { (*name).clone() } else { format!("{}*{name}", size / before) }
                })
            };
            larger.iter().find_map(|(name, graph)| grows(name, graph)).unwrap_or_else(|| size.to_string())
        };
        let shown = |id: NodeId| {
            let sizes = shape(&self.example, id);
            let axes: Vec<String> =
                sizes.iter().enumerate().map(|(index, &size)| axis(id, index, size)).collect();
            format!("[{}]", axes.join(", "))
        };
        self.example.reveals().into_iter().map(shown).collect()
    }

    /// The sizes of [`example`](Self::example).
    fn example_sizes(&self) -> Sizes {
        let mut sizes = Sizes::new();
        for (name, shape) in &self.inputs {
            let node = self.example.nodes().iter().find(|node| node.name == *name);
            let actual = node.map(|node| node.ty.shape.clone()).unwrap_or_default();
            sizes.extend(sizes_of(shape, &actual).unwrap_or_default());
        }
        sizes
    }

    /// Shows that samples may be evaluated in parts of `parts` samples each: they do not mix, and each part computes the same
    /// of every sample. `sizes` are the other sizes. Where the template fixes the batch, parts are of that size. The axes along
    /// which the results of parts are joined, one for each reveal.
    ///
    /// # Errors
    /// [`ImportError::Graph`] with [`GraphError::MixesSamples`], which names the node, or as [`at`](Self::at).
    pub fn check_parts(&self, sizes: &Sizes, parts: &[usize]) -> Result<Vec<usize>, ImportError> {
        let inputs = |graph: &Graph| -> Vec<NodeId> {
            let is_data = |id: &NodeId| matches!(&graph.node(*id).op, Op::Input(op) if op.role == Role::Data);
            graph.inputs().into_iter().filter(is_data).collect()
        };
        if let Some(batch) = self.fixed_batch() {
            // a single sample meets no other
            if batch == 1 {
                return Ok(vec![0; self.example.reveals().len()]);
            }
            let graph = self.at(sizes)?;
            return Ok(joined(&graph, &tacita_graph::samples(&graph, &inputs(&graph), batch)?));
        }
        if !self.names().contains(BATCH) {
            let reason = "no input's first axis is the batch: all rows are evaluated together".to_owned();
            let node = self.inputs.first().map_or(String::new(), |(name, _)| name.clone());
            return Err(GraphError::MixesSamples { node, op: "Input", reason }.into());
        }
        let of = |batch: usize| {
            let mut sizes = sizes.clone();
            sizes.insert(BATCH.to_string(), batch);
            self.at(&sizes)
        };
        let most = parts.iter().copied().max().unwrap_or(1).max(2);
        let whole = of(most)?;
        let of_whole = inputs(&whole);
        let mut others: BTreeSet<usize> = parts.iter().copied().filter(|&part| part != most).collect();
        others.insert(most + 1);
        for batch in others {
            let part = of(batch)?;
            match batch {
                1 => tacita_graph::same_nodes(&whole, &part)?,
                _ => {
                    let of_part = inputs(&part);
                    same_per_sample((&whole, &of_whole, most), (&part, &of_part, batch))?;
                }
            }
        }
        Ok(joined(&whole, &tacita_graph::samples(&whole, &of_whole, most)?))
    }

    /// What identifies the model's structure: of a graph its digest; of an ONNX file blake3 over the template's encoding.
    pub fn digest(&self) -> [u8; 32] {
        match &self.body {
            Body::Graph => self.example.digest(),
            Body::Onnx { .. } => blake3::derive_key("tacita template digest, version 1", &self.body()),
        }
    }

    fn body(&self) -> Vec<u8> {
        let Body::Onnx { onnx, options } = &self.body else { return Vec::new() };
        let header = Header { opset: onnx.opset, options: options.clone(), fixed: onnx.fixed.clone() };
        let mut bytes = postcard::to_allocvec(&header).expect("options are plain data");
        bytes.extend(encode::graph_alone(&onnx.graph));
        bytes
    }

    /// The canonical encoding, which a graph file holds.
    pub fn encode(&self) -> Vec<u8> {
        match &self.body {
            Body::Graph => self.example.encode(),
            Body::Onnx { .. } => encoding::seal(encoding::Content::Template, &self.body()),
        }
    }

    /// Reads a graph file, which holds a template or a graph.
    ///
    /// # Errors
    /// [`ImportError::Graph`] if it is another file, of another version, damaged, or not in canonical form; otherwise as
    /// [`import`](crate::import()). Never panics, and allocates in proportion to the bytes given.
    pub fn decode(bytes: &[u8]) -> Result<Template, ImportError> {
        let (content, body) = encoding::open(bytes)?;
        match content {
            encoding::Content::Graph => Ok(Template::from(Graph::decode(bytes)?)),
            encoding::Content::Template => {
                let broken = |what: String| GraphError::Decode(what);
                let (header, rest): (Header, &[u8]) = postcard::take_from_bytes(body)
                    .map_err(|error| broken(format!("its header: {error}")))?;
                header.options.check()?;
                if !OPSETS.contains(&header.opset) || header.fixed.len() > MAX_NAMES {
                    return Err(
                        broken("its operators' version or its sizes are out of bounds".to_string()).into()
                    );
                }
                let graph = messages::Graph::decode(rest).map_err(broken)?;
                let mut onnx = Onnx::of_graph(graph, header.opset, FILE.to_string(), None)?;
                onnx.fix(&header.fixed);
                let template = Template::checked(onnx, header.options)?;
                if template.encode() != bytes {
                    return Err(broken("it is not in canonical form".to_string()).into());
                }
                Ok(template)
            }
        }
    }
}

impl From<Graph> for Template {
    /// A graph built in Rust is a template without open sizes.
    fn from(graph: Graph) -> Template {
        let data = graph.nodes().iter().filter_map(|node| match &node.op {
            Op::Input(input) if input.role == Role::Data => {
                let sizes = node.ty.shape.clone();
                Some((node.name.clone(), sizes.into_iter().map(AxisSize::Known).collect()))
            }
            _ => None,
        });
        Template { body: Body::Graph, inputs: data.collect(), example: graph }
    }
}

/// The axes along which samples follow one another in what is revealed.
fn joined(graph: &Graph, places: &[Option<SampleAxis>]) -> Vec<usize> {
    graph.reveals().into_iter().map(|id| places[id.index()].map_or(0, |place| place.axis)).collect()
}

/// Numbers at which a model can be looked at: the first that it can be computed at.
pub(crate) fn example_sizes(onnx: &Onnx, options: &ImportOptions) -> Result<Sizes, ImportError> {
    let names: BTreeSet<&String> = onnx
        .input_shape()
        .iter()
        .filter_map(|axis| match axis {
            AxisSize::Named(name) => Some(name),
            AxisSize::Known(_) => None,
        })
        .collect();
    let has_others = names.iter().any(|name| *name != BATCH);
    let mut first = None;
    for size in EXAMPLES.into_iter().take(if has_others { EXAMPLES.len() } else { 1 }) {
        let of = |name: &&String| if *name == BATCH { EXAMPLE_BATCH } else { size };
        let sizes: Sizes = names.iter().map(|name| ((*name).clone(), of(name))).collect();
        match graph_at(onnx, options, &sizes, false) {
            Ok(_) => return Ok(sizes),
            Err(error) => _ = first.get_or_insert(error),
        }
    }
    Err(first.expect("there is an example"))
}

/// The file's nodes and tensors, without the numbers of those that are not in `read`.
fn without_weights(onnx: &Onnx, read: &BTreeSet<*const Tensor>) -> Result<messages::Graph, ImportError> {
    let folder = onnx.folder.as_deref();
    let at = |name: &str, op: &str| {
        let (name, op) = (name.to_string(), op.to_string());
        move |fault: crate::error::Fault| fault.at(onnx.file(), &name, &op)
    };
    let public = |tensor: &Arc<Tensor>| match read.contains(&Arc::as_ptr(tensor)) {
        true => tensor.with_numbers(folder).map(Arc::new),
        false => Ok(Arc::new(tensor.without_numbers())),
    };
    let mut graph = messages::Graph {
        nodes: onnx.graph.nodes.clone(),
        has_sparse: onnx.graph.has_sparse,
        inputs: onnx.graph.inputs.clone(),
        outputs: onnx.graph.outputs.clone(),
        initializers: Vec::with_capacity(onnx.graph.initializers.len()),
    };
    for tensor in &onnx.graph.initializers {
        graph.initializers.push(public(tensor).map_err(at(&tensor.name, "initializer"))?);
    }
    for node in &mut graph.nodes {
        let (label, op) = (node.label().to_string(), node.op.clone());
        for tensor in node.attributes.iter_mut().filter_map(|attribute| attribute.tensor.as_mut()) {
            // what an operator has for an attribute is public; constants are as private as the file's tensors
            let kept =
                if op == "Constant" { public(tensor) } else { tensor.with_numbers(folder).map(Arc::new) };
            *tensor = kept.map_err(at(&label, &op))?;
        }
    }
    Ok(graph)
}
