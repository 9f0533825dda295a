//! The listeners as a table, for the log at start.

/// The rows below a heading, with columns as wide as their longest cell.
pub(super) fn aligned(rows: impl Iterator<Item = [String; 6]>) -> String {
    let head = ["listener", "topic", "selector", "group", "mode", "where"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut table = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        table.push_str("\n  ");
        table.push_str(cells.join("  ").trim_end());
    }
    table
}
