//! What people find in the log.

use std::fmt::{Debug, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The lines of a part of the crate at INFO and above.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// The module path with which their targets begin.
    part: &'static str,
    lines: Arc<Mutex<Vec<(Level, String)>>>,
}

impl Lines {
    pub(crate) fn count(&self, level: Level, text: &str) -> usize {
        let lines = self.lines.lock();
        let found = lines
            .iter()
            .filter(|(l, line)| *l == level && line.contains(text));
        found.count()
    }

    /// The first line with `text`.
    pub(crate) fn first(&self, level: Level, text: &str) -> Option<String> {
        let lines = self.lines.lock();
        let found = lines
            .iter()
            .find(|(l, line)| *l == level && line.contains(text));
        found.map(|(_, line)| line.clone())
    }

    /// Listens to `part` on this thread until the guard is dropped.
    pub(crate) fn listen(part: &'static str) -> (Self, tracing::subscriber::DefaultGuard) {
        // A line that another thread comes to first would be taken for one that nobody listens to.
        drop(tracing::subscriber::set_global_default(Self::default()));
        let lines = Self {
            part,
            ..Self::default()
        };
        let guard = tracing::subscriber::set_default(lines.clone());
        (lines, guard)
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("mq_core") && *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _attributes: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if !event.metadata().target().starts_with(self.part) {
            return;
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.lines.lock().push((*event.metadata().level(), text.0));
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
