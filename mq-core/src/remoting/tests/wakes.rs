//! A connection is polled only when something wakes it, as a runtime does it: whatever happens in
//! whatever order, it must not rest while there is something left to do.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use super::*;
use crate::remoting::connection::{self, Link};
use crate::remoting::peer::Outgoing;

const IN_FLIGHT: usize = 3;

/// A stream in the hands of the test.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    /// What the peer said and the connection has not read.
    said: BytesMut,
    /// What the connection wrote.
    heard: BytesMut,
    /// So many bytes more are taken.
    room: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn say(&self, bytes: &[u8]) {
        let mut ends = self.0.lock();
        ends.said.extend_from_slice(bytes);
        let reader = ends.reader.take();
        drop(ends);
        reader.into_iter().for_each(Waker::wake);
    }

    fn make_room(&self, bytes: usize) {
        let mut ends = self.0.lock();
        ends.room += bytes;
        let writer = ends.writer.take();
        drop(ends);
        writer.into_iter().for_each(Waker::wake);
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let mut ends = self.0.lock();
        if ends.said.is_empty() {
            ends.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = ends.said.len().min(out.remaining());
        out.put_slice(&ends.said.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let mut ends = self.0.lock();
        if ends.room == 0 {
            ends.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = bytes.len().min(ends.room);
        ends.room -= count;
        ends.heard.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Answers with a body of as many bytes as were asked for, `wait` only with a permit.
struct Bodies(Arc<Semaphore>);

impl Processor<Echo> for Bodies {
    async fn process(&self, request: Incoming<Echo>) -> Result<Reply<Echo>, Refusal> {
        if request.header.word == "wait" {
            self.0.acquire().await.unwrap().forget();
        }
        let body = vec![7; usize::try_from(request.header.times).unwrap()];
        Ok(Reply::ok(request.header).with_body(body))
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// What was asked for so far, and allowed.
#[derive(Default)]
struct History {
    /// Whether each request waits for a permit.
    asked: Vec<bool>,
    permits: usize,
}

impl History {
    /// How many answers are due: nothing is read while too many wait.
    fn due(&self) -> usize {
        let (mut answered, mut waiting, mut permits) = (0, 0, self.permits);
        for waits in &self.asked {
            if waiting == IN_FLIGHT {
                break;
            }
            if !waits {
                answered += 1;
            } else if permits > 0 {
                permits -= 1;
                answered += 1;
            } else {
                waiting += 1;
            }
        }
        answered
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// A connection, and what stands around it.
struct Bench {
    pipe: Pipe,
    peer: Peer,
    gate: Arc<Semaphore>,
    /// The end of the last request, which the peer has not said yet.
    unsaid: BytesMut,
    history: History,
    /// Whoever waits for an answer of the peer.
    waiting: Vec<oneshot::Receiver<RemotingCommand>>,
    dice: Dice,
}

impl Bench {
    /// One thing that happens to a connection.
    fn happen(&mut self) {
        match self.dice.below(10) {
            0..=3 => self.ask(),
            4..=5 => self.pipe.say(&self.unsaid.split()),
            6..=7 => {
                self.gate.add_permits(1);
                self.history.permits += 1;
            }
            8 => self.push(),
            _ => self.pipe.make_room(self.dice.below(1_000_000)),
        }
    }

    /// Says all of a request but its last few bytes.
    fn ask(&mut self) {
        let waits = self.dice.below(2) == 0;
        let size = |dice: &mut Dice| match dice.below(16) {
            0 => 600_000,
            1 => 10_000,
            _ => dice.below(3_000),
        };
        let header = Echo {
            word: ByteString::from_static(if waits { "wait" } else { "-" }),
            times: i32::try_from(size(&mut self.dice)).unwrap(),
        };
        let head = Head::request(Echo::CODE, 1);
        let body = vec![0; size(&mut self.dice)];
        let mut said = self.unsaid.split();
        wire::encode(&mut said, Encoding::Binary, &head, &header, &body).unwrap();
        self.unsaid = said.split_off(said.len() - self.dice.below(40));
        self.pipe.say(&said);
        self.history.asked.push(waits);
    }

    /// Asks the peer, which never answers: with some waiting, turns are shared.
    fn push(&mut self) {
        let (answer, waiting) = oneshot::channel();
        let head = Head::request(Echo::CODE, 0);
        let outgoing = Outgoing {
            command: peer::command(head, &echo("push"), Bytes::new()),
            answer: Some(answer),
        };
        if self.peer.post(outgoing).is_ok() {
            self.waiting.push(waiting);
        }
    }

    /// While the peer reads, everything that is due has been said.
    fn check(&self) {
        let ends = self.pipe.0.lock();
        if ends.room == 0 || !self.unsaid.is_empty() {
            return;
        }
        let mut heard = ends.heard.clone();
        let (mut answers, mut pushes) = (0, 0);
        while let Some(frame) = frame::decode(&mut heard, frame::DEFAULT_LIMIT).unwrap() {
            let command = RemotingCommand::from_frame(frame).unwrap();
            answers += usize::from(command.head.is_answer());
            pushes += usize::from(!command.head.is_answer());
        }
        assert!(heard.is_empty(), "half a frame");
        assert_eq!(
            (answers, pushes),
            (self.history.due(), self.waiting.len()),
            "answers and pushes"
        );
    }
}

fn play(seed: u64) {
    let clock = Clock::manual(0);
    let gate = Arc::new(Semaphore::new(0));
    let router = Router::default().on::<Echo>(Bodies(Arc::clone(&gate)));
    let address = "127.0.0.1:1".parse().unwrap();
    let (peer, outgoing) = Peer::new(PeerId(1), address, 4, clock.clone());
    let link = Link {
        peer: peer.clone(),
        outgoing,
        router: Arc::new(router),
        watcher: Arc::new(()),
        limits: Limits {
            unsent: 4 * 1024,
            in_flight: IN_FLIGHT,
            ..Limits::default()
        },
        encoding: Encoding::Json,
    };
    let mut bench = Bench {
        pipe: Pipe::default(),
        peer,
        gate,
        unsaid: BytesMut::new(),
        history: History::default(),
        waiting: Vec::new(),
        dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
    };
    let tasks = Tasks::new(clock.clone());
    let mut connection = pin!(connection::run(bench.pipe.clone(), link, clock, tasks));
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);

    for _step in 0..40 {
        for _ in 0..=bench.dice.below(3) {
            bench.happen();
        }
        let mut turns = 0;
        while woken.0.swap(false, Ordering::Acquire) {
            assert!(connection.as_mut().poll(&mut cx).is_pending());
            turns += 1;
            assert!(turns < 1_000, "it never rests");
        }
        bench.check();
    }
}

#[test]
fn a_connection_that_rests_has_nothing_left_to_do() {
    for seed in 0..1_000 {
        let played = std::panic::catch_unwind(|| play(seed));
        assert!(played.is_ok(), "seed {seed}");
    }
}
