//! A whole training from a configuration: all members in this process, or one of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ndarray::ArrayD;
use tacita_graph::{Dim, Graph, Inputs, NodeId, Role, Visibility};
use tacita_net::Interrupter;
use tacita_nn::{Layer, Step};

use super::checkpoint::{self, Checkpoint, Checkpoints, Secret, Stamp, Terms};
use super::config::{Split, TrainConfig};
use super::data::{Facts, Own, Rows, column, targets};
use super::graphs::{Blueprint, TestPart, labels_of, rows_of};
use super::network::network;
use super::order::{Order, Stream, composition, test_and_train};
use super::report::{TestFigures, TrainReport};
use super::trainer::Trainer;
use crate::connect::ConnectOptions;
use crate::error::Error;
use crate::file_error::FileError;
use crate::identity::Identity;
use crate::join::{decode, encode};
use crate::options::Options;
use crate::report::{REPORT_VERSION, Reveal, Seconds, cpu, peak_rss_bytes};
use crate::session::{Evaluation, Session};
use crate::session_file::SessionFile;

/// The most test rows of which all pairs are compared.
const MOST_PAIRED: usize = 4096;
/// Bytes of a configuration that members tell each other whole.
const MOST_TOLD: usize = 48 << 10;

/// What a member decides for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainOptions {
    /// A folder for this member's checkpoints, made if it is not there.
    pub checkpoints: Option<PathBuf>,
    /// Goes on from the latest checkpoint that all parties have.
    pub resume: bool,
}

/// How far a training is.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainProgress<'a> {
    /// Steps done, those of earlier runs too.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// The loss of this batch before its step, if revealed to a member here.
    pub loss: Option<f64>,
    /// A test that was made now.
    pub test: Option<&'a TestFigures>,
    /// Whether a checkpoint was written now.
    pub saved: bool,
    /// Rows of a step.
    pub batch: usize,
}

/// A training that is done, its results not yet final: see [`Trained::finish`].
pub struct Trained {
    session: Session,
    member: bool,
    /// What it gave and cost.
    pub report: TrainReport,
    /// The parameters, if revealed to a member here, by name.
    pub model: Option<Inputs>,
    /// The network.
    pub network: Box<dyn Layer>,
    /// The shape of a row that it takes.
    pub sample: Vec<usize>,
}

impl Trained {
    /// The network with the trained parameters as an ONNX model that other programs read, of a batch of any size: its input
    /// is `rows`, its output `outputs`. None if the parameters were not revealed here.
    ///
    /// # Errors
    /// If the network has something that ONNX has not.
    pub fn onnx(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(model) = &self.model else { return Ok(None) };
        let mut graph = Graph::new();
        let owner = graph.owner("owner");
        let shape: Vec<Dim> =
            [Dim::Batch].into_iter().chain(self.sample.iter().map(|&size| Dim::Known(size))).collect();
        let x = graph.input("rows", &shape, Visibility::Private(owner), Role::Data)?;
        let y = self.network.apply(&mut graph, x)?;
        let bytes = tacita_onnx::export_bytes(&graph, &[("outputs", y)], model);
        bytes.map(Some).map_err(|error| Error::Usage(format!("the model cannot be written as ONNX: {error}")))
    }

    /// Tells the others that this member has all that it wanted, and waits for their word.
    ///
    /// # Errors
    /// If another member fails.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.member { self.session.exchange("finished", &[]).map(drop) } else { Ok(()) }
    }

    /// Tells the others that this member cannot use what it got.
    pub fn abandon(mut self, cause: &str) {
        self.session.abandon(cause);
    }
}

