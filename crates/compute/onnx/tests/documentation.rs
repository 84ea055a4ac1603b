//! `docs/onnx.md` lists the operators that there are. To write it anew: `TACITA_WRITE_DOCS=1 cargo test -p tacita-onnx
//! --release --test documentation`.

use std::fmt::Write;

use tacita_onnx::{Imported, OPSETS, operators};

fn document() -> String {
    let mut text = String::from("# ONNX operators\n\n");
    let (least, most) = (OPSETS.start(), OPSETS.end());
    writeln!(
        text,
        "What can be imported, in versions {least} to {most} of ONNX's operators. Broadcasting, negative axes and old and new \
         places of\nattributes are as ONNX has them. Anything else is refused with the name of the node, its operation and the \
         reason.\nThis file is generated: see `crates/compute/onnx/tests/documentation.rs`.\n"
    )
    .unwrap();
    text += "A model whose sizes are open (the batch, a sequence) becomes a *template*; shapes are folded once its *sizes* are \
             numbers, and it is\na *graph* then. So arguments that follow from shapes may be computed in any way that has no data \
             in it.\n\n";
    text += "`since` is the first version with which an operator can be imported. What of ONNX's own tests passes, and what is \
             refused\nand why, is in [`onnx-backend.md`](onnx-backend.md).\n\n";
    text += "| operator | since | notes |\n| --- | ---: | --- |\n";
    for Imported { name, since, note } in operators() {
        writeln!(text, "| `{name}` | {since} | {note}{}|", if note.is_empty() { "" } else { " " }).unwrap();
    }
    text
}

#[test]
fn the_table_of_operators_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/onnx.md");
    if std::env::var_os("TACITA_WRITE_DOCS").is_some() {
        std::fs::write(path, document()).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap();
    assert!(there == document(), "docs/onnx.md is not current; this test's file says how to write it");
}
