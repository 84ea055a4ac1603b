//! A whole training from a configuration: all members in this process, or one of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tacita_graph::{Graph, Inputs, NodeId, Role, Visibility};
use tacita_identity::{FileError, Identity, SessionFile};
use tacita_net::Interrupter;
use tacita_nn::{Layer, Step};

use crate::agreement::{Agreed, Division};
use crate::checkpoint::{self, Checkpoints, Secret, expected};
use crate::config::TrainConfig;
use crate::data::Own;
use crate::graphs::Blueprint;
use crate::network::network;
use crate::order::composition;
use crate::report::{TestFigures, TrainReport};
use crate::sections::Split;
use crate::steps::TrainingRun;
use crate::trainer::Trainer;
use tacita_session::ConnectOptions;
use tacita_session::Error;
use tacita_session::Options;
use tacita_session::Seconds;
use tacita_session::Session;

/// Settings that a member chooses for itself.
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
    /// Its results and costs.
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
        // what differs between two batches follows the batch
        let network = |batch: usize| -> Result<(Graph, NodeId), Error> {
            let mut graph = Graph::new();
            let owner = graph.owner("owner");
            let shape = [&[batch], self.sample.as_slice()].concat();
            let x = graph.input("rows", &shape, Visibility::Private(owner), Role::Data)?;
            let y = self.network.apply(&mut graph, x)?;
            Ok((graph, y))
        };
        let ((graph, y), (other, _)) = (network(2)?, network(3)?);
        let bytes = tacita_onnx::export_open_bytes(&graph, &other, &[("outputs", y)], model);
        bytes.map(Some).map_err(|error| Error::Usage(format!("the model cannot be written as ONNX: {error}")))
    }

    /// Tells the others that this member has all that it wanted, and waits for their word.
    ///
    /// # Errors
    /// If another member fails.
    pub fn finish(self) -> Result<(), Error> {
        self.session.tell("finished", &[]).map(drop)
    }

    /// Tells the others that this member cannot use what it got.
    pub fn abandon(self, cause: &str) {
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
    let stores = match checkpoint_folder(own)? {
        None => vec![],
        Some(folder) => {
            let secret = Secret::Local(checkpoint::local_secret(folder)?);
            let of = [blake3::derive_key("tacita local training v1", &[]), config.digest()];
            checkpoint::stores(folder, parties, secret, of)
        }
    };
    check_stores(&stores, own)?;
    let session = Session::with_options(options.clone())?;
    let (transport, threads) = (options.link.to_string(), options.threads);
    let me = "everybody";
    Setting { config, me, stores, resume: own.resume, transport, threads, begun }.run(session, data, progress)
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
    let of = [file.hash, config.digest()];
    let here = |folder| checkpoint::stores(folder, vec![me.to_owned()], Secret::Identity(identity), of);
    let stores = checkpoint_folder(own)?.map_or(vec![], here);
    check_stores(&stores, own)?;
    let session = Session::connect_with(file, me, identity, options)?;
    opened(session.interrupters());
    let (transport, threads) = ("tcp".to_owned(), options.threads);
    Setting { config, me, stores, resume: own.resume, transport, threads, begun }.run(session, data, progress)
}

fn checkpoint_folder(own: &TrainOptions) -> Result<Option<&Path>, Error> {
    let Some(folder) = &own.checkpoints else {
        return match own.resume {
            true => Err(Error::Usage("what is to be resumed? give --checkpoints DIR".into())),
            false => Ok(None),
        };
    };
    if !folder.is_dir() && !own.resume {
        std::fs::create_dir(folder).map_err(|error| FileError::Write { path: folder.clone(), error })?;
    }
    Ok(Some(folder))
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

/// A training as members of this process are to make it.
pub(crate) struct Setting<'a> {
    pub config: &'a TrainConfig,
    /// The name of the member here, for messages.
    pub me: &'a str,
    /// Of each computing party here.
    pub stores: Vec<(String, Checkpoints<'a>)>,
    pub resume: bool,
    pub transport: String,
    pub threads: usize,
    pub begun: Instant,
}

impl<'a> Setting<'a> {
    fn run(
        self,
        session: Session,
        mut data: BTreeMap<String, Own>,
        progress: &mut dyn FnMut(&TrainProgress<'_>),
    ) -> Result<Trained, Error> {
        let agreed = self.agree(&session, &data).and_then(|agreed| {
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
        let mut run = TrainingRun {
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
        match run.take_steps(resumed, progress) {
            Ok((report, model)) => {
                Ok(Trained { session: run.trainer.into_session(), report, model, network, sample })
            }
            Err(error) => {
                let cause = run.setting.cannot();
                run.trainer.session().abandon(&cause);
                Err(error)
            }
        }
    }

    /// The message to others about an error that may name private values.
    pub fn cannot(&self) -> String {
        format!("{} cannot go on with the training, and was told why", self.me)
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
                (Trainer::go_on(session, training, &graph, &step, (kept, at))?, losses)
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
