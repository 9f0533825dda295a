//! The tables that a run prints: the machine, one table for each case, the system calls, the bars.

use std::fmt::Write;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

use crate::bars::BARS;
use crate::results::{NULL, Results, Row};
use crate::sample::{Figure, Spread};

/// Rarer calls, for each message, are left out of the table; all are in the JSON file.
const TELLING: f64 = 0.005;

/// Beyond this part of the machine for others, figures do not count.
const FOREIGN_LIMIT: f64 = 0.1;

/// Everything that a run prints.
pub(crate) fn text(results: &Results) -> String {
    let mut text = String::new();
    let mut part = |title: &str, content: String| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "\n## {title}\n\n{content}\n");
    };
    part("Machine", machine(results));
    let mut cases: Vec<&str> = results.rows.iter().map(|row| row.case.as_str()).collect();
    cases.dedup();
    for case in cases {
        let rows = results.rows.iter().filter(|row| row.case == case);
        part(case, table(results, &rows.collect::<Vec<_>>()));
    }
    if !results.calls.is_empty() {
        part("System calls", calls(results));
    }
    part("Bars", bars(results));
    text
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = format!(
        "{} × {}, {} MiB, Linux {}, load before the run {}; commit {}. Of each figure: median \
         (lowest – highest).\n\nOther programs and the host took {:.0} % of all processors' time{}",
        machine.cpus,
        machine.cpu,
        machine.memory_mib,
        machine.kernel,
        machine.load_before,
        results.revision,
        results.foreign_cpu * 100.0,
        if results.foreign_cpu > FOREIGN_LIMIT {
            ": the figures below are those of a busy machine, run again on a quiet one."
        } else {
            "."
        },
    );
    if let Some(touch) = results.first_touch {
        let cost = (touch.first_ns - touch.again_ns).max(0.0);
        let _infallible = write!(
            text,
            "\n\nFirst touch of memory: {:.0} ns a KiB, once more {:.0} ns; {cost:.0} ns a KiB are the \
             machine's own first touch of {} MiB. They are in no figure below, since memory is touched \
             once more before each load is measured.",
            touch.first_ns, touch.again_ns, touch.mib,
        );
    }
    text
}

/// One line for each load and contender, a column for each figure that there is.
fn table(results: &Results, rows: &[&Row]) -> String {
    let figures: Vec<Figure> = Figure::ALL
        .into_iter()
        .filter(|figure| rows.iter().any(|row| row.spread(*figure).is_some()))
        .collect();
    let has_null = rows.iter().any(|row| row.subject == NULL);
    let mut titles = vec!["load", "of"];
    if has_null {
        titles.push("÷ null");
    }
    titles.extend(figures.iter().map(|figure| figure.title()));
    let mut table = markdown(&titles, 2);
    for row in rows {
        let mut cells = vec![row.load.clone(), row.subject.clone()];
        if has_null {
            let ratio = results.ratio(row, NULL);
            cells.push(ratio.map_or_else(String::new, spread));
        }
        cells.extend(figures.iter().map(|figure| {
            let found = row.spread(*figure);
            found.map_or_else(String::new, spread)
        }));
        table.add_row(cells);
    }
    table.to_string()
}

fn calls(results: &Results) -> String {
    let mut table = markdown(&["load", "of", "calls a message", "messages"], 3);
    for row in &results.calls {
        let mut each: Vec<_> = row
            .by_name
            .keys()
            .map(|name| (row.per_message(name), name))
            .collect();
        each.retain(|(calls, _)| *calls >= TELLING);
        each.sort_by(|one, other| other.0.total_cmp(&one.0));
        let each = each
            .iter()
            .map(|(calls, name)| format!("{name} {calls:.3}"));
        let each: Vec<_> = each.collect();
        table.add_row([
            row.load.clone(),
            row.subject.clone(),
            each.join(", "),
            row.messages.to_string(),
        ]);
    }
    table.to_string()
}

fn bars(results: &Results) -> String {
    let mut table = markdown(&["case", "before", "bar", "measured", ""], 4);
    for bar in BARS {
        let measured = (bar.measured)(results);
        let (figure, verdict) = match measured {
            None => ("not measured".to_owned(), ""),
            Some(figure) if bar.limit.holds(figure) => (number(figure), "held"),
            Some(figure) => (number(figure), "MISSED"),
        };
        let limit = format!("{} {}", bar.limit.text(), bar.unit);
        table.add_row([bar.case, bar.before, limit.trim_end(), &figure, verdict]);
    }
    table.to_string()
}

/// A table in Markdown; the columns behind the first `texts` hold numbers.
fn markdown(titles: &[&str], texts: usize) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(titles);
    for column in table.column_iter_mut().skip(texts) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn spread(found: Spread) -> String {
    if found.min >= found.max {
        return number(found.median);
    }
    let [median, min, max] = [found.median, found.min, found.max].map(number);
    format!("{median} ({min} – {max})")
}

/// Three digits, or all before the point.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..1.0 => format!("{value:.3}"),
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::sample::Sample;

    #[test]
    fn a_report_compares_each_contender_with_null_and_shows_every_figure_that_there_is() {
        let mut results = Results::new(Machine::default(), Vec::new());
        for (mq, null) in [(50.0, 100.0), (90.0, 100.0), (75.0, 100.0)] {
            let rate = |value| Sample::from([(Figure::PerSecond, value)]);
            results.add("native", "1 KiB", NULL, rate(null));
            results.add("native", "1 KiB", "mq sync", rate(mq));
        }
        results.add(
            "append",
            "1 thread",
            "store",
            Sample::from([(Figure::AppendNs, 250.4)]),
        );

        let text = text(&results);

        assert!(text.contains("0.750 (0.500 – 0.900)"), "{text}");
        assert!(text.contains("75.0 (50.0 – 90.0)"), "{text}");
        assert!(text.contains("| 250 |"), "{text}");
        assert!(!text.contains("ready ms"), "{text}");
    }

    #[test]
    fn numbers_have_three_digits() {
        let numbers = [0.0, 0.1234, 1.234, 12.34, 123.4, 123_456.7].map(number);

        assert_eq!(numbers, ["0", "0.123", "1.23", "12.3", "123", "123457"]);
    }
}
