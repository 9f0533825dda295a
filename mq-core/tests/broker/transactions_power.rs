//! The power goes at any step of transactions and of their checks: nothing is lost, nothing that was
//! rolled back is delivered, and twice comes only what was being committed.

use mq_core::clock::Clock;
use mq_core::message::OffsetMessageId;
use mq_core::store::disk::FaultyDisk;
use mq_core::wire::header::{EndTransaction, SendMessage, SendMessageReply};

use crate::power::{self, Random};
use crate::stage::{Client, SECOND, Stage, message, with};

const START: i64 = 1_800_000_000_000;
const SEEDS: u64 = 1_000;
const STEPS: u64 = 40;

/// What is known of the end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Open,
    /// The broker has said so.
    Ended(i32),
    /// It was being ended when the power went.
    Perhaps(i32),
}

struct Begun {
    half: SendMessageReply,
    body: String,
    known: Known,
}

async fn stage_on(disk: &FaultyDisk, clock: &Clock) -> Stage {
    let config = Stage::config(|config| {
        let rules = &mut config.rules;
        rules.transactions.check_after = SECOND;
        rules.transactions.check_interval = SECOND;
        rules.transactions.most_checks = 1_000;
        rules.save_offsets_every = SECOND;
    });
    power::stage_on(disk, config, clock).await
}

async fn begin(client: &Client, body: &str) -> Option<SendMessageReply> {
    let marks = [("TRAN_MSG", "true"), ("PGROUP", "producers")];
    let half = SendMessage {
        sys_flag: 4,
        ..with(message("orders", 0), &marks)
    };
    let sent = client.call_with(half, body.to_owned()).await;
    sent.ok().map(|reply| reply.header)
}

async fn end(client: &Client, half: &SendMessageReply, commit_or_rollback: i32) -> bool {
    let OffsetMessageId { offset, .. } = half.msg_id.parse().unwrap();
    let end = EndTransaction {
        producer_group: "producers".into(),
        tran_state_table_offset: half.queue_offset,
        commit_log_offset: offset.to_wire(),
        commit_or_rollback,
        transaction_id: half.transaction_id.clone(),
        ..EndTransaction::default()
    };
    client.call(end).await.is_ok()
}

/// Begins and ends transactions until the power goes or `STEPS` are done.
async fn until_the_power_goes(client: &Client, clock: &Clock, random: &mut Random) -> Vec<Begun> {
    let mut begun: Vec<Begun> = Vec::new();
    for step in 0..STEPS {
        match random.below(4) {
            0 | 1 => {
                let body = format!("message {step}");
                let Some(half) = begin(client, &body).await else {
                    break;
                };
                let known = Known::Open;
                begun.push(Begun { half, body, known });
            }
            2 => {
                let open = begun.iter_mut().filter(|begun| begun.known == Known::Open);
                let mut open: Vec<_> = open.collect();
                let Some(which) = random.below(STEPS).checked_rem(open.len() as u64) else {
                    continue;
                };
                let one = open.swap_remove(usize::try_from(which).unwrap());
                let state = if random.below(2) == 0 {
                    EndTransaction::COMMIT
                } else {
                    EndTransaction::ROLLBACK
                };
                one.known = Known::Perhaps(state);
                if !end(client, &one.half, state).await {
                    break;
                }
                one.known = Known::Ended(state);
            }
            _ => {
                for _ in 0..5 {
                    clock.advance(SECOND / 4).await;
                }
            }
        }
    }
    begun
}

async fn delivered(client: &Client, body: &str) -> usize {
    let delivered = client.everything("orders", 0).await;
    let same = delivered.iter().filter(|one| one.message.body == body);
    same.count()
}

/// Finds out what became of each transaction, and commits those that are open.
async fn finish(client: &Client, begun: &[Begun], seed: u64) {
    for one in begun {
        let Begun { half, body, known } = one;
        let state = match known {
            Known::Open => EndTransaction::COMMIT,
            Known::Ended(state) | Known::Perhaps(state) => *state,
        };
        let ended = end(client, half, state).await;
        let delivered = delivered(client, body).await;
        let expected = match (known, state) {
            (_, EndTransaction::ROLLBACK) => 0..=0,
            // The message may be there without the record that says that its transaction has ended.
            (Known::Perhaps(_), _) if ended => 1..=2,
            _ => 1..=1,
        };
        let found = (body, known, ended, delivered);
        assert!(expected.contains(&delivered), "seed {seed}: {found:?}");
        assert!(
            ended != matches!(known, Known::Ended(_)) || matches!(known, Known::Perhaps(_)),
            "seed {seed}: {found:?}"
        );
    }
}

async fn a_cut(seed: u64) {
    let mut random = Random(seed);
    let (disk, clock) = (FaultyDisk::default(), Clock::manual(START));
    let stage = stage_on(&disk, &clock).await;
    let client = stage.client("a");
    client.send(message("orders", 0), "the topic").await;
    disk.cut_power_after(random.below(250));
    let begun = until_the_power_goes(&client, &clock, &mut random).await;
    let after = disk.crash(|| random.below(2) == 0);

    let clock = Clock::manual(START + 60_000);
    let stage = stage_on(&after, &clock).await;
    let client = stage.client("a");
    for _ in 0..random.below(12) {
        clock.advance(SECOND / 4).await;
    }
    finish(&client, &begun, seed).await;

    // After an end in order everything is as it was.
    let before = client.everything("orders", 0).await.len();
    for _ in 0..8 {
        clock.advance(SECOND / 2).await;
    }
    let stage = stage.restarted().await;
    let client = stage.client("a");
    for one in &begun {
        let ended = end(&client, &one.half, EndTransaction::COMMIT).await;
        assert!(!ended, "seed {seed}: {} ended again", one.body);
    }
    assert_eq!(client.everything("orders", 0).await.len(), before);
    stage.stop().await;
}

#[test]
fn a_cut_at_any_step_loses_nothing_and_brings_nothing_back() {
    power::each_seed(SEEDS, a_cut);
}
