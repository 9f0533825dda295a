//! The wall clock of a running server is set by a day, back and forth: nothing comes before its time by
//! the clock that is in force then.
//!
//! The server runs with libfaketime, which takes the offset of the wall clock from a file. Durations stay
//! those of the system.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use mq_core::remoting::Router;
use mq_tests::{Server, Setup};

use crate::Outcome;
use crate::client::{Client, Reader};
use crate::timer::{Delivered, TOPIC, plain, timer};

/// Where Debian's package `faketime` has it, by architecture.
const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];
const DAY_MS: i64 = 24 * 3_600 * 1_000;
const PAUSE: Duration = Duration::from_millis(50);

/// The wall clock of the server.
struct Wall<'a> {
    file: &'a Path,
    offset_ms: i64,
    client: Client,
}

impl Wall<'_> {
    fn set(&mut self, offset_ms: i64) -> Outcome<()> {
        self.offset_ms = offset_ms;
        // Replaced at once, so that the server never reads half of it.
        let new = self.file.with_extension("new");
        write!(File::create(&new)?, "{:+}", offset_ms / 1_000)?;
        std::fs::rename(&new, self.file)?;
        Ok(())
    }

    fn now_ms(&self) -> i64 {
        self.client.clock.now_ms() + self.offset_ms
    }
}

/// What the server holds and has given.
struct Watch {
    reader: Reader,
    delivered: Delivered,
    /// How many timers were sent.
    sent: u64,
}

impl Watch {
    async fn send(&mut self, wall: &Wall<'_>, ahead_ms: i64) -> Outcome<()> {
        let due_ms = wall.now_ms() + ahead_ms;
        wall.client.send(timer(self.sent, due_ms)).await?;
        self.sent += 1;
        Ok(())
    }

    /// Looks for `during`; what comes must be due by the clock in force.
    async fn look(&mut self, wall: &Wall<'_>, during: Duration) -> Outcome<()> {
        let clock = &wall.client.clock;
        let end = clock.moment().plus(during);
        while clock.moment() < end {
            let delivered = &mut self.delivered;
            let news = self.reader.news(&wall.client, |message| {
                // Its store time may be that of a clock that was ahead before.
                match delivered.add(message)? {
                    Some(came) if came.due_ms > wall.now_ms() => {
                        Err(format!("timer {} came early", came.number).into())
                    }
                    _ => Ok(()),
                }
            });
            news.await?;
            clock.sleep(PAUSE).await;
        }
        Ok(())
    }

    fn expect(&self, step: &str, came: u64) -> Outcome<()> {
        let found = self.delivered.different;
        println!("clock: {step}: {found} of {} have come", self.sent);
        if found == came {
            Ok(())
        } else {
            Err(format!("{step}: {found} have come, expected {came}").into())
        }
    }
}

pub(crate) async fn run(mut setup: Setup, directory: &Path) -> Outcome<()> {
    let Some(library) = LIBRARIES.iter().find(|path| Path::new(path).exists()) else {
        println!("clock: SKIPPED, libfaketime is missing (Debian: apt-get install faketime)");
        return Ok(());
    };
    let file = directory.join("offset");
    write!(File::create(&file)?, "+0")?;
    let variables = [
        ("LD_PRELOAD", (*library).to_owned()),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    setup.environment = variables
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    let mut server = Server::start(&setup).await?;
    let client = Client::new(&server.broker, Router::default());
    client.send(plain()).await?;
    let mut wall = Wall {
        file: &file,
        offset_ms: 0,
        client,
    };
    let mut watch = Watch {
        reader: Reader::new(TOPIC),
        delivered: Delivered::new(8)?,
        sent: 0,
    };
    let second = Duration::from_secs(1);

    watch.send(&wall, 3_000).await?;
    watch.send(&wall, DAY_MS / 2).await?;
    watch.send(&wall, DAY_MS + 3_600_000).await?;
    watch.look(&wall, 5 * second).await?;
    watch.expect("as it is", 1)?;

    wall.set(DAY_MS)?;
    watch.look(&wall, 4 * second).await?;
    watch.expect("a day ahead", 2)?;
    watch.send(&wall, 3_000).await?;
    watch.look(&wall, 5 * second).await?;
    watch.expect("a day ahead, a new one", 3)?;

    wall.set(0)?;
    watch.send(&wall, 3_000).await?;
    watch.look(&wall, 5 * second).await?;
    watch.expect("set back", 4)?;

    wall.set(-DAY_MS)?;
    watch.send(&wall, 3_000).await?;
    watch.send(&wall, DAY_MS + 2_000).await?;
    watch.look(&wall, 6 * second).await?;
    watch.expect("a day behind", 5)?;

    wall.set(0)?;
    watch.look(&wall, 4 * second).await?;
    watch.expect("as it is again", 6)?;

    wall.set(2 * DAY_MS)?;
    watch.look(&wall, 4 * second).await?;
    watch.expect("two days ahead", 7)?;
    server.stop(Duration::from_mins(1)).await?;
    println!(
        "clock: none came early by the clock in force, {} twice",
        watch.delivered.doubles
    );
    Ok(())
}
