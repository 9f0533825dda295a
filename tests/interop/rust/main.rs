//! Sends a plan of messages, or reports what it receives, with our own client.
//!
//! ```text
//! interop produce NAMESRV TOPIC KIND PLAN OUT
//! interop consume NAMESRV TOPIC GROUP MODE EXPRESSION MEMBER OUT
//! ```

mod consume;
mod later;
mod plan;
mod produce;
mod report;
mod transactions;

use std::error::Error;
use std::process::ExitCode;

use mq_core::reason::reason;

/// Why a program ends early; the runner shows the text.
type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .init();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments {
        ["produce", namesrv, topic, kind, plan, out] => {
            produce::run(namesrv, topic, kind, plan, out).await
        }
        [
            "consume",
            namesrv,
            topic,
            group,
            mode,
            expression,
            member,
            out,
        ] => {
            let who = consume::Who {
                namesrv,
                group,
                member,
            };
            consume::run(who, topic, mode, expression, out).await
        }
        _ => Err("interop produce … | interop consume …".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = reason(&*error), "stopped");
            ExitCode::FAILURE
        }
    }
}

/// The name servers of an argument such as `a:9876;b:9876`.
fn name_servers(argument: &str) -> impl Iterator<Item = &str> {
    argument.split(';')
}
