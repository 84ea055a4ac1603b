//! Models, graphs and outputs.

use std::path::Path;

use tacita::Parts;
use tacita::onnx::{BATCH, ImportError, ImportOptions, Model, Sizes, Template};
use tacita_data::{DataError, Staged};

use crate::failure::Failure;

/// The first bytes of a graph file.
const GRAPH: &[u8] = b"TACITA-G";

/// Reads a model.
pub fn model(path: &Path, options: &ImportOptions) -> Result<Model, Failure> {
    let error = match tacita::onnx::import(path, options) {
        Ok(model) => return Ok(model),
        Err(error) => error,
    };
    if matches!(error, ImportError::File { .. }) && is_graph(path) {
        let hint = "this command needs the model that it was exported from";
        return Err(Failure::input(format!("{} is a graph without weights: {hint}", path.display())));
    }
    Err(Failure::from(tacita::Error::from(error)).about(path))
}

/// Whether a file begins as `export-graph`'s do.
pub fn is_graph(path: &Path) -> bool {
    use std::io::Read;
    let mut beginning = [0; GRAPH.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && beginning == GRAPH
}

/// The model's open sizes but the batch, as given or as data of this shape says, and the parts in which its rows are evaluated.
pub fn parts(
    path: &Path,
    model: &Model,
    shape: &[usize],
    (given, batch): (&Sizes, Option<usize>),
) -> Result<(Sizes, Parts), Failure> {
    let about = |error: tacita::Error| Failure::from(error).about(path);
    let template = &model.template;
    if let (Some(fixed), Some(asked)) = (template.fixed_batch(), batch)
        && fixed != asked
    {
        let hint = "leave --batch out, or export the model with an open first axis";
        return Err(Failure::usage(format!(
            "{}: the model fixes its batch at {fixed}, not {asked}: {hint}",
            path.display()
        )));
    }
    let mut sizes = template.sizes_of(shape, given).map_err(|error| about(error.into()))?;
    sizes.remove(BATCH);
    let rows = shape.first().copied().unwrap_or(1);
    let parts = Parts::choose(template, &sizes, rows, batch, crate::batch::usual).map_err(about)?;
    Ok((sizes, parts))
}

/// Reads a template or a graph that `export-graph` wrote.
pub fn template(path: &Path) -> Result<Template, Failure> {
    tacita::read_template(path)?.ok_or_else(|| {
        let message =
            format!("{}: this is not a graph file; write one with `tacita export-graph`", path.display());
        Failure::input(message)
    })
}

/// Fails now, before anything is computed, if an output could not be written in the end.
pub fn check_outputs(paths: &[Option<&Path>]) -> Result<(), Failure> {
    let given: Vec<&Path> = paths.iter().flatten().copied().collect();
    for (index, path) in given.iter().enumerate() {
        if given[..index].contains(path) {
            return Err(Failure::usage(format!("{} is given for two outputs", path.display())));
        }
        tacita_data::check_writable(path).map_err(|error| {
            Failure::input(format!("{error}; choose a folder that exists and can be written"))
        })?;
    }
    Ok(())
}

/// Writes bytes to a file, all or none.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    Ok(tacita_data::write_atomically(path, |file| file.write_all(bytes))?)
}

/// The same unless the file is there already.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let staged = Staged::write(path, |file| file.write_all(bytes))?;
    staged.commit_new().map_err(|error| match &error {
        DataError::Write { error, .. } if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let hint = "nothing is overwritten: choose another name, or remove it";
            Failure::input(format!("{} is there already; {hint}", path.display()))
        }
        _ => error.into(),
    })
}
