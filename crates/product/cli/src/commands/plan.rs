//! `tacita plan`.

use tacita::onnx::BATCH;
use tacita::{Estimate, Options, SessionFile};

use crate::arguments::PlanArguments;
use crate::failure::Failure;
use crate::files;
use crate::print::{Answer, json};
use crate::tables::{bytes, layers, numbers, rendered, reveals, seconds, table, words};

/// Inputs that are listed one by one.
const LISTED: usize = 6;
/// Warnings that are.
const WARNINGS: usize = 3;

/// Plans a model or an exported graph.
pub fn run(arguments: &PlanArguments) -> Result<Answer, Failure> {
    let path = &arguments.model;
    let (template, public, notes) = if files::is_graph(path) {
        if arguments.owners.any() {
            let reason = "owners and reveals are fixed in it; leave --weights, --input, --reveal, --argmax, --range out";
            return Err(Failure::usage(format!("{} is a graph: {reason}", path.display())));
        }
        (files::template(path)?, None, vec![])
    } else {
        let model = files::model(path, &arguments.owners.import_options())?;
        // in the file's own words
        let said = |c: &tacita::onnx::PublicConstant| format!("{} = {} (for {})", c.name, c.value, c.used_by);
        (model.template, Some(model.public_constants.iter().map(said).collect()), model.notes)
    };
    let (mut sizes, batch) = arguments.sizes.given()?;
    match (template.fixed_batch(), batch) {
        (Some(fixed), Some(asked)) if fixed != asked => {
            let hint = "leave --batch out, or export the model with an open first axis";
            return Err(Failure::usage(format!(
                "{}: the model fixes its batch at {fixed}, not {asked}: {hint}",
                path.display()
            )));
        }
        (Some(_), _) => {}
        (None, batch) if template.names().contains(BATCH) => {
            sizes.insert(BATCH.to_owned(), batch.unwrap_or(1));
        }
        (None, _) => {}
    }
    let parties = arguments.parties.map_or_else(|| template.example().owners().len().max(2), usize::from);
    let defaults = Options::default();
    let link = arguments.link.unwrap_or(defaults.link);
    let foreseen = match &arguments.session {
        Some(session) => tacita::estimate_session(&template, &sizes, &SessionFile::read(session)?, link),
        None => {
            let precision = arguments.precision.bits.into();
            tacita::estimate(&template, &sizes, &Options { parties, precision, link, ..defaults })
        }
    };
    let mut foreseen = foreseen.map_err(|error| Failure::from(error).about(path))?;
    if let Some(public) = public {
        foreseen.public_constants = public;
    }
    Ok(Answer { text: text(&foreseen, &notes), json: json(&foreseen) })
}

fn text(plan: &Estimate, notes: &[String]) -> String {
    let mut text = format!(
        "graph {}\n{} parties{} and a dealer, batch {}, {} fractional bits, values below 2^{}\n\n",
        plan.graph_digest,
        plan.parties,
        match plan.data_owners {
            0 => String::new(),
            1 => ", a data owner".to_owned(),
            more => format!(", {more} data owners"),
        },
        plan.batch,
        plan.precision_bits,
        plan.range_bits
    );
    text += &layers(&plan.nodes, false);
    text += &format!(
        "\nonline    {} rounds, {} a party\noffline   {} from the dealer\nsetup     {} a party, once a session\n",
        plan.rounds,
        bytes(plan.online_bytes_per_party),
        bytes(plan.offline_bytes),
        bytes(plan.setup_bytes_per_party),
    );
    if plan.data_owners > 0 {
        text += &format!("owners    {} a data owner\n", bytes(plan.bytes_per_data_owner));
    }
    text += "\n";
    let mut times = table(&[
        words("network"),
        numbers("latency"),
        numbers("rate"),
        numbers("offline"),
        numbers("online"),
        numbers("both at once"),
    ]);
    for prediction in &plan.predictions {
        let network = prediction.network;
        times.add_row([
            network.name.to_owned(),
            format!("{} ms", network.latency_ms),
            format!("{} Mbit/s", network.mbit),
            seconds(prediction.offline_seconds),
            seconds(prediction.online_seconds),
            seconds(prediction.seconds),
        ]);
    }
    text += &format!("communication of a batch; computing is not in it\n{}\n", rendered(&times));
    text += &reveals(&plan.reveals, "to be revealed");
    text += "\ninputs\n";
    for input in plan.inputs.iter().take(LISTED) {
        text += &format!("  {input}\n");
    }
    if plan.inputs.len() > LISTED {
        text += &format!("  and {} more, all listed with --json\n", plan.inputs.len() - LISTED);
    }
    text += "\npublic constants\n";
    if plan.public_constants.is_empty() {
        text += "  none\n";
    }
    for constant in &plan.public_constants {
        text += &format!("  {constant}\n");
    }
    for note in notes {
        text += &format!("note: {note}\n");
    }
    for warning in plan.warnings.iter().take(WARNINGS) {
        text += &format!("warning: {warning}\n");
    }
    if plan.warnings.len() > WARNINGS {
        text += &format!("warning: and {} more, all listed with --json\n", plan.warnings.len() - WARNINGS);
    }
    if !plan.warnings.is_empty() {
        text +=
            "warnings are of what is possible; `tacita check` tells from samples how much room there is\n";
    }
    text
}
