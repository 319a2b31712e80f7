//! What the server says on stderr: the log, and what an administrator should know at the start.

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal},
};

use tracing::{info, level_filters::LevelFilter, warn};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    cli::{
        exit::note,
        holdings::{counted, holdings},
    },
    config::{Data, Log, LogFormat, Settings},
    journal::sqlite::Holdings,
    server::{History, Options},
    tls::server::Credentials,
};

/// Starts logging. A second start in one process changes nothing.
pub(super) fn install(log: Log) {
    // What the libraries below us say is of use only where it is a warning.
    let targets = Targets::new().with_default(log.level.min(LevelFilter::WARN)).with_target("conclave", log.level);
    let registry = tracing_subscriber::registry().with(targets);
    let started = match log.format {
        LogFormat::Json => registry
            .with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(io::stderr))
            .try_init(),
        LogFormat::Text => {
            let colour = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            registry.with(tracing_subscriber::fmt::layer().with_ansi(colour).with_writer(io::stderr)).try_init()
        }
    };
    // Only tests start twice.
    let _ = started;
}

/// Tells the administrator: as a plain line, or as a line of the log where that is for a program.
#[derive(Clone, Copy)]
pub(super) struct Teller(pub(super) LogFormat);

impl Teller {
    pub(super) fn say(self, text: impl Display) {
        match self.0 {
            LogFormat::Text => note(format_args!("conclave: {text}")),
            LogFormat::Json => info!("{text}"),
        }
    }

    pub(super) fn warn(self, text: impl Display) {
        match self.0 {
            LogFormat::Text => note(format_args!("conclave: warning: {text}")),
            LogFormat::Json => warn!("{text}"),
        }
    }

    /// Who this server is for its clients.
    pub(super) fn who(self, credentials: &Credentials) {
        let (network, pin) = (credentials.network(), credentials.pin());
        self.say(format_args!("the network is {network}; clients pin {pin}"));
    }

    /// What is kept, where and for how long, and how much of it is there already.
    pub(super) fn what_is_kept(self, settings: &Settings, found: Option<Holdings>) {
        let options = &settings.options;
        let Data::Directory(directory) = &settings.data else { return self.say(in_memory(options.history)) };
        let directory = directory.display();
        if options.history == History::Off {
            self.say(format_args!("rooms are kept in {directory}; what is said is kept nowhere (--history off)"));
            if let Some(found) = found.filter(|found| found.messages > 0) {
                let messages = counted(found.messages, "message");
                self.warn(format_args!("the {messages} that were kept in {directory} until now are removed for good"));
            }
            return;
        }
        self.say(format_args!("rooms are kept in {directory}, and messages {}", how_long(options)));
        if let Some(found) = found {
            self.say(format_args!("{directory} holds {}", holdings(&found)));
        }
    }
}

fn in_memory(history: History) -> String {
    match history {
        History::Off => "rooms are kept in memory until the server ends; what is said is kept nowhere".to_owned(),
        History::Forever => "rooms and the newest messages are kept in memory until the server ends".to_owned(),
        History::For(age) => format!(
            "rooms and the newest messages are kept in memory until the server ends, messages for {} at most",
            span(age.as_secs())
        ),
    }
}

fn how_long(options: &Options) -> String {
    let mut text = match options.history {
        History::For(age) => format!("for {}", span(age.as_secs())),
        History::Forever | History::Off => "forever".to_owned(),
    };
    let per_room = options.history_per_room.map(|most| format!("{} of one room", counted(most, "message")));
    let total = options.history_total.map(|most| format!("{} in all", counted(most, "message")));
    let most: Vec<String> = per_room.into_iter().chain(total).collect();
    if !most.is_empty() {
        text.push_str(&format!(", but at most {}", most.join(" and ")));
    }
    text
}

/// A span of time in its largest whole unit.
fn span(seconds: u64) -> String {
    let units = [(86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds")];
    let (length, unit) =
        units.into_iter().find(|(length, _)| seconds.is_multiple_of(*length)).unwrap_or((1, "seconds"));
    counted(seconds / length, &unit[..unit.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        for (seconds, text) in
            [(30 * 86_400, "30 days"), (86_400, "1 day"), (12 * 3600, "12 hours"), (90 * 60, "90 minutes")]
        {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn how_long_and_how_much() {
        let options = Options::new("#lobby".parse().unwrap());
        assert_eq!(how_long(&options), "for 30 days");
        let options = Options { history: History::Forever, history_total: Some(1), ..options };
        assert_eq!(how_long(&options), "forever, but at most 1 message in all");
        let options = Options { history_per_room: Some(1000), ..options };
        assert_eq!(how_long(&options), "forever, but at most 1000 messages of one room and 1 message in all");
    }
}
