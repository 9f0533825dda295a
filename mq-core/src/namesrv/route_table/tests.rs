use super::*;
use crate::clock::Clock;

const HEARTBEAT_TIMEOUT: Duration = Duration::from_mins(2);

fn peer(id: u64) -> Peer {
    let address = ([127, 0, 0, 1], 1).into();
    Peer::new(PeerId(id), address, 1, Clock::manual(0)).0
}

fn key(address: &'static str) -> BrokerKey {
    BrokerKey {
        cluster: "C".into(),
        address: address.into(),
    }
}

fn topics(counter: i64, names: &[&'static str]) -> TopicConfigs {
    let topic = |name: &&'static str| {
        let config = TopicConfig {
            topic_name: (*name).into(),
            ..TopicConfig::default()
        };
        (ByteString::from(*name), config)
    };
    TopicConfigs {
        topic_config_table: names.iter().map(topic).collect(),
        data_version: DataVersion {
            counter,
            ..DataVersion::default()
        },
    }
}

fn broker(name: &'static str, id: i64, address: &'static str) -> BrokerRegistration {
    BrokerRegistration {
        key: key(address),
        name: name.into(),
        id,
        ha_address: "ha".into(),
        heartbeat_timeout: HEARTBEAT_TIMEOUT,
        enable_acting_master: false,
        zone: None,
        topics: topics(1, &["t", "u"]),
    }
}

fn after(seconds: u64) -> Moment {
    Moment::default().plus(Duration::from_secs(seconds))
}

/// A table with the given brokers, each on a connection of its own.
fn table(brokers: impl IntoIterator<Item = BrokerRegistration>) -> RouteTable {
    let mut table = RouteTable::default();
    for (id, broker) in (0..).zip(brokers) {
        table.register(broker, peer(id), after(0)).unwrap();
    }
    table
}

fn addresses(table: &RouteTable, topic: &str) -> Vec<(i64, ByteString)> {
    let route = table.route(topic).unwrap_or_default();
    let brokers = route.broker_datas.into_iter();
    brokers.flat_map(|broker| broker.broker_addrs).collect()
}

#[test]
fn a_topic_is_found_on_every_broker_that_has_it_with_all_their_addresses() {
    let table = table([
        broker("a", 0, "a:1"),
        broker("a", 1, "a:2"),
        BrokerRegistration {
            topics: topics(1, &["t", "only-b"]),
            ..broker("b", 0, "b:1")
        },
    ]);

    let found = [(0, "a:1".into()), (1, "a:2".into()), (0, "b:1".into())];
    assert_eq!(addresses(&table, "t"), found);
    assert_eq!(addresses(&table, "only-b"), [(0, "b:1".into())]);
    assert_eq!(table.route("nowhere"), None);
}

#[test]
fn only_the_master_says_which_topics_there_are_and_slaves_learn_where_it_is() {
    let mut table = table([broker("a", 0, "a:1")]);
    let slave = BrokerRegistration {
        topics: topics(1, &["t", "invented"]),
        ..broker("a", 1, "a:2")
    };

    let master = table.register(slave, peer(9), after(0)).unwrap();

    let expected = Master {
        address: "a:1".into(),
        ha_address: "ha".into(),
    };
    assert_eq!(master.master, Some(expected));
    assert_eq!(table.route("invented"), None);
}

/// Names of any length were kept, and cut wherever the log shows them.
#[test]
fn a_broker_with_an_endless_name_or_address_does_not_come_in() {
    let mut table = RouteTable::default();
    let long = "a".repeat(256);
    let named = BrokerRegistration {
        name: long.clone().into(),
        ..broker("a", 0, "a:1")
    };
    let mut reached = broker("a", 0, "a:1");
    reached.key.address = long.clone().into();
    let mut of_cluster = broker("a", 0, "a:1");
    of_cluster.key.cluster = long.into();

    for wrong in [named, reached, of_cluster] {
        let refused = table.register(wrong, peer(1), after(0)).unwrap_err();
        assert!(
            refused
                .to_string()
                .ends_with("has 256 bytes, at most 255 are allowed")
        );
    }
    assert_eq!(table.route("t"), None);
}

#[test]
fn topics_change_with_the_version_and_only_then() {
    let mut table = table([broker("a", 0, "a:1")]);
    let with_queues = |counter| {
        let mut again = broker("a", 0, "a:1");
        again.topics.data_version.counter = counter;
        for topic in again.topics.topic_config_table.values_mut() {
            topic.write_queue_nums = 3;
        }
        again
    };
    let queues = |table: &RouteTable| table.route("t").unwrap().queue_datas[0].write_queue_nums;

    table.register(with_queues(1), peer(0), after(1)).unwrap();
    assert_eq!(queues(&table), 16);
    table.register(with_queues(2), peer(0), after(2)).unwrap();
    assert_eq!(queues(&table), 3);
}

