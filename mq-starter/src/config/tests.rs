use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::*;

/// A directory with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes())
            .unwrap();
    }
    folder
}

fn options(folder: &Path) -> SettingsOptions {
    SettingsOptions::default().directory(folder)
}

fn load(files: &[(&str, &str)]) -> Settings {
    Settings::load(&options(folder(files).path())).unwrap()
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    let settings = Settings::load(&options(folder.path())).unwrap();
    let errors = settings.rocketmq().err();
    shown(errors, folder.path())
}

/// Problems as text, without the directory's name.
fn shown(errors: Option<ConfigErrors>, folder: &Path) -> Vec<String> {
    let prefix = format!("{}/", folder.display());
    let problems = errors.map_or_else(Vec::new, ConfigErrors::into_problems);
    problems
        .iter()
        .map(|problem| problem.to_string().replace(&prefix, ""))
        .collect()
}

#[test]
fn nothing_written_means_the_broker_inside_with_java_s_defaults() {
    let config = load(&[]).rocketmq().unwrap();

    assert!(config.enabled);
    assert_eq!(config.name_server, ClusterAddress::Embedded);
    assert_eq!(config.startup, Startup::Retry);
    assert_eq!(config.embedded.store_path, Path::new("./data"));
    assert_eq!(config.embedded.flush, EmbeddedFlush::Sync);
    assert_eq!(config.embedded.listen, None);
    assert_eq!(config.embedded.broker_port, 10911);
    assert_eq!(config.producer.group, None);
    assert_eq!(config.producer.send_message_timeout, Duration::from_secs(3));
    assert_eq!(config.producer.compress_message_body_threshold, 4096);
    assert_eq!(config.producer.retry_times_when_send_failed, 2);
    assert_eq!(config.producer.max_message_size, 4_194_304);
}

#[test]
fn the_broker_in_the_process_takes_as_much_as_the_producer_may_send() {
    let folder = folder(&[]);
    let sends = |longest: &str| {
        let options = options(folder.path()).set("rocketmq.producer.max-message-size", longest);
        Settings::load(&options).unwrap().rocketmq()
    };
    let takes = |longest: &str| sends(longest).unwrap().embedded.max_message_size;

    assert_eq!(takes("8388608"), 8_388_608);
    assert_eq!(takes("1000"), 4_194_304);
    assert_eq!(takes("16711680"), 16_711_680);
    let refused = sends("16711681").unwrap_err().to_string();
    assert!(refused.contains("from 1 to 16711680"), "{refused}");
}

