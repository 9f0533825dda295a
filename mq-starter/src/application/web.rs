//! The web server beside the listeners. Its connections can be closed while their requests run.
//!
//! axum's own server cannot do that: when it is dropped, its connections go on.

use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::serve::Listener;
use mq_core::clock::Clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::ending::Ending;
use crate::stopping::ShutdownProblem;

/// A running web server.
pub(super) struct Web {
    server: Pin<Box<dyn Future<Output = io::Result<()>> + Send>>,
    /// Ends accepting connections and requests.
    stop: CancellationToken,
    cut: CancellationToken,
    open: TaskTracker,
}

/// Accepts connections that can be closed all at once.
struct CuttableListener {
    socket: TcpListener,
    cut: CancellationToken,
    open: TaskTracker,
}

/// A connection that fails as soon as all connections are closed.
struct CuttableStream {
    stream: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Counts the open connections.
    _open: TaskTrackerToken,
}

impl Web {
    /// Serves `router` on `socket`, while [`ended`](Self::ended) or [`stop`](Self::stop) is waited for.
    pub(super) fn serve(socket: TcpListener, router: Router) -> Self {
        let (stop, cut, open) = (
            CancellationToken::new(),
            CancellationToken::new(),
            TaskTracker::new(),
        );
        let listener = CuttableListener {
            socket,
            cut: cut.clone(),
            open: open.clone(),
        };
        let server = axum::serve(listener, router);
        let server = server.with_graceful_shutdown(stop.clone().cancelled_owned());
        Self {
            server: Box::pin(server.into_future()),
            stop,
            cut,
            open,
        }
    }

    /// Resolves when the server ends by itself.
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        self.server.as_mut().await
    }

    /// Answers the requests that have come, and cuts the connections of those that take too long;
    /// gives what was cut.
    pub(super) async fn stop(
        mut self,
        ending: &Ending,
        clock: &Clock,
    ) -> (io::Result<()>, Vec<ShutdownProblem>) {
        self.stop.cancel();
        let answered = clock.timeout(ending.left_for_work(), self.server.as_mut());
        if let Ok(ended) = answered.await {
            return (ended, Vec::new());
        }
        self.open.close();
        let (cut, after) = (self.open.len(), ending.limit_of_work());
        self.cut.cancel();
        let closed = clock.timeout(ending.left(), self.open.wait()).await;
        let mut problems = Vec::new();
        if cut > 0 {
            let connections = cut;
            problems.push(ShutdownProblem::ConnectionsCut { connections, after });
        }
        if closed.is_err() {
            problems.push(ShutdownProblem::ConnectionsOpen(self.open.len()));
        }
        (Ok(()), problems)
    }
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CuttableStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.socket).await;
        let connection = CuttableStream {
            stream,
            cut: Box::pin(self.cut.child_token().cancelled_owned()),
            _open: self.open.token(),
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

impl CuttableStream {
    /// The stream, or an error when connections are closed; registers the task to be woken then.
    fn stream(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(Pin::new(&mut self.stream)),
        }
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream(context)?.poll_read(context, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream(context)?.poll_write(context, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream(context)?.poll_write_vectored(context, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
