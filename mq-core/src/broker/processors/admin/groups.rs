//! 200, 225, 207, 201, 352 and 353: create, change, delete and show groups, and what is forbidden to
//! them.

use std::sync::Arc;

use crate::broker::admit::{Admit, illegal, not_saved};
use crate::broker::parts::Parts;
use crate::broker::state::delivery_statistics::DeliveryStatistics;
use crate::broker::state::offsets::Offsets;
use crate::message::{GroupName, TopicName};
use crate::remoting::{Incoming, Processor};
use crate::wire::body::{GroupForbidden, SubscriptionGroupConfig, SubscriptionGroupList};
use crate::wire::header::{
    DeleteSubscriptionGroup, GetAllSubscriptionGroupConfig, GetAllSubscriptionGroupConfigReply,
    GetSubscriptionGroupConfig, UpdateAndCreateSubscriptionGroup,
    UpdateAndCreateSubscriptionGroupList, UpdateAndGetGroupForbidden,
};
use crate::wire::{NoFields, Refusal, Reply, fastjson};

/// Changes and shows groups.
#[derive(Clone, Debug)]
pub(super) struct GroupAdmin {
    admit: Admit,
    offsets: Arc<Offsets>,
    deliveries: Arc<DeliveryStatistics>,
}

impl GroupAdmin {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            offsets: Arc::clone(&parts.offsets),
            deliveries: Arc::clone(&parts.deliveries),
        }
    }

    async fn save(&self) -> Result<(), Refusal> {
        self.admit
            .groups
            .save()
            .await
            .map_err(|error| not_saved(&error))
    }
}

impl Processor<UpdateAndCreateSubscriptionGroup> for GroupAdmin {
    async fn process(
        &self,
        request: Incoming<UpdateAndCreateSubscriptionGroup>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let config: SubscriptionGroupConfig = fastjson::read(&request.body)?;
        let name = GroupName::new(config.group_name.clone()).map_err(|error| illegal(&error))?;
        self.admit.groups.put(name, config);
        // Save even if nothing changed: an earlier request may have failed to, because the disk was
        // full.
        self.save().await?;
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<UpdateAndCreateSubscriptionGroupList> for GroupAdmin {
    /// All groups of the list, or none when the name of one is not valid.
    async fn process(
        &self,
        request: Incoming<UpdateAndCreateSubscriptionGroupList>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let list: SubscriptionGroupList = fastjson::read(&request.body)?;
        let named = list.group_config_list.into_iter().map(|config| {
            let name = GroupName::new(config.group_name.clone());
            name.map(|name| (name, config))
        });
        let named: Result<Vec<_>, _> = named.collect();
        for (name, config) in named.map_err(|error| illegal(&error))? {
            self.admit.groups.put(name, config);
        }
        self.save().await?;
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<UpdateAndGetGroupForbidden> for GroupAdmin {
    async fn process(
        &self,
        request: Incoming<UpdateAndGetGroupForbidden>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let UpdateAndGetGroupForbidden {
            group,
            topic,
            readable,
        } = request.header;
        if let Some(readable) = readable {
            GroupName::new(group.clone()).map_err(|error| illegal(&error))?;
            TopicName::new(topic.clone()).map_err(|error| illegal(&error))?;
            self.admit.groups.set_readable(&group, &topic, readable);
            self.save().await?;
        }
        let body = GroupForbidden {
            readable: !self.admit.groups.may_not_read(&group, &topic),
            group,
            topic,
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

impl Processor<DeleteSubscriptionGroup> for GroupAdmin {
    async fn process(
        &self,
        request: Incoming<DeleteSubscriptionGroup>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let DeleteSubscriptionGroup {
            group_name,
            clean_offset,
        } = request.header;
        if self.admit.groups.remove(&group_name) {
            self.save().await?;
        }
        if clean_offset {
            self.offsets.forget_group(&group_name);
            self.deliveries.forget_group(&group_name);
            self.offsets
                .save()
                .await
                .map_err(|error| not_saved(&error))?;
        }
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<GetAllSubscriptionGroupConfig> for GroupAdmin {
    /// Always everything: a missing total tells 5.x that no page follows.
    async fn process(
        &self,
        _request: Incoming<GetAllSubscriptionGroupConfig>,
    ) -> Result<Reply<GetAllSubscriptionGroupConfigReply>, Refusal> {
        let body = fastjson::write(&self.admit.groups.to_body());
        let header = GetAllSubscriptionGroupConfigReply {
            total_group_num: None,
        };
        Ok(Reply::ok(header).with_body(body))
    }
}

impl Processor<GetSubscriptionGroupConfig> for GroupAdmin {
    async fn process(
        &self,
        request: Incoming<GetSubscriptionGroupConfig>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let group = self
            .admit
            .admission_for(&request.peer)
            .group(&request.header.group)
            .await?;
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&group.config)))
    }
}
