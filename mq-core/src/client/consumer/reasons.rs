//! Which brokers store the reason that a consumer gives when it sends a dead letter back.
//!
//! Apache's brokers pass over the field `reason` of the request. There the consumer itself sends the
//! dead letter to its retry topic, with the reason among its properties, and the broker makes it a
//! dead letter because its attempts are used up.

use std::collections::BTreeMap;

use bytes::Bytes;
use bytestring::ByteString;
use parking_lot::Mutex;

use crate::client::cluster::ClusterClient;
use crate::wire::body::KvTable;
use crate::wire::fastjson;
use crate::wire::header::GetBrokerRuntimeInfo;

/// What is known of brokers, by address. Each is asked once: one that is replaced by another at its
/// address loses reasons at most.
#[derive(Debug, Default)]
pub(super) struct ReasonKeepers(Mutex<BTreeMap<ByteString, bool>>);

impl ReasonKeepers {
    /// Whether the broker stores reasons. One that does not answer counts as one that does: what is sent
    /// to it next fails anyway.
    pub(super) async fn includes(&self, cluster: &ClusterClient, address: &ByteString) -> bool {
        if let Some(known) = self.0.lock().get(address).copied() {
            return known;
        }
        let asked = cluster.call(address, GetBrokerRuntimeInfo, Bytes::new());
        let keeps = match asked.await {
            Ok(reply) => fastjson::read::<KvTable>(&reply.body)
                .is_ok_and(|told| told.table.contains_key(KvTable::KEEPS_REASONS)),
            Err(error) if error.is_transport() => return true,
            Err(_refused) => false,
        };
        self.0.lock().insert(address.clone(), keeps);
        keeps
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::client::ClientConfig;
    use crate::clock::Clock;
    use crate::remoting::{Incoming, LocalServer, Processor, Router};
    use crate::tasks::Tasks;
    use crate::wire::{NoFields, Refusal, Reply};

    /// Answers with a table of these names, or refuses.
    #[derive(Clone)]
    struct Tells(Option<&'static [&'static str]>, Arc<AtomicUsize>);

    impl Processor<GetBrokerRuntimeInfo> for Tells {
        async fn process(
            &self,
            _: Incoming<GetBrokerRuntimeInfo>,
        ) -> Result<Reply<NoFields>, Refusal> {
            self.1.fetch_add(1, Ordering::Relaxed);
            let names = self.0.ok_or_else(|| Refusal::system("as told"))?;
            let pair = |name: &&'static str| (ByteString::from_static(name), "true".into());
            let table = names.iter().map(pair).collect();
            Ok(Reply::ok(NoFields).with_body(fastjson::write(&KvTable { table })))
        }
    }

    /// Apache's brokers have a version and many figures, but not this name.
    #[tokio::test]
    async fn a_broker_is_asked_once_whether_it_stores_reasons() {
        let clock = Clock::system();
        let tasks = Tasks::new(clock.clone());
        let cluster = ClusterClient::start(ClientConfig::new(["localhost:1"]), clock.clone());
        let cluster = cluster.unwrap();
        let keepers = ReasonKeepers::default();
        let ours: &[_] = &["brokerVersionDesc", KvTable::KEEPS_REASONS];
        for (address, told, expected) in [
            ("ours:1", Some(ours), true),
            ("apache:1", Some(&["brokerVersionDesc"][..]), false),
            ("refuses:1", None, false),
        ] {
            let asked = Arc::<AtomicUsize>::default();
            let router =
                Router::default().on::<GetBrokerRuntimeInfo>(Tells(told, Arc::clone(&asked)));
            let from = ([127, 0, 0, 1], 1).into();
            let server =
                LocalServer::new(Arc::new(router), Arc::new(()), from, &tasks, clock.clone());
            cluster.remoting.attach(address, &server);

            for _ in 0..2 {
                let keeps = keepers.includes(&cluster, &address.into()).await;
                assert_eq!(keeps, expected, "{address}");
            }
            assert_eq!(asked.load(Ordering::Relaxed), 1, "{address}");
        }
        cluster.tasks.request_stop();
        tasks.request_stop();
    }
}
