//! What is said when clients may come.

use std::io::Write;

use mq_core::settings::SettingProblem;

/// Prints to standard output, where a script may be reading.
pub(crate) fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Logs what a person should know about the settings.
pub(crate) fn warn(warnings: &[SettingProblem]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}
