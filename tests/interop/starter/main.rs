//! The application of `tests/interop/spring` once more, on mq-starter.
//!
//! Listens to the topics `interop.theirs`-kind; sends to `interop.mine`-kind when a line of standard
//! input says so, and leaves in order when it ends.

mod endings;
mod listeners;
mod order;
#[path = "../rust/report.rs"]
mod report;
mod sends;

use std::path::Path;
use std::sync::Arc;

use mq_starter::config::{Settings, SettingsOptions};
use mq_starter::prelude::*;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::report::Report;

#[tokio::main]
async fn main() -> mq_starter::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .init();
    let options = SettingsOptions::from_process();
    let settings = Settings::load(&options)?;
    let report = Arc::new(Report::create(Path::new(
        &settings.resolve("${interop.out}")?,
    ))?);
    let app = RocketMQApplication::new()
        .settings(options)
        .provide_as::<Report>(Arc::clone(&report))
        .provide(Arc::clone(&report))
        .build()
        .await?;
    app.start().await?;
    report.line(&json!({ "ready": true }))?;
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while input.next_line().await?.is_some() {
        sends::everything(app.template(), &settings, &report).await?;
        report.line(&json!({ "all": true }))?;
    }
    app.shutdown().await?;
    Ok(())
}
