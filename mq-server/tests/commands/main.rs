//! The commands of administrators: what they print, for people and for scripts, and how they end.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failure is what a test is for"
)]

mod dlq;
mod scene;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use mq_core::client::{ConsumerConfig, ProducerConfig, PushConsumer, StartFrom, TraceSettings};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, TopicName};
use serde_json::Value;

use scene::{Content, LIMIT, MQ, Scene, orders, shop};

/// A group that has consumed everything up to the offset `end`.
async fn consumer(scene: &Scene, end: i64) -> PushConsumer {
    let mut config = ConsumerConfig::new(shop());
    config.start_from = StartFrom::FirstOffset;
    let consumer = scene.client.push_consumer(config).subscribe(orders(), "*");
    let consumer = consumer.start(Content).await.unwrap();
    let clock = Clock::system();
    let begun = clock.moment();
    loop {
        let shown = scene.client.admin().group(&shop(), Some(&orders())).await;
        let committed = shown.map_or(0, |shown| shown.value.queues[0].committed);
        if committed >= end {
            return consumer;
        }
        assert!(clock.moment().since(begun) < LIMIT, "nothing is committed");
        clock.sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_sent_got_and_found() {
    let scene = Scene::new().await;

    let sent = scene.json(&[
        "message",
        "send",
        "-t",
        "orders",
        "--tag",
        "paid",
        "-k",
        "42",
        "-p",
        "color=blue",
        "one coffee",
    ]);
    let id = sent["id"].as_str().unwrap();
    let got = scene.json(&["message", "get", "-t", "orders", id]);
    assert_eq!(got[0]["body"], "one coffee");
    assert_eq!(got[0]["tag"], "paid");
    assert_eq!(got[0]["keys"], serde_json::json!(["42"]));
    assert_eq!(got[0]["properties"]["color"], "blue");
    let queue = ["--queue", "broker-a:0", "--offset", "0"];
    let at = scene.told(&[&["message", "get", "-t", "orders"], &queue[..]].concat());
    assert!(at.contains("body         one coffee"), "{at}");

    for how in [["-k", "42"], ["--from", "1m"], ["--to", "2999-01-01"]] {
        let found = scene.json(&[&["message", "find", "-t", "orders"], &how[..]].concat());
        assert_eq!(found[0]["id"], sent["id"], "{how:?}");
    }
    let none = scene.told(&["message", "find", "-t", "orders", "--to", "2020-01-01"]);
    assert_eq!(none, "no messages\n");
    // The body may come through a pipe, and need not be text.
    let mut sending = scene.command(&["message", "send", "-t", "orders", "-"]);
    let mut sending = sending
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    sending.stdin.take().unwrap().write_all(&[0, 255]).unwrap();
    assert!(sending.wait().unwrap().success());
    let queue = ["--queue", "broker-a:0", "--offset", "1"];
    let got = scene.json(&[&["message", "get", "-t", "orders"], &queue[..]].concat());
    assert_eq!(
        (&got[0]["body"], &got[0]["bodyHex"]),
        (&Value::Null, &"00ff".into())
    );
    scene.end([]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_says_when_there_is_more_than_it_shows() {
    let scene = Scene::new().await;
    let producer = GroupName::new("many").unwrap();
    let producer = scene.client.producer(producer).unwrap();
    let send = async || {
        let order = Message::new(orders(), "x").with_key("k").unwrap();
        producer.send(order).await.unwrap();
    };
    let find = |words: &[&str]| {
        let output = scene.mq(&[&["message", "find", "-t", "orders", "--json"], words].concat());
        let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{log}");
        (found.len(), log)
    };

    for _ in 0..2 {
        send().await;
    }
    for by in [["-k", "k"], ["--from", "1h"]] {
        let (count, log) = find(&[&by[..], &["--limit", "1"]].concat());
        assert_eq!(count, 1);
        assert!(
            log.starts_with("mq: 1 of more shown: `--limit` shows more"),
            "{log}"
        );
        assert_eq!(
            find(&[&by[..], &["--limit", "2"]].concat()),
            (2, String::new())
        );
    }
    for _ in 2..64 {
        send().await;
    }
    let (count, log) = find(&["-k", "k", "--limit", "100"]);
    assert_eq!(count, 64);
    assert!(
        log.contains("broker-a gives the newest 64 messages with a key"),
        "{log}"
    );
    scene.end([]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_of_rocketmq_itself_are_listed_when_they_are_asked_for() {
    let scene = Scene::new().await;

    let own = scene.told(&["topic", "list"]);
    assert_eq!(own, "TOPIC   QUEUES\norders  broker-a:1\n");
    let all = scene.told(&["topic", "list", "--all"]);
    for topic in ["TBW102", "DefaultCluster", "broker-a", "orders"] {
        assert!(all.contains(&format!("\n{topic} ")), "{topic}: {all}");
    }
    scene.end([]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_listed_shown_reset_copied_and_deleted() {
    let scene = Scene::new().await;
    for body in ["a", "b"] {
        scene.told(&["message", "send", "-t", "orders", body]);
    }
    let consumer = consumer(&scene, 2).await;

    let listed = scene.json(&["group", "list"]);
    assert_eq!(listed[0]["group"], "shop");
    assert_eq!(
        (&listed[0]["members"], &listed[0]["lag"]),
        (&1.into(), &0.into())
    );
    let shown = scene.json(&["group", "show", "-g", "shop", "-t", "orders"]);
    assert_eq!(shown["queues"][0]["owner"], shown["members"][0]["clientId"]);
    let table = scene.told(&["group", "show", "-g", "shop"]);
    assert!(
        table.contains("RUST") && table.contains("orders"),
        "{table}"
    );
    scene.ends(&["group", "delete", "-g", "shop"], 4, "1 connected members");
    consumer.shutdown(LIMIT).await.unwrap();

    let reset = ["group", "reset", "-g", "shop", "-t", "orders", "--begin"];
    let plan = scene.json(&[&reset[..], &["--dry-run"]].concat());
    assert_eq!(plan["dryRun"], true);
    assert_eq!(
        (&plan["queues"][0]["from"], &plan["queues"][0]["to"]),
        (&2.into(), &0.into())
    );
    let lag = || scene.json(&["group", "list"])[0]["lag"].clone();
    assert_eq!(lag(), 0);
    let done = scene.told(&reset);
    assert!(done.ends_with("changed\n"), "{done}");
    assert_eq!(lag(), 2);
    scene.told(&["group", "clone", "-g", "shop", "--to", "copy"]);
    let copied = scene.json(&["group", "list"]);
    assert_eq!(copied.as_array().unwrap().len(), 2);
    for group in ["copy", "shop"] {
        scene.told(&["group", "delete", "-g", group]);
    }
    assert_eq!(scene.told(&["group", "list"]), "no groups\n");
    scene.end([]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_watched_as_it_grows_until_nobody_looks() {
    let scene = Scene::new().await;
    let mut tail = scene.command(&[
        "message", "tail", "-t", "orders", "-f", "paid", "--last", "9",
    ]);
    scene.told(&["message", "send", "-t", "orders", "--tag", "paid", "first"]);
    let mut tail = tail
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();

    let first = lines.next().unwrap().unwrap();
    assert!(first.ends_with("broker-a:0@0 paid first"), "{first}");
    for tag in ["lost", "paid"] {
        scene.told(&["message", "send", "-t", "orders", "--tag", tag, tag]);
    }
    let second = lines.next().unwrap().unwrap();
    assert!(second.ends_with("@2 paid paid"), "{second}");
    let by_condition = ["--sql", "TAGS = 'lost'", "--last", "9", "--count", "1"];
    let lost = scene.told(&[&["message", "tail", "-t", "orders"], &by_condition[..]].concat());
    assert!(lost.ends_with("@1 lost lost\n"), "{lost}");
    // As when `head` has enough: it ends although nothing comes any more.
    drop(lines);

    let mut log = String::new();
    tail.stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert_eq!((tail.wait().unwrap().code(), log.as_str()), (Some(0), ""));
    scene.end([]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_cannot_be_understood_are_refused_with_what_is_wrong() {
    let scene = Scene::new().await;
    let ends = |words: &[&str], code, said| scene.ends(words, code, said);

    ends(&["topic", "show", "-t", "a/b"], 2, "illegal character '/'");
    ends(&["group", "reset", "-g", "g", "-t", "t"], 2, "--begin");
    ends(
        &["message", "find", "-t", "orders"],
        2,
        "<--key <KEY>|--from <TIME>|--to <TIME>>",
    );
    ends(
        &[
            "message", "find", "-t", "orders", "--from", "1m", "--to", "2m",
        ],
        2,
        "`--from` is later than `--to`",
    );
    ends(
        &[
            "message", "find", "-t", "orders", "-k", "k", "--limit", "10001",
        ],
        2,
        "10001 is not in 1..=10000",
    );
    ends(
        &["message", "send", "-t", "orders", "-p", "KEYS=a", "x"],
        2,
        "`KEYS` is reserved by RocketMQ and cannot be set as a user property; a key is given with `--key`",
    );
    ends(
        &["message", "send", "-t", "orders", "-p", "DELAY=3", "x"],
        2,
        "`DELAY` is reserved by RocketMQ",
    );
    ends(
        &["message", "send", "-t", "orders", ""],
        2,
        "the body is empty",
    );
    ends(
        &["message", "send", "-t", "orders", "-f", "/dev/zero"],
        2,
        "`/dev/zero` has more than 4194304 bytes",
    );
    ends(
        &["group", "clone", "-g", "shop", "--to", "shop"],
        2,
        "the group `shop` would be copied to itself",
    );
    ends(
        &["message", "find", "-t", "orders", "--from", "soon"],
        2,
        "`soon` is no time",
    );
    ends(
        &["message", "get", "-t", "orders"],
        2,
        "no message is named",
    );
    ends(
        &["message", "tail", "-t", "orders", "--sql", "total >"],
        2,
        "the condition cannot be read",
    );
    scene.end([]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_sees_by_the_exit_code_what_went_wrong() {
    let scene = Scene::new().await;
    let ends = |words: &[&str], code, said| scene.ends(words, code, said);

    ends(
        &["topic", "show", "-t", "nowhere"],
        3,
        "`mq topic list` shows all",
    );
    ends(
        &["group", "show", "-g", "nobody"],
        3,
        "there is no group `nobody`",
    );
    ends(
        &["message", "get", "-t", "orders", "nothing"],
        3,
        "there is no message `nothing` in the topic `orders`",
    );
    let nine = ["--queue", "broker-a:0", "--offset", "9"];
    ends(
        &[&["message", "get", "-t", "orders"], &nine[..]].concat(),
        3,
        "the queue `broker-a:0` of `orders` has no message at the offset 9",
    );
    ends(
        &["message", "trace", "nothing"],
        3,
        "nothing in `RMQ_SYS_TRACE_TOPIC` is about `nothing`",
    );
    ends(
        &["topic", "list", "-c", "other"],
        3,
        "no broker of the cluster `other` is known; there are: DefaultCluster",
    );
    ends(
        &["topic", "create", "-t", "TBW102", "-q", "3"],
        4,
        "refused: code 29",
    );
    for words in [&["topic", "list"][..], &["dlq", "list", "-g", "g"]] {
        let mut nonsense = Command::new(MQ);
        let output = nonsense.args(words).args(["-n", "nonsense"]).output();
        let output = output.unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(
            log.contains("`nonsense` is no name server: write HOST:PORT"),
            "{log}"
        );
    }
    let mut nobody = Command::new(MQ);
    let nobody = nobody.args(["topic", "list", "-n", "127.0.0.1:1"]);
    let nobody = nobody.output().unwrap();
    assert_eq!(nobody.status.code(), Some(5), "{nobody:?}");
    let log = String::from_utf8_lossy(&nobody.stderr);
    assert!(log.contains("; is the server running there?"), "{log}");
    scene.end([]).await;
}

/// They were not in the list, as if they were gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_queues_away_is_told_what_lies_in_them() {
    let scene = Scene::new().await;
    let create = |queues: &str| {
        let output = scene.mq(&["topic", "create", "-t", "orders", "-q", queues]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(create("3"), "");
    for queue in ["broker-a:0", "broker-a:1", "broker-a:1"] {
        scene.told(&["message", "send", "-t", "orders", "--queue", queue, "x"]);
    }

    assert_eq!(create("2"), "");
    assert_eq!(
        create("1"),
        "mq: 2 messages lie in queues from 1 on, where no consumer reads any more; \
         `mq topic create -t orders -q 2` brings them back\n"
    );
    scene.end([]).await;
}

/// Brokers tell no progress where nothing is committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_in_a_retry_topic_counts_before_anything_is_committed_there() {
    let scene = Scene::new().await;
    scene.told(&["message", "send", "-t", "orders", "x"]);
    consumer(&scene, 1).await.shutdown(LIMIT).await.unwrap();
    scene.told(&[
        "group", "clone", "-g", "shop", "-t", "orders", "--to", "late",
    ]);
    let lag = || {
        let groups = scene.json(&["group", "list"]);
        let mut groups = groups.as_array().unwrap().iter();
        groups.find(|group| group["group"] == "late").unwrap()["lag"].clone()
    };
    assert_eq!(lag(), 0);

    let retries = TopicName::new("%RETRY%late").unwrap();
    scene.client.create_topic(&retries, 1).await.unwrap();
    scene.told(&["message", "send", "-t", "%RETRY%late", "again"]);

    assert_eq!(lag(), 1);
    let shown = scene.json(&["group", "show", "-g", "late"]);
    let waiting = &shown["queues"][0];
    assert_eq!(
        (&waiting["topic"], &waiting["lag"]),
        (&"%RETRY%late".into(), &1.into())
    );
    assert_eq!(shown["lag"], 1);
    scene.end([]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_followed_by_its_trace() {
    let scene = Scene::new().await;
    let mut config = ConsumerConfig::new(shop());
    config.start_from = StartFrom::FirstOffset;
    config.trace = Some(TraceSettings::default());
    let consumer = scene.client.push_consumer(config).subscribe(orders(), "*");
    let consumer = consumer.start(Content).await.unwrap();
    let mut config = ProducerConfig::new(GroupName::new("cashier").unwrap());
    config.trace = Some(TraceSettings::default());
    let producer = scene.client.producer(config).unwrap();
    let order = Message::new(orders(), "x").with_key("order-1").unwrap();
    let sent = producer.send(order).await.unwrap();
    let clock = Clock::system();
    let begun = clock.moment();
    let rows = loop {
        let output = scene.mq(&["message", "trace", &sent.message_id, "--json"]);
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if rows
            .iter()
            .any(|row| row["status"] == "success" && row["what"] == "consumed")
            && rows.len() == 2
        {
            break rows;
        }
        assert!(clock.moment().since(begun) < LIMIT, "no trace: {output:?}");
        clock.sleep(Duration::from_millis(10)).await;
    };

    let row = |what: &str| rows.iter().find(|row| row["what"] == what).unwrap();
    assert_eq!(
        (&row("sent")["group"], &row("sent")["topic"]),
        (&"cashier".into(), &"orders".into())
    );
    assert_eq!(
        (
            &row("consumed")["group"],
            &row("consumed")["attemptsBefore"]
        ),
        (&"shop".into(), &0.into())
    );
    let table = scene.told(&["message", "trace", "order-1"]);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(
        table.contains("cashier") && table.contains("127.0.0.1"),
        "{table}"
    );
    producer.shutdown(LIMIT).await.unwrap();
    scene.end([consumer]).await;
}

/// It once panicked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_output_ends_a_command_without_a_word() {
    let scene = Scene::new().await;
    for words in [
        &["topic", "list", "--all"][..],
        &["topic", "show", "-t", "orders"],
        &["group", "list", "--all", "--json"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = scene.command(words);
        let output = command.stdout(writer).output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            (output.status.code(), log.as_str()),
            (Some(0), ""),
            "{words:?}"
        );
    }
    scene.end([]).await;
}

#[test]
fn a_shell_learns_the_words() {
    for shell in ["bash", "zsh", "fish"] {
        let output = Command::new(MQ)
            .args(["completions", shell])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(
            script.contains("tail") && script.contains("resend"),
            "{shell}"
        );
    }
}
