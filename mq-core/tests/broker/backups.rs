//! Files of `config/` that a loss of power left empty or full of zeros, or that somebody emptied.

use std::path::Path;
use std::sync::Arc;

use mq_core::clock::Clock;
use mq_core::store::disk::{FaultyDisk, SmallFiles};

use crate::stage::{Stage, message};

/// A broker whose files had been emptied started without a word and without a topic: backups were
/// read, but never written.
#[tokio::test]
async fn every_file_of_config_may_be_empty_or_zeroed_and_its_backup_counts() {
    let damages: [fn(usize) -> Vec<u8>; 3] =
        [|_| Vec::new(), |bytes| vec![0; bytes], |_| b"{}".to_vec()];
    for damaged in damages {
        let disk = FaultyDisk::default();
        let start = async || {
            let config = Stage::config(|_| {});
            Stage::on(Arc::new(disk.clone()), config, Clock::system()).await
        };
        let stage = start().await;
        let client = stage.client("a");
        client.heartbeat("g", &[("orders", "*")]).await;
        client.send(message("orders", 0), "x").await;
        client.commit("orders", 0, 1).await;
        client.send(message("later", 0), "y").await;
        stage.stop().await;
        drop(stage);

        for name in [
            "topics.json",
            "subscriptionGroup.json",
            "consumerOffset.json",
            "queueSnapshot.json",
        ] {
            let path = Path::new("/store/config").join(name);
            let content = disk.read(&path).unwrap().unwrap();
            disk.replace(&path, &damaged(content.len())).unwrap();
        }

        let stage = start().await;
        let client = stage.client("a");
        assert_eq!(client.everything("orders", 0).await.len(), 1);
        assert_eq!(client.committed("orders", 0).await, Some(1));
        stage.stop().await;
    }
}
