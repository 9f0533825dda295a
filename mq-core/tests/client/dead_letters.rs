//! Dead letters: listed with their reason, sent again once, to the group that failed.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mq_core::client::{
    Client, ConsumerConfig, DeadLetter, DeadLetterError, DeadLetters, ErrorKind, OrderlyOutcome,
    Outcome, PushConsumer, ResendTo, Resent,
};
use mq_core::clock::Clock;
use mq_core::message::{MessageExt, MessageQueue, TopicName, property};
use mq_core::wire::body::{KvTable, LockBatchRequestBody, permission};
use mq_core::wire::fastjson;
use mq_core::wire::header::{
    DeleteTopicInBroker, DeleteTopicInNamesrv, GetBrokerRuntimeInfo, LockBatchMq,
    UpdateAndCreateTopic,
};

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::listeners::{Each, InOrder, Seen, done};

/// A group whose listener gives every message up while it is told to.
struct GivingUp {
    seen: Seen,
    gives_up: Arc<AtomicBool>,
    consumer: PushConsumer,
}

impl GivingUp {
    async fn start(client: &Client, name: &str, topic: &TopicName) -> Self {
        Self::with(client, from_the_beginning(name), topic).await
    }

    async fn with(client: &Client, config: ConsumerConfig, topic: &TopicName) -> Self {
        let (seen, gives_up) = (Seen::default(), Arc::new(AtomicBool::new(true)));
        let told = Arc::clone(&gives_up);
        let listener = Each(seen.clone(), move |_: &MessageExt| {
            if told.load(Ordering::Relaxed) {
                let reason = "no such product".to_owned();
                return Outcome::DeadLetter { reason };
            }
            Outcome::Done
        });
        let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
        let consumer = consumer.start(listener).await.unwrap();
        Self {
            seen,
            gives_up,
            consumer,
        }
    }

    fn recovers(&self) {
        self.gives_up.store(false, Ordering::Relaxed);
    }
}

