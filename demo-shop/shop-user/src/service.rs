//! shop-user as a whole: settings, database, web server.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use mq_starter::config::{ConfigErrors, SettingsOptions};
use mq_starter::{Application, EmbeddedBroker, RocketMQApplication, listeners};
use shop_contracts::ServiceSettings;
use tokio::net::TcpListener;

use crate::database::Database;
use crate::gateway::Gateway;
use crate::sms;

const DATABASE_KEY: &str = "shop.user.database";

/// A service that is ready to send text messages.
#[derive(Debug)]
pub struct Service {
    app: Application,
    database: Database,
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
        ServiceSettings::read(options, DATABASE_KEY).map(drop)
    }

    /// Opens the database and the port, and connects to `broker`, unless the settings name another.
    ///
    /// # Errors
    ///
    /// Settings that are wrong, a database or a port that cannot be had, a cluster that refuses.
    pub async fn start(
        options: SettingsOptions,
        gateway: Arc<dyn Gateway>,
        broker: Option<&EmbeddedBroker>,
    ) -> mq_starter::Result<Self> {
        let settings = ServiceSettings::read(&options, DATABASE_KEY)?;
        let database = settings.database.as_deref();
        let database = database.unwrap_or(Path::new("./data/user.db"));
        let database = Database::open(database).await?;
        let (socket, address) = settings.listen(8012).await?;
        let mut app = RocketMQApplication::new()
            .settings(options)
            .listeners(listeners![crate])
            .provide(database.clone())
            .provide_as::<dyn Gateway>(gateway);
        if let Some(broker) = broker {
            app = app.broker(broker);
        }
        Ok(Self {
            app: app.build().await?,
            database,
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

    /// Sends text messages until `stop` resolves.
    ///
    /// # Errors
    ///
    /// What went wrong on the way, or did not end in time.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> mq_starter::Result<()> {
        let router = Router::new()
            .route("/sms", get(sms::list))
            .with_state(self.app.state());
        let served = self.app.serve_until(self.socket, router, stop).await;
        self.database.close().await;
        Ok(served?)
    }
}
