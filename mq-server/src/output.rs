//! What commands print to standard output: lines, tables for people, JSON for programs; and what they say
//! beside it.
//!
//! Invariant: whoever reads the output may stop at any time, as `head` does; the command then ends without
//! a word.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

/// Why nothing more is printed.
#[derive(Debug)]
pub(crate) enum OutputError {
    /// Whoever read the output has gone.
    Closed,
    /// The output could not be written, as on a full disk.
    Io(io::Error),
    /// A value is no JSON; a programming error.
    Json(serde_json::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Io(error)
        }
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "nobody reads the output any more",
            Self::Io(_) => "could not write the output",
            Self::Json(_) => "could not write the output as JSON",
        })
    }
}

impl Error for OutputError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Closed => None,
            Self::Io(source) => Some(source),
            Self::Json(source) => Some(source),
        }
    }
}

/// Prints a line.
pub(crate) fn say(line: &str) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// Says something to standard error. Whether anybody reads it does not matter.
pub(crate) fn note(text: &impl fmt::Display) {
    drop(writeln!(io::stderr(), "mq: {text}"));
}

/// Prints a value as JSON over several lines.
pub(crate) fn say_json<T: Serialize>(value: &T) -> Result<(), OutputError> {
    say(&serde_json::to_string_pretty(value).map_err(OutputError::Json)?)
}

/// Prints a value as JSON in one line, for output that goes on.
pub(crate) fn say_json_line<T: Serialize>(value: &T) -> Result<(), OutputError> {
    say(&serde_json::to_string(value).map_err(OutputError::Json)?)
}

/// A table with `COLUMNS` columns, each as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(head: [&str; COLUMNS]) -> Self {
        Self {
            rows: vec![head.map(str::to_owned)],
        }
    }

    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let mut widths = [0; COLUMNS];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |row: &[String; COLUMNS]| {
            let cells = row.iter().zip(widths);
            let cells: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }

    pub(crate) fn print(&self) -> Result<(), OutputError> {
        self.lines().iter().try_for_each(|line| say(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["ID", "NAME"]);
        table.row(["ä1".to_owned(), "x".to_owned()]);
        table.row(["100".to_owned(), "yyyyy".to_owned()]);

        assert_eq!(table.lines(), ["ID   NAME", "ä1   x", "100  yyyyy"]);
    }

    #[test]
    fn a_reader_that_has_gone_is_told_from_a_full_disk() {
        let gone = OutputError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        let full = OutputError::from(io::Error::from(io::ErrorKind::StorageFull));

        assert!(matches!(gone, OutputError::Closed));
        assert!(matches!(full, OutputError::Io(_)));
    }
}
