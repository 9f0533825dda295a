//! The settings as Java properties: 318 and 319.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::namesrv::live_settings::{ChangeError, LiveSettings};
use crate::remoting::{Incoming, Peer, Processor};
use crate::wire::header::{GetNamesrvConfig, UpdateNamesrvConfig};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode};

/// Shows and changes settings.
#[derive(Clone, Debug)]
pub(in crate::namesrv) struct SettingsProcessor {
    pub(in crate::namesrv) settings: Arc<LiveSettings>,
    /// Where clients of the same process are seen.
    pub(in crate::namesrv) own_address: SocketAddr,
}

impl SettingsProcessor {
    /// Whether a peer is on this machine or in this process.
    fn is_near(&self, peer: &Peer) -> bool {
        let address = peer.address();
        address.ip().to_canonical().is_loopback() || address == self.own_address
    }
}

impl Processor<GetNamesrvConfig> for SettingsProcessor {
    async fn process(
        &self,
        _request: Incoming<GetNamesrvConfig>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields).with_body(self.settings.to_properties()))
    }
}

impl Processor<UpdateNamesrvConfig> for SettingsProcessor {
    /// Unlike Apache's name server, this one writes nothing to its properties file, and refuses what it
    /// does not change.
    async fn process(
        &self,
        request: Incoming<UpdateNamesrvConfig>,
    ) -> Result<Reply<NoFields>, Refusal> {
        if !self.is_near(&request.peer) {
            let remark = "settings are changed only from the machine on which the name server runs";
            return Err(Refusal::new(ResponseCode::NO_PERMISSION, remark));
        }
        let Ok(text) = str::from_utf8(&request.body) else {
            return Err(Refusal::system("string2Properties error: no UTF-8"));
        };
        self.settings.change(text).map_err(|error| {
            let code = match error {
                ChangeError::Unreadable { .. } => ResponseCode::SYSTEM_ERROR,
                ChangeError::NotChangeable(_) => ResponseCode::NO_PERMISSION,
                ChangeError::Value { .. } => ResponseCode::INVALID_PARAMETER,
            };
            Refusal::new(code, error.to_string())
        })?;
        if !text.trim().is_empty() {
            tracing::warn!(
                peer = ?request.peer,
                "settings are changed until the name server stops; its properties file is not"
            );
        }
        Ok(NoFields.into())
    }
}
