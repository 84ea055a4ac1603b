//! What `demo` and `infer` say of a report.

use tacita::Report;

use crate::tables::{bytes, layers, number, percent, reveals, seconds};

/// Whose process a report is of: its memory, and the computing that the table times, are of those in it.
#[derive(Clone, Copy, PartialEq)]
pub enum Process {
    /// All members run in it.
    OfAll,
    /// One member does.
    OfOne,
}

/// All but labels: the table by layer, who learned what, cost, times, distance from the float model.
pub fn summary(report: &Report, process: Process) -> String {
    let (computing, members) = match process {
        Process::OfAll => ("the slowest party's", "with all members"),
        Process::OfOne => ("this party's", "of this member"),
    };
    let mut text = layers(&report.nodes, true);
    text += &format!(
        "rounds of different nodes overlap; bytes are the busiest party's and the dealer's; seconds are {computing} \
         computing\n\n"
    );
    text += &reveals(&report.reveals, "revealed");
    for note in &report.notes {
        text += &format!("note: {note}\n");
    }
    text += &format!(
        "\nonline    {} rounds, {} a party, {} on the wire\n",
        report.rounds,
        bytes(report.online_bytes_per_party),
        bytes(report.wire_bytes),
    );
    text += &format!("offline   {} from the dealer\n", bytes(report.offline_bytes));
    let s = &report.seconds;
    text += &format!(
        "time      setup {}, offline {}, online {}, total {}\n",
        seconds(s.setup),
        seconds(s.offline),
        seconds(s.online),
        seconds(s.total)
    );
    text += &format!("memory    {} {members}\n", bytes(report.peak_rss_bytes));
    if let (Some(largest), Some(mean)) = (report.max_abs_error, report.mean_abs_error) {
        text += &format!(
            "error     at most {}, {} on average, against the float model\n",
            number(largest),
            number(mean)
        );
    }
    if let Some(agreement) = report.argmax_agreement {
        text += &format!("agreement {} of labels are the float model's\n", percent(agreement));
    }
    text
}

fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// How many threads members have.
pub fn threads_of(party: usize, dealer: Option<usize>) -> String {
    let each = plural(party, "thread", "threads");
    match dealer.filter(|&dealer| dealer != party) {
        None => format!("{each} each"),
        Some(dealer) => format!("{each} a party and {dealer} for the dealer"),
    }
}

/// How it ran, in a line.
pub fn setting(report: &Report) -> String {
    format!(
        "{} and a dealer, {}, link {}, {} fractional bits; {} in batches of {}\n{}\ngraph {}\n",
        plural(report.parties, "party", "parties"),
        threads_of(report.threads, report.dealer_threads),
        report.transport,
        report.precision_bits,
        plural(report.samples, "sample", "samples"),
        report.batch,
        report.cpu,
        report.graph_digest,
    )
}

/// The last line if there are labels.
pub fn accuracy(report: &Report) -> Option<String> {
    let (private, plain) = (report.accuracy?, report.accuracy_plain?);
    Some(format!("accuracy: private {}, in the clear {}\n", percent(private), percent(plain)))
}

/// Labels that are printed.
const SHOWN: usize = 20;

/// The first labels, in a line.
pub fn first(labels: &[i64]) -> String {
    let shown: Vec<String> = labels.iter().take(SHOWN).map(i64::to_string).collect();
    let more = labels.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(" ") } else { format!("{} and {more} more", shown.join(" ")) }
}

/// Labels that an output says: itself if it is of indices, else where each row is largest.
pub fn labels(output: &ndarray::ArrayD<f64>, argmax: bool) -> Vec<i64> {
    if argmax {
        return output.iter().map(|&index| index as i64).collect();
    }
    let largest = |row: ndarray::ArrayViewD<'_, f64>| {
        let first = |best: (i64, f64), (index, &value): (usize, &f64)| {
            if value > best.1 { (index as i64, value) } else { best }
        };
        row.iter().enumerate().fold((0, f64::NEG_INFINITY), first).0
    };
    output.outer_iter().map(largest).collect()
}