/// So many dead letters, as soon as they are there.
async fn letters(of: &DeadLetters, count: usize) -> Vec<DeadLetter> {
    let clock = Clock::system();
    let begun = clock.moment();
    loop {
        let found = of.list(100).await.unwrap_or_default();
        if found.len() >= count {
            assert_eq!(found.len(), count, "{found:#?}");
            return found;
        }
        let waited = clock.moment().since(begun);
        assert!(
            waited < LIMIT * 4,
            "{} of {count} dead letters",
            found.len()
        );
        clock.sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_dead_letter_is_sent_again_to_its_own_group_with_all_its_attempts() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let shop = GivingUp::start(&client, "shop", &topic).await;
    let others = Seen::default();
    let other = client
        .push_consumer(from_the_beginning("other"))
        .subscribe(topic.clone(), "*");
    let other = other.start(done(&others)).await.unwrap();
    let sent = producer(&client).send(message(&topic, "x")).await.unwrap();
    let of_shop = client.dead_letters(group("shop"));

    let letter = letters(&of_shop, 1).await.remove(0);

    assert_eq!(letter.message.message_id(), sent.message_id);
    assert_eq!(letter.origin_topic(), Some(topic.clone()));
    assert_eq!(letter.origin_id(), Some(&*sent.offset_message_id));
    assert_eq!(letter.reason(), Some("no such product"));
    assert_eq!((letter.attempts(), letter.body().unwrap()), (1, "x".into()));
    assert_eq!(letter.sent_again, None);

    shop.recovers();
    let Resent::Now(again) = of_shop.resend(&letter, ResendTo::Group).await.unwrap() else {
        panic!("not sent");
    };
    eventually("it comes again", || shop.seen.count() == 2).await;
    let second = shop.seen.all().remove(1);
    assert_eq!(second.message.topic, topic);
    assert_eq!(
        (second.reconsume_times, second.message_id()),
        (0, sent.message_id)
    );
    assert_eq!(second.offset_message_id(), again.id);
    assert_eq!(again.topic, "%RETRY%shop");
    for gone in [property::DLQ_REASON, property::DELAY] {
        assert_eq!(second.message.properties.get(gone), None);
    }
    send_all(&producer_again(&client), &topic, ["last"]).await;
    eventually("the last one is there", || others.count() >= 2).await;
    assert_eq!(others.bodies(), ["x", "last"]);
    cluster.end([shop.consumer, other], [client]).await;
}

fn producer_again(client: &Client) -> mq_core::client::Producer {
    let config = mq_core::client::ProducerConfig::new(group("another-producer"));
    client.producer(config).unwrap()
}

/// Of twenty letters two commands at once sent thirty-one.
#[tokio::test]
async fn two_clients_send_a_letter_again_once() {
    let cluster = Cluster::start().await;
    let (client, another) = (cluster.client(), cluster.client());
    let topic = topic("orders");
    let shop = GivingUp::start(&client, "shop", &topic).await;
    send_all(&producer(&client), &topic, ["x"; 10]).await;
    let (ours, theirs) = (
        client.dead_letters(group("shop")),
        another.dead_letters(group("shop")),
    );
    let all = letters(&ours, 10).await;
    shop.recovers();

    for letter in &all {
        let both = tokio::try_join!(
            ours.resend(letter, ResendTo::Group),
            theirs.resend(letter, ResendTo::Group)
        );
        let (one, other) = both.unwrap();
        let sent = |resent: &Resent| matches!(resent, Resent::Now(_));
        assert!(sent(&one) != sent(&other), "{one:?} {other:?}");
    }

    eventually("each comes again", || shop.seen.count() == 20).await;
    cluster.end([shop.consumer], [client, another]).await;
}

/// A command that was killed keeps the others from it for a minute.
#[tokio::test]
async fn a_letter_that_somebody_else_has_locked_is_not_sent() {
    let cluster = Cluster::start().await;
    let clock = Clock::manual(Clock::system().now_ms());
    let (client, waiting) = (cluster.client(), cluster.client_by(&clock));
    let topic = topic("orders");
    let shop = GivingUp::start(&client, "shop", &topic).await;
    send_all(&producer(&client), &topic, ["x"]).await;
    let of_shop = client.dead_letters(group("shop"));
    let letter = letters(&of_shop, 1).await.remove(0);
    let lock = LockBatchRequestBody {
        consumer_group: of_shop.topic().to_text(),
        client_id: "killed".into(),
        mq_set: vec![MessageQueue::new(
            of_shop.topic(),
            letter.broker.clone(),
            letter.message.queue_id,
        )],
        only_this_broker: false,
    };
    let lock = fastjson::write(&lock);
    cluster.ask(LockBatchMq, lock).await.map(drop).unwrap();

    let letters = waiting.dead_letters(group("shop"));
    let mut resend = pin!(letters.resend(&letter, ResendTo::Group));
    let system = Clock::system();
    let ended = loop {
        tokio::select! {
            ended = &mut resend => break ended,
            () = system.sleep(Duration::from_millis(5)) => {}
        }
        clock.advance(Duration::from_millis(100)).await;
    };

    assert!(matches!(ended, Err(DeadLetterError::InUse(_))), "{ended:?}");
    assert_eq!(letters.list(1).await.unwrap()[0].sent_again, None);
    cluster.end([shop.consumer], [client, waiting]).await;
}

/// Two clicks sent it twice.
#[tokio::test]
async fn what_was_sent_again_is_not_sent_a_second_time_not_even_after_a_restart() {
    let mut cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let shop = GivingUp::start(&client, "shop", &topic).await;
    send_all(&producer(&client), &topic, ["x", "y"]).await;
    let of_shop = client.dead_letters(group("shop"));
    let both = letters(&of_shop, 2).await;
    shop.recovers();
    let letter = &both[0];

    let clicks = [(); 2].map(|()| of_shop.resend(letter, ResendTo::Group));
    let [first, second] = clicks;
    let (first, second) = tokio::join!(first, second);

    let Resent::Now(again) = first.unwrap() else {
        panic!("not sent");
    };
    assert_eq!(second.unwrap(), Resent::Before(again.clone()));
    eventually("it comes again", || shop.seen.count() == 3).await;
    shop.consumer.shutdown(LIMIT).await.unwrap();
    client.shutdown(LIMIT).await.unwrap();
    let port = cluster.stop_broker().await;
    cluster.start_broker_again(port).await;
    let client = cluster.client();
    let of_shop = client.dead_letters(group("shop"));
    let told = letters(&of_shop, 2).await;
    assert_eq!(told[0].sent_again, Some(again.clone()));
    assert_eq!(told[1].sent_again, None);
    let third = of_shop.resend(letter, ResendTo::OriginTopic).await;
    assert_eq!(third.unwrap(), Resent::Before(again));
    assert_eq!(cluster.everything(&retry("shop")).await.len(), 1);
    cluster.end([], [client]).await;
}

fn retry(name: &str) -> TopicName {
    TopicName::retry_of(&group(name))
}

#[tokio::test]
async fn a_message_that_dies_again_is_another_dead_letter_that_names_the_first() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let shop = GivingUp::start(&client, "shop", &topic).await;
    let sent = producer(&client).send(message(&topic, "x")).await.unwrap();
    let of_shop = client.dead_letters(group("shop"));
    let first = letters(&of_shop, 1).await.remove(0);

    of_shop
        .resend(&first, ResendTo::Group)
        .await
        .map(drop)
        .unwrap();
    letters(&of_shop, 2).await;
    let found = of_shop.find(&sent.message_id).await.unwrap();

    let [first, second] = &found[..] else {
        panic!("{found:#?}");
    };
    assert!(first.sent_again.is_some() && second.sent_again.is_none());
    let first_id = first.message.offset_message_id().to_string();
    assert_eq!(second.resent_from().collect::<Vec<_>>(), [&*first_id]);
    assert_eq!(second.attempts(), 1);
    let second_id = second.message.offset_message_id().to_string();
    let by_place = of_shop.find(&second_id).await.unwrap();
    assert_eq!(by_place, std::slice::from_ref(second));

    let resent = of_shop.resend(first, ResendTo::Group).await.unwrap();
    assert!(matches!(resent, Resent::Before(_)), "{resent:?}");
    let resent = of_shop.resend(second, ResendTo::Group).await.unwrap();
    assert!(matches!(resent, Resent::Now(_)), "{resent:?}");
    let third = letters(&of_shop, 3).await.remove(2);
    assert_eq!(
        third.resent_from().collect::<Vec<_>>(),
        [&*second_id, &*first_id]
    );
    cluster.end([shop.consumer], [client]).await;
}

