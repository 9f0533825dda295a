//! What both services read from their settings. Both know all keys: together they share arguments.

use std::net::SocketAddr;
use std::path::PathBuf;

use mq_starter::ApplicationError;
use mq_starter::config::{ConfigErrors, Settings};
use tokio::net::TcpListener;

/// What may stand below `shop`, for either service.
const SHOP_KEYS: &[&str] = &[
    "faults",
    "order.check-patience",
    "order.database",
    "order.pay-timeout",
    "user.database",
    "user.gateway.authorization",
    "user.gateway.body",
    "user.gateway.url",
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceSettings {
    /// The address of the web server.
    pub host: Option<String>,
    /// Its port; 0 picks a free one.
    pub port: Option<u16>,
    /// The file of the database.
    pub database: Option<PathBuf>,
}

impl ServiceSettings {
    /// Reads and checks everything, `rocketmq.*` too, before anything is opened.
    ///
    /// # Errors
    ///
    /// All that is wrong, at once.
    pub fn of(settings: &Settings, database: &str) -> Result<Self, ConfigErrors> {
        let host = settings.get("server.address");
        let port = settings.get("server.port");
        let file = settings.get(database);
        ConfigErrors::join([
            settings.only("server", &["address", "port"]),
            settings.only("shop", SHOP_KEYS),
            settings.rocketmq().map(drop),
            host.as_ref().map(drop).map_err(Clone::clone),
            port.as_ref().map(drop).map_err(Clone::clone),
            file.as_ref().map(drop).map_err(Clone::clone),
        ])?;
        Ok(Self {
            host: host?,
            port: port?,
            database: file?,
        })
    }

    /// The web server's socket, on `default_port` of this machine unless the settings say otherwise.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Listen`] when the address is taken or none.
    pub async fn listen(
        &self,
        default_port: u16,
    ) -> Result<(TcpListener, SocketAddr), ApplicationError> {
        let host = self.host.as_deref().unwrap_or("127.0.0.1");
        let port = self.port.unwrap_or(default_port);
        let bound = async {
            let socket = TcpListener::bind((host, port)).await?;
            let address = socket.local_addr()?;
            Ok((socket, address))
        };
        let address = format!("{host}:{port}");
        bound
            .await
            .map_err(|source| ApplicationError::listen(&address, source))
    }
}