#[test]
fn a_slave_that_becomes_master_stands_under_its_new_id_alone() {
    let mut table = table([broker("a", 0, "a:1"), broker("a", 1, "a:2")]);
    table.unregister(&key("a:1"), "a");

    table
        .register(broker("a", 0, "a:2"), peer(5), after(1))
        .unwrap();

    assert_eq!(addresses(&table, "t"), [(0, "a:2".into())]);
}

#[test]
fn an_older_state_does_not_take_over_the_id_of_a_newer_one() {
    let newer = |address, state| {
        let mut registration = broker("a", 0, address);
        registration.topics.data_version.state_version = state;
        registration
    };
    let mut table = table([newer("a:1", 5)]);

    let outcome = table.register(newer("a:2", 4), peer(1), after(0));

    assert_eq!(outcome, Err(NotRegistered::Outdated));
    assert_eq!(addresses(&table, "t"), [(0, "a:1".into())]);
}

#[test]
fn a_single_topic_of_an_unknown_broker_waits_for_the_full_registration() {
    let mut table = RouteTable::default();
    let single = || BrokerRegistration {
        topics: topics(2, &["new"]),
        ..broker("a", 0, "a:1")
    };

    let early = table.register(single(), peer(0), after(0));
    table
        .register(broker("a", 0, "a:1"), peer(0), after(0))
        .unwrap();
    let late = table.register(single(), peer(0), after(0));

    assert_eq!(early, Err(NotRegistered::SingleTopic));
    assert_eq!(late, Ok(Registered::default()));
    assert!(table.route("new").is_some() && table.route("t").is_some());
}

#[test]
fn whoever_leaves_takes_the_topics_along_that_nobody_else_has() {
    let mut table = table([
        BrokerRegistration {
            topics: topics(1, &["t", "only-a"]),
            ..broker("a", 0, "a:1")
        },
        broker("b", 0, "b:1"),
    ]);

    table.unregister(&key("a:1"), "a");

    assert_eq!(table.topics(), ["t", "u"]);
    assert_eq!(addresses(&table, "t"), [(0, "b:1".into())]);
    assert_eq!(table.cluster_info().cluster_addr_table["C"], ["b"]);
}

#[test]
fn a_broker_stays_in_the_routes_while_a_slave_is_left() {
    let mut table = table([broker("a", 0, "a:1"), broker("a", 1, "a:2")]);

    table.unregister(&key("a:1"), "a");

    assert_eq!(addresses(&table, "t"), [(1, "a:2".into())]);
}

#[test]
fn a_silent_broker_is_removed_after_its_own_time_and_its_connection_ended() {
    let quick = BrokerRegistration {
        heartbeat_timeout: Duration::from_secs(10),
        ..broker("quick", 0, "q:1")
    };
    let mut table = table([broker("a", 0, "a:1")]);
    let connection = peer(7);
    table.register(quick, connection.clone(), after(0)).unwrap();

    assert_eq!(table.expire(after(10)), []);
    assert_eq!(table.expire(after(11)), [key("q:1")]);
    assert!(connection.is_closed());
    assert_eq!(table.expire(after(120)), []);
    assert_eq!(table.expire(after(121)), [key("a:1")]);
    assert_eq!(table.topics(), [""; 0]);
}

#[test]
fn a_broker_that_asks_whether_its_topics_are_known_has_been_heard_of() {
    let mut table = table([broker("a", 0, "a:1")]);
    let known = topics(1, &[]).data_version;
    let other = topics(2, &[]).data_version;

    assert_eq!(
        table.compare(&key("a:1"), "a", known, after(100)),
        Some(known)
    );
    assert_eq!(table.expire(after(200)), []);
    assert_eq!(
        table.compare(&key("a:1"), "a", other, after(200)),
        Some(known)
    );
    assert_eq!(table.expire(after(221)), [key("a:1")]);
    assert_eq!(table.compare(&key("a:1"), "a", known, after(222)), None);
}

#[test]
fn the_end_of_an_old_connection_does_not_remove_a_broker_that_came_back() {
    let mut table = table([broker("a", 0, "a:1")]);
    table
        .register(broker("a", 0, "a:1"), peer(42), after(1))
        .unwrap();

    assert_eq!(table.connection_closed(PeerId(0)), []);
    assert_eq!(table.connection_closed(PeerId(42)), [key("a:1")]);
    assert_eq!(table.route("t"), None);
}

/// A host that died without closing its connection came back under another name: the old name stood
/// in the routes until the name server ended.
#[test]
fn whoever_registers_at_the_address_of_another_broker_replaces_it() {
    let mut table = table([broker("a", 0, "x:1"), broker("a", 1, "a:2")]);
    let new = BrokerRegistration {
        topics: topics(1, &["t", "w"]),
        ..broker("b", 0, "x:1")
    };

    let registered = table.register(new, peer(5), after(1)).unwrap();

    let replaced = Replaced {
        cluster: "C".into(),
        name: "a".into(),
    };
    assert_eq!(registered.replaced, [replaced]);
    assert_eq!(
        addresses(&table, "t"),
        [(1, "a:2".into()), (0, "x:1".into())]
    );
    assert_eq!(addresses(&table, "u"), [(1, "a:2".into())]);
    assert_eq!(table.connection_closed(PeerId(0)), []);
    assert_eq!(table.connection_closed(PeerId(1)), [key("a:2")]);
    assert_eq!(addresses(&table, "t"), [(0, "x:1".into())]);
    assert_eq!(table.connection_closed(PeerId(5)), [key("x:1")]);
    assert_eq!(table.topics(), [""; 0]);
    assert_eq!(table.cluster_info(), ClusterInfo::default());
}