#[tokio::test]
async fn every_group_gets_what_is_sent_to_the_original_topic() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let shop = GivingUp::start(&client, "shop", &topic).await;
    let others = Seen::default();
    let other = client
        .push_consumer(from_the_beginning("other"))
        .subscribe(topic.clone(), "*");
    let other = other.start(done(&others)).await.unwrap();
    send_all(&producer(&client), &topic, ["x"]).await;
    let of_shop = client.dead_letters(group("shop"));
    let letter = letters(&of_shop, 1).await.remove(0);
    shop.recovers();

    let resent = of_shop.resend(&letter, ResendTo::OriginTopic).await;

    assert!(matches!(resent.unwrap(), Resent::Now(sent) if sent.topic == topic));
    eventually("both get it", || {
        shop.seen.count() == 2 && others.count() == 2
    })
    .await;
    let again = others.all().remove(1);
    assert_eq!(again.message.properties.get(property::RETRY_TOPIC), None);
    cluster.end([shop.consumer, other], [client]).await;
}

/// Apache's broker makes a dead letter of it at once: it takes whatever comes to the retry topic of a
/// group with locks for a message that a consumer in order has given up.
#[tokio::test]
async fn a_group_that_reads_in_order_gets_its_dead_letters_again_while_it_runs() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let seen = Seen::default();
    let listener = InOrder(seen.clone(), |message: &MessageExt| {
        if message
            .message
            .properties
            .get(property::RESENT_DEAD_LETTERS)
            .is_some()
        {
            return OrderlyOutcome::Done;
        }
        let reason = "no such product".to_owned();
        OrderlyOutcome::DeadLetter { reason }
    });
    let consumer = client
        .push_consumer(from_the_beginning("shop"))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();
    send_all(&producer(&client), &topic, ["x"]).await;
    let of_shop = client.dead_letters(group("shop"));
    let letter = letters(&of_shop, 1).await.remove(0);

    let resent = of_shop.resend(&letter, ResendTo::Group).await.unwrap();

    assert!(matches!(resent, Resent::Now(sent) if sent.topic == retry("shop")));
    eventually("it comes again", || seen.count() == 2).await;
    assert_eq!(letters(&of_shop, 1).await.len(), 1);
    cluster.end([consumer], [client]).await;
}

#[tokio::test]
async fn a_packed_body_stays_packed_and_can_be_read() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let shop = GivingUp::start(&client, "shop", &topic).await;
    let long = "long ".repeat(2_000);
    send_all(&producer(&client), &topic, [&*long]).await;
    let of_shop = client.dead_letters(group("shop"));
    let letter = letters(&of_shop, 1).await.remove(0);
    shop.recovers();

    assert_eq!(letter.body().unwrap(), long);
    assert!(letter.message.message.body.len() < long.len());
    of_shop
        .resend(&letter, ResendTo::Group)
        .await
        .map(drop)
        .unwrap();

    eventually("it comes again", || shop.seen.count() == 2).await;
    assert_eq!(shop.seen.bodies(), [&*long, &*long]);
    cluster.end([shop.consumer], [client]).await;
}

