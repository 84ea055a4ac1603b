//! An owner's data for a training, and the facts about it that all members must know.

use ndarray::{Array2, ArrayD, Axis, IxDyn};
use serde::{Deserialize, Serialize};
use tacita_data::{Source, Table, read_finite, read_labels, read_table};

use crate::config::TrainConfig;
use crate::sections::{OwnerData, Split, is_table};
use tacita_session::Error;

/// The most rows of an owner.
const MOST_ROWS: u64 = 1 << 26;
/// The most numbers of a row.
const MOST_NUMBERS: u64 = 1 << 26;

/// Bytes of names that are compared.
const MOST_NAMED: usize = 48 << 10;

/// Rows of one owner: what the network takes, and what it should say.
#[derive(Clone)]
pub(crate) struct Rows {
    features: Features,
    /// A number a row; classes are whole.
    labels: Option<Vec<f64>>,
}

#[derive(Clone)]
enum Features {
    Table(Table),
    Array(ArrayD<f64>),
}

/// An owner's rows, where they are.
pub(crate) struct Own {
    pub rows: Rows,
    /// Rows of a test file.
    pub test: Option<Rows>,
}

/// Public facts about an owner's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// How many rows.
    pub rows: u64,
    /// How many rows the test file has.
    pub test_rows: Option<u64>,
    /// The shape of a row.
    pub shape: Vec<u64>,
    /// The names of the columns, where all owners must have the same; none if they are very long.
    pub names: Option<Vec<String>>,
}

impl Facts {
    /// Refuses what no owner can have, before anything is made of it.
    ///
    /// # Errors
    /// [`Error::Disagreement`] that names the owner.
    pub fn check(&self, owner: &str) -> Result<(), Error> {
        let shape = self.shape.iter().try_fold(1_u64, |all, &size| all.checked_mul(size));
        let named = self.names.as_ref().is_none_or(|names| self.shape == [names.len() as u64]);
        let fits = (1..=MOST_ROWS).contains(&self.rows)
            && self.test_rows.is_none_or(|rows| rows <= MOST_ROWS)
            && shape.is_some_and(|all| (1..=MOST_NUMBERS).contains(&all))
            && !self.shape.is_empty()
            && named;
        match fits {
            true => Ok(()),
            false => Err(Error::Disagreement(format!(
                "{owner} says that it has {} rows of {:?}: at most {MOST_ROWS} rows of {MOST_NUMBERS} numbers can be trained with",
                self.rows, self.shape
            ))),
        }
    }
}

impl Own {
    /// Reads an owner's files.
    ///
    /// # Errors
    /// [`Error::Input`] that names the owner, the file, and row and column where one is to blame.
    pub fn read(config: &TrainConfig, data: &OwnerData) -> Result<Own, Error> {
        let read = || {
            let rows = Rows::read(config, data, &data.file, data.labels.as_deref())?;
            let test = data.test_file.as_deref();
            let test =
                test.map(|file| Rows::read(config, data, file, data.test_labels.as_deref())).transpose()?;
            if let Some(test) = &test
                && (test.shape(), test.names()) != (rows.shape(), rows.names())
            {
                let (test, rows) =
                    (describe(&test.shape(), test.names()), describe(&rows.shape(), rows.names()));
                let (file, test_file) = (&data.file, data.test_file.as_deref().unwrap_or_default());
                return Err(Error::Input(format!(
                    "{test_file} has {test} and {file} {rows}: they must be alike"
                )));
            }
            Ok(Own { rows, test })
        };
        read().map_err(|error| of_owner(error, &data.owner))
    }

    /// The public facts.
    pub fn facts(&self, config: &TrainConfig) -> Facts {
        // what members tell each other at once is short
        let short = |names: &&[String]| names.iter().map(|name| name.len() + 4).sum::<usize>() < MOST_NAMED;
        let names = self.rows.names().filter(|_| config.split == Split::Rows).filter(short);
        Facts {
            rows: self.rows.count() as u64,
            test_rows: self.test.as_ref().map(|test| test.count() as u64),
            shape: self.rows.shape().iter().map(|&size| size as u64).collect(),
            names: names.map(<[String]>::to_vec),
        }
    }

