//! An application being put together: what it provides and listens to, and all that is wrong with it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use mq_core::clock::Clock;
use mq_core::message::GroupName;
#[cfg(feature = "embedded")]
use mq_core::node::{Node, NodeBuilder};
#[cfg(feature = "embedded")]
use mq_core::store::disk::Disk;
use mq_core::tasks::Tasks;

use super::checked::CheckedApplication;
use super::running::Application;
use crate::bridge::ClusterLocation;
use crate::cluster_name::ClusterName;
#[cfg(feature = "embedded")]
use crate::config::ClusterAddress;
use crate::config::{ConfigOrigin, ConfigProblem, RocketMQConfig, Settings, SettingsOptions};
#[cfg(feature = "embedded")]
use crate::embedded::EmbeddedBroker;
use crate::listener::{Plan, Selection};
use crate::problem::{ApplicationError, Problem};
use crate::receiving::ReceiverSlot;
use crate::state::Collected;
use crate::template::{ProducerSlot, RocketMQTemplate};

/// The producer group of an application that names neither one nor itself.
const DEFAULT_PRODUCER_GROUP: &str = "mq-starter-producer";

/// An application being put together.
///
/// ```no_run
/// use mq_starter::prelude::*;
///
/// #[rocketmq_message_listener(topic = "greetings", consumer_group = "greeter")]
/// async fn greet(name: String) -> ConsumeResult {
///     tracing::info!("hello {name}");
///     Ok(())
/// }
///
/// #[tokio::main]
/// async fn main() -> mq_starter::Result<()> {
///     let app = RocketMQApplication::new().build().await?;
///     app.template().convert_and_send("greetings", "world").await?;
///     app.run().await?;
///     Ok(())
/// }
/// ```
#[must_use = "nothing happens before `build`"]
pub struct RocketMQApplication {
    options: SettingsOptions,
    provided: Collected,
    selection: Option<Selection>,
    clock: Clock,
    #[cfg(feature = "embedded")]
    broker: Option<EmbeddedBroker>,
    /// The node that the application's own broker becomes a part of.
    #[cfg(feature = "embedded")]
    node: NodeBuilder,
}

impl RocketMQApplication {
    /// An application with the settings of the working directory, the environment and the
    /// arguments, and with the listeners of every crate that is linked.
    pub fn new() -> Self {
        Self {
            options: SettingsOptions::from_process(),
            provided: Collected::default(),
            selection: None,
            clock: Clock::system(),
            #[cfg(feature = "embedded")]
            broker: None,
            #[cfg(feature = "embedded")]
            node: Node::builder(),
        }
    }

    /// Takes the files from `directory`, such as `env!("CARGO_MANIFEST_DIR")`.
    pub fn settings_from(mut self, directory: impl Into<PathBuf>) -> Self {
        self.options = self.options.directory(directory);
        self
    }

    /// Takes the settings from these sources and no others.
    pub fn settings(mut self, options: SettingsOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets one key, above every other source.
    pub fn setting(mut self, key: &str, value: impl Into<String>) -> Self {
        self.options = self.options.set(key, value);
        self
    }

    /// Provides a value: `State<T>` clones it, `Inject<T>` shares it.
    pub fn provide<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.provided.add(Arc::new(value));
        self
    }

