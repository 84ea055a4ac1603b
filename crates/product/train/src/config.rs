//! The configuration of a training, the same at all members.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacita_identity::{FileError, SessionFile};
use tacita_nn::{Optimiser, Schedule, Training};

use crate::sections::{
    LayerConfig, LinearModelConfig, LossConfig, OptimiserConfig, OwnerData, RevealConfig, ScheduleConfig,
    ScheduleKind, Split, is_table, positive,
};
use tacita_session::Error;
use tacita_session::{Allowance, agreed};

/// The version of the format that is read.
const VERSION: u32 = 1;
/// The longest file.
const MAX_BYTES: u64 = 1 << 20;

/// A training, as its file says. Fields are those of the TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Of the format: 1.
    pub version: u32,
    /// How the owners' data belongs together.
    pub split: Split,
    /// The loss; a linear model has its own.
    pub loss: Option<LossConfig>,
    /// How many classes; 2 for losses of two classes.
    pub classes: Option<usize>,
    /// Rows of a step, of all owners together.
    pub batch: usize,
    /// How often all rows are gone through; or `steps`.
    pub epochs: Option<f64>,
    /// How many steps are taken; or `epochs`.
    pub steps: Option<u64>,
    /// The shape of a sample, if arrays are to be read as another: `[1, 28, 28]`.
    pub sample_shape: Option<Vec<usize>>,
    /// Of the initial values, which are public.
    #[serde(default)]
    pub seed: u64,
    /// Of the order of rows: a number that all know, for experiments. Without it the members draw one together.
    pub order: Option<u64>,
    /// The share of every owner's rows that is kept for the test.
    #[serde(default)]
    pub test_share: f64,
    /// Whether the test is made after every epoch too, and not only in the end. Each time its figures are revealed.
    #[serde(default)]
    pub test_every_epoch: bool,
    /// Steps from one checkpoint to the next.
    #[serde(default = "checkpoint_every")]
    pub checkpoint_every: u64,
    /// The factor of the loss before derivatives are taken ([`Training::with_scale`]).
    pub gradient_scale: Option<f64>,
    /// The owners' data.
    #[serde(default)]
    pub data: Vec<OwnerData>,
    /// The network.
    #[serde(default)]
    pub layer: Vec<LayerConfig>,
    /// A linear model instead of `layer` and `loss`.
    pub model: Option<LinearModelConfig>,
    /// How parameters follow gradients; a linear model brings its own, which this replaces.
    pub optimiser: Option<OptimiserConfig>,
    /// How the rate changes.
    #[serde(default)]
    pub schedule: ScheduleConfig,
    /// The reveals and their receivers.
    #[serde(default)]
    pub reveal: RevealConfig,
    /// The folder that files are beside.
    #[serde(skip)]
    pub folder: PathBuf,
}

fn checkpoint_every() -> u64 {
    100
}

