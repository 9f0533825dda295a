//! A process of `demo-shop`: how it starts, what it says when it is ready, how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A running process; killed when the test fails before it ended.
pub(crate) struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    /// The line that says that it is ready.
    ready: String,
}

impl Program {
    /// Starts it with these words, and waits until it is ready.
    pub(crate) fn start<S: AsRef<str>>(words: &[S]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo-shop"));
        command
            .args(words.iter().map(S::as_ref))
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        out.read_line(&mut ready).unwrap();
        assert!(ready.starts_with("ready "), "{ready}");
        Self { child, out, ready }
    }

    /// The address that its line names so.
    pub(crate) fn address(&self, name: &str) -> String {
        let mut words = self.ready.trim_end().split(' ');
        let found = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let found = found.unwrap_or_else(|| panic!("no `{name}` in {}", self.ready));
        found.trim_start_matches("http://").to_owned()
    }

    /// Ctrl-C, and its end.
    pub(crate) fn interrupt(mut self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::INT).unwrap();
        let status = self.end();
        assert!(status.success(), "{status}");
    }

    /// Waits until it has ended by itself.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap()
    }

    /// Processes that it started.
    pub(crate) fn processes(&self) -> Vec<String> {
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

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn is_running(id: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", id]).output();
    let state = String::from_utf8(output.unwrap().stdout).unwrap();
    !state.trim().is_empty() && !state.starts_with('Z')
}

/// The settings that keep everything in `folder`, and on free ports.
pub(crate) fn settings(folder: &Path) -> Vec<String> {
    let at = folder.display();
    vec![
        "--server.port=0".to_owned(),
        format!("--shop.order.database={at}/order.db"),
        format!("--shop.user.database={at}/user.db"),
        format!("--rocketmq.embedded.store-path={at}/broker"),
        "--rocketmq.embedded.listen=127.0.0.1:0".to_owned(),
        "--rocketmq.embedded.broker-port=0".to_owned(),
    ]
}

/// A request whose answer has not been read yet.
pub(crate) fn request(address: &str, head: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// Status and body of the answer to a request such as `GET /orders`.
pub(crate) fn answer(address: &str, head: &str, body: &str) -> (u16, Value) {
    let mut answer = String::new();
    let mut stream = request(address, head, body);
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// The body of `GET path`.
pub(crate) fn get(address: &str, path: &str) -> Value {
    answer(address, &format!("GET {path}"), "").1
}