#[test]
fn how_long_the_end_may_take_is_milliseconds_or_has_a_unit() {
    let read = |text: &str| {
        let text = format!("rocketmq.shutdown-timeout: {text}");
        let config = load(&[("application.yml", &text)]).rocketmq();
        config.map(|config| config.shutdown_timeout)
    };

    let default = load(&[]).rocketmq().unwrap().shutdown_timeout;
    assert_eq!(default, Duration::from_secs(25));
    for (text, milliseconds) in [
        ("10000", 10_000),
        ("10s", 10_000),
        ("250ms", 250),
        ("2 m", 120_000),
        ("1H", 3_600_000),
    ] {
        assert_eq!(
            read(text).unwrap(),
            Duration::from_millis(milliseconds),
            "{text}"
        );
    }
    for text in ["0", "-1", "soon", "5x", "s", "1.5s", "600h", "9999999999"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn the_tutorials_own_files_are_understood() {
    let yaml = "rocketmq:\n  name-server: localhost:9876\n  producer:\n    group: test-group\n";
    let properties = "rocketmq.name-server=localhost:9876\nrocketmq.producer.group=test-group\n";
    for (name, text) in [
        ("bootstrap-dev.yml", yaml),
        ("application-dev.properties", properties),
    ] {
        let folder = folder(&[
            ("bootstrap.yml", "spring:\n  profiles:\n    active: dev"),
            (name, text),
        ]);
        let settings = Settings::load(&options(folder.path())).unwrap();

        let config = settings.rocketmq().unwrap();

        assert_eq!(
            config.name_server,
            ClusterAddress::At(vec!["localhost:9876".to_owned()])
        );
        assert_eq!(config.producer.group.unwrap(), "test-group");
    }
}

#[test]
fn a_later_source_wins_key_by_key() {
    let folder = folder(&[
        (
            "bootstrap.yml",
            "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\nspring.profiles.active: dev",
        ),
        (
            "application.yml",
            "b: 2\nc: 2\nd: 2\ne: 2\nf: 2\ng: 2\nh: 2",
        ),
        ("application.properties", "c=3\nd=3\ne=3\nf=3\ng=3\nh=3"),
        ("bootstrap-dev.yml", "d: 4\ne: 4\nf: 4\ng: 4\nh: 4"),
        ("application-dev.yaml", "e: 5\nf: 5\ng: 5\nh: 5"),
    ]);
    let options = options(folder.path())
        .environment([("F", "6"), ("G", "6"), ("H", "6"), ("X_Y", "6")])
        .arguments(["serve", "--x.y=7", "--verbose", "--limit=3"])
        .set("h", "8");

    let settings = Settings::load(&options).unwrap();

    for (key, value) in [
        ("a", 1),
        ("b", 2),
        ("c", 3),
        ("d", 4),
        ("e", 5),
        ("f", 6),
        ("h", 8),
        ("x.y", 7),
    ] {
        assert_eq!(settings.get::<u8>(key).unwrap(), Some(value), "{key}");
    }
    assert_eq!(settings.get::<u8>("limit").unwrap(), None);
    assert_eq!(settings.profiles(), ["dev"]);
    assert_eq!(
        settings.origin("g"),
        Some(ConfigOrigin::Environment("G".to_owned()))
    );
    let line = settings.origin("e").unwrap().to_string();
    assert!(line.ends_with("application-dev.yaml:1"), "{line}");
}

#[test]
fn profiles_come_from_files_variables_and_arguments() {
    let files = [
        ("bootstrap.yml", "spring.profiles.active: [file, second]"),
        ("bootstrap-file.yml", "who: file"),
        ("bootstrap-second.yml", "who: second"),
        ("application-variable.yml", "who: variable"),
        ("application-argument.yml", "who: argument"),
    ];
    let folder = folder(&files);
    let who = |options: SettingsOptions| {
        Settings::load(&options)
            .unwrap()
            .get::<String>("who")
            .unwrap()
            .unwrap()
    };
    let here = || options(folder.path());

    assert_eq!(who(here()), "second");
    assert_eq!(
        who(here().environment([("ROCKETMQ_PROFILES_ACTIVE", "variable")])),
        "variable"
    );
    assert_eq!(
        who(here().arguments(["--spring.profiles.active=argument"])),
        "argument"
    );
}

/// A profile without a file once stopped the start, although Spring takes it for a mere switch.
#[test]
fn a_profile_without_a_file_is_told_in_one_line_and_the_start_goes_on() {
    let folder = folder(&[
        ("bootstrap-dev.yml", "who: dev"),
        ("bootstrap.yml", "who: base"),
    ]);
    for (profile, hint) in [("dve", "; did you mean `dev`?"), ("prod", "")] {
        let argument = format!("--spring.profiles.active={profile}");
        let options = options(folder.path()).arguments([argument.as_str()]);

        let settings = Settings::load(&options).unwrap();

        assert_eq!(settings.profiles(), [profile]);
        assert_eq!(settings.get::<String>("who").unwrap().unwrap(), "base");
        let expected = format!(
            "argument {argument}: the profile `{profile}` is active and has no settings of its own: \
             neither `bootstrap-{profile}` nor `application-{profile}` (.yml, .yaml, .properties) is in \
             `{}`{hint}",
            folder.path().display()
        );
        assert_eq!(settings.warnings(), [expected]);
    }
}

#[test]
fn an_unreadable_file_does_not_hide_what_is_wrong_elsewhere() {
    let folder = folder(&[
        ("bootstrap.yml", "a: 1\na: 2\n"),
        (
            "application.properties",
            "rocketmq.producer.gruop=g\nx=1\nx=2\n",
        ),
    ]);
    let options = options(folder.path()).arguments(["-Drocketmq.name-server=h:1"]);

    let problems = shown(Settings::load(&options).err(), folder.path());

    let expected = [
        "application.properties:1: rocketmq.producer.gruop: unknown",
        "application.properties:3: x: is set twice",
        "bootstrap.yml:2: `a` stands here for the second time",
        "argument -Drocketmq.name-server=h:1: is no setting, write `--rocketmq.name-server=h:1`",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}\n{expected}");
    }
}

#[test]
fn a_list_is_no_text() {
    let yaml = "rocketmq:\n  name-server: [h:1, i:2]\n  producer:\n    group:\n      - a\n      - b\n  \
                consumer:\n    listeners:\n      g:\n        t: [true]\n";

    let found = problems(&[("application.yml", yaml)]);

    let expected = [
        "application.yml:5: rocketmq.producer.group[0]: is a list, expected one value",
        "application.yml:10: rocketmq.consumer.listeners.g.t[0]: is a list, expected one value",
    ];
    assert_eq!(found, expected);
}

#[test]
fn variables_name_keys_with_and_without_the_dashes() {
    for name in [
        "ROCKETMQ_NAME_SERVER",
        "ROCKETMQ_NAMESERVER",
        "rocketmq.name-server",
    ] {
        let options = SettingsOptions::default().environment([(name, "a:1;b:2, c:3")]);
        let config = Settings::load(&options).unwrap().rocketmq().unwrap();
        let expected = ["a:1", "b:2", "c:3"].map(str::to_owned).to_vec();
        assert_eq!(config.name_server, ClusterAddress::At(expected), "{name}");
    }
}

/// Variables were compared by letters and digits alone: `HOSTNAME`, which every container has, was
/// taken for `host.name`.
#[test]
fn a_variable_without_an_underscore_for_the_dot_hides_no_key() {
    let folder = folder(&[(
        "application.yml",
        "host.name: shop\nhost-name: h\nlog.name: audit\nuser.name: anna\nat: ${host.name}",
    )]);
    let containers = [
        ("HOSTNAME", "c4f1"),
        ("LOGNAME", "root"),
        ("USERNAME", "root"),
    ];
    let with = |more: &[(&'static str, &'static str)]| {
        let options = options(folder.path()).environment([&containers, more].concat());
        let settings = Settings::load(&options).unwrap();
        ["host.name", "log.name", "user.name", "at", "host-name"]
            .map(|key| settings.get::<String>(key).unwrap().unwrap())
    };

    assert_eq!(with(&[]), ["shop", "audit", "anna", "shop", "c4f1"]);
    let named = [("HOST_NAME", "env"), ("USER_NAME", "otto")];
    assert_eq!(with(&named), ["env", "audit", "otto", "env", "c4f1"]);
    let options = SettingsOptions::default().environment([("ROCKETMQNAMESERVER", "h:1")]);
    let error = Settings::load(&options).unwrap().rocketmq().unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("did you mean `ROCKETMQ_NAME_SERVER`?"),
        "{error}"
    );
}

