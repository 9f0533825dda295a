//! shop-user as a whole: settings, database, web server.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::routing::get;
use mq_core::clock::Clock;
use mq_starter::config::{ConfigErrors, Settings, SettingsOptions};
use mq_starter::{Application, DeadLetters, EmbeddedBroker, RocketMQApplication, listeners};
use shop_contracts::ServiceSettings;
use tokio::net::TcpListener;

use crate::database::Database;
use crate::gateway::{self, ChosenGateway, Gateway, GatewaySettings};
use crate::refusal::Refusal;
use crate::{dead_letters, points, sms};

const DATABASE_KEY: &str = "shop.user.database";

/// The group of [`SmsService`](crate::SmsService), whose dead letters can be sent again.
const SMS_GROUP: &str = "shop";

/// A service that is ready to send text messages.
#[derive(Debug)]
pub struct Service {
    app: Application,
    database: Database,
    gateway: ChosenGateway,
    dead_letters: DeadLetters,
    socket: TcpListener,
    address: SocketAddr,
}

impl Service {
    /// Where its settings come from when it runs on its own.
    pub fn settings() -> SettingsOptions {
        SettingsOptions::from_process().directory(env!("CARGO_MANIFEST_DIR"))
    }

    /// Checks settings without starting anything.
    ///
    /// # Errors
    ///
    /// All that is wrong with them.
    pub fn check(options: &SettingsOptions) -> Result<(), ConfigErrors> {
        read(options).map(drop)
    }

    /// Opens the database and the port, and connects to `broker`, unless the settings name another.
    ///
    /// # Errors
    ///
    /// Settings that are wrong, a database or a port that cannot be had, a cluster that refuses.
    pub async fn start(
        options: SettingsOptions,
        broker: Option<&EmbeddedBroker>,
    ) -> mq_starter::Result<Self> {
        let (settings, provider) = read(&options)?;
        let clock = Clock::system();
        let gateway = ChosenGateway::by(provider, &clock);
        let database = settings.database.as_deref();
        let database = database.unwrap_or(Path::new("./data/user.db"));
        let database = Database::open(database).await?;
        let (socket, address) = settings.listen(8012).await?;
        let mut app = RocketMQApplication::new()
            .settings(options)
            .listeners(listeners![crate])
            .provide(database.clone())
            .provide(clock)
            .provide_as::<dyn Gateway>(gateway.shared());
        if let Some(broker) = broker {
            app = app.broker(broker);
        }
        let app = app.build().await?;
        Ok(Self {
            dead_letters: app.dead_letters(SMS_GROUP)?,
            app,
            database,
            gateway,
            socket,
            address,
        })
    }

    /// Where it shows them.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The database, to look into.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Sends messages to itself in tests.
    #[cfg(test)]
    pub(crate) fn template(&self) -> &mq_starter::RocketMQTemplate {
        self.app.template()
    }

    /// Sends text messages until `stop` resolves.
    ///
    /// # Errors
    ///
    /// What went wrong on the way, or did not end in time.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> mq_starter::Result<()> {
        let router = Router::new()
            .route("/sms", get(sms::list))
            .route("/points", get(points::list))
            .with_state(self.app.state())
            .merge(gateway::routes(&self.gateway))
            .merge(dead_letters::routes(self.dead_letters))
            .fallback(async || Refusal::UnknownPath)
            .method_not_allowed_fallback(async |method| Refusal::UnknownMethod(method));
        let served = self.app.serve_until(self.socket, router, stop).await;
        self.database.close().await;
        Ok(served?)
    }
}

/// The settings of the service, and of the provider of text messages when they name one.
fn read(
    options: &SettingsOptions,
) -> Result<(ServiceSettings, Option<GatewaySettings>), ConfigErrors> {
    let settings = Settings::load(options)?;
    let service = ServiceSettings::of(&settings, DATABASE_KEY);
    let provider = GatewaySettings::read(&settings);
    ConfigErrors::join([
        service.as_ref().map(drop).map_err(Clone::clone),
        provider.as_ref().map(drop).map_err(Clone::clone),
    ])?;
    Ok((service?, provider?))
}
