//! shop-user as a process of its own.

use std::io::IsTerminal;

use shop_user::Service;

#[tokio::main]
async fn main() -> mq_starter::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // Otherwise a line that cannot be written is a panic wherever it was logged.
        .log_internal_errors(false)
        .init();
    let service = Service::start(Service::settings(), None).await?;
    tracing::info!("try curl http://{}/sms", service.address());
    service.run_until(mq_starter::asked_to_stop()).await
}