#[test]
fn every_problem_is_reported_at_once_with_file_line_key_and_hint() {
    let folder = folder(&[
        (
            "bootstrap.yml",
            "rocketmq:\n  name-servr: localhost:9876\n  producer:\n    send-message-timeout: soon\n    \
             access-key: me\n    group: ${shop.group}\n    maxMessageSize: 0\n  embedded:\n    flush: async\n",
        ),
        (
            "application.properties",
            "rocketmq.topics.a/b.queues=4\nrocketmq.topics.ok.queues=65536\n",
        ),
    ]);
    let options = options(folder.path())
        .environment([("ROCKETMQ_PRODUCER_GRUOP", "x"), ("ROCKETMQ_HOME", "/opt")])
        .arguments(["--rocketmq.producer.tls-enable=true"]);
    let settings = Settings::load(&options).unwrap();

    let problems = shown(settings.rocketmq().err(), folder.path());

    let expected = [
        "application.properties:1: rocketmq.topics.a/b.queues: the topic name `a/b` has the illegal character '/'",
        "application.properties:2: rocketmq.topics.ok.queues: is `65536`, expected a number from 1 to 65535",
        "bootstrap.yml:2: rocketmq.name-servr: unknown, did you mean `rocketmq.name-server`?",
        "bootstrap.yml:4: rocketmq.producer.send-message-timeout: is `soon`, expected a number of milliseconds from 1",
        "bootstrap.yml:5: rocketmq.producer.access-key: signing requests is not built yet",
        "bootstrap.yml:6: rocketmq.producer.group: `${shop.group}` is set nowhere and has no default",
        "bootstrap.yml:7: rocketmq.producer.maxMessageSize: is `0`, expected a number of bytes from 1",
        "bootstrap.yml:9: rocketmq.embedded.flush: is `async`, expected sync or interval",
        "environment variable ROCKETMQ_PRODUCER_GRUOP: unknown, did you mean `ROCKETMQ_PRODUCER_GROUP`?",
        "argument --rocketmq.producer.tls-enable=true: TLS is not built yet",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}\n{expected}");
    }
    assert!(settings.warnings().join("").contains("ROCKETMQ_HOME"));
}

fn each_is_one_problem(cases: &[(&str, &str)]) {
    for (line, expected) in cases.iter().copied() {
        let found = problems(&[("application.properties", line)]);
        assert_eq!(found.len(), 1, "{line}: {found:#?}");
        assert!(
            found[0].starts_with("application.properties:1: ro"),
            "{}",
            found[0]
        );
        assert!(found[0].contains(expected), "{}", found[0]);
    }
}

#[test]
fn what_is_known_and_not_built_or_cannot_be_says_so_in_one_line() {
    each_is_one_problem(&[
        ("rocketmq.tls-enable=true", "TLS is not built yet"),
        ("rocketmq.namespace=n", "namespaces are not built yet"),
        // It was two lines: to leave it out, and to set the other one too.
        (
            "rocketmq.producer.secret-key=s",
            "not built yet, leave it out or empty",
        ),
        // The broker's port is 10911 unless it is set: the broker found it taken by its name server.
        (
            "rocketmq.embedded.listen=127.0.0.1:10911",
            "and `rocketmq.embedded.broker-port` are both 10911",
        ),
        #[cfg(feature = "embedded")]
        (
            "rocketmq.embedded.message-delay-level=1s,2s",
            "separate delays by spaces alone",
        ),
    ]);
}

