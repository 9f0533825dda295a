//! `mq standalone` from the release build.

use anyhow::Result;
use tempfile::TempDir;
use tokio::process::Command;

use super::process::Server;
use super::settings::TRANSACTION_CHECKS;
use crate::bench::{Bench, Flush};

/// Starts it on the store below `directory`.
pub(crate) async fn start(bench: &Bench, flush: Flush, directory: TempDir) -> Result<Server> {
    let mut command = Command::new(&bench.mq);
    command
        .args(["standalone", "--bind", "127.0.0.1"])
        .args(["--namesrv-port", "0", "--broker-port", "0"])
        .args(["--flush", flush.name(), "--store"])
        .arg(directory.path().join("store"));
    for (key, value) in TRANSACTION_CHECKS {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    Server::start(command, directory, &bench.clock).await
}
