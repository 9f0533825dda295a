//! The line `ready …` on standard output, and warnings about the settings in the log.

use std::io::Write;

use mq_core::settings::SettingProblem;

/// Prints to standard output, where a script may be reading.
pub(crate) fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Logs the warnings about the settings.
pub(crate) fn warn(warnings: &[SettingProblem]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}
