//! `mq` as a process: what it prints, how it ends, what it leaves.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const MQ: &str = env!("CARGO_BIN_EXE_mq");

/// No process of these tests runs for so long unless it hangs.
const LIMIT: Duration = Duration::from_mins(1);

/// SIGTERM.
fn ask_to_end(child: &Child) {
    signal(child.id(), "-TERM");
}

fn signal(process: u32, name: &str) {
    let mut kill = Command::new("kill");
    let asked = kill.args([name, &process.to_string()]).status().unwrap();
    assert!(asked.success());
}

/// Kills a process that outlives the limit, so that whoever reads what it says goes on and fails.
struct Watch {
    /// Held by the test, and dropped when it is over.
    _end: mpsc::Sender<()>,
}

impl Watch {
    fn over(child: &Child) -> Self {
        let (end, ended) = mpsc::channel();
        let process = child.id();
        thread::spawn(move || {
            if ended.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
                signal(process, "-KILL");
            }
        });
        Self { _end: end }
    }
}

/// A running server; killed when the test fails before it ended.
struct Server {
    _watch: Watch,
    child: Child,
    out: BufReader<ChildStdout>,
    ready: String,
}

/// The words that start `mq standalone` on free ports.
fn standalone(store: &Path) -> [&str; 7] {
    [
        "standalone",
        "--namesrv-port",
        "0",
        "--broker-port",
        "0",
        "--store",
        store.to_str().unwrap(),
    ]
}

impl Server {
    fn start(words: &[&str]) -> Self {
        let mut command = Command::new(MQ);
        command.args(words).env_remove("NAMESRV_ADDR");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let watch = Watch::over(&child);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        out.read_line(&mut ready).unwrap();
        if !ready.starts_with("ready ") {
            let mut log = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut log)
                .unwrap();
            panic!("not ready: {log}");
        }
        let ready = ready.trim_end().to_owned();
        Self {
            _watch: watch,
            child,
            out,
            ready,
        }
    }

    /// `mq standalone` on free ports.
    fn standalone(store: &Path, more: &[&str]) -> Self {
        Self::start(&[&standalone(store)[..], more].concat())
    }

    /// A word of the line `ready`.
    fn told(&self, name: &str) -> &str {
        let name = format!("{name}=");
        self.ready
            .split(' ')
            .find_map(|word| word.strip_prefix(&name))
            .unwrap()
    }

    /// SIGTERM; the code it ends with, and what it logged.
    fn end(mut self) -> (Option<i32>, String) {
        ask_to_end(&self.child);
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "nothing but the line `ready` on standard output");
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs `mq` to its end, which must be a failure; what it said.
fn refused(words: &[&str]) -> String {
    let output = run(words);
    assert!(!output.status.success(), "{words:?} succeeded");
    assert!(output.status.code().is_some(), "{words:?} was killed");
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

fn run(words: &[&str]) -> Output {
    let mut command = Command::new(MQ);
    command.args(words).env_remove("NAMESRV_ADDR");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let _watch = Watch::over(&child);
    child.wait_with_output().unwrap()
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A broker whose topics were full of zeros did not start, and there was no copy to put in their place.
#[test]
fn a_damaged_file_gives_way_to_its_backup_and_without_one_the_start_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    Server::standalone(&store, &[]).end();
    let damage = |name: &str| {
        let file = std::fs::File::create(store.join("config").join(name)).unwrap();
        file.set_len(100).unwrap();
    };

    damage("topics.json");
    let (code, log) = Server::standalone(&store, &[]).end();

    assert_eq!(code, Some(0), "{log}");
    let warning = log.lines().find(|line| line.contains("WARN"));
    let warning = warning.unwrap_or_else(|| panic!("no warning: {log}"));
    let parts = [
        "topics.json` cannot be used (100 bytes, all zero)",
        "topics.json.bak`",
    ];
    assert!(parts.iter().all(|part| warning.contains(part)), "{warning}");

    damage("topics.json");
    damage("topics.json.bak");
    let said = refused(&standalone(&store));
    for part in [
        "topics.json`",
        "topics.json.bak`",
        "put a good copy",
        "remove both",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// Every line that was logged then was a panic: connections broke off, and the store was not closed.
#[test]
fn a_server_whose_log_nobody_takes_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut server = Server::standalone(&store, &[]);
    drop(server.child.stderr.take());

    ask_to_end(&server.child);

    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(!store.join("abort").exists());
}

#[test]
fn a_standalone_server_says_where_it_is_and_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("my data/数据");

    let server = Server::standalone(&store, &[]);
    assert!(
        server.told("namesrv").starts_with("127.0.0.1:"),
        "{}",
        server.ready
    );
    assert!(
        server.told("broker").starts_with("127.0.0.1:"),
        "{}",
        server.ready
    );
    assert!(
        server
            .ready
            .contains(&format!("store={} flush=sync in ", store.display()))
    );
    assert!(server.ready.ends_with(" ms"), "{}", server.ready);
    assert!(store.join("abort").exists());
    let (code, log) = server.end();

    assert_eq!(code, Some(0), "{log}");
    assert!(!store.join("abort").exists());
}

/// `mq standalone` on free ports that says it is at `advertised`, and must not start.
fn refused_at(store: &Path, bind: &str, advertised: &str) -> String {
    let store = store.to_str().unwrap();
    let ports = ["standalone", "--namesrv-port", "0", "--broker-port", "0"];
    let advertised = format!("brokerIP1={advertised}");
    let words = ["--bind", bind, "--store", store, "--set", &advertised];
    refused(&[&ports[..], &words].concat())
}

/// `brokerIP1=::1` was registered and printed while only IPv4 was listened to.
#[test]
fn what_is_printed_as_ready_is_listened_at_in_either_family_or_the_start_is_refused() {
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    for (bind, advertised) in [("0.0.0.0", "::1"), ("::", "127.0.0.1")] {
        let folder = tempfile::tempdir().unwrap();
        if advertised == "::1" && !has_ipv6 {
            let error = refused_at(folder.path(), bind, advertised);
            assert!(error.contains("only IPv4 is listened to"), "{error}");
            continue;
        }

        let named = format!("brokerIP1={advertised}");
        let server = Server::standalone(folder.path(), &["--bind", bind, "--set", &named]);

        for name in ["namesrv", "broker"] {
            let reached = TcpStream::connect(server.told(name));
            assert!(reached.is_ok(), "{bind}: {}: {reached:?}", server.ready);
        }
        let ready = &server.ready;
        assert!(server.told("broker").contains(advertised), "{ready}");
        let listed = run(&["topic", "list", "-n", server.told("namesrv")]);
        assert!(listed.status.success(), "{listed:?}");
        assert_eq!(server.end().0, Some(0));
    }
}

#[test]
fn an_advertised_address_that_is_not_listened_at_refuses_the_start() {
    let folder = tempfile::tempdir().unwrap();

    let error = refused_at(folder.path(), "127.0.0.1", "::1");

    let mut rest = error.as_str();
    for expected in [
        "brokerIP1: no client would reach the broker at `::1`: it is an IPv6 address",
        "the broker listens at 127.0.0.1:",
        "set `brokerIP1` to an address that is listened at",
        "or listen at all addresses of both families with `--bind 0.0.0.0` (`bindAddress`)",
    ] {
        let (_, after) = rest
            .split_once(expected)
            .unwrap_or_else(|| panic!("{expected}: {error}"));
        rest = after;
    }
    assert!(!folder.path().join("abort").exists());
}

#[test]
fn the_fast_mode_prints_what_it_may_lose() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::standalone(folder.path(), &["--flush", "interval"]);
    assert!(
        server.ready.contains(" flush=interval "),
        "{}",
        server.ready
    );
    let (_, log) = server.end();
    assert!(log.contains("200 ms"), "{log}");
}

