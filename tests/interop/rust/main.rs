//! Sends a plan of messages, or reports what it receives, with our own client.
//!
//! ```text
//! interop produce NAMESRV TOPIC KIND PLAN OUT
//! interop consume NAMESRV TOPIC GROUP MODE EXPRESSION MEMBER OUT
//! interop traced NAMESRV TOPIC OUT
//! interop embedded HOME LISTEN TOPIC KIND MODE EXPRESSION MEMBERS PLAN
//! ```

mod consume;
mod embedded;
mod later;
mod plan;
mod produce;
mod pulling;
mod report;
mod traced;
mod transactions;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use mq_core::client::{Client, ClientConfig};
use mq_core::clock::Clock;
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
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = reason(&*error), "stopped");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Result<(), Failure> {
    match *arguments {
        ["produce", namesrv, topic, kind, plan, out] => {
            let client = Client::new(settings(namesrv), Clock::system())?;
            produce::run(client, topic, kind, Path::new(plan), Path::new(out)).await
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
            let mut settings = settings(namesrv);
            consume::as_member(&mut settings, member);
            let client = Client::new(settings, Clock::system())?;
            let subscription = consume::Subscription {
                topic,
                group,
                mode,
                expression,
            };
            consume::run(client, subscription, Path::new(out)).await
        }
        ["traced", namesrv, topic, out] => {
            let client = Client::new(settings(namesrv), Clock::system())?;
            traced::run(client, topic, Path::new(out)).await
        }
        [
            "embedded",
            home,
            listen,
            topic,
            kind,
            mode,
            expression,
            members,
            plan,
        ] => {
            let scene = embedded::Scene {
                home: Path::new(home),
                topic,
                kind,
                mode,
                expression,
                members: members.parse()?,
                plan: Path::new(plan),
            };
            let listen = (listen != "-").then(|| listen.to_owned());
            embedded::run(&scene, listen).await
        }
        _ => Err("interop produce … | interop consume … | interop embedded …".into()),
    }
}

/// The settings for name servers such as `a:9876;b:9876`.
fn settings(name_servers: &str) -> ClientConfig {
    ClientConfig::new(name_servers.split(';'))
}
