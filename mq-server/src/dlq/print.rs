//! Prints dead letters: a table for people, or JSON.
//!
//! Texts of a letter come from whoever sent it, so that their control characters are not printed.

use mq_core::client::{DeadLetter, Resent, SentAgain};

use super::view::{LetterView, ResentView, WholeLetterView};
use crate::output::{OutputError, Table, say, say_json};
use crate::printable::printable;
use crate::time::shown as time;

/// The characters of a reason in the table; `show` prints it whole.
const REASON_WIDTH: usize = 60;

#[derive(Debug)]
pub(super) struct Printer {
    json: bool,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn list(&self, letters: &[DeadLetter]) -> Result<(), OutputError> {
        if self.json {
            let views: Vec<_> = letters.iter().map(LetterView::from).collect();
            return say_json(&views);
        }
        if letters.is_empty() {
            return say("no dead letters");
        }
        table(letters).print()
    }

    pub(super) fn show(&self, letters: &[DeadLetter]) -> Result<(), OutputError> {
        let views: Vec<_> = letters.iter().map(WholeLetterView::from).collect();
        if self.json {
            return say_json(&views);
        }
        for (at, (letter, view)) in letters.iter().zip(&views).enumerate() {
            if at > 0 {
                say("")?;
            }
            for line in view.lines(letter) {
                say(&line)?;
            }
        }
        Ok(())
    }

    /// One letter after the other for people, as they are sent.
    pub(super) fn resent(&self, letter: &DeadLetter, resent: &Resent) -> Result<(), OutputError> {
        if self.json {
            return Ok(());
        }
        let id = letter.message.message_id();
        say(&match resent {
            Resent::Now(sent) => format!("{id} sent to {} as {}", sent.topic, sent.id),
            Resent::Before(sent) => format!(
                "{id} was sent to {} on {} already: nothing is sent",
                sent.topic,
                time(sent.at_ms)
            ),
            _ => format!(
                "{id} sent, but the broker's index does not show it: it is not known as sent again, and \
                 would be sent once more"
            ),
        })
    }

    /// All letters for programs, also after a failure; for people, that there was none.
    pub(super) fn end_of_resent(
        &self,
        outcomes: &[(DeadLetter, Resent)],
        all_is_well: bool,
    ) -> Result<(), OutputError> {
        if self.json {
            let views = outcomes.iter();
            let views: Vec<_> = views.map(|(one, how)| ResentView::of(one, how)).collect();
            return say_json(&views);
        }
        if outcomes.is_empty() && all_is_well {
            say("nothing to send again")?;
        }
        Ok(())
    }
}

fn table(letters: &[DeadLetter]) -> Table<6> {
    let mut table = Table::new([
        "ID",
        "DIED (UTC)",
        "ATTEMPTS",
        "TOPIC",
        "SENT AGAIN (UTC)",
        "REASON",
    ]);
    for letter in letters {
        table.row([
            printable(&letter.message.message_id()),
            time(letter.message.store_timestamp),
            letter.attempts().to_string(),
            letter
                .origin_topic()
                .map_or_else(|| "-".to_owned(), |topic| topic.to_string()),
            sent_again(letter.sent_again.as_ref()),
            shortened(&printable(letter.reason().unwrap_or("-"))),
        ]);
    }
    table
}

impl WholeLetterView {
    fn lines(&self, letter: &DeadLetter) -> Vec<String> {
        let stored = &letter.message;
        let mut lines = vec![
            format!("id           {}", printable(&stored.message_id())),
            format!("offset id    {}", stored.offset_message_id()),
            format!(
                "lies in      {} of broker {}, queue {}, offset {}",
                stored.message.topic, letter.broker, stored.queue_id, stored.queue_offset
            ),
            format!(
                "sent to      {}",
                letter
                    .origin_topic()
                    .map_or_else(|| "-".to_owned(), |topic| topic.to_string())
            ),
            format!(
                "first id     {}",
                printable(letter.origin_id().unwrap_or("-"))
            ),
            format!("born         {}", time(stored.born_timestamp)),
            format!("died         {}", time(stored.store_timestamp)),
            format!("attempts     {}", letter.attempts()),
            format!("reason       {}", printable(letter.reason().unwrap_or("-"))),
            format!("sent again   {}", sent_again(letter.sent_again.as_ref())),
        ];
        for (name, value) in self.properties() {
            lines.push(format!(
                "property     {}={}",
                printable(name),
                printable(value)
            ));
        }
        lines.push(format!("body         {}", self.printable_body()));
        lines
    }
}

fn sent_again(sent: Option<&SentAgain>) -> String {
    sent.map_or_else(|| "-".to_owned(), |sent| time(sent.at_ms))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(REASON_WIDTH) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_two_characters() {
        assert_eq!(shortened(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
    }
}
