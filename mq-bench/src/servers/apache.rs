//! Apache's name server and broker of one release, with their defaults but for paths and flush mode.

use std::fmt::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use mq_core::clock::Clock;
use mq_core::remoting::{RemotingClient, RemotingClientConfig, Router};
use mq_core::tasks::Tasks;
use mq_core::wire::header::GetRouteInfoByTopic;
use tokio::process::{Child, Command};

use super::process::Server;
use super::settings::TRANSACTION_CHECKS;
use crate::bench::{Bench, Flush};
use crate::java::Java;
use crate::log_file;

/// Its own start script takes 8 GiB, which would leave too little for the page cache here.
const BROKER_HEAP: [&str; 3] = ["-Xms4g", "-Xmx4g", "-XX:+AlwaysPreTouch"];
const NAME_SERVER_HEAP: [&str; 2] = ["-Xms256m", "-Xmx256m"];
/// What RocketMQ needs to be opened on Java 17.
const OPEN: [&str; 6] = [
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
];
/// Keeps its log off the disk that is measured.
const QUIET: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/interop/servers/logback.xml"
);

/// The topic that every broker registers.
const TEMPLATE_TOPIC: &str = "TBW102";
const ROUTE_LIMIT: Duration = Duration::from_mins(1);
const ASK_EVERY: Duration = Duration::from_millis(100);
const ASK_LIMIT: Duration = Duration::from_secs(3);

/// Starts both with an empty store.
pub(super) async fn start(
    bench: &Bench,
    java: &Java,
    version: &str,
    flush: Flush,
) -> Result<Server> {
    let clock = &bench.clock;
    let class_path = java.servers(version)?;
    let directory = bench.scratch()?;
    let home = directory.path();
    let (namesrv_port, broker_port) = (free_ports(0)?, free_ports(2)?);
    let namesrv = format!("127.0.0.1:{namesrv_port}");
    for name in ["namesrv", "broker"] {
        // Where 4.9 looks for it.
        std::fs::create_dir_all(home.join("conf"))?;
        std::fs::copy(QUIET, home.join(format!("conf/logback_{name}.xml")))?;
    }
    let namesrv_conf = namesrv_conf(home, namesrv_port);
    let broker_conf = broker_conf(home, &namesrv, broker_port, flush);
    let run = |name: &str, main: &str, heap: &[&str], conf: String| -> Result<Child> {
        let path = home.join(format!("{name}.conf"));
        replace(&path, &conf)?;
        let mut command = Command::new("java");
        command
            .args(heap)
            .args(OPEN)
            .arg(format!("-Drocketmq.home.dir={}", home.display()))
            .arg(format!("-Duser.home={}", home.display()))
            .arg(format!("-Drmq.logback.configurationFile={QUIET}"))
            .args(["-cp", class_path, main, "-c"])
            .arg(&path)
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(log_file::create(home, &format!("{name}.out"))?)
            .stderr(log_file::create(home, &format!("{name}.err"))?)
            .kill_on_drop(true);
        command.spawn().context("could not start `java`")
    };
    let begun = clock.moment();
    let first = "org.apache.rocketmq.namesrv.NamesrvStartup";
    let second = "org.apache.rocketmq.broker.BrokerStartup";
    let mut children = vec![run("namesrv", first, &NAME_SERVER_HEAP, namesrv_conf)?];
    // A broker whose first registration fails tries again only much later.
    wait_until_listening(&namesrv, clock).await?;
    children.push(run("broker", second, &BROKER_HEAP, broker_conf)?);
    if let Err(error) = wait_for_route(&namesrv, clock).await {
        let said = ["namesrv.err", "broker.out", "broker.err"].map(|name| home.join(name));
        let said = said.map(|path| std::fs::read_to_string(path).unwrap_or_default());
        return Err(error.context(format!("RocketMQ {version}: {}", said.concat())));
    }
    let ready_after = clock.moment().since(begun);
    Server::of(children, namesrv, directory, ready_after)
}

fn namesrv_conf(home: &Path, port: u16) -> String {
    properties(&[
        ("listenPort", port.to_string()),
        ("bindAddress", "127.0.0.1".to_owned()),
        ("kvConfigPath", home.join("kv.json").display().to_string()),
        (
            "configStorePath",
            home.join("namesrv.properties").display().to_string(),
        ),
    ])
}

fn broker_conf(home: &Path, namesrv: &str, port: u16, flush: Flush) -> String {
    let flush = match flush {
        Flush::Interval => "ASYNC_FLUSH",
        Flush::Sync => "SYNC_FLUSH",
    };
    let store = home.join("store");
    let checks = TRANSACTION_CHECKS.map(|(key, value)| (key, value.to_owned()));
    let settings = [
        ("brokerClusterName", "DefaultCluster".to_owned()),
        ("brokerName", "broker-a".to_owned()),
        ("brokerId", "0".to_owned()),
        ("brokerRole", "ASYNC_MASTER".to_owned()),
        ("flushDiskType", flush.to_owned()),
        ("namesrvAddr", namesrv.to_owned()),
        ("brokerIP1", "127.0.0.1".to_owned()),
        ("bindAddress", "127.0.0.1".to_owned()),
        ("listenPort", port.to_string()),
        ("haListenPort", (port + 1).to_string()),
        ("storePathRootDir", store.display().to_string()),
        (
            "storePathCommitLog",
            store.join("commitlog").display().to_string(),
        ),
        ("autoCreateTopicEnable", "true".to_owned()),
        ("autoCreateSubscriptionGroup", "true".to_owned()),
        ("enablePropertyFilter", "true".to_owned()),
        ("diskMaxUsedSpaceRatio", "95".to_owned()),
    ];
    properties(&[&settings[..], &checks].concat())
}

fn properties(entries: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (key, value) in entries {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{key}={value}");
    }
    text
}

fn replace(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// A port that is free, and so are the `around` ports on either side of it.
fn free_ports(around: u16) -> Result<u16> {
    for _attempt in 0..100 {
        let probe = TcpListener::bind("127.0.0.1:0")?;
        let port = probe.local_addr()?.port();
        drop(probe);
        let mut all = port.saturating_sub(around)..=port.saturating_add(around);
        if all.all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return Ok(port);
        }
    }
    anyhow::bail!("no free ports")
}

async fn wait_until_listening(address: &str, clock: &Clock) -> Result<()> {
    let begun = clock.moment();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        let waited = clock.moment().since(begun);
        ensure!(waited < ROUTE_LIMIT, "nobody listens on {address}");
        clock.sleep(ASK_EVERY).await;
    }
    Ok(())
}

/// Waits until the broker has registered.
async fn wait_for_route(namesrv: &str, clock: &Clock) -> Result<()> {
    let tasks = Tasks::new(clock.clone());
    let nothing = Arc::new(Router::default());
    let config = RemotingClientConfig::default();
    let client = RemotingClient::new(config, nothing, clock.clone(), tasks.clone());
    let ask = || GetRouteInfoByTopic {
        topic: TEMPLATE_TOPIC.into(),
        accept_standard_json_only: None,
    };
    let begun = clock.moment();
    while let Err(error) = client.call(namesrv, ask(), Bytes::new(), ASK_LIMIT).await {
        let waited = clock.moment().since(begun);
        ensure!(waited < ROUTE_LIMIT, "no broker has registered: {error}");
        clock.sleep(ASK_EVERY).await;
    }
    tasks.stop(ASK_LIMIT).await?;
    Ok(())
}