#[test]
fn a_variable_of_the_application_s_own_does_not_stop_the_start() {
    let folder = folder(&[("application.yml", "prefix: ${ROCKETMQ_NAMESPACE}")]);
    let options = options(folder.path()).environment([("ROCKETMQ_NAMESPACE", "test")]);

    let settings = Settings::load(&options).unwrap();

    assert_eq!(settings.rocketmq().err(), None);
    assert_eq!(settings.get::<String>("prefix").unwrap().unwrap(), "test");
}

#[test]
fn each_wrong_key_of_the_pull_consumer_says_why_it_is_refused() {
    let missing = [
        (
            "rocketmq.pull-consumer.group=g",
            "`rocketmq.pull-consumer.topic` is missing",
        ),
        (
            "rocketmq.pull-consumer.topic=t",
            "`rocketmq.pull-consumer.group` is missing",
        ),
        (
            "rocketmq.pull-consumer.pull-batch-size=4",
            "and `rocketmq.pull-consumer.topic` are missing",
        ),
    ];
    each_is_one_problem(&missing);
    let wrong = [
        ("pull-batch-size=0\ngroup=g", "from 1 to 1024"),
        (
            "message-model=SOME\ngroup=g",
            "expected CLUSTERING or BROADCASTING",
        ),
        ("selector-type=REGEX\ngroup=g", "expected TAG"),
        ("selector-expression=||\ngroup=g", "a tag is missing"),
        (
            "selector-expression=total > 5\ngroup=g",
            "write `selector_type = Sql92`",
        ),
        (
            "selector-expression=total >\nselector-type=SQL92\ngroup=g",
            "the condition cannot be read",
        ),
        ("group=a b", "cannot have ' '"),
        ("tls-enable=true\ngroup=g", "not built yet"),
    ]
    .map(|(lines, expected)| {
        let lines = lines.split('\n').chain(["topic=t"]);
        let keys = lines.map(|line| format!("rocketmq.pull-consumer.{line}"));
        (keys.collect::<Vec<_>>().join("\n"), expected)
    });
    for (lines, expected) in &wrong {
        each_is_one_problem(&[(lines.as_str(), *expected)]);
    }
}

#[test]
fn each_wrong_key_says_what_was_meant_or_why_it_is_refused() {
    let cases = [
        (
            "rocketmq.group=g",
            "did you mean `rocketmq.producer.group`?",
        ),
        (
            "rocketmq.producer.gruop=g",
            "did you mean `rocketmq.producer.group`?",
        ),
        (
            "rocketmq.config.namesrvAddr=h:1",
            "did you mean `rocketmq.name-server`?",
        ),
        ("roketmq.name-server=h:1", "did you mean `rocketmq`?"),
        (
            "rocketmq.producer.sendMesageTimeout=1",
            "did you mean `rocketmq.producer.send-message-timeout`?",
        ),
        ("rocketmq.producer.endpoints=h:1", "gRPC"),
        ("rocketmq.simple-consumer.tag=t", "gRPC"),
        ("rocketmq.consumer.group=g", "set it on the listener"),
        ("rocketmq.clients.b.name-server=h:1", "not built yet"),
        ("rocketmq.enable-msg-trace=true", "each for itself"),
        (
            "rocketmq.producer.customized-trace-topic=a:b",
            "a topic cannot have ':'",
        ),
        ("rocketmq.producer.namespace=n", "not built yet"),
        ("rocketmq.access-channel=CLOUD", "expected LOCAL"),
        ("rocketmq.name-server=localhost", "expected HOST:PORT"),
        ("rocketmq.name-server=a:1;b", "`b` is no address"),
        ("rocketmq.name-server=h:70000", "expected HOST:PORT"),
        ("rocketmq.name-server=http://h:1", "expected HOST:PORT"),
        ("rocketmq.name-server=", "has no value"),
        ("rocketmq.startup=never", "expected retry or fail-fast"),
        ("rocketmq.enabled=perhaps", "expected true or false"),
        ("rocketmq.embedded.listen=9876", "expected HOST:PORT"),
        ("rocketmq.embedded.broker-port=99999", "from 0 to 65535"),
        ("rocketmq.producer.group=a b", "illegal character"),
        (
            "rocketmq.producer.retry-times-when-send-failed=-1",
            "from 0 to",
        ),
        (
            "rocketmq.topics.t=4",
            "write `rocketmq.topics.<name>.queues: 4`",
        ),
        ("rocketmq.topics.t.queue=4", "did you mean `queues`?"),
        ("rocketmq.consumer.listeners.g=true", "<group>.<topic>"),
        (
            "rocketmq.consumer.listeners.g.t=maybe",
            "expected true or false",
        ),
        (
            "rocketmq.consumer.listeners.g.t.consume-mod=ORDERLY",
            "did you mean `consume-mode`?",
        ),
        (
            "rocketmq.consumer.listeners.g.t.consumeMode=SIDEWAYS",
            "expected CONCURRENTLY or ORDERLY",
        ),
        (
            "rocketmq.consumer.listeners.g.t.consume-thread-number=0",
            "from 1 to 1000",
        ),
        (
            "rocketmq.consumer.listeners.g.t.consume-timeout=0",
            "expected a number of minutes from 1 to 2147483647",
        ),
        (
            "rocketmq.consumer.listeners.g.t.await-termination-millis-when-shutdown=5s",
            "expected a number of milliseconds from 0",
        ),
        (
            "rocketmq.consumer.listeners.g.t.consume-thread-max=64",
            "has no effect, nor has it in Java",
        ),
        (
            "rocketmq.consumer.listeners.g.t.pull-interval=65536",
            "from 0 to 65535",
        ),
        (
            "rocketmq.consumer.listeners.g.t.topic=x",
            "block's own name",
        ),
        ("rocketmq.producer=group", "is a heading"),
        ("rocketmq.zzz.yyy=1", "unknown"),
        (
            "rocketmq.embedded.colour=red",
            "there are: store-path, flush, listen, broker-port, message-delay-level",
        ),
    ];
    each_is_one_problem(&cases);
}

