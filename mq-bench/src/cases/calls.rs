//! System calls of the server for each message, one connection with 64 sends in flight.

use anyhow::Result;

use crate::bench::{Bench, Flush};
use crate::load::{Load, Shape};
use crate::results::{Calls, Results};
use crate::servers::Contender;
use crate::strace::Strace;

/// As many as 64 threads of Java's client have on their one connection.
const SHAPE: Shape = Shape {
    connections: 1,
    depth: 64,
    batch: 1,
    body: 1024,
};

/// Counts once for each contender.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    let contenders = [
        Contender::Null,
        Contender::Mq(Flush::Interval),
        Contender::Mq(Flush::Sync),
    ];
    for contender in contenders {
        let server = contender.start(bench).await?;
        let load = Load::start(SHAPE, &server.namesrv, &bench.clock)?;
        // Not the creation of the topic.
        load.reach(1000).await?;
        let strace = Strace::attach(server.broker, bench.scratch()?).await?;
        let before = load.acknowledged();
        bench.clock.sleep(bench.effort.window).await;
        let messages = load.acknowledged() - before;
        let by_name = strace.detach().await?;
        load.stop().await?;
        server.stop().await?;
        results.calls.push(Calls {
            load: SHAPE.text(),
            subject: contender.to_string(),
            messages,
            by_name,
        });
    }
    Ok(())
}
