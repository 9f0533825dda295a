//! A message: its topic and group names, its properties, its ids, and the record that it is stored
//! as.
//!
//! Nothing here does I/O, asks the time or knows a request code.

pub mod batch;
pub mod compression;
mod date;
#[cfg(any(feature = "client", feature = "broker"))]
pub(crate) mod delay_word;
mod hash;
mod id;
mod known;
pub(crate) mod later;
mod names;
mod offset;
mod properties;
pub(crate) mod properties_writer;
pub mod property;
pub(crate) mod property_text;
mod queue;
mod recall_handle;
pub mod record;
pub(crate) mod request;
mod stored;
pub mod subscription;
mod sys_flag;
mod unsent;
mod zstd;

pub use date::Date;
pub use hash::java_hash;
#[cfg(feature = "store")]
pub(crate) use hash::java_hash_after;
pub use id::{IdError, OffsetMessageId, UniqueIds};
pub use later::Later;
pub use names::{GroupName, NameError, Tag, TopicName};
pub use offset::{PhysicalOffset, QueueOffset};
pub use properties::{Properties, PropertyError};
pub use queue::MessageQueue;
pub use recall_handle::{RecallHandle, RecallHandleError};
pub use request::NotARequest;
pub use stored::MessageExt;
pub use sys_flag::{Compression, SysFlag, Transaction};
pub use unsent::Message;
