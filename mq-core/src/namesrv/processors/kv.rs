//! Keys and values: 100, 101, 102 and 219.

use std::sync::Arc;

use crate::namesrv::kv_config::KvConfig;
use crate::remoting::{Incoming, Processor};
use crate::saved_file::FileError;
use crate::wire::body::KvTable;
use crate::wire::header::{
    DeleteKvConfig, GetKvConfig, GetKvConfigReply, GetKvListByNamespace, PutKvConfig,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

#[derive(Clone, Debug)]
pub(in crate::namesrv) struct KvProcessor(pub(in crate::namesrv) Arc<KvConfig>);

impl Processor<PutKvConfig> for KvProcessor {
    async fn process(&self, request: Incoming<PutKvConfig>) -> Result<Reply<NoFields>, Refusal> {
        let PutKvConfig {
            namespace,
            key,
            value,
        } = request.header;
        let kept = self.0.put(&namespace, &key, &value).await;
        kept.map_err(|error| not_kept(&error))?;
        Ok(NoFields.into())
    }
}

impl Processor<DeleteKvConfig> for KvProcessor {
    async fn process(&self, request: Incoming<DeleteKvConfig>) -> Result<Reply<NoFields>, Refusal> {
        let DeleteKvConfig { namespace, key } = request.header;
        let kept = self.0.delete(&namespace, &key).await;
        kept.map_err(|error| not_kept(&error))?;
        Ok(NoFields.into())
    }
}

impl Processor<GetKvConfig> for KvProcessor {
    async fn process(
        &self,
        request: Incoming<GetKvConfig>,
    ) -> Result<Reply<GetKvConfigReply>, Refusal> {
        let GetKvConfig { namespace, key } = request.header;
        let value = self.0.value(&namespace, &key).ok_or_else(|| {
            let remark = format!("No config item, Namespace: {namespace} Key: {key}");
            Refusal::new(ResponseCode::QUERY_NOT_FOUND, remark)
        })?;
        Ok(GetKvConfigReply { value: Some(value) }.into())
    }
}

impl Processor<GetKvListByNamespace> for KvProcessor {
    async fn process(
        &self,
        request: Incoming<GetKvListByNamespace>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let namespace = request.header.namespace;
        let table = self.0.namespace(&namespace).ok_or_else(|| {
            let remark = format!("No config item, Namespace: {namespace}");
            Refusal::new(ResponseCode::QUERY_NOT_FOUND, remark)
        })?;
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&KvTable { table })))
    }
}

fn not_kept(error: &FileError) -> Refusal {
    tracing::error!(%error, "a key is not kept");
    Refusal::system("the key-value table could not be written")
}
