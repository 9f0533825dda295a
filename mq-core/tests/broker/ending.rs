//! How a node ends, also one that does not start.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use mq_core::clock::Clock;
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::{Node, NodeError};
use mq_core::saved_file::FileError;
use mq_core::stopping::StopProblem;
use mq_core::store::disk::{Fault, FaultyDisk, MemoryDisk};
use mq_core::tasks::Tasks;

use crate::stage::{Client, SECOND, Stage, message};

/// The first of them was told, and of that its text alone.
#[tokio::test]
async fn every_file_that_cannot_be_saved_is_listed_with_what_the_system_said() {
    let disk = FaultyDisk::default();
    let node = Node::builder()
        .broker(Stage::config(|_| {}))
        .disk(Arc::new(disk.clone()));
    let node = node.start().await.unwrap();
    let client = Client::of(&node, &Tasks::new(Clock::system()), "a");
    client.send(message("orders", 0), "one").await;
    disk.set_fault(Some(Fault::Full));
    client.heartbeat("g", &[("orders", "*")]).await;
    client.commit("orders", 0, 1).await;

    let stopped = node.stop(SECOND).await.unwrap_err();

    for file in ["subscriptionGroup", "topics", "consumerOffset"] {
        let is_listed = stopped.problems().iter().any(|problem| match problem {
            StopProblem::Save(FileError::Disk { path, source, .. }) => {
                path.to_string_lossy().contains(file) && source.kind() == ErrorKind::StorageFull
            }
            _ => false,
        });
        assert!(is_listed, "{file}: {stopped}");
        assert!(stopped.to_string().contains(file), "{stopped}");
    }
}

/// The name server went on to listen after the start had failed, and the next start found its port
/// taken.
#[tokio::test]
async fn a_node_whose_broker_cannot_listen_gives_the_name_servers_port_back() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let name_server = NamesrvConfig {
        bind: Ipv4Addr::LOCALHOST.into(),
        port,
        ..NamesrvConfig::default()
    };
    let broker = Stage::config(|config| {
        config.network.port = taken.local_addr().unwrap().port();
    });
    let node = Node::builder().name_server(name_server).broker(broker);
    let node = node.disk(Arc::new(MemoryDisk::default()));

    let refused = node.start().await.unwrap_err();

    assert!(
        matches!(refused, NodeError::BrokerAddress(_)),
        "{refused:?}"
    );
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert!(TcpListener::bind(address).is_ok());
}

#[tokio::test]
async fn a_node_that_was_stopped_lets_nobody_in_and_stops_once() {
    let disk = MemoryDisk::default();
    let node = || {
        let config = Stage::config(|_| {});
        let node = Node::builder().broker(config).clock(Clock::system());
        node.disk(Arc::new(disk.clone())).start()
    };
    let first = node().await.unwrap();
    let address = first.broker().unwrap().advertised().socket;
    first.stop(SECOND).await.unwrap();

    let again = first.stop(SECOND).await;

    assert!(first.is_stopped());
    assert!(again.is_ok());
    assert!(TcpListener::bind(address).is_ok());
    drop(first);
    // The store was closed and its lock released.
    node().await.unwrap().stop(SECOND).await.unwrap();
}