#[test]
fn a_delay_after_failures_that_no_broker_has_is_refused() {
    each_is_one_problem(&[
        (
            "rocketmq.consumer.listeners.g.t.delay-level-when-next-consume=19",
            "from -1 to 18",
        ),
        (
            "rocketmq.consumer.listeners.g.t.suspendCurrentQueueTimeMillis=9",
            "from 10 to 30000",
        ),
        (
            "rocketmq.consumer.listeners.g.t.on-decode-error=ignore",
            "DEAD_LETTER",
        ),
    ]);
}

#[test]
fn a_listener_names_the_members_of_enums_as_the_annotation_and_as_java() {
    let key = "rocketmq.consumer.listeners.g.t.consume-from-where";
    for (written, read) in [
        ("FirstOffset", "CONSUME_FROM_FIRST_OFFSET"),
        ("LastOffset", "CONSUME_FROM_LAST_OFFSET"),
        ("timestamp", "CONSUME_FROM_TIMESTAMP"),
        ("consume-from-first-offset", "CONSUME_FROM_FIRST_OFFSET"),
    ] {
        let options = SettingsOptions::default().set(key, written);
        let config = Settings::load(&options).unwrap().rocketmq().unwrap();
        let attributes = &config.listeners[0].attributes;
        assert_eq!(attributes["consume_from_where"].text, read, "{written}");
    }
}

/// The list once had what is not built and what stands in the block's name, each refused when it was
/// then written.
#[test]
fn an_unknown_attribute_of_a_listener_is_answered_with_those_that_may_be_set() {
    let line = "rocketmq.consumer.listeners.g.t.colour=red";

    let found = problems(&[("application.properties", line)]);

    let there_are = "unknown, there are: enabled, selector-type, selector-expression, consume-mode, \
                     message-model, consume-from-where, consume-timestamp, consume-thread-number, \
                     consume-message-batch-max-size, max-reconsume-times, \
                     delay-level-when-next-consume, suspend-current-queue-time-millis, consume-timeout, pull-interval, \
                     pull-batch-size, pull-threshold-for-queue, pull-threshold-size-for-queue, \
                     pull-threshold-for-topic, pull-threshold-size-for-topic, consume-concurrently-max-span, \
                     await-termination-millis-when-shutdown, instance-name, enable-msg-trace, \
                     customized-trace-topic, on-decode-error, \
                     reply-timeout, blocking";
    assert_eq!(
        found,
        [format!(
            "application.properties:1: {}: {there_are}",
            &line[..38]
        )]
    );
}

#[test]
fn what_says_nothing_new_is_no_problem() {
    let neutral = "rocketmq:\n  access-channel: LOCAL\n  enabled: yes\n  clients:\n  topics:\n  producer:\n    \
                   access-key: ${KEY:}\n    secret-key: ''\n    tls-enable: off\n    enable-msg-trace: FALSE\n    \
                   instance-name: DEFAULT\n  consumer:\n    listeners:\n";
    assert_eq!(
        problems(&[("bootstrap.yml", neutral)]),
        Vec::<String>::new()
    );
}