    /// Brings columns to mean 0 and deviation 1, by these rows.
    ///
    /// # Errors
    /// If a column is constant in these rows.
    pub fn standardise(&mut self, train: &[usize], data: &OwnerData) -> Result<(), Error> {
        let Features::Table(table) = &mut self.rows.features else { return Ok(()) };
        let fail = |error: tacita_data::DataError| of_owner(Error::Input(error.to_string()), &data.owner);
        let scaling = table.standardise_by(train).map_err(fail)?;
        match self.test.as_mut().map(|test| &mut test.features) {
            Some(Features::Table(test)) => scaling.apply(test).map_err(fail),
            _ => Ok(()),
        }
    }
}

/// The same error, with the owner whose data it is about.
fn of_owner(error: Error, owner: &str) -> Error {
    match error {
        Error::Input(reason) => Error::Input(format!("{owner}'s data: {reason}")),
        other => other,
    }
}

fn describe(shape: &[usize], names: Option<&[String]>) -> String {
    match names {
        Some(names) => format!("the columns {}", names.join(", ")),
        None => format!("rows of {shape:?}"),
    }
}

impl Rows {
    fn read(config: &TrainConfig, data: &OwnerData, file: &str, labels: Option<&str>) -> Result<Rows, Error> {
        let fail = |error: tacita_data::DataError| Error::Input(error.to_string());
        if is_table(file) {
            return Rows::of_table(config, data, read_table(&config.folder.join(file)).map_err(fail)?);
        }
        let beside = |text: &str| -> Result<Source, Error> {
            let path = config.folder.join(text);
            path.to_str().unwrap_or(text).parse().map_err(fail)
        };
        let mut array = read_finite(&beside(file)?).map_err(fail)?;
        let count = array.shape().first().copied().unwrap_or(0);
        if array.ndim() < 2 || count == 0 {
            let shape = array.shape();
            return Err(Error::Input(format!(
                "{file} is {shape:?}: it needs a row or more, each of one number or more"
            )));
        }
        if let Some(shape) = &config.sample_shape {
            let whole: Vec<usize> = [count].iter().chain(shape).copied().collect();
            let got = array.shape().to_vec();
            let refuse = |_| {
                Error::Input(format!(
                    "{file} is {got:?}, which cannot be read as rows of {shape:?} (`sample_shape`)"
                ))
            };
            array = array
                .as_standard_layout()
                .into_owned()
                .into_shape_with_order(IxDyn(&whole))
                .map_err(refuse)?;
        }
        let labels = match labels {
            None => None,
            Some(file) => Some(Rows::labels(config, file, &beside(file)?, count)?),
        };
        if let Some(scale) = data.scale {
            array.mapv_inplace(|number| number / scale);
        }
        Ok(Rows { features: Features::Array(array), labels })
    }

    /// The labels of an array's rows.
    fn labels(config: &TrainConfig, file: &str, source: &Source, count: usize) -> Result<Vec<f64>, Error> {
        let fail = |error: tacita_data::DataError| Error::Input(error.to_string());
        let labels: Vec<f64> = match config.label_classes() {
            Some(classes) => {
                let labels = read_labels(source).map_err(fail)?;
                if let Some(row) = labels.iter().position(|label| !(0..classes as i64).contains(label)) {
                    let label = labels[row];
                    return Err(Error::Input(format!(
                        "{file}, row {row}: {label} is not a class: labels are integers from 0, less than {classes}"
                    )));
                }
                labels.into_iter().map(|label| label as f64).collect()
            }
            None => {
                let labels = read_finite(source).map_err(fail)?;
                if labels.len() != labels.shape().first().copied().unwrap_or(0) {
                    let shape = labels.shape();
                    return Err(Error::Input(format!("{file} is {shape:?}: it needs one number a row")));
                }
                labels.into_iter().collect()
            }
        };
        match labels.len() == count {
            true => Ok(labels),
            false => Err(Error::Input(format!("{file} has {} labels for {count} rows", labels.len()))),
        }
    }

