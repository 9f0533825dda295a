//! `mq group list|show|reset|clone|delete`.

mod args;
mod print;
mod retries;

use mq_core::client::{QueueChoice, SeekTo};
use mq_core::clock::Clock;
use mq_core::message::QueueOffset;

pub(crate) use args::GroupCommand;

use crate::admin::{self, Session, failure};
use crate::failure::{ExitClass, ProgramFailure};
use args::{CloneArgs, ResetArgs};
use print::MovesPrinter;

pub(crate) async fn run(command: GroupCommand, clock: Clock) -> Result<(), ProgramFailure> {
    let at = match &command {
        GroupCommand::List { at, .. }
        | GroupCommand::Show { at, .. }
        | GroupCommand::Delete { at, .. } => at,
        GroupCommand::Reset(args) => &args.at,
        GroupCommand::Clone(args) => &args.at,
    };
    let session = Session::open(at, clock.clone())?;
    let outcome = carry_out(&command, &session, &clock).await;
    session.close(outcome).await
}

async fn carry_out(
    command: &GroupCommand,
    session: &Session,
    clock: &Clock,
) -> Result<(), ProgramFailure> {
    let admin = &session.admin;
    match command {
        GroupCommand::List { all, at } => {
            let mut listed = admin.groups().await.map_err(failure)?;
            listed
                .value
                .retain(|group| *all || !print::is_of_system(&group.name));
            retries::count(admin, &mut listed.value).await?;
            print::listed(&listed.value, at.ask.json)?;
            admin::end(&listed)
        }
        GroupCommand::Show { group, topic, at } => {
            let group = admin::group(group)?;
            let topic = topic.as_deref().map(admin::topic).transpose()?;
            let mut shown = admin.group(&group, topic.as_ref()).await.map_err(failure)?;
            if topic.is_none() {
                retries::add(admin, &group, &mut shown.value).await?;
            }
            print::shown(&shown.value, at.ask.json)?;
            admin::end(&shown)
        }
        GroupCommand::Reset(args) => reset(args, session, clock).await,
        GroupCommand::Clone(args) => clone_offsets(args, session).await,
        GroupCommand::Delete { group, at } => {
            let group = admin::group(group)?;
            let deleted = admin.delete_group(&group).await.map_err(failure)?;
            print::deleted(&group, &deleted.value, at.ask.json)?;
            admin::end(&deleted)
        }
    }
}

async fn reset(args: &ResetArgs, session: &Session, clock: &Clock) -> Result<(), ProgramFailure> {
    let admin = &session.admin;
    let (group, topic) = (admin::group(&args.group)?, admin::topic(&args.topic)?);
    let to = if args.to.begin {
        SeekTo::Begin
    } else if args.to.end {
        SeekTo::End
    } else if let Some(time) = args.to.time {
        SeekTo::Time(time.at_ms(clock.now_ms()))
    } else {
        SeekTo::Offset(QueueOffset(args.to.offset.unwrap_or_default()))
    };
    let queue: Option<QueueChoice> = args.queue.clone().map(Into::into);
    let moves = if args.dry_run {
        admin
            .preview_reset(&group, &topic, to, queue.as_ref())
            .await
    } else {
        admin.reset(&group, &topic, to, queue.as_ref()).await
    };
    let moves = moves.map_err(failure)?;
    let printer = MovesPrinter {
        json: args.at.ask.json,
        dry_run: args.dry_run,
    };
    printer.print(&moves.value)?;
    admin::end(&moves)
}

async fn clone_offsets(args: &CloneArgs, session: &Session) -> Result<(), ProgramFailure> {
    let admin = &session.admin;
    let (from, to) = (admin::group(&args.group)?, admin::group(&args.to)?);
    if from == to {
        let failure = ProgramFailure::from(format!("the group `{from}` would be copied to itself"));
        return Err(failure
            .of_class(ExitClass::Usage)
            .advise("name another with `--to`"));
    }
    let topic = args.topic.as_deref().map(admin::topic).transpose()?;
    let moves = if args.dry_run {
        admin.preview_clone(&from, &to, topic.as_ref()).await
    } else {
        admin.clone_offsets(&from, &to, topic.as_ref()).await
    };
    let moves = moves.map_err(failure)?;
    let printer = MovesPrinter {
        json: args.at.ask.json,
        dry_run: args.dry_run,
    };
    printer.print(&moves.value)?;
    admin::end(&moves)
}
