//! A session whose members all live in this process.

use std::time::Duration;

use tacita_mpc::Config;
use tacita_net::{Limits, Shape, loopback, memory, shaped};

use crate::error::Error;
use crate::local_members::{LocalMembers, Member};
use crate::options::{Link, Options};

/// Links the members as the options say and starts them.
pub(crate) fn start(options: &Options) -> Result<LocalMembers, Error> {
    options.check()?;
    let names = options.party_names();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    all.push("dealer");
    all.extend(options.data_owners.iter().map(String::as_str));
    let limits = Limits { inbound: options.dealer_ahead.max(16 << 20), ..Limits::default() };
    let endpoints = match options.link {
        Link::Memory => memory(&all, &limits),
        Link::Loopback => loopback(&all, &limits)?,
        Link::Shaped { latency_ms, mbit } => {
            let latency = Duration::from_secs_f64(latency_ms / 1e3);
            shaped(&all, &limits, Shape { latency, bits_per_second: mbit * 1e6 })
        }
    };
    let mut config = Config {
        timeout: options.timeout,
        dealer_ahead: options.dealer_ahead,
        // as between machines
        overlap: matches!(options.link, Link::Shaped { .. }),
        ..Config::default()
    };
    config.hooks.insecure_fixed_seed = options.insecure_fixed_seed;
    let members = endpoints
        .into_iter()
        .enumerate()
        .map(|(index, endpoint)| Member {
            index,
            name: all[index].to_owned(),
            parties: names.len(),
            endpoint,
            config: config.clone(),
            threads: if index == names.len() { options.dealer_threads } else { options.threads },
            recipes: false,
            speaks: index == 0,
            ahead: None,
        })
        .collect();
    LocalMembers::start(members)
}
