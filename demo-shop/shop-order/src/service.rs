//! shop-order as a whole: settings, database, web server.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::routing::{get, post};
use mq_starter::config::{ConfigErrors, SettingsOptions};
use mq_starter::{AppState, Application, EmbeddedBroker, RocketMQApplication, listeners};
use tokio::net::TcpListener;

use crate::database::Database;
use crate::events::{self, Events};
use crate::faults::{self, Faults};
use crate::refusal::OrderRefusal;
use crate::settings::OrderSettings;
use crate::{order, orders, progress};

/// A service that is ready to take orders.
#[derive(Debug)]
pub struct Service {
    app: Application,
    database: Database,
    events: Events,
    router: Router<AppState>,
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
        OrderSettings::read(options).map(drop)
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
        let settings = OrderSettings::read(&options)?;
        let database = settings.service.database.as_deref();
        let database = database.unwrap_or(Path::new("./data/order.db"));
        let database = Database::open(database).await?;
        let (socket, address) = settings.service.listen(8011).await?;
        let (events, router) = (Events::new(), router(settings.faults));
        let mut app = RocketMQApplication::new()
            .settings(options)
            .listeners(listeners![crate])
            .provide(database.clone())
            .provide(events.clone())
            .provide(Faults::default())
            .provide(settings);
        if let Some(broker) = broker {
            app = app.broker(broker);
        }
        Ok(Self {
            app: app.build().await?,
            database,
            events,
            router,
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
        let router = self.router.with_state(self.app.state());
        let stop = async {
            stop.await;
            self.events.close();
        };
        let served = self.app.serve_until(self.socket, router, stop).await;
        self.database.close().await;
        Ok(served?)
    }
}

fn router(with_faults: bool) -> Router<AppState> {
    let router = Router::new()
        .route("/order", get(order::place))
        .route("/order/{id}/pay", post(progress::pay))
        .route("/order/{id}/ship", post(progress::ship))
        .route("/orders", get(orders::list))
        .route("/orders/{id}", get(orders::one))
        .route("/products", get(orders::products))
        .route("/events", get(events::stream));
    let router = if with_faults {
        router.route("/faults", get(faults::show).post(faults::set))
    } else {
        router
    };
    router
        .fallback(async || OrderRefusal::UnknownPath)
        .method_not_allowed_fallback(async |method| OrderRefusal::UnknownMethod(method))
}
