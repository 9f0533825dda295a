//! The settings as Java properties: 319.

use bytes::Bytes;

use crate::remoting::{Incoming, Processor};
use crate::wire::header::GetNamesrvConfig;
use crate::wire::{NoFields, Refusal, Reply};

/// The text, made once at the start, because settings do not change.
#[derive(Clone, Debug)]
pub(in crate::namesrv) struct SettingsProcessor(pub(in crate::namesrv) Bytes);

impl Processor<GetNamesrvConfig> for SettingsProcessor {
    async fn process(
        &self,
        _request: Incoming<GetNamesrvConfig>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields).with_body(self.0.clone()))
    }
}
