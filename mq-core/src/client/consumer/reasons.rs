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