    fn of_table(config: &TrainConfig, data: &OwnerData, mut table: Table) -> Result<Rows, Error> {
        let fail = |error: tacita_data::DataError| Error::Input(error.to_string());
        let labels = match (&data.label, config.label_classes()) {
            (None, _) => None,
            (Some(label), Some(classes)) => {
                let labels = table.take_labels(label, classes).map_err(fail)?;
                Some(labels.into_iter().map(|label| label as f64).collect())
            }
            (Some(label), None) => {
                let labels = table.column(label).map_err(fail)?.to_vec();
                let others: Vec<String> =
                    table.names().iter().filter(|name| *name != label).cloned().collect();
                let others: Vec<&str> = others.iter().map(String::as_str).collect();
                table = table.columns(&others).map_err(fail)?;
                Some(labels)
            }
        };
        if let Some(names) = &data.columns {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            table = table.columns(&names).map_err(fail)?;
        }
        if table.names().is_empty() {
            return Err(Error::Input(format!("{} has no column but the label", data.file)));
        }
        match data.scale {
            None => Ok(Rows { features: Features::Table(table), labels }),
            Some(scale) if !data.standardise => {
                let values = table.into_values().mapv(|number| number / scale);
                Ok(Rows { features: Features::Array(values.into_dyn()), labels })
            }
            Some(_) => Err(Error::Input("`scale` and `standardise`: give one of them".into())),
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        match &self.features {
            Features::Table(table) => table.values().nrows(),
            Features::Array(array) => array.shape()[0],
        }
    }

    /// The shape of one.
    fn shape(&self) -> Vec<usize> {
        match &self.features {
            Features::Table(table) => vec![table.names().len()],
            Features::Array(array) => array.shape()[1..].to_vec(),
        }
    }

    fn names(&self) -> Option<&[String]> {
        match &self.features {
            Features::Table(table) => Some(table.names()),
            Features::Array(_) => None,
        }
    }

    /// The network's input for these rows.
    pub fn features(&self, rows: &[usize]) -> ArrayD<f64> {
        match &self.features {
            Features::Table(table) => table.values().select(Axis(0), rows).into_dyn(),
            Features::Array(array) => array.select(Axis(0), rows),
        }
    }

    /// The labels of these rows as they are, one number each; empty if this owner has none.
    pub fn labels_of(&self, rows: &[usize]) -> Vec<f64> {
        self.labels.as_ref().map_or(vec![], |labels| rows.iter().map(|&row| labels[row]).collect())
    }
}

/// Labels as the loss takes them: a row for each, one-hot of classes, -1 and 1 for a hinge.
pub(crate) fn targets(config: &TrainConfig, labels: &[f64]) -> ArrayD<f64> {
    use crate::sections::LossConfig;
    let array = match (config.loss(), config.label_classes()) {
        (LossConfig::CrossEntropy, Some(classes)) => one_hot(labels, classes),
        (LossConfig::Hinge, _) => column(labels).mapv(|label| 2.0 * label - 1.0),
        _ => column(labels),
    };
    array.into_dyn()
}

/// Numbers as a column.
pub(crate) fn column(labels: &[f64]) -> Array2<f64> {
    Array2::from_shape_fn((labels.len(), 1), |(row, _)| labels[row])
}

fn one_hot(labels: &[f64], classes: usize) -> Array2<f64> {
    Array2::from_shape_fn((labels.len(), classes), |(row, class)| f64::from(labels[row] == class as f64))
}
