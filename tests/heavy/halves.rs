//! `kill -9` while half messages are open, and again while they are checked: every one is checked, those
//! that are committed are delivered, those that are rolled back never.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mq_core::message::record::decode_all;
use mq_core::message::{MessageExt, property};
use mq_core::remoting::{Incoming, Processor, Router};
use mq_core::wire::body::{HeartbeatData, ProducerData};
use mq_core::wire::header::{CheckTransactionState, EndTransaction, HeartBeat};
use mq_core::wire::{NoFields, Refusal, Reply, fastjson};
use mq_tests::{Server, Setup};
use tokio::sync::mpsc;

use crate::Outcome;
use crate::client::{Client, GROUP, Outgoing, Reader, queue_of};

const TOPIC: &str = "orders";
/// The flag of a half message (`MessageSysFlag.TRANSACTION_PREPARED_TYPE`).
const PREPARED: i32 = 4;
const PAUSE: Duration = Duration::from_millis(10);
const ANSWERS_AT_ONCE: usize = 64;
/// All must be over within so much.
const PATIENCE: Duration = Duration::from_mins(10);

/// Hands each check to the test.
struct Checks(mpsc::UnboundedSender<(CheckTransactionState, Bytes)>);

impl Processor<CheckTransactionState> for Checks {
    async fn process(
        &self,
        request: Incoming<CheckTransactionState>,
    ) -> Result<Reply<NoFields>, Refusal> {
        // The test may be over.
        let _unwanted = self.0.send((request.header, request.body));
        Ok(Reply::ok(NoFields))
    }
}

/// What is known of all half messages.
struct Seen {
    checked: BTreeSet<u64>,
    delivered: BTreeSet<u64>,
    doubles: u64,
}

impl Seen {
    fn add(&mut self, message: &MessageExt) -> Outcome<()> {
        let Some(number) = number(message) else {
            return Ok(());
        };
        if !is_committed(number) {
            return Err(format!("half message {number} was rolled back and is delivered").into());
        }
        if !self.delivered.insert(number) {
            self.doubles += 1;
        }
        Ok(())
    }
}

fn is_committed(number: u64) -> bool {
    number.is_multiple_of(2)
}

/// Some producers do not know at the first check.
fn is_unknown_at_first(number: u64) -> bool {
    number % 20 < 2
}

fn number(message: &MessageExt) -> Option<u64> {
    std::str::from_utf8(&message.message.body)
        .ok()?
        .parse()
        .ok()
}

fn half(number: u64) -> Outgoing<'static> {
    Outgoing {
        topic: TOPIC,
        queue: queue_of(number),
        sys_flag: PREPARED,
        properties: vec![
            (property::UNIQ_KEY, format!("{number:032X}")),
            ("TRAN_MSG", "true".to_owned()),
            ("PGROUP", GROUP.to_owned()),
        ],
        body: number.to_string().into(),
    }
}

/// A producer that is asked.
struct Producer {
    client: Arc<Client>,
    checks: mpsc::UnboundedReceiver<(CheckTransactionState, Bytes)>,
}

impl Producer {
    async fn of(server: &Server) -> Outcome<Self> {
        let (told, checks) = mpsc::unbounded_channel();
        let router = Router::default().on::<CheckTransactionState>(Checks(told));
        let client = Arc::new(Client::new(&server.broker, router));
        let heartbeat = HeartbeatData {
            client_id: "heavy".into(),
            producer_data_set: vec![ProducerData {
                group_name: GROUP.into(),
            }],
            ..HeartbeatData::default()
        };
        let heartbeat = fastjson::write(&heartbeat);
        client.call(HeartBeat, heartbeat).await?;
        Ok(Self { client, checks })
    }

    /// Answers checks that have come, not too many at once, so that the broker can be killed between.
    async fn answer(&mut self, seen: &mut Seen) -> Outcome<()> {
        for _check in 0..ANSWERS_AT_ONCE {
            let Ok((header, record)) = self.checks.try_recv() else {
                break;
            };
            for message in decode_all(record)? {
                let number = number(&message).ok_or("a check of a message that was never sent")?;
                let is_first = seen.checked.insert(number);
                let state = if is_first && is_unknown_at_first(number) {
                    EndTransaction::UNKNOWN
                } else if is_committed(number) {
                    EndTransaction::COMMIT
                } else {
                    EndTransaction::ROLLBACK
                };
                let end = EndTransaction {
                    producer_group: GROUP.into(),
                    tran_state_table_offset: header.tran_state_table_offset,
                    commit_log_offset: header.commit_log_offset,
                    commit_or_rollback: state,
                    from_transaction_check: Some(true),
                    msg_id: header.msg_id.clone(),
                    transaction_id: header.transaction_id.clone(),
                    ..EndTransaction::default()
                };
                match self.client.call(end, Bytes::new()).await {
                    Ok(_) => {}
                    // It had ended: two checks were under way.
                    Err(error) if error.refusal().is_some() => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

pub(crate) async fn run(mut setup: Setup, count: u64) -> Outcome<()> {
    setup.settings = ["transactionTimeOut=3000", "transactionCheckInterval=3000"]
        .map(str::to_owned)
        .into();
    let mut server = Server::start(&setup).await?;
    let client = Client::new(&server.broker, Router::default());
    client.send_all(count, half).await?;
    println!("halves: {count} sent; kill -9 with all of them open");
    server.kill().await?;
    server = Server::start(&setup).await?;
    println!("halves: ready again in {} ms", server.ready_in.as_millis());

    let mut producer = Producer::of(&server).await?;
    let (checked, delivered) = (BTreeSet::new(), BTreeSet::new());
    let mut seen = Seen {
        checked,
        delivered,
        doubles: 0,
    };
    let mut reader = Reader::new(TOPIC);
    let mut was_killed = false;
    let all = usize::try_from(count)?;
    let committed = (0..count).filter(|number| is_committed(*number)).count();
    let end = client.clock.moment().plus(PATIENCE);
    while seen.checked.len() < all || seen.delivered.len() < committed {
        producer.answer(&mut seen).await?;
        reader
            .news(&producer.client, |message| seen.add(message))
            .await?;
        if !was_killed && seen.checked.len() > all / 3 {
            was_killed = true;
            server.kill().await?;
            server = Server::start(&setup).await?;
            println!(
                "halves: kill -9 with {} checked; ready again in {} ms",
                seen.checked.len(),
                server.ready_in.as_millis()
            );
            producer = Producer::of(&server).await?;
        }
        if client.clock.moment() > end {
            let (checked, delivered) = (seen.checked.len(), seen.delivered.len());
            let text = format!("{checked} of {all} checked, {delivered} of {committed} delivered");
            return Err(text.into());
        }
        client.clock.sleep(PAUSE).await;
    }
    server.stop(Duration::from_mins(1)).await?;

    // After an end in order everything is there, and nothing comes that was rolled back.
    let server = Server::start(&setup).await?;
    let client = Client::new(&server.broker, Router::default());
    let before = seen.delivered.len();
    let (mut again, mut once_more) = (Reader::new(TOPIC), 0);
    seen.delivered.clear();
    seen.doubles = 0;
    again
        .news(&client, |message| {
            once_more += 1;
            seen.add(message)
        })
        .await?;
    if seen.delivered.len() != before {
        return Err(format!("{once_more} after a clean stop, {before} before").into());
    }
    println!(
        "halves: all {all} checked, {committed} committed and delivered, {} of them twice, none that \
         was rolled back",
        seen.doubles
    );
    Ok(())
}
