//! `--metrics`: what the libraries count, for Prometheus, and whether this process is well.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

use crate::failure::Failure;
use crate::http::{self, Page};
use crate::stop::Stop;

/// Seconds that an evaluation may take, from a small network on a LAN to a large one far away.
const BUCKETS: [f64; 14] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];
/// How often what was recorded is summed up, asked for or not, so that it takes no memory.
const UPKEEP: Duration = Duration::from_secs(10);

/// Counts from here on and shows it at `address`, as `HOST:PORT`; returns where that is. Once a process.
///
/// `/healthz` is 200 until somebody asks the process to stop, then 503.
///
/// # Errors
/// If the address cannot be had.
pub fn start(address: &str, stop: &Stop) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind(address).map_err(|error| {
        Failure::system(format!(
            "cannot listen on {address} for --metrics: {error}; choose another ADDR:PORT"
        ))
    })?;
    let failed =
        |error: &dyn std::fmt::Display| Failure::system(format!("--metrics cannot be started: {error}"));
    let shown = listener.local_addr().map_err(|error| failed(&error))?;
    let recorded = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| failed(&error))?;
    describe();

    let upkeep = recorded.clone();
    let summing = move || {
        loop {
            std::thread::sleep(UPKEEP);
            upkeep.run_upkeep();
        }
    };
    std::thread::Builder::new().name("metrics".into()).spawn(summing).map_err(|error| failed(&error))?;
    let stop = stop.clone();
    let pages = move |path: &str| match path {
        "/metrics" => Some(Page {
            status: "200 OK",
            kind: "text/plain; version=0.0.4; charset=utf-8",
            body: recorded.render(),
        }),
        "/healthz" => Some(match stop.cause() {
            None => Page::text("200 OK", "ok"),
            Some(cause) => Page::text("503 Service Unavailable", &cause),
        }),
        _ => None,
    };
    http::serve(listener, Arc::new(pages)).map_err(|error| failed(&error))?;
    tracing::info!(address = %shown, "metrics are at /metrics");
    Ok(shown)
}

/// What `# HELP` says of each.
fn describe() {
    describe_counter!(
        "tacita_sent_bytes_total",
        Unit::Bytes,
        "Payload bytes sent to a peer, by phase: setup, offline, online"
    );
    describe_counter!(
        "tacita_received_bytes_total",
        Unit::Bytes,
        "Payload bytes received from a peer, by phase: setup, offline, online"
    );
    describe_gauge!("tacita_wait_seconds_total", Unit::Seconds, "Seconds spent waiting for a peer");
    describe_counter!(
        "tacita_rounds_total",
        Unit::Count,
        "Rounds in which this party and the others waited for each other"
    );
    describe_counter!(
        "tacita_evaluations_total",
        Unit::Count,
        "Evaluations that ended well, or were dealt for"
    );
    describe_histogram!("tacita_evaluation_seconds", Unit::Seconds, "Seconds that an evaluation took");
    describe_gauge!("tacita_build_info", Unit::Count, "1, labelled with the program's version");
    gauge!("tacita_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use metrics::{counter, histogram};

    use super::*;

    fn get(address: SocketAddr, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// One test, since a process has one recorder.
    #[test]
    fn what_was_counted_is_shown_until_a_stop_and_after() {
        let stop = Stop::default();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let failure = start(&address, &stop).unwrap_err();
        assert!(failure.code == 6 && failure.message.contains(&address), "{}", failure.message);
        assert_eq!(start("nonsense", &stop).unwrap_err().code, 6);

        let address = start("127.0.0.1:0", &stop).unwrap();
        counter!("tacita_sent_bytes_total", "peer" => "bob", "phase" => "online").increment(42);
        histogram!("tacita_evaluation_seconds").record(0.3);
        let (head, body) = get(address, "/metrics");
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("text/plain; version=0.0.4"), "{head}");
        for line in [
            "# TYPE tacita_sent_bytes_total counter",
            "# HELP tacita_sent_bytes_total Payload bytes sent to a peer",
            "tacita_sent_bytes_total{peer=\"bob\",phase=\"online\"} 42",
            "tacita_evaluation_seconds_bucket{le=\"0.25\"} 0",
            "tacita_evaluation_seconds_bucket{le=\"0.5\"} 1",
            "tacita_evaluation_seconds_count 1",
            concat!("tacita_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(body.contains(line), "no {line:?} in {body}");
        }
        assert_eq!(get(address, "/healthz").1, "ok\n");
        assert!(get(address, "/").0.starts_with("HTTP/1.1 404 "));

        stop.set("stopped by SIGTERM");
        let (head, body) = get(address, "/healthz");
        assert!(head.starts_with("HTTP/1.1 503 ") && body.contains("SIGTERM"), "{head} {body}");
        assert!(get(address, "/metrics").0.starts_with("HTTP/1.1 200 "));
    }
}
