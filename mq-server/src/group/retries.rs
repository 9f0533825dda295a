//! What waits in the retry topic of a group that has committed nothing there, as dead letters that were sent
//! again: brokers tell the progress of a group only where it has committed something.

use std::collections::BTreeSet;

use mq_core::client::{Admin, AdminError, GroupQueue, GroupSummary, GroupView};
use mq_core::message::GroupName;

use crate::admin::{self, failure};
use crate::failure::ProgramFailure;

const PREFIX: &str = "%RETRY%";

/// Adds the queues of the retry topic in which messages wait for a group.
pub(super) async fn add(
    admin: &Admin,
    group: &GroupName,
    view: &mut GroupView,
) -> Result<(), ProgramFailure> {
    let known: BTreeSet<_> = view.queues.iter().map(|one| one.queue.clone()).collect();
    let mut waiting = holding(admin, group).await?;
    waiting.retain(|one| !known.contains(&one.queue));
    view.queues.extend(waiting);
    view.queues.sort_by(|a, b| a.queue.cmp(&b.queue));
    Ok(())
}

/// Counts what waits in the lags of groups.
pub(super) async fn count(
    admin: &Admin,
    groups: &mut [GroupSummary],
) -> Result<(), ProgramFailure> {
    let topics = admin.topics().await.map_err(failure)?.value;
    let topics: BTreeSet<_> = topics.into_iter().map(|topic| topic.name).collect();
    for summary in groups {
        let Ok(group) = GroupName::new(summary.name.to_string()) else {
            continue;
        };
        let has_topic = topics.contains(format!("{PREFIX}{group}").as_str());
        if has_topic && !holding(admin, &group).await?.is_empty() {
            let mut view = admin.group(&group, None).await.map_err(failure)?.value;
            add(admin, &group, &mut view).await?;
            summary.lag = view.queues.iter().map(GroupQueue::lag).sum();
        }
    }
    Ok(())
}

/// The queues of the retry topic of `group` that have messages, as of a group that has committed nothing: it
/// begins with the first one.
async fn holding(admin: &Admin, group: &GroupName) -> Result<Vec<GroupQueue>, ProgramFailure> {
    let topic = admin::topic(&format!("{PREFIX}{group}"))?;
    let queues = match admin.topic(&topic).await {
        Ok(shown) => shown.value.queues,
        Err(AdminError::NoTopic(_)) => Vec::new(),
        Err(error) => return Err(failure(error)),
    };
    let holding = queues.into_iter().filter(|queue| queue.max > queue.min);
    let holding = holding.map(|queue| GroupQueue {
        queue: queue.queue,
        committed: queue.min,
        end: queue.max,
        delivered: queue.min,
        consumed_ms: None,
        owner: None,
    });
    Ok(holding.collect())
}