/// Read first, so that a file of another version is told as such and not by its unknown fields.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl TrainConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`FileError`] naming the file, the line or field, and what to write instead.
    pub fn read(path: &Path) -> Result<TrainConfig, Error> {
        let unreadable = |error| FileError::Read { path: path.into(), error };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_BYTES + 1), &mut bytes)
            .map_err(unreadable)?;
        let mut config = TrainConfig::parse(&bytes).map_err(|error| error.of(path))?;
        config.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(config)
    }

    /// Reads the bytes of a configuration, whatever they are; files are then beside the working directory.
    ///
    /// # Errors
    /// As [`TrainConfig::read`].
    pub fn parse(bytes: &[u8]) -> Result<TrainConfig, FileError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(FileError::invalid(format!("a configuration of more than {MAX_BYTES} bytes")));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| FileError::invalid("not UTF-8: save the file as UTF-8"))?;
        let broken = |error: toml::de::Error| {
            let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            let invalid = FileError::invalid(message);
            match error.span().filter(|span| span.start > 0) {
                Some(span) => invalid.in_line(1 + text[..span.start].matches('\n').count()),
                None => invalid,
            }
        };
        let Version { version } = toml::from_str(text).map_err(broken)?;
        if version != VERSION {
            return Err(FileError::invalid(format!("`version` {version}; this program reads {VERSION}")));
        }
        let config: TrainConfig = toml::from_str(text).map_err(broken)?;
        config.check().map_err(FileError::invalid)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        positive("batch", self.batch)?;
        match (self.model, self.loss) {
            (Some(_), Some(_)) => return Err("`loss` and [model]: a linear model has its own loss".into()),
            (None, None) => return Err("what is minimised? give `loss`, or a linear [model]".into()),
            _ => {}
        }
        match (self.loss(), self.classes) {
            (LossConfig::CrossEntropy, None) => {
                return Err("`loss` cross_entropy needs `classes`, how many there are".into());
            }
            (LossConfig::CrossEntropy, Some(classes)) if classes < 2 => {
                return Err(format!("`classes` {classes}: there are 2 or more"));
            }
            (LossConfig::BceWithLogits | LossConfig::Hinge, Some(classes)) if classes != 2 => {
                return Err(format!(
                    "`classes` {classes}: this `loss` is of two; use cross_entropy for more"
                ));
            }
            (LossConfig::Mse | LossConfig::L1 | LossConfig::Huber, Some(_)) => {
                return Err("`classes`: this `loss` is of numbers, not of classes".into());
            }
            (_, classes) => positive("classes", classes.unwrap_or(2))?,
        }
        match (self.epochs, self.steps) {
            (Some(_), Some(_)) => return Err("`epochs` and `steps`: give one of them".into()),
            (None, None) => return Err("how long is it trained? give `epochs` or `steps`".into()),
            (Some(epochs), None) if !(epochs > 0.0 && epochs <= 1e6) => {
                return Err(format!("`epochs` {epochs}: give more than 0, at most a million"));
            }
            (None, Some(0)) => return Err("`steps` 0: give 1 or more".into()),
            _ => {}
        }
        if !(0.0..1.0).contains(&self.test_share) {
            return Err(format!("`test_share` {}: a share is from 0 to less than 1", self.test_share));
        }
        if let Some(shape) = &self.sample_shape
            && (shape.is_empty() || self.split == Split::Columns)
        {
            return Err(
                "`sample_shape` is of rows of arrays: give one or more sizes, and split = \"rows\"".into()
            );
        }
        if self.checkpoint_every == 0 {
            return Err("`checkpoint_every` 0: give 1 or more".into());
        }
        if let Some(scale) = self.gradient_scale
            && !(scale.is_finite() && scale >= 1.0 && scale.log2().fract() == 0.0 && scale <= 65536.0)
        {
            return Err(format!("`gradient_scale` {scale}: give a power of two from 1 to 65536"));
        }
        self.check_data()?;
        match (&self.optimiser, self.model) {
            (Some(optimiser), _) => optimiser.check()?,
            (None, Some(_)) => {}
            (None, None) => {
                return Err("how is it trained? add [optimiser], such as rule = \"sgd\", lr = 0.1".into());
            }
        }
        self.schedule.check()?;
        self.model.map_or(Ok(()), LinearModelConfig::check)?;
        if self.model.is_some() && !self.layer.is_empty() {
            return Err("[[layer]] and [model]: a linear model is its network".into());
        }
        if self.layer.is_empty() && self.model.is_none() {
            return Err("no network: add [[layer]] sections, such as kind = \"linear\", outputs = 1".into());
        }
        self.layer.iter().try_for_each(LayerConfig::check)?;
        if !self.reveal.auc.is_empty()
            && !matches!(self.loss(), LossConfig::BceWithLogits | LossConfig::Hinge)
        {
            return Err("`auc` is of two classes: use it with bce_with_logits or hinge".into());
        }
        if !self.reveal.confusion.is_empty() && !self.loss().classifies() {
            return Err("`confusion` is of classes, and this `loss` is of numbers".into());
        }
        let has_test = self.test_share > 0.0 || self.has_test_files();
        match (self.reveal.tests(), has_test) {
            (true, false) => Err("figures of the test are to be revealed, and there are no rows for it: give `test_share` or `test_file`".into()),
            (false, true) => Err("rows are kept for a test of which nobody learns anything: list receivers under [reveal], or leave `test_share` and `test_file` out".into()),
            _ => Ok(()),
        }
    }

    fn check_data(&self) -> Result<(), String> {
        if self.data.is_empty() {
            return Err("no data: add a [[data]] section for each owner".into());
        }
        let mut owners = BTreeMap::new();
        for data in &self.data {
            let owner = &data.owner;
            tacita_identity::check_name(owner).map_err(|error| error.to_string())?;
            if owners.insert(owner, ()).is_some() {
                return Err(format!("two [[data]] sections of {owner}: one is enough"));
            }
            let table = is_table(&data.file);
            if !table && (data.columns.is_some() || data.label.is_some()) {
                return Err(format!(
                    "{owner}: `columns` and `label` are of tables (.csv); arrays have `labels`"
                ));
            }
            if table && (data.labels.is_some() || data.test_labels.is_some()) {
                return Err(format!("{owner}: a table has its labels in a column: give `label`, its name"));
            }
            if data.test_file.is_none() && data.test_labels.is_some() {
                return Err(format!("{owner}: `test_labels` without `test_file`"));
            }
            if data.test_file.as_ref().is_some_and(|test| is_table(test) != table) {
                return Err(format!(
                    "{owner}: `test_file` is of the form of `file`: both a table, or both an array"
                ));
            }
            if data.test_file.is_some() && data.labels.is_some() != data.test_labels.is_some() {
                return Err(format!("{owner}: `labels` and `test_labels` go together"));
            }
            if data.scale.is_some_and(|scale| !(scale.is_finite() && scale > 0.0)) {
                return Err(format!("{owner}: `scale` is what numbers are divided by, more than 0"));
            }
            if data.standardise && (self.split == Split::Rows || !table) {
                return Err(format!(
                    "{owner}: `standardise` is for columns of a table that one owner has whole; of rows that are split, and of \
                     arrays, let the network do it: begin it with kind = \"batch_norm\""
                ));
            }
        }
        let tests = self.data.iter().filter(|data| data.test_file.is_some()).count();
        if tests != 0 && self.test_share > 0.0 {
            return Err("`test_file` and `test_share`: give one of them".into());
        }
        if tests != 0 && tests != self.data.len() && self.split == Split::Columns {
            return Err("of columns that are split, all owners have a `test_file` or none".into());
        }
        let labelled: Vec<_> = self.data.iter().filter(|data| data.has_labels()).collect();
        match (self.split, labelled.len()) {
            (Split::Columns, 1) => Ok(()),
            (Split::Columns, 0) => {
                Err("nobody has labels: give one owner a `label` (a column) or `labels` (a file)".into())
            }
            (Split::Columns, _) => {
                Err("labels of two owners, and the rows are the same: leave one out".into())
            }
            (Split::Rows, count) if count == self.data.len() => Ok(()),
            (Split::Rows, _) => {
                let without =
                    self.data.iter().find(|data| !data.has_labels()).map_or("", |data| data.owner.as_str());
                Err(format!(
                    "{without} has no labels: each owner of rows has those of its rows (`label` or `labels`)"
                ))
            }
        }
    }

    /// The loss.
    pub fn loss(&self) -> LossConfig {
        self.model.map(LinearModelConfig::loss).or(self.loss).unwrap_or(LossConfig::Mse)
    }

    /// Loss, optimiser and scale. A linear model's are for `features` columns of `rows` rows.
    pub(crate) fn training(&self, features: usize, rows: usize) -> Training {
        let linear = self.model.map(|model| model.build(features, self.classes.unwrap_or(2), rows).training);
        let optimiser = match (&self.optimiser, &linear) {
            (None, Some(linear)) => *linear.optimiser(),
            (Some(optimiser), Some(linear)) if optimiser.weight_decay.is_none() => Optimiser {
                weight_decay: linear.optimiser().weight_decay,
                decays_all: linear.optimiser().decays_all,
                ..optimiser.optimiser()
            },
            (Some(optimiser), _) => optimiser.optimiser(),
            (None, None) => Optimiser::sgd(0.01),
        };
        let mut training = Training::new(self.loss().loss(), optimiser);
        if let Some(scale) = self.gradient_scale {
            training = training.with_scale(scale);
        }
        if self.is_scheduled() { training.paced() } else { training }
    }

    /// Whether the rate changes.
    fn is_scheduled(&self) -> bool {
        let schedule = &self.schedule;
        schedule.kind != ScheduleKind::Constant || schedule.warm_up > 0 || self.ends_low()
    }

    /// A margin's loss has kinks: steps of one length end beside the minimum.
    fn ends_low(&self) -> bool {
        matches!(self.model, Some(LinearModelConfig::LinearSvm { .. }))
            && self.schedule == ScheduleConfig::default()
    }

    /// The schedule of the learning rate, if it changes, in a training of so many steps.
    pub(crate) fn schedule(&self, steps: u64) -> Option<Schedule> {
        let low = ScheduleConfig { kind: ScheduleKind::Cosine, ..ScheduleConfig::default() };
        let schedule = if self.ends_low() { &low } else { &self.schedule };
        self.is_scheduled().then(|| schedule.schedule(steps))
    }

    /// Whether test rows are in files of their own.
    pub fn has_test_files(&self) -> bool {
        self.data.iter().any(|data| data.test_file.is_some())
    }

    /// How many classes labels have; none if they are numbers.
    pub fn label_classes(&self) -> Option<usize> {
        self.loss().classifies().then(|| self.classes.unwrap_or(2))
    }

    /// Everything that is revealed, and to whom.
    pub fn reveals(&self) -> Vec<(&'static str, &[String])> {
        let RevealConfig { loss, accuracy, auc, confusion, model } = &self.reveal;
        let accuracy_or_loss = if self.loss().classifies() { "accuracy" } else { "test loss" };
        let all = [
            ("loss", loss),
            (accuracy_or_loss, accuracy),
            ("auc", auc),
            ("confusion", confusion),
            ("model", model),
        ];
        all.into_iter().filter(|(_, to)| !to.is_empty()).map(|(value, to)| (value, to.as_slice())).collect()
    }

    /// Refuses to reveal to others what a member has not agreed to. All of it is computed from everybody's data.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] that names the first such value, its receiver, and what to type.
    pub fn consent(&self, me: &str, allowed: &[Allowance]) -> Result<(), Error> {
        self.reveals().into_iter().try_for_each(|(value, to)| agreed(value, to, me, allowed))
    }

    /// Refuses owners and receivers that a session has not.
    ///
    /// # Errors
    /// [`Error::Usage`] that names the first.
    pub fn check_members(&self, file: &SessionFile) -> Result<(), Error> {
        let is_member =
            |name: &String| file.parties.iter().chain(&file.owners).any(|member| member.name == *name);
        let names = self.data.iter().map(|data| &data.owner).chain(self.reveal.receivers());
        match names.into_iter().find(|name| !is_member(name)) {
            None => Ok(()),
            Some(name) => Err(Error::Usage(format!(
                "the configuration has data or results of {name}, who is no member of the session ({}) that owns or receives anything",
                file.names()
            ))),
        }
    }

    /// The text that members compare: everything except the places of files.
    pub(crate) fn told(&self) -> String {
        let mut same = self.clone();
        for data in &mut same.data {
            for path in [
                Some(&mut data.file),
                data.labels.as_mut(),
                data.test_file.as_mut(),
                data.test_labels.as_mut(),
            ] {
                path.into_iter().for_each(String::clear);
            }
        }
        serde_json::to_string_pretty(&same).unwrap_or_default()
    }

    /// The identity of a checkpoint's training: everything except the places of files, the length, and how often it is saved.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let same = TrainConfig { epochs: None, steps: None, checkpoint_every: 1, ..self.clone() };
        blake3::derive_key("tacita training v1", same.told().as_bytes())
    }
}
