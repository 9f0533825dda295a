//! Each program of `examples/` prints what `examples/expected/` says: on a broker in its own process, and
//! on servers of ours over sockets. `cargo test` builds the programs when it is not told what to build.

#![expect(clippy::unwrap_used, reason = "a failure is what a test is for")]

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mq_core::broker::config::BrokerConfig;
use mq_core::clock::Clock;
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;
use tempfile::TempDir;

/// Longer than any of them takes.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many run at the same time.
const AT_ONCE: usize = 4;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The names of the files in `folder` that end with `ending`.
fn names(folder: &Path, ending: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let of_kind = paths.filter(|path| path.extension().is_some_and(|found| found == ending));
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    of_kind.map(stem).collect()
}

/// An example that runs.
struct Example {
    name: String,
    process: Child,
    output: PathBuf,
}

impl Example {
    fn start(name: &str, home: &Path, name_server: Option<&str>) -> Self {
        let tests = env::current_exe().unwrap();
        let programs = tests.parent().unwrap().parent().unwrap().join("examples");
        let program = programs.join(format!("{name}{}", env::consts::EXE_SUFFIX));
        assert!(
            program.exists(),
            "{} is not there: run `cargo build -p mq-core --examples`",
            program.display()
        );
        let output = home.join(name);
        let process = Command::new(program)
            .args(name_server)
            .env_remove("NAMESRV_ADDR")
            .stdin(Stdio::null())
            .stdout(File::create(&output).unwrap())
            .spawn();
        Self {
            name: name.to_owned(),
            process: process.unwrap(),
            output,
        }
    }

    /// What is wrong, once it has ended.
    async fn problem(mut self) -> Option<String> {
        let clock = Clock::system();
        let until = clock.moment().plus(PATIENCE);
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status.to_string();
            }
            if clock.moment() >= until {
                self.process.kill().unwrap();
                self.process.wait().map(drop).unwrap();
                break format!("ended after {PATIENCE:?}");
            }
            clock.sleep(LOOK_EVERY).await;
        };
        let name = &self.name;
        let expected = folder().join("expected").join(format!("{name}.txt"));
        let expected = fs::read_to_string(expected).unwrap();
        let found = fs::read_to_string(&self.output).unwrap();
        let is_good = status.ends_with(": 0") && found == expected;
        (!is_good).then(|| format!("{name} ({status})\n{found}instead of\n{expected}"))
    }
}

/// Runs the examples, and tells all that is wrong.
async fn run(names: &BTreeSet<String>, name_server: Option<&str>) {
    let home = TempDir::new().unwrap();
    let names: Vec<_> = names.iter().collect();
    let mut problems = Vec::new();
    for names in names.chunks(AT_ONCE) {
        let start = |name: &&String| Example::start(name, home.path(), name_server);
        let running: Vec<_> = names.iter().map(start).collect();
        for example in running {
            problems.extend(example.problem().await);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn each_example_shows_what_it_says_on_a_broker_in_its_process() {
    let examples = names(&folder(), "rs");
    assert_eq!(examples, names(&folder().join("expected"), "txt"));

    run(&examples, None).await;
}

#[tokio::test]
async fn each_example_shows_what_it_says_over_sockets() {
    let folder_of_store = TempDir::new().unwrap();
    let names_here = NamesrvConfig {
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        ..NamesrvConfig::default()
    };
    let mut config = BrokerConfig::default();
    config.network.bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
    config.network.port = 0;
    config.storage.root = folder_of_store.path().to_owned();
    config.storage.segment_size = 16 * 1024 * 1024;
    config.rules.transactions.check_interval = Duration::from_millis(500);
    let node = Node::builder().name_server(names_here).broker(config);
    let node = node.start().await.unwrap();
    let name_server = node.name_server().unwrap().from_here().to_string();
    let mut examples = names(&folder(), "rs");
    // Its point is the broker in the process.
    examples.remove("embedded");

    run(&examples, Some(&name_server)).await;

    node.stop(Duration::from_secs(10)).await.unwrap();
}
