//! shop-order as a whole: settings, database, web server.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::routing::get;
use mq_starter::config::{ConfigErrors, SettingsOptions};
use mq_starter::{Application, EmbeddedBroker, RocketMQApplication, Selection};
use shop_contracts::ServiceSettings;
use tokio::net::TcpListener;

use crate::database::Database;
use crate::order;

const DATABASE_KEY: &str = "shop.order.database";

/// A service that is ready to take orders.
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
        broker: Option<&EmbeddedBroker>,
    ) -> mq_starter::Result<Self> {
        let settings = ServiceSettings::read(&options, DATABASE_KEY)?;
        let database = settings.database.as_deref();
        let database = database.unwrap_or(Path::new("./data/order.db"));
        let database = Database::open(database).await?;
        let (socket, address) = settings.listen(8011).await?;
        let mut app = RocketMQApplication::new()
            .settings(options)
            .listeners(Selection::of(&[]))
            .provide(database.clone());
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

    /// Where it takes orders.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The database, to look into.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Takes orders until `stop` resolves.
    ///
    /// # Errors
    ///
    /// What went wrong on the way, or did not end in time.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> mq_starter::Result<()> {
        let router = Router::new()
            .route("/order", get(order::place))
            .with_state(self.app.state());
        let served = self.app.serve_until(self.socket, router, stop).await;
        self.database.close().await;
        Ok(served?)
    }
}
