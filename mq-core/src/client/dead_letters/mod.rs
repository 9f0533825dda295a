//! Dead letters: listed, found, and sent again.
//!
//! A message that is sent again names the dead letter it was
//! ([`RESENT_DEAD_LETTERS`](crate::message::property::RESENT_DEAD_LETTERS)) and keeps its unique id.
//! By that id the index of its broker finds it, so that the dead letter is known to have been sent
//! again: after a restart of anybody, and with Apache's brokers, too. No other state is kept, and
//! the dead letter itself stays where it is until its broker deletes its segment; what it became is
//! younger, and goes later.
//!
//! Invariant: a dead letter of which the index shows such a message is not sent again, and no other client
//! sends one of its queue until the index shows what was sent.

mod again;
mod error;
mod in_turn;
mod letter;

use std::fmt;
use std::sync::Arc;

pub use again::Resent;
pub use error::DeadLetterError;
pub use letter::{DeadLetter, ResendTo, SentAgain};

use super::cluster::ClusterClient;
use crate::message::{GroupName, TopicName};
use in_turn::in_turn;

/// The dead letters of a group.
#[derive(Clone)]
pub struct DeadLetters {
    cluster: Arc<ClusterClient>,
    group: GroupName,
}

impl DeadLetters {
    pub(super) fn of(cluster: &Arc<ClusterClient>, group: GroupName) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            group,
        }
    }

    /// The topic where they lie.
    pub fn topic(&self) -> TopicName {
        TopicName::dead_letters_of(&self.group)
    }

    /// The `most` newest dead letters, the newest last.
    ///
    /// # Errors
    ///
    /// [`DeadLetterError::NoGroup`] when no broker knows the group. A known group without dead letters
    /// has an empty list.
    pub async fn list(&self, most: usize) -> Result<Vec<DeadLetter>, DeadLetterError> {
        again::newest(&self.cluster, &self.group, most).await
    }

    /// The dead letters of the message with this unique id, the newest last, or the one with this
    /// offset id. A message that was sent again and died again has several.
    ///
    /// # Errors
    ///
    /// [`DeadLetterError`]; what was found is never empty.
    pub async fn find(&self, id: &str) -> Result<Vec<DeadLetter>, DeadLetterError> {
        again::find(&self.cluster, &self.group, id).await
    }

    /// Sends a dead letter again, unless that was done before: to the group, whose listener gets it
    /// with all its attempts before it, or to the topic that it was first sent to.
    ///
    /// ```no_run
    /// # use mq_core::{client::*, message::*};
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let letters = client.dead_letters(GroupName::new("shop")?);
    /// for letter in letters.list(50).await? {
    ///     if let Resent::Now(sent) = letters.resend(&letter, ResendTo::Group).await? {
    ///         println!("{} comes again as {}", letter.message.message_id(), sent.id);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DeadLetterError`]; after a timeout it may have been sent, which the next call finds out.
    pub async fn resend(
        &self,
        letter: &DeadLetter,
        to: ResendTo,
    ) -> Result<Resent, DeadLetterError> {
        // Of one client the broker thinks that it has the lock.
        let _one_after_the_other = self.cluster.resends.lock().await;
        let resend = Box::pin(again::resend(&self.cluster, &self.group, letter, to));
        in_turn(&self.cluster, &self.group, letter, resend).await
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = &self.group;
        f.debug_struct("DeadLetters")
            .field("group", group)
            .finish_non_exhaustive()
    }
}
