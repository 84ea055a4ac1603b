//! The page that says what passes and what is refused.

use std::collections::BTreeMap;
use std::fmt::Write;

use tacita_onnx::testing::{Test, interface};

use crate::verdict::Verdict;

/// Whether the operator is spelled out by those it is a function of.
pub fn is_spelled_out(test: &Test) -> bool {
    test.name.contains("_expanded")
}

/// The operator that a test is of: that of its node, or of its last where it has several.
pub fn operator(test: &Test) -> String {
    let operations = interface(&test.model).map(|interface| interface.operations).unwrap_or_default();
    operations.last().cloned().unwrap_or_default()
}

/// What becomes of the tests of an operator.
#[derive(Default)]
struct Row {
    passed: usize,
    fixed: usize,
    refused: BTreeMap<String, usize>,
}

impl Row {
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passes { fixed } => {
                self.passed += 1;
                self.fixed += usize::from(*fixed);
            }
            Verdict::Refused { op, reason } => {
                let reason = match (op.as_str(), reason.split_once("; only floats")) {
                    ("input", Some(_)) => {
                        "inputs of types other than float, int32, int64 and bool".to_string()
                    }
                    ("input", None) => format!("input: {reason}"),
                    _ => reason.clone(),
                };
                *self.refused.entry(without_names(&reason)).or_default() += 1;
            }
            Verdict::Differs => {
                let reason =
                    "differs, as in onnxruntime and PyTorch: `align_corners` and a size that is no integer";
                *self.refused.entry(reason.to_string()).or_default() += 1;
            }
            Verdict::Drawn => {
                let reason = "imported; its numbers are random, and their shape is as expected";
                *self.refused.entry(reason.to_string()).or_default() += 1;
            }
            Verdict::Fails(why) => panic!("{why}"),
        }
    }

    fn refusals(&self) -> usize {
        self.refused.values().sum()
    }

    /// The reasons, the most frequent first.
    fn reasons(&self) -> String {
        let mut reasons: Vec<(&String, &usize)> = self.refused.iter().collect();
        reasons.sort_by_key(|(reason, count)| (usize::MAX - **count, (*reason).clone()));
        let all = self.refused.len() == 1;
        let reasons = reasons.into_iter();
        let lines: Vec<String> = reasons
            .map(|(reason, count)| if all { reason.clone() } else { format!("{count}: {reason}") })
            .collect();
        lines.join("; ").replace('|', "\\|")
    }
}

/// The reason without the names that tests give to their tensors, which say nothing.
fn without_names(reason: &str) -> String {
    let mut words: Vec<&str> = reason.split(' ').collect();
    for index in 1..words.len() {
        if ["tensor", "weight", "node", "output"].contains(&words[index - 1]) && words[index].starts_with('"')
        {
            words[index] = if words[index].ends_with(',') {
                "…,"
            } else if words[index].ends_with(':') {
                "…:"
            } else {
                "…"
            };
        }
    }
    words.join(" ")
}

fn table(text: &mut String, head: &str, rows: &BTreeMap<String, Row>) {
    writeln!(text, "| {head} | pass | do not | why |\n| --- | ---: | ---: | --- |").unwrap();
    for (name, row) in rows {
        let reasons = row.reasons();
        let space = if reasons.is_empty() { "" } else { " " };
        writeln!(text, "| `{name}` | {} | {} | {reasons}{space}|", row.passed, row.refusals()).unwrap();
    }
}

fn count(verdicts: &[Verdict], test: impl Fn(&Verdict) -> bool) -> usize {
    verdicts.iter().filter(|verdict| test(verdict)).count()
}

pub fn page(tests: &[Test], verdicts: &[Verdict]) -> String {
    let (mut by_operator, mut spelled_out) = (BTreeMap::<String, Row>::new(), BTreeMap::<String, Row>::new());
    for (test, verdict) in tests.iter().zip(verdicts) {
        if !is_spelled_out(test) {
            by_operator.entry(operator(test)).or_default().add(verdict);
            continue;
        }
        // Of a function's body, the table is by the operator that is refused.
        let op = match verdict {
            Verdict::Refused { op, .. } => op.as_str(),
            _ => "all imported",
        };
        spelled_out.entry(op.to_string()).or_default().add(verdict);
    }
    let all = tests.len();
    let passed = count(verdicts, |verdict| matches!(verdict, Verdict::Passes { .. }));
    let fixed = count(verdicts, |verdict| matches!(verdict, Verdict::Passes { fixed: true }));
    let differ = count(verdicts, |verdict| matches!(verdict, Verdict::Differs));
    let drawn = count(verdicts, |verdict| matches!(verdict, Verdict::Drawn));
    let refused = all - passed - differ - drawn;
    let mut text = format!(
        "# ONNX's own tests\n\n\
         The `onnx` package 1.22.0 has {all} tests of single operators and of the functions that they are composed of (its\n\
         backend data, `node`). Each is a model with inputs and the outputs that are expected. Here {passed} pass,\n\
         {refused} are refused, {drawn} have random results, of which the shape alone can be compared\n\
         (`crates/compute/onnx/tests/random.rs` looks at distributions), and {differ} give what onnxruntime and PyTorch compute instead of what is expected; no other\n\
         gives a wrong result. This file is generated: `crates/compute/onnx/tests/backend/main.rs` says how, and compares it in the\n\
         slow run, after `tools/fetch_onnx_tests.py`.\n\n\
         How a test is put: a model has one input here, so the first of a test's inputs that has axes is the data, private to\n\
         one owner, and the others become tensors of the file before it is imported: weights, private to another owner, or\n\
         public where the operator needs to know them (axes, indices, shapes, bounds of Clip). A Softmax that is left to\n\
         the receiver is computed. A test passes if the evaluation in f64 is what is expected, within the package's\n\
         own tolerance (10⁻³ of the number and 10⁻⁷), and the evaluation in fixed point, at 16 bits and with\n\
         truncations rounded down and to the nearest, is that in f64 within the operations' error bounds; {fixed} are compared\n\
         in fixed point, for the others have values that are too large for it.\n\n\
         ## Operators\n\n"
    );
    table(&mut text, "operator", &by_operator);
    text += "\n## Functions spelled out\n\n\
             The bodies of operators that are functions of others. By the operator in the body that is refused.\n\n";
    table(&mut text, "refused operator", &spelled_out);
    text
}
