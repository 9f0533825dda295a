//! The whole demo in one command: the broker, shop-order and shop-user.
//!
//! `demo-shop` runs all three in this process, `demo-shop --separate` in three processes.

mod separate;
mod story;
mod together;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mq_core::stop::Asked;
use mq_starter::config::{ConfigErrors, ConfigProblem, RocketMQConfig, Settings, SettingsOptions};

const PORT_KEY: &str = "server.port";

const SETTINGS_HELP: &str = "Any setting can be given as --KEY=VALUE, such as --server.port=0 or \
                             --rocketmq.embedded.flush=interval.";

/// An order becomes a text message.
#[derive(Debug, Parser)]
#[command(name = "demo-shop", version, about, after_help = SETTINGS_HELP)]
struct Arguments {
    /// Run the broker, shop-order and shop-user as processes of their own
    #[arg(long)]
    separate: bool,
    /// Use the cluster at this address instead of a broker of our own
    #[arg(long, value_name = "HOST:PORT")]
    name_server: Option<String>,
    /// Only this part, as a process of its own
    #[arg(long, hide = true)]
    part: Option<ServicePart>,
    /// Words such as `--server.port=0`.
    #[arg(skip)]
    settings: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ServicePart {
    Order,
    User,
}

impl Arguments {
    /// Settings stand anywhere between the options; a word that is neither is refused.
    fn of(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let (settings, words): (Vec<_>, Vec<_>) = words
            .into_iter()
            .partition(|word| word.to_str().is_some_and(is_setting));
        let mut arguments =
            Self::try_parse_from([OsString::from("demo-shop")].into_iter().chain(words))?;
        let settings = settings
            .into_iter()
            .filter_map(|word| word.into_string().ok());
        arguments.settings = settings.collect();
        Ok(arguments)
    }

    /// The settings of a service, overridden by the arguments of this program.
    fn over(&self, options: SettingsOptions) -> SettingsOptions {
        let cluster = self.name_server.as_ref();
        let cluster = cluster.map(|address| format!("--rocketmq.name-server={address}"));
        options.arguments(self.settings.iter().cloned().chain(cluster))
    }

    /// The `rocketmq.*` settings for a broker of our own, after the settings of all parts were checked.
    fn broker(&self) -> Result<RocketMQConfig, ConfigErrors> {
        let own = SettingsOptions::from_process().directory(env!("CARGO_MANIFEST_DIR"));
        let config = Settings::load(&self.over(own)).and_then(|settings| settings.rocketmq());
        ConfigErrors::join([
            config.as_ref().map(drop).map_err(Clone::clone),
            shop_user::Service::check(&self.over(shop_user::Service::settings())),
            shop_order::Service::check(&self.over(shop_order::Service::settings())),
        ])?;
        self.ports_differ()?;
        config
    }

    /// What is given to this program holds for both services.
    fn ports_differ(&self) -> Result<(), ConfigErrors> {
        let order = Settings::load(&self.over(shop_order::Service::settings()))?;
        let user = Settings::load(&self.over(shop_user::Service::settings()))?;
        let port = order.get::<u16>(PORT_KEY)?.filter(|port| *port != 0);
        match order.origin(PORT_KEY) {
            Some(origin) if port.is_some() && port == user.get(PORT_KEY)? => {
                let what = "is the port of shop-order and of shop-user, which need one each: set it in their \
                            bootstrap.yml, or let both take any free one with 0";
                Err(ConfigProblem::new(origin, PORT_KEY, what).into())
            }
            _ => Ok(()),
        }
    }
}

/// Whether `word` is `--some.key=value`.
fn is_setting(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(key, _)| key.starts_with("--") && key.contains('.'))
}

/// The first word that makes this program the server `mq`.
const SERVER_COMMAND: &str = "mq";

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == SERVER_COMMAND) {
        return mq_server::run(words);
    }
    tracing_subscriber::fmt()
        .with_env_filter(mq_server::log_filter())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // Otherwise a line that cannot be written is a panic wherever it was logged, as when the log lies
        // on a full disk or whoever read it is gone.
        .log_internal_errors(false)
        .init();
    let arguments = Arguments::of(words).unwrap_or_else(|error| error.exit());
    match run(&arguments) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(asked)) => ExitCode::from(asked.exit_status()),
        Err(failure) => {
            tracing::error!("{failure:?}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the chosen part or all of them; returns the signal that ended them before they had stopped.
#[tokio::main]
async fn run(arguments: &Arguments) -> mq_starter::Result<Option<Asked>> {
    match (arguments.part, arguments.separate) {
        (Some(part), _) => together::part(arguments, part).await?,
        (None, true) => return separate::run(arguments).await,
        (None, false) => together::run(arguments).await?,
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