#[test]
fn a_replaced_broker_that_leaves_late_does_not_take_its_successor_along() {
    let mut table = table([broker("a", 0, "x:1"), broker("b", 0, "x:1")]);

    table.unregister(&key("x:1"), "a");
    assert_eq!(addresses(&table, "t"), [(0, "x:1".into())]);

    table.unregister(&key("x:1"), "b");
    assert_eq!(table.topics(), [""; 0]);
}

#[test]
fn what_is_known_of_a_broker_is_not_said_to_its_successor_at_the_same_address() {
    let mut table = table([broker("a", 0, "x:1")]);
    let version = topics(1, &[]).data_version;

    assert_eq!(table.compare(&key("x:1"), "b", version, after(1)), None);
}

#[test]
fn a_broker_that_moved_to_another_cluster_is_gone_from_the_old_one() {
    let moved = BrokerRegistration {
        key: BrokerKey {
            cluster: "D".into(),
            ..key("x:1")
        },
        ..broker("a", 0, "x:1")
    };
    let mut table = table([broker("a", 0, "x:1"), moved]);

    assert_eq!(table.connection_closed(PeerId(0)), []);
    assert_eq!(addresses(&table, "t"), [(0, "x:1".into())]);
    assert_eq!(table.connection_closed(PeerId(1)).len(), 1);
    assert_eq!(table.topics(), [""; 0]);
}

#[test]
fn brokers_of_two_clusters_may_have_one_address_from_inside_their_networks() {
    let elsewhere = BrokerRegistration {
        key: BrokerKey {
            cluster: "D".into(),
            ..key("x:1")
        },
        ..broker("b", 0, "x:1")
    };
    let mut table = table([broker("a", 0, "x:1"), elsewhere]);

    assert_eq!(addresses(&table, "t").len(), 2);
    table.unregister(&key("x:1"), "a");
    assert_eq!(addresses(&table, "t"), [(0, "x:1".into())]);
}

#[test]
fn the_queues_are_those_of_the_broker_that_has_the_name_now() {
    let queues = |address, nums| {
        let mut registration = broker("a", 0, address);
        for topic in registration.topics.topic_config_table.values_mut() {
            topic.write_queue_nums = nums;
        }
        registration
    };
    let mut table = table([queues("x:1", 1), queues("y:1", 2)]);

    // The first one says again what it has said before.
    table.register(queues("x:1", 1), peer(0), after(1)).unwrap();

    let route = table.route("t").unwrap();
    assert_eq!(addresses(&table, "t"), [(0, "x:1".into())]);
    assert_eq!(route.queue_datas[0].write_queue_nums, 1);
}

#[test]
fn a_broker_is_made_read_only_in_all_its_topics_and_writable_again() {
    let mut table = table([broker("a", 0, "a:1"), broker("b", 0, "b:1")]);
    let permissions = |table: &RouteTable| {
        let queues = table.route("t").unwrap().queue_datas.into_iter();
        queues.map(|queues| queues.perm).collect::<Vec<_>>()
    };

    assert_eq!(table.change_permission("a", without_write), 2);
    assert_eq!(permissions(&table), [4, 6]);
    assert_eq!(table.change_permission("a", read_and_write), 2);
    assert_eq!(permissions(&table), [6, 6]);
    assert_eq!(table.change_permission("nobody", read_and_write), 0);
}

#[test]
fn a_topic_is_forgotten_everywhere_or_in_one_cluster() {
    let mut elsewhere = broker("b", 0, "b:1");
    elsewhere.key.cluster = "D".into();
    let mut table = table([broker("a", 0, "a:1"), elsewhere]);

    table.forget_topic("t", Some("C"));
    table.forget_topic("u", None);

    assert_eq!(addresses(&table, "t"), [(0, "b:1".into())]);
    assert_eq!(table.route("u"), None);
    assert_eq!(table.topics_of_cluster("D"), ["t"]);
    assert_eq!(table.topics_of_cluster("C"), [""; 0]);
}

#[test]
fn a_topic_is_made_known_up_to_the_first_broker_that_is_not() {
    let mut table = table([broker("a", 0, "a:1"), broker("b", 0, "b:1")]);
    let on = |broker: &'static str| QueueData {
        broker_name: broker.into(),
        ..QueueData::default()
    };

    table.add_topic(&"new".into(), vec![on("a"), on("nobody"), on("b")]);

    assert_eq!(addresses(&table, "new"), [(0, "a:1".into())]);
}
