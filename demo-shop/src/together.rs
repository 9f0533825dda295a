//! Broker, shop-order and shop-user in this process.

use mq_core::clock::Clock;
use mq_starter::config::ClusterAddress;
use mq_starter::{EmbeddedBroker, asked_to_stop};
use tokio_util::sync::CancellationToken;

use crate::story::{self, ServiceAddresses};
use crate::{Arguments, ServicePart};

/// Runs the whole demo until Ctrl-C; the services end first, the broker last.
pub(crate) async fn run(arguments: &Arguments) -> mq_starter::Result<()> {
    let stop = CancellationToken::new();
    let told = stop.clone();
    let running = start(arguments, story::tell, stop);
    tokio::pin!(running);
    tokio::select! {
        ended = &mut running => return ended,
        () = asked_to_stop() => told.cancel(),
    }
    running.await
}

/// Runs the whole demo until `stop`; `ready` is called with the addresses.
pub(crate) async fn start(
    arguments: &Arguments,
    ready: impl FnOnce(&ServiceAddresses) -> std::io::Result<()>,
    stop: CancellationToken,
) -> mq_starter::Result<()> {
    let config = arguments.broker()?;
    let broker = match config.name_server {
        ClusterAddress::Embedded => Some(EmbeddedBroker::start(&config.embedded).await?),
        ClusterAddress::At(_) => None,
    };
    let clock = Clock::system();
    let deadline = async {
        stop.cancelled().await;
        clock.moment().plus(config.shutdown_timeout)
    };
    let services = async {
        let ended = services(arguments, broker.as_ref(), ready, stop.clone()).await;
        stop.cancel();
        ended
    };
    let (ended, deadline) = tokio::join!(services, deadline);
    let Some(broker) = broker else {
        return ended;
    };
    let stopped = broker.stop(deadline.since(clock.moment())).await;
    first_of(ended, stopped.map_err(Into::into))
}

async fn services(
    arguments: &Arguments,
    broker: Option<&EmbeddedBroker>,
    ready: impl FnOnce(&ServiceAddresses) -> std::io::Result<()>,
    stop: CancellationToken,
) -> mq_starter::Result<()> {
    let settings = arguments.over(shop_user::Service::settings());
    let user = shop_user::Service::start(settings, broker).await?;
    let settings = arguments.over(shop_order::Service::settings());
    let order = shop_order::Service::start(settings, broker).await?;
    ready(&ServiceAddresses {
        order: order.address(),
        user: user.address(),
    })?;
    let (order, user) = tokio::join!(
        order.run_until(stop.clone().cancelled_owned()),
        user.run_until(stop.clone().cancelled_owned()),
    );
    first_of(order, user)
}

/// What went wrong first. A second failure is logged: a program ends with one.
fn first_of(
    first: mq_starter::Result<()>,
    second: mq_starter::Result<()>,
) -> mq_starter::Result<()> {
    if let (Err(_), Err(second)) = (&first, &second) {
        tracing::error!("{second:?}");
    }
    first.and(second)
}

/// Runs one service, for a program that runs each as a process of its own.
pub(crate) async fn part(arguments: &Arguments, part: ServicePart) -> mq_starter::Result<()> {
    match part {
        ServicePart::Order => {
            let settings = arguments.over(shop_order::Service::settings());
            let order = shop_order::Service::start(settings, None).await?;
            story::say(&format!("ready order={}", order.address()))?;
            order.run_until(asked_to_stop()).await
        }
        ServicePart::User => {
            let settings = arguments.over(shop_user::Service::settings());
            let user = shop_user::Service::start(settings, None).await?;
            story::say(&format!("ready user={}", user.address()))?;
            user.run_until(asked_to_stop()).await
        }
    }
}
