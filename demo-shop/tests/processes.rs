//! `demo-shop` as a person runs it: a process, Ctrl-C, and what is left.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use mq_core::clock::Clock;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The running demo; killed when the test fails before it ended.
struct Demo {
    child: Child,
    out: BufReader<ChildStdout>,
    order: String,
    user: String,
}

impl Demo {
    /// Starts it on free ports with everything in `folder`, and waits until it is ready.
    fn start(folder: &Path, options: &[&str]) -> Self {
        let at = folder.display();
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo-shop"));
        command
            .args(options)
            .arg("--server.port=0")
            .arg(format!("--shop.order.database={at}/order.db"))
            .arg(format!("--shop.user.database={at}/user.db"))
            .arg(format!("--rocketmq.embedded.store-path={at}/broker"))
            .arg("--rocketmq.embedded.listen=127.0.0.1:0")
            .arg("--rocketmq.embedded.broker-port=0")
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        out.read_line(&mut ready).unwrap();
        let place = |name: &str| {
            let mut words = ready.trim_end().split(' ');
            let found = words.find_map(|word| word.strip_prefix(name));
            found.unwrap_or_default().to_owned()
        };
        let (order, user) = (place("order=http://"), place("user=http://"));
        assert!(!order.is_empty() && !user.is_empty(), "{ready}");
        Self {
            child,
            out,
            order,
            user,
        }
    }

    /// The text messages, as soon as there are `count` that were sent.
    async fn sent(&self, count: usize) -> Vec<Value> {
        let clock = Clock::system();
        let looking = async {
            loop {
                let all = get(&self.user, "/sms");
                let all = all.as_array().cloned().unwrap_or_default();
                if all.iter().filter(|sms| sms["state"] == "SENT").count() >= count {
                    return all;
                }
                clock.sleep(Duration::from_millis(5)).await;
            }
        };
        let limit = Duration::from_secs(20);
        clock.timeout(limit, looking).await.unwrap()
    }

    /// Ctrl-C, and its end; nothing answers any more.
    fn interrupt(mut self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::INT).unwrap();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        for address in [&self.order, &self.user] {
            assert!(TcpStream::connect(address).is_err(), "{address} answers");
        }
    }

    /// Processes that it started.
    fn processes(&self) -> Vec<String> {
        let mut ps = Command::new("ps");
        ps.args(["-eo", "ppid=,pid=,args="]);
        let listed = String::from_utf8(ps.output().unwrap().stdout).unwrap();
        let own = listed.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let parent = words.next()?.parse::<u32>().ok()?;
            let child = words.next()?.to_owned();
            (parent == self.child.id() && line.contains("demo-shop")).then_some(child)
        });
        own.collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The body of `GET path`.
fn get(address: &str, path: &str) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

fn is_running(id: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", id]).output();
    let state = String::from_utf8(output.unwrap().stdout).unwrap();
    !state.trim().is_empty() && !state.starts_with('Z')
}

/// Rows of both databases.
async fn rows(folder: &Path) -> (i64, usize) {
    let orders = shop_order::Database::open(&folder.join("order.db")).await;
    let orders = orders.unwrap();
    let count = orders.count(shop_contracts::OrderStatus::New).await;
    orders.close().await;
    let messages = shop_user::Database::open(&folder.join("user.db")).await;
    let messages = messages.unwrap();
    let newest = messages.newest(100).await;
    messages.close().await;
    (count.unwrap(), newest.unwrap().len())
}

#[tokio::test]
async fn processes_of_their_own_do_the_same_and_ctrl_c_leaves_nothing_but_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let abort = folder.path().join("broker/abort");

    let demo = Demo::start(folder.path(), &["--separate"]);
    let processes = demo.processes();
    assert_eq!(processes.len(), 3, "{processes:?}");
    assert_eq!(get(&demo.order, "/order?pid=1")["id"], 1);
    let all = demo.sent(1).await;
    assert_eq!(
        (&all[0]["orderId"], &all[0]["attempts"]),
        (&1.into(), &1.into())
    );
    assert!(abort.exists());
    demo.interrupt();

    for id in &processes {
        assert!(!is_running(id), "process {id} is left");
    }
    assert!(!abort.exists());
    assert_eq!(rows(folder.path()).await, (1, 1));

    // The store's lock is free and its messages are there: the same story goes on in one process.
    let demo = Demo::start(folder.path(), &[]);
    assert_eq!(demo.processes(), [""; 0]);
    assert_eq!(get(&demo.order, "/order?pid=2")["id"], 2);
    assert_eq!(demo.sent(2).await.len(), 2);
    demo.interrupt();

    assert!(!abort.exists());
    assert_eq!(rows(folder.path()).await, (2, 2));
}

#[test]
fn words_that_are_no_settings_are_refused_before_anything_starts() {
    let refused = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_demo-shop"))
            .args(words)
            .output();
        let output = output.unwrap();
        assert!(!output.status.success(), "{words:?}");
        assert_eq!(output.stdout, b"", "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    };

    let error = refused(&["--seperate"]);
    assert!(error.contains("'--separate'"), "{error}");
    let error = refused(&[
        "--rocketmq.embeded.listen=x",
        "--server.prot=1",
        "--server.port=many",
        "--shop.order.databse=x",
        "--sever.port=1",
    ]);
    for expected in [
        "--rocketmq.embeded.listen=x: unknown, did you mean",
        "--server.prot=1: unknown, did you mean `server.port`?",
        "--shop.order.databse=x: unknown, did you mean `shop.order.database`?",
        "--sever.port=1: unknown, did you mean `server`?",
        "--server.port=many: is `many`, expected a number from 0 to 65535",
    ] {
        assert!(error.contains(expected), "{expected}\nnot in\n{error}");
    }
}