    /// Provides a value under the name of a trait, for `Inject<dyn Trait>`.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mq_starter::prelude::*;
    /// trait Gateway: Send + Sync {}
    /// struct Fake;
    /// impl Gateway for Fake {}
    ///
    /// let app = RocketMQApplication::new().provide_as::<dyn Gateway>(Arc::new(Fake));
    /// # drop(app);
    /// ```
    pub fn provide_as<T: ?Sized + Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.provided.add(value);
        self
    }

    /// Runs the listeners of these crates only; see [`listeners!`](crate::listeners).
    pub fn listeners(mut self, selection: Selection) -> Self {
        self.selection = Some(selection);
        self
    }

    /// Shares a broker with other applications of this process, when the settings name no other.
    #[cfg(feature = "embedded")]
    pub fn broker(mut self, broker: &EmbeddedBroker) -> Self {
        self.broker = Some(broker.clone());
        self
    }

    /// Takes the time from `clock` instead of the system's: timeouts, pauses between attempts and,
    /// when the broker is the application's own, delays of messages.
    ///
    /// A test moves a [manual](Clock::manual) clock on by hand. A broker that is shared keeps the clock
    /// it was [started with](EmbeddedBroker::start_on).
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Keeps messages on `disk` instead of the system's, when the broker is the application's own: in
    /// memory, or on a disk that fails when a test wants it to.
    #[cfg(feature = "embedded")]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.node = self.node.disk(disk);
        self
    }

    /// Checks everything, connects, creates the topics that the settings declare, and prints the
    /// table of listeners. Messages can be sent from now on; listeners wait for
    /// [`Application::start`].
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Refused`] with everything that is wrong; else why the broker in the process or
    /// the cluster does not take part.
    pub async fn build(self) -> Result<Application, ApplicationError> {
        let clock = self.clock.clone();
        let tasks = Tasks::new(clock.clone());
        #[cfg(feature = "embedded")]
        let (shared, node) = (self.broker.clone(), self.node.clone().clock(clock.clone()));
        let checked = self.check(&tasks)?;
        tracing::info!("listeners{}", checked.plan.table());
        let location = if checked.config.enabled {
            #[cfg(feature = "embedded")]
            let found = ClusterLocation::find(&checked.config, shared, node).await?;
            #[cfg(not(feature = "embedded"))]
            let found = ClusterLocation::find(&checked.config)?;
            Some(found)
        } else {
            tracing::info!("rocketmq.enabled is false: nothing is sent and nothing listened to");
            None
        };
        Application::connect(checked, location, clock, tasks).await
    }

    /// Everything that can be known without a socket.
    fn check(mut self, tasks: &Tasks) -> Result<CheckedApplication, ApplicationError> {
        let settings = Arc::new(Settings::load(&self.options)?);
        for warning in settings.warnings() {
            tracing::warn!("{warning}");
        }
        let (config, problems) = settings.checked();
        let mut problems: Vec<Problem> = problems.into_iter().map(Problem::from).collect();
        let producer = ProducerSlot::default();
        let cluster = ClusterName::DEFAULT;
        let receiver = ReceiverSlot::default();
        let template =
            RocketMQTemplate::new(&cluster, producer.clone(), receiver.clone(), tasks.clone());
        self.provided.add_of(&cluster, Arc::new(template.clone()));
        self.provided.add(Arc::clone(&settings));
        problems.extend(self.mistakes());
        #[cfg(feature = "embedded")]
        problems.extend(self.too_long_for_shared_broker(&config));
        let group = producer_group(&config, &settings, &mut problems);
        let state = self.provided.finish();
        let declarations = Selection::declarations(self.selection.as_ref());
        let declarations = if config.enabled {
            declarations
        } else {
            Vec::new()
        };
        let overrides = &config.listeners;
        let plan = Plan::of(&declarations, &settings, overrides, &state, &mut problems);
        problems.extend(receiver_in_listened_group(&config, &settings, &plan));
        match group {
            Some(group) if problems.is_empty() => Ok(CheckedApplication {
                settings,
                config,
                group,
                plan,
                state,
                template,
                producer,
                receiver,
            }),
            _ => Err(ApplicationError::Refused(problems)),
        }
    }

    /// Messages that the shared broker would refuse one by one while the application runs.
    #[cfg(feature = "embedded")]
    fn too_long_for_shared_broker(&self, config: &RocketMQConfig) -> Option<Problem> {
        let limit = self.broker.as_ref()?.max_message_size();
        let longest = config.producer.max_message_size;
        (config.name_server == ClusterAddress::Embedded && longest > limit).then(|| {
            let what = format!(
                "rocketmq.producer.max-message-size: is {longest} bytes, but the broker that the \
                 application shares takes at most {limit}: set the key to that, or start the broker \
                 with `EmbeddedSettings {{ max_message_size: {longest}, .. }}`"
            );
            Problem::new("settings", what)
        })
    }

    /// Mistakes in the program, such as a type that is provided twice.
    fn mistakes(&self) -> Vec<Problem> {
        let twice = self.provided.twice().iter();
        let twice = twice.map(|name| format!("`{name}` is provided twice, one value per type"));
        let selection = self.selection.as_ref();
        let silent = selection.map(Selection::without_listeners);
        let silent = silent.into_iter().flatten().map(|package| {
            format!("`listeners!` names `{package}`, which has no annotated listener")
        });
        twice
            .chain(silent)
            .map(|what| Problem::new("the application", what))
            .collect()
    }
}

impl Default for RocketMQApplication {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RocketMQApplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocketMQApplication")
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}

/// A complaint when the template would receive in a group that has listeners: both would be given a
/// share of the queues.
fn receiver_in_listened_group(
    config: &RocketMQConfig,
    settings: &Settings,
    plan: &Plan,
) -> Option<Problem> {
    let key = "rocketmq.pull-consumer.group";
    let group = &config.pull_consumer.as_ref()?.group;
    let has_listeners = plan.consumers.iter().any(|one| one.group == *group);
    has_listeners.then(|| {
        let what = format!(
            "the group `{group}` has listeners in this application: give \
             the template a group of its own"
        );
        let origin = settings.origin(key).unwrap_or(ConfigOrigin::Nowhere);
        ConfigProblem::new(origin, key, what).into()
    })
}

/// The group messages are sent in: the settings', else the application's own name.
fn producer_group(
    config: &RocketMQConfig,
    settings: &Settings,
    problems: &mut Vec<Problem>,
) -> Option<GroupName> {
    if let Some(group) = &config.producer.group {
        return Some(group.clone());
    }
    let name = settings
        .resolve("${spring.application.name:}")
        .unwrap_or_default();
    let name = if name.is_empty() {
        DEFAULT_PRODUCER_GROUP.to_owned()
    } else {
        name
    };
    match GroupName::new(name) {
        Ok(group) => Some(group),
        Err(error) => {
            let what = format!("{error}; set `rocketmq.producer.group`");
            problems.push(Problem::new("spring.application.name", what));
            None
        }
    }
}
