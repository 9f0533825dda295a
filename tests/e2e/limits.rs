//! What happens when the system gives no more.

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mq_core::clock::Clock;
use mq_core::remoting::{RemotingClient, RemotingClientConfig};
use mq_core::tasks::Tasks;
use mq_core::wire::header::GetBrokerClusterInfo;
use mq_core::wire::{self, Encoding, Head, Request};
use mq_tests::{NameServers, eventually};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: Duration = Duration::from_secs(5);

/// The limit is the process's own, so the test runs in one of its own.
#[test]
fn without_file_descriptors_whoever_is_served_is_served_on_and_nothing_spins() {
    run_alone("limits::few_file_descriptors");
}

#[test]
#[cfg(target_os = "linux")]
fn a_connection_that_rests_costs_at_most_16_kib() {
    run_alone("limits::many_connections");
}

/// Runs a test that is ignored elsewhere in a process of its own.
pub(crate) fn run_alone(test: &str) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

/// What `/proc/self/status` says under `name`.
#[cfg(target_os = "linux")]
pub(crate) fn memory_kib(name: &str) -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap()
}

#[tokio::test]
#[ignore = "measures the memory of the process; run by the test above"]
#[cfg(target_os = "linux")]
async fn many_connections() {
    const CONNECTIONS: u32 = 400;
    let servers = NameServers::start(1).await;
    let address = servers.addresses().remove(0);
    let mut request = BytesMut::new();
    let head = Head::request(GetBrokerClusterInfo::CODE, 1);
    wire::encode(
        &mut request,
        Encoding::Json,
        &head,
        &GetBrokerClusterInfo,
        b"",
    )
    .unwrap();
    let connect = async || {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let length = stream.read_u32().await.unwrap();
        let mut answer = vec![0; length as usize];
        stream.read_exact(&mut answer).await.unwrap();
        stream
    };
    let mut connections = Vec::new();
    // Whatever is made once is there after the first few.
    for _ in 0..50 {
        connections.push(connect().await);
    }
    let before = memory_kib("VmRSS:");

    for _ in 0..CONNECTIONS {
        connections.push(connect().await);
    }

    let each = (memory_kib("VmRSS:") - before) / CONNECTIONS;
    assert!(each <= 16, "{each} KiB each, both ends together");
}

#[tokio::test]
#[ignore = "changes a limit of the process; run by the test above"]
async fn few_file_descriptors() {
    let servers = NameServers::start(1).await;
    let address = servers.addresses().remove(0);
    let clock = Clock::system();
    let client = RemotingClient::new(
        RemotingClientConfig::default(),
        std::sync::Arc::default(),
        clock.clone(),
        Tasks::new(clock.clone()),
    );
    let ask = async || {
        let answer = client.call(&address, GetBrokerClusterInfo, Bytes::new(), LIMIT);
        answer.await.is_ok()
    };
    assert!(ask().await);
    let few = Rlimit {
        current: Some(64),
        maximum: Some(64),
    };
    setrlimit(Resource::Nofile, few).unwrap();

    let mut greedy = Vec::new();
    while let Ok(stream) = TcpStream::connect(&address) {
        greedy.push(stream);
    }
    // Those that lie in the system's queue want descriptors which are not there.
    let processor_time = || clock_gettime(ClockId::ProcessCPUTime).tv_nsec;
    let (wall, used) = (clock.moment(), processor_time());
    while clock.moment().since(wall) < Duration::from_millis(300) {
        assert!(ask().await);
        clock.sleep(Duration::from_millis(50)).await;
    }
    let used = (processor_time() - used).rem_euclid(1_000_000_000);
    assert!(
        used < 100_000_000,
        "{used} ns of processor time within 300 ms"
    );

    drop(greedy);
    eventually("newcomers are served again", async || {
        let newcomer = RemotingClient::new(
            RemotingClientConfig::default(),
            std::sync::Arc::default(),
            clock.clone(),
            Tasks::new(clock.clone()),
        );
        let answer = newcomer.call(&address, GetBrokerClusterInfo, Bytes::new(), LIMIT);
        answer.await.is_ok()
    })
    .await;
}
