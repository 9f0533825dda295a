//! `mq message send|get|find|tail|trace`.

mod args;
mod print;
mod trace;
mod view;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::pin::pin;

use bytes::Bytes;
use bytestring::ByteString;
use mq_core::client::{Admin, AdminError, Gathered, ProducerConfig};
use mq_core::clock::Clock;
use mq_core::message::subscription::SelectorType;
use mq_core::message::{Message, MessageExt, MessageQueue, TopicName};

pub(crate) use args::MessageCommand;

use crate::admin::{self, Session, failure, send_failure};
use crate::failure::{ExitClass, ProgramFailure};
use crate::output::{self, OutputError};
use crate::reader;
use crate::time::TypedTime;
use args::{FindArgs, GetArgs, SendArgs, TailArgs, TraceArgs};
use print::Printer;
use trace::Trace;

/// A message, and the broker that has it.
type Found = (ByteString, MessageExt);

/// The group in which messages are sent from the command line.
const PRODUCER_GROUP: &str = "mq-message-send";

pub(crate) async fn run(command: MessageCommand, clock: Clock) -> Result<(), ProgramFailure> {
    let at = match &command {
        MessageCommand::Send(args) => &args.at,
        MessageCommand::Get(args) => &args.at,
        MessageCommand::Find(args) => &args.at,
        MessageCommand::Tail(args) => &args.at,
        MessageCommand::Trace(args) => &args.at,
    };
    let session = Session::open(at, clock.clone())?;
    let outcome = match &command {
        MessageCommand::Send(args) => send(args, &session).await,
        MessageCommand::Get(args) => get(args, &session).await,
        MessageCommand::Find(args) => find(args, &session, &clock).await,
        MessageCommand::Tail(args) => tail(args, &session).await,
        MessageCommand::Trace(args) => trace(args, &session, &clock).await,
    };
    session.close(outcome).await
}

async fn send(args: &SendArgs, session: &Session) -> Result<(), ProgramFailure> {
    let topic = admin::topic(&args.topic)?;
    let config = ProducerConfig::new(admin::group(PRODUCER_GROUP)?);
    let body = body(args, config.max_message_size)?;
    let mut message = Message::new(topic.clone(), body);
    if let Some(tag) = &args.tag {
        let tagged = message.with_tag(tag.clone());
        message = tagged.map_err(|error| ProgramFailure::from(error).of_class(ExitClass::Usage))?;
    }
    for key in &args.key {
        let keyed = message.with_key(key);
        message = keyed.map_err(|error| ProgramFailure::from(error).of_class(ExitClass::Usage))?;
    }
    for (name, value) in &args.property {
        message.properties.set(name, value);
    }
    let producer = session.client.producer(config)?;
    let sent = match &args.queue {
        Some(queue) => {
            let queue = queue_of(&topic, queue);
            producer.send_to(message, &queue).await
        }
        None => producer.send(message).await,
    };
    let sent = sent.map_err(send_failure)?;
    Printer::new(args.at.ask.json).sent(&sent)?;
    Ok(())
}

/// The body as it was typed, from a file, or from standard input; at most `longest` bytes of those.
fn body(args: &SendArgs, longest: usize) -> Result<Bytes, ProgramFailure> {
    let (name, read) = match (args.body.as_deref(), &args.file) {
        (Some("-") | None, None) => (
            "standard input".to_owned(),
            at_most(longest, io::stdin().lock()),
        ),
        (Some(body), _) => return Ok(Bytes::from(body.to_owned())),
        (None, Some(path)) => (
            format!("`{}`", path.display()),
            File::open(path).and_then(|file| at_most(longest, file)),
        ),
    };
    let body = read.map_err(|error| format!("could not read {name}: {error}"));
    let body = body.and_then(|body| {
        let too_long =
            || format!("{name} has more than {longest} bytes, the longest body there is");
        body.ok_or_else(too_long)
    });
    body.map_err(|failure| ProgramFailure::from(failure).of_class(ExitClass::Usage))
}

/// All bytes of `source`; `None` when there are more than `limit`, of which no more are read.
fn at_most(limit: usize, source: impl Read) -> io::Result<Option<Bytes>> {
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut read = Vec::new();
    source.take(one_more).read_to_end(&mut read)?;
    Ok((read.len() <= limit).then(|| read.into()))
}

fn queue_of(topic: &TopicName, typed: &args::NamedQueue) -> MessageQueue {
    let broker = typed.broker.as_str();
    MessageQueue::new(topic.clone(), broker, typed.id)
}

