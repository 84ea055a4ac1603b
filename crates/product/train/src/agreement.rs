//! The agreement of members before a training begins.

use std::collections::BTreeMap;

use crate::checkpoint::{self, Checkpoints, Stamp, Terms};
use crate::data::{Facts, Own};
use crate::order::{Order, test_and_train};
use crate::run::Setting;
use crate::sections::Split;
use tacita_session::Error;
use tacita_session::Session;
use tacita_session::message::{decode, encode};

/// The most test rows of which all pairs are compared.
const MOST_PAIRED: usize = 4096;
/// Bytes of a configuration that members tell each other whole.
const MOST_TOLD: usize = 48 << 10;

/// The terms that members have agreed on.
pub(crate) struct Agreed {
    /// By owner, in the configuration's order.
    pub facts: Vec<Facts>,
    pub order: Order,
    pub resumed: Option<Stamp>,
}

/// Which rows of each owner train, and which are for the test; in the configuration's order.
pub(crate) struct Division {
    pub train: Vec<Vec<usize>>,
    pub test: Vec<Vec<usize>>,
}

impl Setting<'_> {
    /// Compares configurations, tells what everybody must know of the data, and finds what is resumed.
    pub fn agree(&self, session: &Session, data: &BTreeMap<String, Own>) -> Result<Agreed, Error> {
        let mut told = self.config.told();
        if told.len() > MOST_TOLD {
            told = tacita_identity::hex(&self.config.digest());
        }
        for (name, theirs) in session.tell("training", told.as_bytes())? {
            if theirs != told.as_bytes() {
                return Err(differ(&told, &String::from_utf8_lossy(&theirs), &name));
            }
        }
        let own: Vec<(String, Facts)> =
            data.iter().map(|(owner, own)| (owner.clone(), own.facts(self.config))).collect();
        let bytes = encode(&own.first().map(|(_, facts)| facts))?;
        let mut known: BTreeMap<String, Facts> = own.into_iter().collect();
        for (name, bytes) in session.tell("rows", &bytes)? {
            if let Some(facts) = decode::<Option<Facts>>(&bytes)? {
                known.insert(name, facts);
            }
        }
        let facts = self.config.data.iter().map(|section| {
            let missing = || Error::Disagreement(format!("{} says nothing of its data", section.owner));
            known.remove(&section.owner).ok_or_else(missing)
        });
        let facts = facts.collect::<Result<Vec<_>, _>>()?;
        self.compare(&facts)?;

        let stamps = |store: &Checkpoints<'_>| if self.resume { store.stamps().map(Some) } else { Ok(None) };
        let mut terms = Vec::new();
        for party in session.computing_here() {
            let store = self.stores.iter().find(|(name, _)| *name == party).map(|(_, store)| store);
            let resumes = store.map(stamps).transpose()?.flatten();
            terms.push((party, Terms { writes: store.is_some(), resumes }));
        }
        let resumed = checkpoint::agree(session, terms)?;
        let order = match (&resumed, self.config.order) {
            (Some(stamp), _) => Order(stamp.order),
            (None, Some(number)) => Order::public(number),
            (None, None) => Order::drawn(session, self.me)?,
        };
        Ok(Agreed { facts, order, resumed })
    }

    /// Whether what the owners have goes together.
    pub fn compare(&self, facts: &[Facts]) -> Result<(), Error> {
        let sections = &self.config.data;
        for (facts, section) in facts.iter().zip(sections) {
            facts.check(&section.owner)?;
        }
        let Some((first, rest)) = facts.split_first() else { return Ok(()) };
        let alice = &sections[0].owner;
        for (facts, section) in rest.iter().zip(&sections[1..]) {
            let bob = &section.owner;
            let refuse = |reason: String| Err(Error::Disagreement(reason));
            match self.config.split {
                Split::Columns if facts.rows != first.rows => {
                    return refuse(format!(
                        "{alice} has {} rows and {bob} {}: of columns that are split, all owners have the same rows in the same order",
                        first.rows, facts.rows
                    ));
                }
                Split::Columns if facts.test_rows != first.test_rows => {
                    return refuse(format!(
                        "{alice}'s and {bob}'s test files have different numbers of rows"
                    ));
                }
                Split::Columns if facts.shape.get(1..) != first.shape.get(1..) => {
                    return refuse(format!(
                        "{alice} has rows of {:?} and {bob} of {:?}",
                        first.shape, facts.shape
                    ));
                }
                Split::Columns => {}
                Split::Rows => {
                    if let (Some(ours), Some(theirs)) = (&first.names, &facts.names)
                        && let Some(at) =
                            (0..ours.len().max(theirs.len())).find(|&at| ours.get(at) != theirs.get(at))
                    {
                        let called = |name: Option<&String>| {
                            name.map_or("missing".to_owned(), |name| format!("{name:?}"))
                        };
                        return refuse(format!(
                            "column {} is {} at {alice} and {} at {bob}: of rows that are split, all owners have the same columns in the same order",
                            at + 1,
                            called(ours.get(at)),
                            called(theirs.get(at))
                        ));
                    }
                    if facts.shape != first.shape {
                        return refuse(format!(
                            "{alice} has rows of {:?} and {bob} of {:?}",
                            first.shape, facts.shape
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    pub fn divide(&self, agreed: &Agreed) -> Division {
        let mut division = Division { train: vec![], test: vec![] };
        for (facts, section) in agreed.facts.iter().zip(&self.config.data) {
            let rows = facts.rows as usize;
            // of columns that are split, the same rows everywhere
            let what = if self.config.split == Split::Columns { "" } else { section.owner.as_str() };
            let (test, train) = match self.config.has_test_files() {
                true => ((0..facts.test_rows.unwrap_or(0) as usize).collect(), (0..rows).collect()),
                false => test_and_train(agreed.order, what, rows, self.config.test_share),
            };
            division.train.push(train);
            division.test.push(test);
        }
        division
    }

    pub fn check(&self, agreed: &Agreed, division: &Division) -> Result<(), Error> {
        let batch = self.config.batch;
        let rows = self.all(&division.train);
        if batch > rows || batch < self.config.data.len() && self.config.split == Split::Rows {
            let owners = self.config.data.len();
            return Err(Error::Usage(format!(
                "`batch` {batch}: there are {rows} rows to train with, of {owners} owners; a batch has one of each owner or more"
            )));
        }
        if let Some(at) = (0..division.train.len()).find(|&at| division.train[at].is_empty()) {
            let (owner, rows) = (&self.config.data[at].owner, agreed.facts[at].rows);
            return Err(Error::Input(format!("{owner} has {rows} rows, and none is left to train with")));
        }
        let tests = self.all(&division.test);
        if self.config.reveal.tests() && tests == 0 {
            return Err(Error::Input(
                "no row is left for the test: `test_share` of so few rows is none".into(),
            ));
        }
        if !self.config.reveal.auc.is_empty() && tests > MOST_PAIRED {
            return Err(Error::Usage(format!(
                "`auc` compares all test rows with all, and is for at most {MOST_PAIRED}; there are {tests}: make `test_share` smaller"
            )));
        }
        Ok(())
    }

    /// How many rows there are in all: of columns that are split, all owners have the same.
    pub fn all(&self, rows: &[Vec<usize>]) -> usize {
        match self.config.split {
            Split::Columns => rows.first().map_or(0, Vec::len),
            Split::Rows => rows.iter().map(Vec::len).sum(),
        }
    }

    /// The shape of what the network takes for a row.
    pub fn sample(&self, facts: &[Facts]) -> Result<Vec<usize>, Error> {
        let mut shape: Vec<usize> = facts[0].shape.iter().map(|&size| size as usize).collect();
        if self.config.split == Split::Columns {
            shape[0] = facts.iter().map(|facts| facts.shape[0] as usize).sum();
        }
        match shape
            .iter()
            .try_fold(1_usize, |all, &size| all.checked_mul(size))
            .filter(|&all| all > 0 && all <= 1 << 28)
        {
            Some(_) => Ok(shape),
            None => Err(Error::Input(format!("rows of {shape:?} cannot be trained with"))),
        }
    }
}

/// The error of configurations that differ, with the first field that does.
fn differ(ours: &str, theirs: &str, name: &str) -> Error {
    let mut ours = ours.lines().map(|line| line.trim().trim_end_matches(','));
    let mut theirs = theirs.lines().map(|line| line.trim().trim_end_matches(','));
    let (here, there) = loop {
        match (ours.next(), theirs.next()) {
            (None, None) => break ("", ""),
            (here, there) if here == there => {}
            (here, there) => break (here.unwrap_or("nothing more"), there.unwrap_or("nothing more")),
        }
    };
    Error::Disagreement(format!(
        "{name} trains by another configuration: {there} there, {here} here; all members need the same"
    ))
}
