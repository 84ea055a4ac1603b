//! The program `tacita`.
fn main() {}