#[test]
fn a_listener_is_switched_off_or_overridden_by_its_exact_names() {
    let settings = load(&[(
        "application.yml",
        "threads: 8\nrocketmq.consumer.listeners:\n  Shop:\n    order-topic: false\n    other_topic:\n      \
         consumeThreadNumber: ${threads}\n      message-model: broadcasting\n",
    )]);

    let listeners = settings.rocketmq().unwrap().listeners;

    let [off, changed] = listeners.as_slice() else {
        panic!("{listeners:?}")
    };
    assert_eq!(
        (off.group.as_str(), off.topic.as_str(), off.enabled),
        ("Shop", "order-topic", false)
    );
    assert_eq!(
        (changed.topic.as_str(), changed.enabled),
        ("other_topic", true)
    );
    let attributes: Vec<_> = changed
        .attributes
        .iter()
        .map(|(name, value)| (*name, value.text.as_str()))
        .collect();
    assert_eq!(
        attributes,
        [
            ("consume_thread_number", "8"),
            ("message_model", "BROADCASTING")
        ]
    );
    assert!(
        changed.origin.to_string().ends_with("application.yml:6"),
        "{}",
        changed.origin
    );
}

#[test]
fn a_variable_overrides_what_a_file_names_and_nothing_else_of_a_user_s_names() {
    let folder = folder(&[("bootstrap.yml", "rocketmq.topics.order-topic.queues: 4")]);
    let with = |name: &str| {
        let options = options(folder.path()).environment([(name, "8")]);
        Settings::load(&options).unwrap().rocketmq()
    };

    let topics = with("ROCKETMQ_TOPICS_ORDER_TOPIC_QUEUES").unwrap().topics;
    assert_eq!(topics[0].queues, 8);
    let error = with("ROCKETMQ_TOPICS_NEW_QUEUES").unwrap_err().to_string();
    assert!(error.contains("use an argument"), "{error}");
}

