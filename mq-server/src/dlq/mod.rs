//! `mq dlq list|show|resend`: dead letters, through the client's functions for them.
//!
//! Invariant: before the first letter is sent again, every id that was given is found. A program tells
//! by the exit code what went wrong, see [`ExitClass`].

mod args;
mod print;
mod view;

use mq_core::client::{DeadLetter, DeadLetterError, DeadLetters, ResendTo, Resent};
use mq_core::clock::Clock;

pub(crate) use args::DlqCommand;

use crate::admin::{self, Session};
use crate::failure::{ExitClass, ProgramFailure};
use print::Printer;

pub(crate) async fn run(command: DlqCommand, clock: Clock) -> Result<(), ProgramFailure> {
    let (DlqCommand::List { of, .. } | DlqCommand::Show { of, .. } | DlqCommand::Resend { of, .. }) =
        &command;
    let group = admin::group(&of.group)?;
    let printer = Printer::new(of.ask.json);
    let session = Session::ask(&of.ask, clock)?;
    let letters = session.client.dead_letters(group);
    let outcome = carry_out(&command, &letters, &printer).await;
    session.close(outcome).await
}

async fn carry_out(
    command: &DlqCommand,
    letters: &DeadLetters,
    printer: &Printer,
) -> Result<(), ProgramFailure> {
    match command {
        DlqCommand::List { limit, .. } => {
            let most = usize::try_from(*limit).unwrap_or(usize::MAX);
            let found = letters.list(most).await.map_err(failure)?;
            printer.list(&found)?;
        }
        DlqCommand::Show { id, .. } => {
            let found = letters.find(id).await.map_err(failure)?;
            printer.show(&found)?;
        }
        DlqCommand::Resend {
            ids, all: false, ..
        } if ids.is_empty() => {
            let failure = ProgramFailure::from("no dead letter is named");
            return Err(failure.of_class(ExitClass::Usage).advise(
                "name ids as `mq dlq list` shows them, or send all that were not sent again yet with \
                 `--all`",
            ));
        }
        DlqCommand::Resend { ids, to_topic, .. } => {
            let to = if *to_topic {
                ResendTo::OriginTopic
            } else {
                ResendTo::Group
            };
            resend(letters, ids, to, printer).await?;
        }
    }
    Ok(())
}

/// Sends the letters with these ids again, or without ids all that were not sent again yet.
async fn resend(
    letters: &DeadLetters,
    ids: &[String],
    to: ResendTo,
    printer: &Printer,
) -> Result<(), ProgramFailure> {
    let mut chosen = Vec::new();
    if ids.is_empty() {
        let all = letters.list(usize::MAX).await.map_err(failure)?;
        chosen.extend(all.into_iter().filter(|one| one.sent_again.is_none()));
    }
    for id in ids {
        let found = letters.find(id).await.map_err(failure)?;
        chosen.extend(not_sent_again(found));
    }
    let mut outcomes = Vec::new();
    let mut ended = Ok(());
    for letter in chosen {
        match letters.resend(&letter, to).await {
            Ok(resent) => {
                let came_back =
                    matches!(&resent, Resent::Now(sent) if sent.topic == letters.topic());
                printer.resent(&letter, &resent)?;
                outcomes.push((letter, resent));
                if came_back {
                    let failure =
                        ProgramFailure::from("the broker made it a dead letter again at once");
                    ended = Err(failure
                        .of_class(ExitClass::Refused)
                        .advise("Apache's brokers do so while consumers of the group that read in order run: stop them for a minute, or send with `--to-topic`"));
                    break;
                }
            }
            // Others may go to another topic.
            Err(
                error @ (DeadLetterError::OriginGone { .. }
                | DeadLetterError::WriteProtected { .. }),
            ) => {
                if ended.is_ok() {
                    ended = Err(failure(error));
                }
            }
            Err(error) => {
                ended = Err(failure(error));
                break;
            }
        }
    }
    printer.end_of_resent(&outcomes, ended.is_ok())?;
    ended
}

/// Of the letters of one message, those that were not sent again; when all were, the last one, so that
/// its state is told.
fn not_sent_again(mut letters: Vec<DeadLetter>) -> Vec<DeadLetter> {
    let last = letters.pop();
    letters.retain(|letter| letter.sent_again.is_none());
    let last_is_new = last.as_ref().is_some_and(|last| last.sent_again.is_none());
    if last_is_new || letters.is_empty() {
        letters.extend(last);
    }
    letters
}

fn failure(error: DeadLetterError) -> ProgramFailure {
    let kind = error.kind();
    admin::of_kind(ProgramFailure::from(error), kind)
}