/// Trains with all members in this process. Owners that are none of the parties compute nothing.
///
/// # Errors
/// If files or data cannot be used, the network does not fit, or the session fails.
pub fn train(
    config: &TrainConfig,
    options: &Options,
    own: &TrainOptions,
    progress: &mut dyn FnMut(&TrainProgress<'_>),
) -> Result<Trained, Error> {
    let mut options = options.clone();
    let parties = options.party_names();
    let names = config.data.iter().map(|data| &data.owner).chain(config.reveal.receivers());
    for name in names {
        if !parties.contains(name) && !options.data_owners.contains(name) {
            options.data_owners.push(name.clone());
        }
    }
    let begun = Instant::now();
    let data = config.data.iter().map(|data| Ok((data.owner.clone(), Own::read(config, data)?)));
    let data = data.collect::<Result<BTreeMap<_, _>, Error>>()?;
    let folder = checkpoint_folder(own)?;
    let secret = match &folder {
        Some(folder) => Secret::Local(checkpoint::local_secret(folder)?),
        None => Secret::Local([0; 32].into()),
    };
    let stores = stores(
        folder,
        parties,
        secret,
        [blake3::derive_key("tacita local training v1", &[]), config.digest()],
    );
    check_stores(&stores, own)?;
    let session = Session::with_options(options.clone())?;
    let setting = Setting { config, company: Company::Local, stores, resume: own.resume, begun };
    let mut trained = setting.run(session, data, progress)?;
    trained.report.transport = options.link.to_string();
    trained.report.threads = options.threads;
    Ok(trained)
}

/// Trains as one member of a session between machines; every member does the same with the same configuration. `opened` is
/// called with what interrupts the session once all members are there.
///
/// The caller checks consent before ([`TrainConfig::consent`]).
///
/// # Errors
/// If files or data cannot be used, the members do not agree, or the session fails.
pub fn join_training(
    file: &SessionFile,
    (me, identity): (&str, &Identity),
    options: &ConnectOptions,
    config: &TrainConfig,
    own: &TrainOptions,
    opened: impl FnOnce(Vec<Interrupter>),
    progress: &mut dyn FnMut(&TrainProgress<'_>),
) -> Result<Trained, Error> {
    config.check_members(file)?;
    let begun = Instant::now();
    let mut data = BTreeMap::new();
    if let Some(section) = config.data.iter().find(|data| data.owner == me) {
        data.insert(me.to_owned(), Own::read(config, section)?);
    }
    let computes = file.parties.iter().any(|party| party.name == me);
    if !computes && *own != TrainOptions::default() {
        return Err(Error::Usage(format!(
            "{me} computes nothing and has no shares to save: leave --checkpoints out"
        )));
    }
    let folder = checkpoint_folder(own)?;
    let stores =
        stores(folder, vec![me.to_owned()], Secret::Identity(identity), [file.hash, config.digest()]);
    check_stores(&stores, own)?;
    let session = Session::connect_with(file, me, identity, options)?;
    opened(session.interrupters());
    let setting = Setting { config, company: Company::Member(me), stores, resume: own.resume, begun };
    let mut trained = setting.run(session, data, progress)?;
    trained.report.transport = "tcp".to_owned();
    trained.report.threads = options.threads;
    Ok(trained)
}

fn checkpoint_folder(own: &TrainOptions) -> Result<Option<PathBuf>, Error> {
    let Some(folder) = &own.checkpoints else {
        return match own.resume {
            true => Err(Error::Usage("what is to be resumed? give --checkpoints DIR".into())),
            false => Ok(None),
        };
    };
    if !folder.is_dir() && !own.resume {
        std::fs::create_dir(folder).map_err(|error| FileError::Write { path: folder.clone(), error })?;
    }
    Ok(Some(folder.clone()))
}

fn stores(
    folder: Option<PathBuf>,
    parties: Vec<String>,
    secret: Secret<'_>,
    of: [[u8; 32]; 2],
) -> Vec<(String, Checkpoints<'_>)> {
    let Some(folder) = folder else { return vec![] };
    let secret = Arc::new(secret);
    let store = |party: String| {
        let store = Checkpoints::new(&folder, &party, secret.clone(), of);
        (party, store)
    };
    parties.into_iter().map(store).collect()
}

/// Refuses what could not be resumed, and what would be overwritten, before anybody waits.
fn check_stores(stores: &[(String, Checkpoints<'_>)], own: &TrainOptions) -> Result<(), Error> {
    let folder = own.checkpoints.clone().unwrap_or_default();
    for (party, store) in stores {
        match (store.steps()?.is_empty(), own.resume) {
            (true, true) => {
                return Err(FileError::invalid(format!("there is no checkpoint of {party}"))
                    .of(&folder)
                    .into());
            }
            (false, false) => {
                let reason = format!(
                    "there are checkpoints of {party} already: go on with --resume, or give another folder"
                );
                return Err(FileError::invalid(reason).of(&folder).into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Who is in this process.
#[derive(Clone, Copy)]
pub(crate) enum Company<'a> {
    /// All members.
    Local,
    /// One.
    Member(&'a str),
}

impl Company<'_> {
    /// Tells the other members something that everybody may know, and hears theirs; nobody else is there in a local training.
    pub fn exchange(
        &self,
        session: &mut Session,
        topic: &str,
        bytes: &[u8],
    ) -> Result<Vec<(String, Vec<u8>)>, Error> {
        match self {
            Company::Local => Ok(vec![]),
            Company::Member(_) => session.exchange(topic, bytes),
        }
    }

    /// The member's name.
    pub fn me(&self) -> &str {
        match self {
            Company::Local => "everybody",
            Company::Member(me) => me,
        }
    }
}

struct Setting<'a> {
    config: &'a TrainConfig,
    company: Company<'a>,
    /// Of each computing party here.
    stores: Vec<(String, Checkpoints<'a>)>,
    resume: bool,
    begun: Instant,
}

/// What members have agreed on.
struct Agreed {
    /// By owner, in the configuration's order.
    facts: Vec<Facts>,
    order: Order,
    resumed: Option<Stamp>,
}

/// Which rows of each owner train, and which are for the test; in the configuration's order.
struct Division {
    train: Vec<Vec<usize>>,
    test: Vec<Vec<usize>>,
}

impl<'a> Setting<'a> {
    fn run(
        self,
        mut session: Session,
        mut data: BTreeMap<String, Own>,
        progress: &mut dyn FnMut(&TrainProgress<'_>),
    ) -> Result<Trained, Error> {
        let agreed = self.agree(&mut session, &data).and_then(|agreed| {
            let division = self.divide(&agreed);
            for (at, section) in
                self.config.data.iter().enumerate().filter(|(_, section)| section.standardise)
            {
                if let Some(own) = data.get_mut(&section.owner) {
                    own.standardise(&division.train[at], section)?;
                }
            }
            self.check(&agreed, &division)?;
            let sample = self.sample(&agreed.facts)?;
            Ok((network(self.config, &sample)?, sample, agreed, division))
        });
        let (network, sample, agreed, division) = match agreed {
            Ok(all) => all,
            Err(error) => {
                session.abandon(&self.cannot());
                return Err(error);
            }
        };
        let features = sample.first().copied().unwrap_or(1);
        let training = self.config.training(features, self.all(&division.train));
        let shapes = agreed.facts.iter().map(|facts| facts.shape.iter().map(|&size| size as usize).collect());
        let blueprint = Blueprint {
            config: self.config,
            network: &*network,
            training: &training,
            shapes: shapes.collect(),
        };
        let trainer = self.begin(session, &blueprint, &agreed, &division)?;
        let member = matches!(self.company, Company::Member(_));
        let mut going = Going {
            setting: self,
            blueprint: &blueprint,
            division: &division,
            data: &data,
            order: agreed.order,
            trainer: trainer.trainer,
            step: trainer.step,
            counts: trainer.counts,
            losses: trainer.losses,
            tests: vec![],
            seconds: Seconds::default(),
            reveals: vec![],
        };
        let resumed = agreed.resumed.map(|stamp| stamp.step);
        match going.go(resumed, progress) {
            Ok((report, model)) => {
                Ok(Trained { session: going.trainer.into_session(), member, report, model, network, sample })
            }
            Err(error) => {
                let cause = going.setting.cannot();
                going.trainer.session().abandon(&cause);
                Err(error)
            }
        }
    }

    /// What the others are told of an error that may name private values.
    fn cannot(&self) -> String {
        format!("{} cannot go on with the training, and was told why", self.company.me())
    }

    /// Compares configurations, tells what everybody must know of the data, and finds what is resumed.
    fn agree(&self, session: &mut Session, data: &BTreeMap<String, Own>) -> Result<Agreed, Error> {
        let company = &self.company;
        let text = self.config.told();
        let told =
            if text.len() <= MOST_TOLD { text.clone() } else { crate::report::hex(&self.config.digest()) };
        for (name, theirs) in company.exchange(session, "training", told.as_bytes())? {
            if theirs != told.as_bytes() {
                return Err(differ(&told, &String::from_utf8_lossy(&theirs), &name));
            }
        }
        let own: Vec<(String, Facts)> =
            data.iter().map(|(owner, own)| (owner.clone(), own.facts(self.config))).collect();
        let bytes =
            encode(&own.first().map(|(_, facts)| facts).filter(|_| matches!(company, Company::Member(_))))?;
        let mut known: BTreeMap<String, Facts> = own.into_iter().collect();
        for (name, bytes) in company.exchange(session, "rows", &bytes)? {
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
        let bytes = encode(&terms.first().map(|(_, terms)| terms))?;
        for (name, bytes) in company.exchange(session, "checkpoints", &bytes)? {
            if let Some(theirs) = decode::<Option<Terms>>(&bytes)? {
                terms.push((name, theirs));
            }
        }
        terms.sort_by(|(one, _), (other, _)| one.cmp(other));
        let resumed = checkpoint::agree(&terms)?;
        let order = match (&resumed, self.config.order) {
            (Some(stamp), _) => Order(stamp.order),
            (None, Some(number)) => Order::public(number),
            (None, None) => Order::drawn(session, company)?,
        };
        Ok(Agreed { facts, order, resumed })
    }

    /// Whether what the owners have goes together.
    fn compare(&self, facts: &[Facts]) -> Result<(), Error> {
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

    fn divide(&self, agreed: &Agreed) -> Division {
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

    fn check(&self, agreed: &Agreed, division: &Division) -> Result<(), Error> {
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
    fn all(&self, rows: &[Vec<usize>]) -> usize {
        match self.config.split {
            Split::Columns => rows.first().map_or(0, Vec::len),
            Split::Rows => rows.iter().map(Vec::len).sum(),
        }
    }

    /// The shape of what the network takes for a row.
    fn sample(&self, facts: &[Facts]) -> Result<Vec<usize>, Error> {
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

    fn begin(
        &self,
        session: Session,
        blueprint: &Blueprint<'_>,
        agreed: &Agreed,
        division: &Division,
    ) -> Result<Begun, Error> {
        let batch = self.config.batch;
        let counts: Vec<(usize, usize)> = match self.config.split {
            Split::Columns => (0..self.config.data.len()).map(|at| (at, batch)).collect(),
            Split::Rows => {
                let rows: Vec<usize> = division.train.iter().map(Vec::len).collect();
                composition(&rows, batch).into_iter().enumerate().collect()
            }
        };
        let mut session = session;
        let prepared = blueprint.step(&counts).and_then(|(graph, step)| match &agreed.resumed {
            None => Ok((graph, step, None)),
            Some(stamp) => {
                let mut kept = BTreeMap::new();
                let mut losses = vec![];
                for (party, store) in &self.stores {
                    let read = store.read(stamp.step, &expected(&step))?;
                    losses = read.losses;
                    kept.insert(party.clone(), read.kept);
                }
                Ok((graph, step, Some((kept, losses, stamp.step))))
            }
        });
        let (graph, step, resumed) = match prepared {
            Ok(all) => all,
            Err(error) => {
                session.abandon(&self.cannot());
                return Err(error);
            }
        };
        let training = *blueprint.training;
        let (trainer, losses) = match resumed {
            None => (Trainer::begin(session, training, &graph, &step, self.config.seed)?, vec![]),
            Some((kept, losses, at)) => {
                (Trainer::resume(session, training, &graph, &step, (kept, at))?, losses)
            }
        };
        Ok(Begun { trainer, step, counts, losses })
    }
}

struct Begun {
    trainer: Trainer,
    step: Step,
    counts: Vec<(usize, usize)>,
    losses: Vec<(u64, f64)>,
}

/// What a training keeps, by name, with shapes.
fn expected(step: &Step) -> BTreeMap<String, Vec<usize>> {
    step.parameters
        .iter()
        .chain(&step.memory)
        .map(|value| (value.name.clone(), value.shape.clone()))
        .collect()
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

/// A reveal: its node and its name.
type Shown = (NodeId, String);

/// A training on its way.
struct Going<'a, 's> {
    setting: Setting<'s>,
    blueprint: &'a Blueprint<'a>,
    division: &'a Division,
    data: &'a BTreeMap<String, Own>,
    order: Order,
    trainer: Trainer,
    step: Step,
    counts: Vec<(usize, usize)>,
    losses: Vec<(u64, f64)>,
    tests: Vec<TestFigures>,
    seconds: Seconds,
    reveals: Vec<Reveal>,
}

impl Going<'_, '_> {
    fn go(
        &mut self,
        resumed: Option<u64>,
        progress: &mut dyn FnMut(&TrainProgress<'_>),
    ) -> Result<(TrainReport, Option<Inputs>), Error> {
        let config = self.setting.config;
        let batch = config.batch;
        let rows = self.setting.all(&self.division.train);
        let epoch = |number: f64| (number * rows as f64 / batch as f64).ceil() as u64;
        let steps = config.steps.unwrap_or_else(|| epoch(config.epochs.unwrap_or(1.0)).max(1));
        let schedule = config.schedule(steps);
        let mut streams = self.streams();
        let mut taken = Vec::new();
        self.seconds.setup = self.setting.begun.elapsed().as_secs_f64();
        while self.trainer.steps() < steps {
            let begun = Instant::now();
            let inputs = self.batch(&mut streams, self.trainer.steps());
            let pace = schedule.as_ref().map_or(1.0, |schedule| schedule.pace(self.trainer.steps() + 1));
            let evaluation = self.trainer.step_at(&inputs, pace)?;
            let step = self.trainer.steps();
            let loss = first(&evaluation);
            self.losses.extend(loss.map(|loss| (step, loss)));
            self.add(&evaluation);
            taken.push(begun.elapsed().as_secs_f64());
            let saved = !self.setting.stores.is_empty()
                && (step.is_multiple_of(config.checkpoint_every) || step == steps);
            if saved {
                self.save()?;
            }
            let ends_epoch =
                (1..).map(|number| epoch(f64::from(number))).find(|&end| end >= step) == Some(step);
            let tests = config.reveal.tests() && (step == steps || config.test_every_epoch && ends_epoch);
            if tests {
                self.test()?;
            }
            let test = self.tests.last().filter(|_| tests);
            progress(&TrainProgress { step, steps, loss, test, saved, batch });
        }
        if config.reveal.tests() && self.tests.last().is_none_or(|test| test.step != self.trainer.steps()) {
            self.test()?;
        }
        let model = self.model()?;
        taken.sort_by(f64::total_cmp);
        let cost = self.trainer.prepared().plan().cost();
        let last = self.tests.last().cloned().unwrap_or_default();
        if !config.reveal.loss.is_empty() {
            let shape = vec![taken.len()];
            self.reveals.insert(0, Reveal { value: "loss".into(), to: config.reveal.loss.clone(), shape });
        }
        self.seconds.total = self.setting.begun.elapsed().as_secs_f64();
        let session = self.trainer.session();
        let report = TrainReport {
            version: REPORT_VERSION,
            parties: session.parties().count(),
            threads: 1,
            cpu: cpu(),
            transport: String::new(),
            precision_bits: session.precision(),
            rows,
            test_rows: self.setting.all(&self.division.test),
            batch,
            steps: self.trainer.steps(),
            resumed_from: resumed,
            final_loss: self.losses.last().map(|(_, loss)| *loss),
            accuracy: last.accuracy,
            auc: last.auc,
            confusion: last.confusion,
            test_loss: last.loss,
            seconds_per_step: taken.get(taken.len() / 2).copied().unwrap_or(0.0),
            rounds_per_step: u64::from(cost.rounds),
            online_bytes_per_step: cost.online_bytes.iter().copied().max().unwrap_or(0),
            offline_bytes_per_step: cost.offline_bytes,
            seconds: self.seconds,
            peak_rss_bytes: peak_rss_bytes(),
            reveals: std::mem::take(&mut self.reveals),
            losses: std::mem::take(&mut self.losses),
            tests: std::mem::take(&mut self.tests),
        };
        Ok((report, model))
    }

    fn add(&mut self, evaluation: &Evaluation) {
        self.seconds.setup += evaluation.times.setup.as_secs_f64();
        self.seconds.offline += evaluation.times.offline.as_secs_f64();
        self.seconds.online += evaluation.times.online.as_secs_f64();
    }

    /// The rows of each owner in the order of training.
    fn streams(&self) -> Vec<Stream> {
        let config = self.setting.config;
        let each = config.data.iter().zip(&self.division.train);
        each.map(|(section, train)| {
            let what = if config.split == Split::Columns { "" } else { section.owner.as_str() };
            Stream::new(self.order, what, train.clone())
        })
        .collect()
    }

    /// What owners here give for a step.
    fn batch(&self, streams: &mut [Stream], step: u64) -> Inputs {
        let mut inputs = Inputs::new();
        for &(at, count) in &self.counts {
            let section = &self.setting.config.data[at];
            if let Some(own) = self.data.get(&section.owner) {
                let rows = streams[at].take(step * count as u64, count);
                inputs.insert(rows_of(&section.owner), own.rows.features(&rows));
                if section.has_labels() {
                    let labels = targets(self.setting.config, &own.rows.labels_of(&rows));
                    inputs.insert(labels_of(&section.owner), labels);
                }
            }
        }
        inputs
    }

    /// Writes what each computing party here keeps.
    fn save(&mut self) -> Result<(), Error> {
        let expected = expected(&self.step);
        let mut kept = self.trainer.session().kept()?;
        for (party, store) in &self.setting.stores {
            let mut kept = kept.remove(party).unwrap_or_default();
            kept.retain(|name, _| expected.contains_key(name));
            let (step, order, losses) = (self.trainer.steps(), self.order.0, self.losses.clone());
            store.write(&Checkpoint { step, order, losses, kept })?;
        }
        Ok(())
    }

    /// The test rows of an owner here.
    fn test_rows(&self, owner: &str) -> Option<&Rows> {
        self.data.get(owner).map(|own| own.test.as_ref().unwrap_or(&own.rows))
    }

    fn test(&mut self) -> Result<(), Error> {
        let config = self.setting.config;
        let chunk = (4 * config.batch).clamp(64, 1024);
        let lengths: Vec<usize> = self.division.test.iter().map(Vec::len).collect();
        let parts = test_parts(config.split, &lengths, chunk);
        for (number, part) in parts.iter().enumerate() {
            let graph = self.blueprint.test(number, part)?;
            let mut inputs = Inputs::new();
            for &at in &part.owners {
                let owner = &config.data[at].owner;
                if let Some(rows) = self.test_rows(owner) {
                    inputs.insert(rows_of(owner), rows.features(&self.division.test[at][part.rows.clone()]));
                }
            }
            self.evaluate(&graph, &inputs)?;
        }
        let labelled = config.data.iter().enumerate().filter(|(_, section)| section.has_labels());
        // an owner without test rows has no label of one either
        let counts: Vec<(usize, usize)> =
            labelled.map(|(at, _)| (at, lengths[at])).filter(|(_, count)| *count > 0).collect();
        let graph = self.blueprint.figures(&parts, &counts)?;
        let mut inputs = Inputs::new();
        for &(at, _) in &counts {
            let owner = &config.data[at].owner;
            if let Some(rows) = self.test_rows(owner) {
                let labels = rows.labels_of(&self.division.test[at]);
                let is_multiple = super::network::outputs(config) > 1;
                let labels = match is_multiple {
                    true => ArrayD::from_shape_vec(vec![labels.len()], labels).unwrap_or_default(),
                    false => column(&labels).into_dyn(),
                };
                inputs.insert(labels_of(owner), labels);
            }
        }
        let (evaluation, ids) = self.evaluate(&graph, &inputs)?;
        let tests = self.setting.all(&self.division.test);
        let mut figures = TestFigures { step: self.trainer.steps(), ..TestFigures::default() };
        for (id, name) in ids {
            let value =
                evaluation.revealed.get(&id).and_then(|values| values.first()).map(|(_, value)| value);
            let shape = value.map_or(vec![], |value| value.shape().to_vec());
            let reveals = config.reveals();
            let to = reveals.iter().find(|(value, _)| *value == name).map_or(vec![], |(_, to)| to.to_vec());
            self.reveals.push(Reveal { value: name.clone(), to, shape });
            let Some(value) = value else { continue };
            match name.as_str() {
                "accuracy" => figures.accuracy = Some(value.sum() / tests as f64),
                "auc" => figures.auc = Some(value.sum()),
                "test loss" => figures.loss = Some(value.sum()),
                _ => {
                    let rows = value.outer_iter().map(|row| row.iter().map(|&count| count as u64).collect());
                    figures.confusion = Some(rows.collect());
                }
            }
        }
        self.tests.push(figures);
        Ok(())
    }

    /// Evaluates a graph; its reveals.
    fn evaluate(
        &mut self,
        graph: &tacita_graph::Graph,
        inputs: &Inputs,
    ) -> Result<(Evaluation, Vec<Shown>), Error> {
        let session = self.trainer.session();
        let prepared = session.prepare(graph, 1)?;
        let evaluation = session.evaluate(&prepared, inputs, &mut |_| ())?;
        self.add(&evaluation);
        let graph = prepared.graph();
        let reveals = graph.reveals().into_iter().map(|id| (id, graph.node(id).name.clone()));
        Ok((evaluation, reveals.collect()))
    }

    fn model(&mut self) -> Result<Option<Inputs>, Error> {
        let to = &self.setting.config.reveal.model;
        if to.is_empty() {
            return Ok(None);
        }
        let names: Vec<&str> = to.iter().map(String::as_str).collect();
        let revealed = self.trainer.reveal(&names)?;
        for parameter in &self.step.parameters {
            let (value, shape) = (parameter.name.clone(), parameter.shape.clone());
            self.reveals.push(Reveal { value, to: to.clone(), shape });
        }
        let here = to.iter().any(|name| self.trainer.session().is_here(name));
        Ok(here.then(|| revealed.into_iter().collect()))
    }
}

/// Test rows in parts that go through the network together.
fn test_parts(split: Split, lengths: &[usize], chunk: usize) -> Vec<TestPart> {
    let ranges =
        |length: usize| (0..length.div_ceil(chunk)).map(move |at| at * chunk..((at + 1) * chunk).min(length));
    match split {
        Split::Columns => {
            let owners: Vec<usize> = (0..lengths.len()).collect();
            ranges(lengths[0]).map(|rows| TestPart { owners: owners.clone(), rows }).collect()
        }
        Split::Rows => {
            let each = lengths.iter().enumerate();
            each.flat_map(|(at, &length)| ranges(length).map(move |rows| TestPart { owners: vec![at], rows }))
                .collect()
        }
    }
}

/// The first value that a member here received: a loss.
fn first(evaluation: &Evaluation) -> Option<f64> {
    evaluation.revealed.values().next().and_then(|values| Some(values.first()?.1.sum()))
}