async fn get(args: &GetArgs, session: &Session) -> Result<(), ProgramFailure> {
    let topic = admin::topic(&args.topic)?;
    let found = match (&args.id, &args.queue, args.offset) {
        (Some(id), ..) => session.admin.message(&topic, id).await.map_err(failure)?,
        (None, Some(queue), Some(offset)) => {
            let queue = queue_of(&topic, queue);
            let message = session.admin.message_at(&queue, offset).await;
            vec![(queue.broker, message.map_err(failure)?)]
        }
        _ => {
            let failure = ProgramFailure::from("no message is named");
            return Err(failure
                .of_class(ExitClass::Usage)
                .advise("name an id, or `--queue BROKER:ID --offset N`"));
        }
    };
    Printer::new(args.at.ask.json).whole(&found)?;
    Ok(())
}

async fn find(args: &FindArgs, session: &Session, clock: &Clock) -> Result<(), ProgramFailure> {
    let topic = admin::topic(&args.topic)?;
    let times = times(args.from, args.to, clock.now_ms())?;
    let most = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let printer = Printer::new(args.at.ask.json);
    if let Some(key) = &args.key {
        let found = session.admin.messages_by_key(&topic, key, times).await;
        let found = found.map_err(failure)?;
        list(&printer, &found.value, most)?;
        note_full(&found.value);
        return admin::end(&found);
    }
    // One more than is listed tells that there are more.
    let asked = most.saturating_add(1);
    let found = session.admin.messages_by_time(&topic, times, asked).await;
    let found = found.map_err(failure)?;
    list(&printer, &found.value, most)?;
    admin::end(&found)
}

/// The times that were typed, in ms since 1970.
fn times(
    from: Option<TypedTime>,
    to: Option<TypedTime>,
    now_ms: i64,
) -> Result<RangeInclusive<i64>, ProgramFailure> {
    let from = from.map_or(0, |time| time.at_ms(now_ms));
    let to = to.map_or(i64::MAX, |time| time.at_ms(now_ms));
    if from > to {
        let failure = ProgramFailure::from("`--from` is later than `--to`");
        return Err(failure.of_class(ExitClass::Usage));
    }
    Ok(from..=to)
}

/// Prints the first `most` messages, and says whether there are more.
fn list(printer: &Printer, found: &[Found], most: usize) -> Result<(), OutputError> {
    printer.listed(found.get(..most).unwrap_or(found))?;
    if found.len() > most {
        output::note(&format!("{most} of more shown: `--limit` shows more"));
    }
    Ok(())
}

/// Names the brokers that gave as many messages of a key as they do at most.
fn note_full(found: &[Found]) {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (broker, _) in found {
        *counts.entry(broker).or_default() += 1;
    }
    counts.retain(|_, count| *count >= usize::from(Admin::MOST_BY_KEY));
    for broker in counts.into_keys() {
        output::note(&format!(
            "{broker} gives the newest {} messages with a key, there may be more: `--from` and `--to` look at \
             other times",
            Admin::MOST_BY_KEY
        ));
    }
}

async fn trace(args: &TraceArgs, session: &Session, clock: &Clock) -> Result<(), ProgramFailure> {
    let topic = admin::topic(&args.trace_topic)?;
    let times = times(args.from, args.to, clock.now_ms())?;
    let found = match session.admin.messages_by_key(&topic, &args.id, times).await {
        Err(AdminError::NoTopic(_)) => Gathered {
            value: Vec::new(),
            failed: Vec::new(),
        },
        found => found.map_err(failure)?,
    };
    let trace = Trace::of(&args.id, &found.value);
    if trace.is_empty() {
        let failure = ProgramFailure::from(format!("nothing in `{topic}` is about `{}`", args.id));
        return Err(failure.of_class(ExitClass::NotThere).advise(
            "clients trace where it is switched on, to brokers that have the topic (`traceTopicEnable`); \
             `--trace-topic` names another",
        ));
    }
    trace.print(args.at.ask.json)?;
    note_full(&found.value);
    admin::end(&found)
}

async fn tail(args: &TailArgs, session: &Session) -> Result<(), ProgramFailure> {
    let topic = admin::topic(&args.topic)?;
    let printer = Printer::new(args.at.ask.json);
    let (selector, expression) = match &args.sql {
        Some(condition) => (SelectorType::Sql92, condition),
        None => (SelectorType::Tag, &args.filter),
    };
    let admin = &session.admin;
    let tail = admin.tail_by(&topic, selector, expression, args.last).await;
    let mut tail = tail.map_err(failure)?;
    let mut gone = pin!(reader::gone());
    let mut count = 0;
    while args.count.is_none_or(|most| count < most) {
        let next = tokio::select! {
            next = tail.next() => next,
            () = &mut gone => return Err(OutputError::Closed.into()),
        };
        match next {
            Ok((broker, message)) => {
                printer.line(&broker, &message)?;
                count += 1;
            }
            // It is told once, and tried until it can be read again.
            Err(error) => output::note(&error),
        }
    }
    Ok(())
}