#[tokio::test]
async fn who_or_what_is_not_there_is_named() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let shop = GivingUp::start(&client, "shop", &topic).await;
    shop.recovers();
    let sent = producer(&client).send(message(&topic, "x")).await.unwrap();
    eventually("it is there", || shop.seen.count() == 1).await;
    let of_shop = client.dead_letters(group("shop"));

    let nobody = client.dead_letters(group("nobody")).list(10).await;
    assert!(matches!(&nobody, Err(DeadLetterError::NoGroup(name)) if *name == group("nobody")));
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::NoRoute);
    assert_eq!(of_shop.list(10).await.unwrap(), []);
    for id in ["no id at all", &*sent.message_id, &"0".repeat(32)] {
        let error = of_shop.find(id).await.unwrap_err();
        assert!(
            matches!(&error, DeadLetterError::NoSuchLetter { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(id), "{error}");
    }

    shop.gives_up.store(true, Ordering::Relaxed);
    send_all(&producer_again(&client), &topic, ["y"]).await;
    letters(&of_shop, 1).await;
    let error = of_shop.find(&sent.offset_message_id).await.unwrap_err();
    assert!(
        matches!(&error, DeadLetterError::NotADeadLetter { topic: at, .. } if *at == topic),
        "{error}"
    );
    cluster.end([shop.consumer], [client]).await;
}

#[tokio::test]
async fn what_cannot_be_sent_again_stays_a_dead_letter_and_nothing_is_stored() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let shop = GivingUp::start(&client, "shop", &topic).await;
    send_all(&producer(&client), &topic, ["x"]).await;
    let of_shop = client.dead_letters(group("shop"));
    let letter = letters(&of_shop, 1).await.remove(0);
    shop.consumer.shutdown(LIMIT).await.unwrap();
    let written = log_end(&cluster).await;

    let read_only = UpdateAndCreateTopic {
        topic: topic.to_text(),
        default_topic: "TBW102".into(),
        read_queue_nums: 4,
        write_queue_nums: 4,
        perm: permission::READ,
        topic_filter_type: Some("SINGLE_TAG".into()),
        ..UpdateAndCreateTopic::default()
    };
    cluster
        .ask(read_only, Bytes::new())
        .await
        .map(drop)
        .unwrap();
    let error = of_shop
        .resend(&letter, ResendTo::OriginTopic)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");

    for topic in [topic.to_text(), retry("shop").to_text()] {
        let at_names = DeleteTopicInNamesrv {
            topic: topic.clone(),
            cluster_name: None,
        };
        cluster
            .ask(DeleteTopicInBroker { topic }, Bytes::new())
            .await
            .map(drop)
            .unwrap();
        let remoting = cluster.remoting();
        let deleted = remoting
            .call(cluster.names_at(), at_names, Bytes::new(), LIMIT)
            .await;
        deleted.map(drop).unwrap();
    }
    let error = of_shop
        .resend(&letter, ResendTo::OriginTopic)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, DeadLetterError::OriginGone { .. }),
        "{error}"
    );
    let error = of_shop.resend(&letter, ResendTo::Group).await.unwrap_err();
    assert!(matches!(&error, DeadLetterError::GroupGone(_)), "{error}");

    assert_eq!(letters(&of_shop, 1).await, [letter]);
    assert_eq!(log_end(&cluster).await, written);
    cluster.end([], [client]).await;
}

/// Where the broker's log ends.
async fn log_end(cluster: &Cluster) -> String {
    let reply = cluster
        .ask(GetBrokerRuntimeInfo, Bytes::new())
        .await
        .unwrap();
    let table: KvTable = fastjson::read(&reply.body).unwrap();
    table.table["commitLogMaxOffset"].to_string()
}

/// Its copies, at each retry and as a dead letter, are longer than what was sent.
#[tokio::test]
async fn a_message_with_the_longest_properties_can_be_sent_again() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client_within(), topic("orders"));
    let shop = GivingUp::start(&client, "shop", &topic).await;
    let mut long = message(&topic, "x");
    long.properties.set("long", &"l".repeat(31_500));
    producer(&client).send(long).await.map(drop).unwrap();
    let of_shop = client.dead_letters(group("shop"));

    for times in 1..4 {
        let letter = letters(&of_shop, times).await.remove(times - 1);
        let resent = of_shop.resend(&letter, ResendTo::Group).await.unwrap();
        assert!(matches!(resent, Resent::Now(sent) if sent.topic == retry("shop")));
    }

    letters(&of_shop, 4).await;
    cluster.end([shop.consumer], [client]).await;
}

#[tokio::test]
async fn a_damaged_dead_letter_does_not_hide_the_others() {
    let mut cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let shop = GivingUp::start(&client, "shop", &topic).await;
    send_all(&producer(&client), &topic, ["first", "second"]).await;
    let of_shop = client.dead_letters(group("shop"));
    let both = letters(&of_shop, 2).await;
    shop.consumer.shutdown(LIMIT).await.unwrap();
    let port = cluster.stop_broker().await;
    cluster.damage(&both[0].message);
    cluster.start_broker_again(port).await;

    let left = letters(&of_shop, 1).await;

    assert_eq!(left, both[1..]);
    cluster.end([], [client]).await;
}