#[test]
fn topics_are_created_listed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::standalone(folder.path(), &[]);
    let namesrv = server.told("namesrv").to_owned();
    let topic = |words: &[&str]| {
        let output = run(&[&["topic"], words, &["-n", &namesrv]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {log}");
        text
    };

    assert!(
        topic(&["create", "-t", "orders", "--queues", "3"])
            .contains("created orders with 3 queues")
    );
    let listed = topic(&["list"]);
    assert!(
        listed
            .lines()
            .any(|line| line.starts_with("orders  ") && line.ends_with(":3")),
        "{listed}"
    );
    // It once said "created" whatever was there.
    let again = topic(&["create", "-t", "orders", "--queues", "3"]);
    assert!(again.starts_with("orders has 3 queues on "), "{again}");
    let more = topic(&["create", "-t", "orders", "--queues", "5"]);
    assert!(more.starts_with("changed orders to 5 queues on "), "{more}");
    topic(&["delete", "-t", "orders"]);
    assert!(
        !topic(&["list"])
            .lines()
            .any(|line| line.starts_with("orders"))
    );

    let error = refused(&["topic", "delete", "-t", "orders", "-n", &namesrv]);
    assert!(error.contains("there is no topic `orders`"), "{error}");
    let error = refused(&["topic", "create", "-t", "a/b", "-n", &namesrv]);
    assert!(error.contains("illegal character '/'"), "{error}");
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn a_taken_port_is_named_and_so_is_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = address.rsplit(':').next().unwrap();
    let store = folder.path().to_str().unwrap();

    let words = [
        "standalone",
        "--namesrv-port",
        port,
        "--broker-port",
        "0",
        "--store",
        store,
    ];
    let error = refused(&words);
    assert!(
        error.contains(&address) && error.contains("port"),
        "{error}"
    );

    let words = [
        "standalone",
        "--namesrv-port",
        "0",
        "--broker-port",
        port,
        "--store",
        store,
    ];
    let error = refused(&words);
    assert!(
        error.contains(&address) && error.contains("port"),
        "{error}"
    );
    assert!(!folder.path().join("abort").exists());
}

/// It was told to stop the program that listens there, which was itself.
#[test]
fn two_settings_with_one_port_are_named_and_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().to_str().unwrap();

    let ports = ["standalone", "--namesrv-port", "19876", "--store", store];
    for broker_port in [["--broker-port", "19876"], ["--set", "listenPort=19876"]] {
        let error = refused(&[&ports[..], &broker_port].concat());

        for part in ["`--namesrv-port`", "`--broker-port`", "are both 19876"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

/// A mistyped address was registered without a word, and every client waited for its connection.
#[test]
fn an_advertised_address_that_the_machine_does_not_have_is_one_warning() {
    let folder = tempfile::tempdir().unwrap();

    let server = Server::standalone(folder.path(), &["--set", "brokerIP1=203.0.113.7"]);

    assert!(server.told("broker").starts_with("203.0.113.7:"));
    let (code, log) = server.end();
    assert_eq!(code, Some(0), "{log}");
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{log}");
    for part in ["brokerIP1", "`203.0.113.7`", "no address of this machine"] {
        assert!(warnings[0].contains(part), "{part}: {log}");
    }
}

#[test]
fn a_store_that_cannot_be_had_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "no-directory", "");
    let start = |store: &str| {
        refused(&[
            "standalone",
            "--namesrv-port",
            "0",
            "--broker-port",
            "0",
            "--store",
            store,
        ])
    };
    let error = start(&path);
    let expected = format!("could not create `{path}`: not a directory; give `{path}`");
    assert!(error.contains(&expected), "{error}");

    let foreign = folder.path().join("foreign");
    std::fs::create_dir_all(foreign.join("commitlog")).unwrap();
    file(&foreign.join("commitlog"), "holiday.jpg", "not a segment");
    let error = start(foreign.to_str().unwrap());
    assert!(error.contains("holiday.jpg"), "{error}");
    assert!(
        error.contains("move it elsewhere; or choose another"),
        "{error}"
    );

    let store = folder.path().join("store");
    let server = Server::standalone(&store, &[]);
    let error = start(store.to_str().unwrap());
    assert!(error.contains("in use"), "{error}");
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn all_wrong_settings_are_listed_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let text = "brokerName=a\nlistenPrt=1\nbrokerRole=SLAVE\nfileReservedTime=soon\n";
    let path = file(folder.path(), "broker.conf", text);

    let error = refused(&[
        "broker",
        "-n",
        "127.0.0.1:9876",
        "-c",
        &path,
        "aclEnable=true",
    ]);

    for expected in [
        "broker.conf:2: listenPrt: unknown, did you mean `listenPort`?",
        "broker.conf:3: brokerRole: ",
        "broker.conf:4: fileReservedTime: is `soon`",
        "command line `aclEnable=true`: aclEnable: ",
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_broker_without_a_name_server_says_what_to_do() {
    let error = refused(&["broker"]);
    assert!(error.contains("-n HOST:PORT"), "{error}");

    let error = refused(&["topic", "list", "-n", "127.0.0.1:1"]);
    assert!(
        error.contains("127.0.0.1:1") && error.contains("is the server running"),
        "{error}"
    );
}

#[test]
fn a_broker_that_waits_for_its_name_server_can_be_stopped() {
    let mut command = Command::new(MQ);
    command.args(["broker", "-n", "127.0.0.1:1", "--port", "0"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let _watch = Watch::over(&child);
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.contains("waiting for a name server"), "{line}");

    ask_to_end(&child);

    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("stopping"), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn name_server_and_broker_run_apart() {
    let folder = tempfile::tempdir().unwrap();
    let namesrv = Server::start(&["namesrv", "--bind", "127.0.0.1", "--port", "0"]);
    let address = namesrv.told("namesrv").to_owned();
    let store = format!("storePathRootDir={}", folder.path().display());

    let words = [
        "broker",
        "-n",
        &address,
        "--bind",
        "127.0.0.1",
        "--port",
        "0",
        &store,
        "brokerName=b",
    ];
    let broker = Server::start(&words);
    let listed = run(&["topic", "list", "--all", "-n", &address]);

    assert!(
        String::from_utf8_lossy(&listed.stdout).contains("b:"),
        "{listed:?}"
    );
    assert_eq!(broker.end().0, Some(0));
    assert_eq!(namesrv.end().0, Some(0));
}

/// A broker waited ten seconds for a name server that nobody can be.
#[test]
fn an_address_that_is_none_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let store = store.to_str().unwrap();
    for (words, said) in [
        (
            ["-n", "nonsense"],
            "`nonsense` is no name server: write HOST:PORT",
        ),
        (
            ["-n", "http://names:9876"],
            "`http://names:9876` is no name server",
        ),
        (
            ["--set", "namesrvAddr=http://names:9876"],
            "`http://names:9876` is not an address",
        ),
        (["--bind", "localhost"], "'localhost'"),
        (["--set", "bindAddress=nonsense"], "nonsense"),
        (["--set", "brokerIP1=10.0.0.1:10911"], "is not a host"),
    ] {
        let said_so = refused(&[&["broker", "--store", store], &words[..]].concat());
        assert!(said_so.contains(said), "{words:?}: {said_so}");
        assert!(!Path::new(store).exists(), "{words:?}");
    }
}