#[test]
fn unreadable_files_are_all_reported() {
    let folder = folder(&[
        ("bootstrap.yml", "a: [1"),
        ("application.yml", "b: 1\nB: 2\n"),
        ("application.properties", "c=\\u12\n"),
    ]);

    let errors = Settings::load(&options(folder.path())).err();

    let shown = shown(errors, folder.path());
    let expected = [
        "application.properties:1: \\u needs",
        "application.yml:2: B: is set twice, at application.yml:1",
        "bootstrap.yml:",
    ];
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    for (problem, expected) in shown.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}\n{expected}");
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Shop {
    name: String,
    pay_timeout: u64,
    open: bool,
    tags: Vec<String>,
    limits: Vec<Limit>,
    note: Option<String>,
    mood: Mood,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Limit {
    at_most: f64,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Mood {
    VeryGood,
}

#[test]
fn an_application_reads_its_own_keys_as_its_own_types() {
    let folder = folder(&[(
        "application.yml",
        "base: tea\nshop:\n  name: ${base} house\n  payTimeout: 30\n  open: on\n  tags: a, b\n  limits:\n    \
         - at-most: 1.5\n    - atMost: 2\n  mood: very-good\nserver.port: 8011\n",
    )]);
    let options = options(folder.path()).environment([("SHOP_NOTE", "hi")]);
    let settings = Settings::load(&options).unwrap();

    let shop: Shop = settings.get("shop").unwrap().unwrap();

    let limits = vec![Limit { at_most: 1.5 }, Limit { at_most: 2.0 }];
    let tags = vec!["a".to_owned(), "b".to_owned()];
    let expected = Shop {
        name: "tea house".to_owned(),
        pay_timeout: 30,
        open: true,
        tags,
        limits,
        note: Some("hi".to_owned()),
        mood: Mood::VeryGood,
    };
    assert_eq!(shop, expected);
    assert_eq!(settings.get::<u16>("server.port").unwrap(), Some(8011));
    assert_eq!(settings.get::<u16>("server.missing").unwrap(), None);
    for (error, expected) in [
        (
            settings.get::<u8>("server.port").err(),
            "application.yml:11: server.port: is `8011`, expected a number from 0 to 255",
        ),
        (
            settings.get::<String>("shop.limits").err(),
            "application.yml:8: shop.limits: is a list or a heading, expected one value",
        ),
    ] {
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_a_type_of_an_application_refuses_is_told_with_its_own_key() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Refused;
    impl TryFrom<String> for Refused {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            Err(format!("is `{text}`, of all things"))
        }
    }
    #[derive(Debug, Deserialize)]
    struct Pair {
        #[serde(rename = "first")]
        _first: String,
        #[serde(rename = "second")]
        _second: Refused,
    }
    let settings = load(&[("application.yml", "pair:\n  first: a\n  second: b\n")]);

    let alone = settings.get::<Refused>("pair.second").unwrap_err();
    let in_a_struct = settings.get::<Pair>("pair").unwrap_err();

    let expected = "application.yml:3: pair.second: is `b`, of all things";
    for error in [alone.to_string(), in_a_struct.to_string()] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_stronger_list_replaces_a_weaker_one() {
    let settings = load(&[
        ("bootstrap.yml", "list: [a, b, c]\nother: x"),
        ("application.yml", "list: [z]\nother: [y]"),
    ]);

    assert_eq!(settings.get::<Vec<String>>("list").unwrap().unwrap(), ["z"]);
    assert_eq!(
        settings.get::<Vec<String>>("other").unwrap().unwrap(),
        ["y"]
    );
}

#[test]
fn an_applications_own_headings_can_be_as_strict_as_ours() {
    let words = [
        "--server.prot=1",
        "--sever.port=1",
        "--shop.order.databse=x",
        "--shop.colour=x",
        "--shop.list.words=a",
        "--other=1",
    ];
    let settings = Settings::load(&SettingsOptions::default().arguments(words)).unwrap();

    let server = settings.only("server", &["address", "port"]);
    let shop = settings.only("shop", &["order.database", "list"]);
    let joined = ConfigErrors::join([server.clone(), shop, server]).unwrap_err();

    let told: Vec<_> = joined.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "argument --server.prot=1: unknown, did you mean `server.port`?",
            "argument --sever.port=1: unknown, did you mean `server`?",
            "argument --shop.colour=x: unknown, below `shop` there are: order.database, list",
            "argument --shop.order.databse=x: unknown, did you mean `shop.order.database`?",
        ]
    );
}

/// A source as one has it for Consul, Vault or a test.
#[derive(Clone, Debug)]
struct Held(Vec<(&'static str, source::Value)>);

impl source::Source for Held {
    fn clone_into_box(&self) -> Box<dyn source::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<source::Map<String, source::Value>, source::ConfigError> {
        let pairs = self.0.iter();
        Ok(pairs
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect())
    }
}

#[test]
fn a_source_that_the_program_adds_stands_above_files_and_below_the_environment() {
    let folder = folder(&[
        (
            "bootstrap.yml",
            "a: 1\nb: 1\nlist: [1, 2, 3]\nspring.profiles.active: none",
        ),
        ("bootstrap-vault.yml", "a: 2\nshop.house-name: 2"),
    ]);
    let vault = Held(vec![
        ("spring.profiles.active", "vault".into()),
        ("a", 3.into()),
        ("c", 3.into()),
        ("d", true.into()),
        ("list", vec![7].into()),
        (
            "shop",
            source::Map::from([("houseName".to_owned(), "tea")]).into(),
        ),
        ("rocketmq.topics.%a.queues", 5.into()),
    ]);
    let later = source::Config::builder().set_override("e", 4).unwrap();
    let options = options(folder.path())
        .source("vault", vault)
        .source(
            "later",
            later.set_override("d", false).unwrap().build().unwrap(),
        )
        .environment([("C", "5")])
        .arguments(["--e=6", "--x.y=6"]);

    let settings = Settings::load(&options).unwrap();

    let text = |key| settings.get::<String>(key).unwrap().unwrap();
    let read = ["a", "b", "c", "d", "e", "shop.house-name"].map(text);
    assert_eq!(read, ["3", "1", "5", "false", "4", "tea"]);
    assert_eq!(settings.get::<Vec<u8>>("list").unwrap().unwrap(), [7]);
    assert_eq!(settings.profiles(), ["vault"]);
    assert_eq!(settings.rocketmq().unwrap().topics[0].queues, 5);
    let origin = settings.origin("shop.house-name");
    assert_eq!(origin, Some(ConfigOrigin::Source("vault".to_owned())));
}

#[test]
fn what_is_wrong_in_an_added_source_is_told_with_the_rest() {
    let folder = folder(&[("application.yml", "a: [1")]);
    let at = Some("consul://h:8500/mq".to_owned());
    let consul = Held(vec![
        ("rocketmq.name-servr", "h:1".into()),
        (
            "rocketmq.producer.maxMessageSize",
            source::Value::new(at.as_ref(), 0),
        ),
        ("shop.houseName", "a".into()),
        ("shop.house-name", "b".into()),
    ]);
    let options = options(folder.path())
        .source("vault", Unreachable)
        .source("consul", consul);

    let problems = shown(Settings::load(&options).err(), folder.path());

    let expected = [
        "application.yml:",
        "consul: shop.houseName: is set twice, at consul already as `shop.house-name`",
        "consul: rocketmq.name-servr: unknown, did you mean `rocketmq.name-server`?",
        "consul://h:8500/mq: rocketmq.producer.maxMessageSize: is `0`, expected a number of bytes",
        "vault: not readable: permission denied",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}\n{expected}");
    }
}

#[derive(Clone, Debug)]
struct Unreachable;

impl source::Source for Unreachable {
    fn clone_into_box(&self) -> Box<dyn source::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<source::Map<String, source::Value>, source::ConfigError> {
        Err(source::ConfigError::Message("permission denied".to_owned()))
    }
}

/// What the `config` crate takes for a path, for another type or for nothing is kept as it is.
#[test]
fn no_key_and_no_text_is_changed_on_its_way_through_the_crate() {
    let settings = load(&[
        (
            "bootstrap.yml",
            "a:\n  b: 1\nlist: [x, y]\n'a/b.%c': 1\n'Ä.é': 1\nnumber: on",
        ),
        (
            "application.properties",
            "a=2\nlist[1]=z\nlist[0].k=v\nrocketmq.producer.group=g",
        ),
        ("application.yml", "rocketmq:\n  producer:\n"),
    ]);

    let text = |key| settings.get::<String>(key).unwrap().unwrap();
    let read = ["a", "a.b", "a/b.%c", "ä.é", "list[0].k", "list[1]"].map(text);
    assert_eq!(read, ["2", "1", "1", "1", "v", "z"]);
    assert!(settings.get::<u8>("number").is_err());
    assert_eq!(settings.rocketmq().unwrap().producer.group.unwrap(), "g");
    let huge = load(&[("application.properties", "list[4000000000]=x")]);
    assert!(huge.get::<String>("list[4000000000]").unwrap().is_some());
}

#[test]
fn an_argument_may_set_one_element_of_a_list() {
    let folder = folder(&[("application.yml", "shop.list: [a, b, c]\nshop.other: [a]")]);
    let words = ["--shop.list[1]=x", "--shop.list[3]=y", "--shop.other=z"];
    let settings = Settings::load(&options(folder.path()).arguments(words)).unwrap();

    let list = |key| settings.get::<Vec<String>>(key).unwrap().unwrap();
    assert_eq!(list("shop.list"), ["a", "x", "c", "y"]);
    assert_eq!(list("shop.other"), ["z"]);
}

/// Words between commas were read as texts and numbers alone; the same list in YAML could hold anything.
#[test]
fn a_list_on_one_line_is_read_as_a_list_in_lines_is() {
    let settings = load(&[(
        "application.yml",
        "one:\n  on: yes, off\n  mood: very-good,VeryGood\n  number: 1, many\nlines:\n  on: [yes, off]\n  \
         mood: [very-good, VeryGood]\n",
    )]);

    for list in ["one", "lines"] {
        let on = settings.get::<Vec<bool>>(&format!("{list}.on"));
        assert_eq!(on.unwrap().unwrap(), [true, false]);
        let moods = settings.get::<Vec<Mood>>(&format!("{list}.mood"));
        assert_eq!(moods.unwrap().unwrap(), [Mood::VeryGood, Mood::VeryGood]);
    }
    let error = settings.get::<Vec<u8>>("one.number").unwrap_err();
    let expected = "application.yml:4: one.number: has `many`, expected a number from 0 to 255";
    assert!(error.to_string().ends_with(expected), "{error}");
}

/// Such an argument once turned the cluster of the file into the broker inside, without a word.
#[test]
fn an_element_beside_a_text_leaves_the_text_as_it_is() {
    let folder = folder(&[(
        "application.yml",
        "rocketmq.name-server: h:1\nshop.list: a, b",
    )]);
    let words = ["--rocketmq.name-server[1]=i:2", "--shop.list[1]=c"];
    let settings = Settings::load(&options(folder.path()).arguments(words)).unwrap();

    let cluster = settings.rocketmq().unwrap().name_server;
    assert_eq!(cluster, ClusterAddress::At(vec!["h:1".to_owned()]));
    let list = settings.get::<Vec<String>>("shop.list");
    assert_eq!(list.unwrap().unwrap(), ["a", "b"]);
}

/// Reading the heading of a key with two dots as a map went in circles until the stack was full.
#[test]
fn an_empty_part_of_a_key_is_as_if_it_were_not_there() {
    let settings = load(&[("application.properties", "a..b=1\na..list..[0]=2\n.c=3")]);

    let map = settings.get::<BTreeMap<String, serde_json::Value>>("a");
    let map = serde_json::to_value(map.unwrap()).unwrap();
    assert_eq!(map, serde_json::json!({ "b": "1", "list": ["2"] }));
    assert_eq!(settings.get::<u8>("c").unwrap(), Some(3));
}

/// The outer list was said to have no elements.
#[test]
fn a_list_may_have_lists() {
    let settings = load(&[
        ("bootstrap.yml", "a: [[1, 2], [3]]\nb: [[1, 2], [3]]"),
        ("application.properties", "b[0][0]=4\nb[1]=5, 6\n"),
    ]);

    let lists = |key| settings.get::<Vec<Vec<u8>>>(key).unwrap().unwrap();
    assert_eq!(lists("a"), [vec![1, 2], vec![3]]);
    assert_eq!(lists("b"), [vec![4], vec![5, 6]]);
}
