//! `conclave chat`: the chat in a terminal, or on a pipe.

use std::io;

use anyhow::Context;
use clap::Args as ClapArgs;
use jiff::tz::TimeZone;

use super::{
    access::Access,
    exit::{Exit, Failure, OrExit, note},
    online::{dial, dice, failure, on_signals, origin, runtime},
};
use crate::{
    client::{self, Core, End, Options, Screen, Source, TlsDial},
    ident::{RoomName, RoomNameError},
    platform::{clock, signals, stop::Stop},
    protocol::LineLimits,
    ui::{Renderer, Stdio, Terminal, read_lines},
};

/// Chat on a terminal, or through a pipe.
///
/// Type to talk in the current room; /help lists the commands. What is piped in is sent line by
/// line; at its end the program waits until the server has acknowledged everything, and leaves.
#[derive(ClapArgs, Clone, Debug)]
pub struct Args {
    #[command(flatten)]
    access: Access,

    /// Be in this room, and talk there; may be given again [default: the server's lobby]
    #[arg(long = "join", value_name = "ROOM", value_parser = room)]
    rooms: Vec<RoomName>,

    /// Line by line, without drawing on the screen
    #[arg(long)]
    plain: bool,
}

/// A room's name; `ops` can only mean `#ops`, which a shell would want quoted.
fn room(text: &str) -> Result<RoomName, RoomNameError> {
    if text.starts_with('#') { text.parse() } else { format!("#{text}").parse() }
}

/// Chats until the person leaves.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let trust = args.access.resolve()?;
    let zone = TimeZone::system();
    for line in trust.introduction(clock::unix_now(), &zone) {
        note(format_args!("-- {line}"));
    }
    let dial = dial(&trust)?;
    let account = trust.account().or_exit(Exit::Config)?;
    let rooms = args.rooms.iter().map(ToString::to_string).collect();
    let origin = origin()?;
    let options = |source| Options { account, rooms, source, origin, program: "conclave" };
    let renderer = Renderer::new(zone, clock::unix_ms());

    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let stop = Stop::new();
        on_signals(&stop).context("cannot listen to signals")?;
        match Terminal::open(renderer.clone(), signals::suspend).context("cannot use the terminal")? {
            Some(mut screen) => Box::pin(chat(options(Source::Person), dial, &mut screen, &stop)).await,
            None => {
                let lines = read_lines(io::BufReader::new(io::stdin()), LineLimits::PLAIN);
                let lines = lines.context("cannot read the input")?;
                let mut screen = Stdio::new(io::stdout(), io::stderr(), renderer, lines);
                let source = if io::IsTerminal::is_terminal(&io::stdin()) { Source::Person } else { Source::Pipe };
                Box::pin(chat(options(source), dial, &mut screen, &stop)).await
            }
        }
    });
    // A name server that does not answer holds a thread; it is not waited for.
    runtime.shutdown_background();
    ended
}

async fn chat(options: Options, mut dial: TlsDial, screen: &mut impl Screen, stop: &Stop) -> Result<Exit, Failure> {
    let piped = options.source == Source::Pipe;
    let mut core = Core::new(options);
    let ended = client::run(&mut core, &mut dial, screen, stop, dice).await;
    match ended {
        Ok(End::Quit) if piped && core.refusals() > 0 => Err(Failure {
            exit: Exit::Failure,
            error: anyhow::anyhow!("{} of the lines that were given were refused", core.refusals()),
        }),
        Ok(End::Quit) => Ok(Exit::Ok),
        Ok(End::Interrupted) => Ok(Exit::Interrupted),
        Err(fatal) => Err(failure(fatal)),
    }
}
