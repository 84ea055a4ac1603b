//! Tables, and numbers as people read them.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use tacita::{NodeReport, Reveal};

/// One line, below the header.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

/// An empty table.
pub fn table(columns: &[Column]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(columns.iter().map(|column| column.0));
    for (index, Column(_, alignment)) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(*alignment);
        }
    }
    table
}

/// A column's name and how its cells are aligned.
pub struct Column(&'static str, CellAlignment);

/// A column of words.
pub fn words(name: &'static str) -> Column {
    Column(name, CellAlignment::Left)
}

/// A column of numbers.
pub fn numbers(name: &'static str) -> Column {
    Column(name, CellAlignment::Right)
}

/// The table by layer. Nodes that cost nothing at all, such as reshapes, are left out and counted.
pub fn layers(nodes: &[NodeReport], measured: bool) -> String {
    let mut columns =
        vec![words("name"), words("op"), numbers("rounds"), numbers("online"), numbers("offline")];
    if measured {
        columns.push(numbers("seconds"));
    }
    let mut table = table(&columns);
    let costs = |node: &&NodeReport| {
        node.rounds > 0 || node.online_bytes > 0 || node.offline_bytes > 0 || node.seconds >= 0.00005
    };
    let shown: Vec<&NodeReport> = nodes.iter().filter(costs).collect();
    for node in &shown {
        let mut row = vec![
            node.name.clone(),
            node.op.clone(),
            node.rounds.to_string(),
            bytes(node.online_bytes),
            bytes(node.offline_bytes),
        ];
        if measured {
            row.push(format!("{:.4}", node.seconds));
        }
        table.add_row(row);
    }
    let mut text = rendered(&table);
    let free = nodes.len() - shown.len();
    if free > 0 {
        text += &format!("{free} more {} nothing\n", if free == 1 { "node costs" } else { "nodes cost" });
    }
    text
}

/// The table's lines, without blanks at their ends.
pub fn rendered(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Who learns what.
pub fn reveals(reveals: &[Reveal], verb: &str) -> String {
    let mut text = String::new();
    for reveal in reveals {
        let Reveal { value, to, shape } = reveal;
        text += &format!("{verb} to {}: {value} {shape:?}\n", to.join(", "));
    }
    text += &format!("{verb} to anybody else, and of anything else: nothing\n");
    text
}

/// A count of bytes with three digits or so.
pub fn bytes(count: u64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if count < 1_000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1e3;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1e3;
        unit += 1;
    }
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {}", units[unit])
}

/// A time with three digits or so.
pub fn seconds(time: f64) -> String {
    match time {
        t if t >= 99.95 => format!("{t:.0} s"),
        t if t >= 0.9995 => format!("{t:.2} s"),
        t => format!("{:.1} ms", t * 1e3),
    }
}

/// A number of any size with three digits.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e6).contains(&size) => {
            let digits = (2 - size.log10().floor() as i32).max(0) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.2e}"),
    }
}

/// A fraction as people say it.
pub fn percent(fraction: f64) -> String {
    format!("{:.1} %", fraction * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let sizes = [0, 999, 1_000, 1_234, 12_345, 123_456, 999_600, 1_234_567, 9_996_000, u64::MAX];
        let short: Vec<String> = sizes.iter().map(|&n| bytes(n)).collect();
        let expected = [
            "0 B", "999 B", "1.00 kB", "1.23 kB", "12.3 kB", "123 kB", "1.00 MB", "1.23 MB", "10.0 MB",
            "18.4 EB",
        ];
        assert_eq!(short, expected);
        assert_eq!(
            [0.000_12, 0.25, 1.0, 12.34, 600.0].map(seconds),
            ["0.1 ms", "250.0 ms", "1.00 s", "12.34 s", "600 s"]
        );
        assert_eq!(
            [0.0, 1.5e-5, 0.012345, 1.0, 1234.5, 1e9].map(number),
            ["0", "1.50e-5", "0.0123", "1.00", "1234", "1.00e9"]
        );
        assert_eq!(percent(0.965), "96.5 %");
    }
}
