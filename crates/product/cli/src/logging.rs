//! Log lines on standard error, as much as was asked for. What is secret is never given to them.

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// The environment's word on what is logged, by part.
const VARIABLE: &str = "TACITA_LOG";

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// What ended something
    Error,
    /// What may need a person: the default
    Warn,
    /// Sessions and evaluations as they come and go
    Info,
    /// Connections and rounds
    Debug,
    /// Everything
    Trace,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One object a line
    Json,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> LevelFilter {
        match level {
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
            Level::Trace => LevelFilter::TRACE,
        }
    }
}

/// Starts logging for the rest of the process: as the option says, else as the environment does, else warnings.
///
/// # Errors
/// If the environment's word cannot be understood.
pub fn install(level: Option<Level>, format: Format) -> Result<(), Failure> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(level, std::env::var_os(VARIABLE))?)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let installed = match format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
    installed.map_err(|_| Failure::internal())
}

fn filter(level: Option<Level>, variable: Option<std::ffi::OsString>) -> Result<EnvFilter, Failure> {
    let filter =
        EnvFilter::builder().with_default_directive(LevelFilter::from(level.unwrap_or(Level::Warn)).into());
    let text = match (level, variable) {
        (None, Some(variable)) => variable.into_string().map_err(|_| misunderstood("it is no text"))?,
        _ => String::new(),
    };
    filter.parse(text).map_err(|error| misunderstood(&error.to_string()))
}

fn misunderstood(reason: &str) -> Failure {
    Failure::usage(format!(
        "the environment's {VARIABLE} is not understood ({reason}): it is a level, or levels by part, as in \
         {VARIABLE}=tacita_net=debug,warn"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(level: Option<Level>, variable: Option<&str>) -> Result<String, u8> {
        filter(level, variable.map(Into::into))
            .map(|filter| filter.to_string())
            .map_err(|failure| failure.code)
    }

    #[test]
    fn the_option_then_the_environment_then_warnings() {
        assert_eq!(shown(None, None), Ok("warn".into()));
        assert_eq!(shown(None, Some("")), Ok("warn".into()));
        assert_eq!(shown(None, Some("debug")), Ok("debug".into()));
        assert_eq!(shown(Some(Level::Info), Some("debug")), Ok("info".into()));
        let by_part = shown(None, Some("tacita_net=debug,error")).unwrap();
        assert!(by_part.contains("tacita_net=debug") && by_part.contains("error"), "{by_part}");
        assert_eq!(shown(None, Some("tacita_net=loud")), Err(2));
    }
}
