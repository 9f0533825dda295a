//! An application with a web server beside its listeners.

use std::future::Future;

use axum::Router;
use tokio::net::TcpListener;

use super::running::{Application, first_of};
use super::signal::asked_to_stop;
use super::web::Web;
use crate::problem::ApplicationError;

impl Application {
    /// Starts the listeners and a web server, and runs until Ctrl-C or SIGTERM.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Listen`] when `address` is taken or none, and as
    /// [`serve_until`](Self::serve_until).
    pub async fn serve(&self, address: &str, router: Router) -> Result<(), ApplicationError> {
        match TcpListener::bind(address).await {
            Ok(socket) => self.serve_until(socket, router, asked_to_stop()).await,
            Err(source) => {
                let refused = Err(ApplicationError::listen(address, source));
                first_of(refused, self.shutdown().await)
            }
        }
    }

    /// Starts the listeners and a web server on `socket`, and runs until `stop` resolves: then
    /// requests that came are answered, and the application shuts down.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Web`] when the web server ends by itself, [`ApplicationError::Stop`] also when
    /// connections were cut because their requests took too long, and as [`start`](Self::start) and
    /// [`shutdown`](Self::shutdown).
    pub async fn serve_until(
        &self,
        socket: TcpListener,
        router: Router,
        stop: impl Future<Output = ()>,
    ) -> Result<(), ApplicationError> {
        let started = self.start().await;
        if started.is_err() {
            return first_of(started, self.shutdown().await);
        }
        let mut web = Web::serve(socket, router);
        let ended = tokio::select! {
            ended = web.ended() => Some(ended),
            () = stop => None,
        };
        let (ending, clock) = (self.begin_ending(), self.clock());
        let requests = async {
            match ended {
                Some(ended) => (ended, Vec::new()),
                None => web.stop(&ending, clock).await,
            }
        };
        let (served, stopped) = self.end(&ending, requests).await;
        first_of(served.map_err(ApplicationError::Web), stopped)
    }
}
