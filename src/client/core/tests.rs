//! The core as tables: what came in, and what goes out.

use std::time::Duration;

use super::*;
use crate::{client::event::Place, protocol::Line};

struct Table {
    core: Core,
    now: Now,
}

fn options(source: Source, rooms: &[&str]) -> Options {
    let rooms = rooms.iter().map(|room| (*room).to_owned()).collect();
    Options { account: "alice".into(), rooms, source, origin: "run".into(), program: "conclave" }
}

impl Table {
    fn new(source: Source, rooms: &[&str]) -> Self {
        let now = Now { at: crate::platform::clock::monotonic(), unix_ms: 1000 };
        Self { core: Core::new(options(source, rooms)), now }
    }

    /// A client that is registered and in #lobby.
    fn ready() -> Self {
        let mut table = Self::new(Source::Person, &[]);
        table.register(&[]);
        table.server(&[":alice!a@n JOIN #lobby"]);
        table
    }

    fn register(&mut self, joined: &[&str]) {
        self.core.connected(self.now);
        self.check(&["> CAP LS 302", "> NICK alice", "> USER alice@conclave 0 * alice"]);
        let all = "batch echo-message labeled-response message-tags account-tag server-time";
        self.core_line(&format!(":s CAP * LS * :sasl=EXTERNAL {all}"));
        self.core_line(":s CAP * LS :multi-prefix");
        self.check(&["> CAP REQ :batch echo-message labeled-response message-tags account-tag server-time"]);
        self.core_line(&format!(":s CAP * ACK :{all}"));
        self.check(&["> CAP END"]);
        self.core_line(":s 001 alice :Welcome");
        self.core_line(":s 005 alice CHANTYPES=# conclave.chat/LOBBY=#lobby :are supported by this server");
        self.core_line(":s 422 alice :MOTD File is missing");
        self.check(&["> PING welcome"]);
        for line in joined {
            self.core_line(line);
        }
        while self.core.next_output().is_some() {}
        self.core_line(":s PONG s welcome");
    }

    fn core_line(&mut self, line: &str) {
        self.core.received(self.now, Line::Text(line));
    }

    fn server(&mut self, lines: &[&str]) {
        lines.iter().for_each(|line| self.core_line(line));
        while self.core.next_output().is_some() {}
    }

    fn outputs(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.core.next_output()).map(short).collect()
    }

    #[track_caller]
    fn check(&mut self, expect: &[&str]) {
        assert_eq!(self.outputs(), expect);
    }

    #[track_caller]
    fn typed(&mut self, line: &str, expect: &[&str]) {
        self.core.typed(self.now, line);
        self.check(expect);
    }

    #[track_caller]
    fn came(&mut self, lines: &[&str], expect: &[&str]) {
        lines.iter().for_each(|line| self.core_line(line));
        self.check(expect);
    }

    fn later(&mut self, seconds: u64) {
        self.now.at += Duration::from_secs(seconds);
        self.core.tick(self.now);
    }
}

fn short(output: Output) -> String {
    match output {
        Output::Send(line) => format!("> {line}"),
        Output::Pending(place, text) => format!("pending {place} {text}"),
        Output::Answered(outcome) => format!("answered {}: {:?}", outcome.request.typed, outcome.refused),
        Output::Note(text) => format!("note {text}"),
        Output::Drop(text) => format!("drop {text}"),
        Output::Unfit(text) => format!("unfit {text}"),
        Output::End => "end".into(),
        Output::Show(Event { what: What::Said { place, from, manner, text }, .. }) => {
            let place = match place {
                Place::Room(room) => room,
                Place::ToUs => "us".into(),
                Place::To(to) => to,
            };
            format!("{place} {from} {manner:?} {text}")
        }
        Output::Show(Event { what: What::Happened { room, text }, .. }) => match room {
            Some(room) => format!("{room} ! {text}"),
            None => format!("! {text}"),
        },
        Output::Show(Event { at, what: What::Found(what), .. }) => {
            format!("found {}", short(Output::Show(Event { at, what: *what, record: None })))
        }
        Output::Show(Event { what: What::TakenBack { room, by, said, reason }, .. }) => {
            format!("{room:?} {by} took back {said:?}: {reason}")
        }
        Output::Show(Event { what: What::NotSent { text, reason }, .. }) => format!("not sent {text}: {reason}"),
    }
}

#[test]
fn a_fresh_account_goes_into_the_lobby() {
    let mut table = Table::new(Source::Person, &[]);
    table.register(&[]);
    table.check(&["note connected as alice", "> JOIN #lobby"]);
    assert_eq!(table.core.model().current(), Some("#lobby"));
}

#[test]
fn the_server_puts_us_back_and_only_what_is_missing_is_joined() {
    let mut table = Table::new(Source::Person, &["#ops"]);
    table.register(&[":alice!a@n JOIN #dev"]);
    table.check(&["note connected as alice", "> JOIN #ops"]);
    assert_eq!(table.core.model().current(), Some("#ops"));
    let mut table = Table::new(Source::Person, &[]);
    table.register(&[":alice!a@n JOIN #dev", ":alice!a@n JOIN #lobby"]);
    table.check(&["note connected as alice"]);
    assert_eq!(table.core.model().current(), Some("#lobby"));
}

#[test]
fn a_line_is_shown_when_it_is_acknowledged() {
    let mut table = Table::ready();
    table.typed("hello", &["> @label=1 PRIVMSG #lobby hello"]);
    assert_eq!(table.core.unsent(), 1);
    table.came(&["@label=1;msgid=m :alice!a@n PRIVMSG #lobby hello"], &["#lobby alice Text hello"]);
    assert_eq!(table.core.unsent(), 0);
    table.typed("/msg bob hi", &["> @label=2 PRIVMSG bob hi"]);
    table.came(
        &[
            "@label=2 :s BATCH +r labeled-response",
            "@batch=r :alice!a@n PRIVMSG bob hi",
            "@batch=r :s 301 alice bob :lunch",
            ":s BATCH -r",
        ],
        &["bob alice Text hi", "! bob is away: lunch"],
    );
    assert_eq!(table.core.unsent(), 0);
}

#[test]
fn a_refusal_is_shown_with_its_text() {
    let mut table = Table::ready();
    table.typed("/msg nobody psst", &["> @label=1 PRIVMSG nobody psst"]);
    table.came(
        &["@label=1 :s 401 alice nobody :No such nick/channel"],
        &["not sent /msg nobody psst: nobody is known as nobody; /who lists who is here"],
    );
    table.typed("hello", &["> @label=2 PRIVMSG #lobby hello"]);
    table.came(&["@label=2 :s FAIL PRIVMSG NOT_KEPT :try again later"], &["not sent hello: try again later"]);
    assert_eq!((table.core.unsent(), table.core.refusals()), (0, 2));
}

#[test]
fn a_room_that_refuses_us_gets_nothing_and_we_talk_where_we_did() {
    let mut table = Table::ready();
    table.typed("/join #ops", &["> @label=1 JOIN #ops"]);
    table.typed("secret", &["> @label=2 PRIVMSG #ops secret"]);
    table.came(&["@label=1 :s 475 alice #ops :Cannot join channel (+k)"], &["! #ops has a key: /join #ops KEY"]);
    table.came(
        &["@label=2 :s 404 alice #ops :Cannot send to channel"],
        &["not sent secret: you cannot speak in #ops; /join #ops first, or ask its operators"],
    );
    table.typed("hello", &["> @label=3 PRIVMSG #lobby hello"]);
}

#[test]
fn rooms_are_switched_by_join() {
    let mut table = Table::ready();
    table.typed("/join #ops", &["> @label=1 JOIN #ops"]);
    table.came(
        &[
            "@label=1 :s BATCH +1 labeled-response",
            "@batch=1 :alice!a@n JOIN #ops",
            "@batch=1 :s 353 alice = #ops :bob @alice",
            "@batch=1 :s 366 alice #ops :End of /NAMES list",
            ":s BATCH -1",
        ],
        &["#ops ! alice joined", "#ops ! here: @alice bob"],
    );
    table.typed("/join #lobby", &["! you talk in #lobby now"]);
    table.typed("/join #ops", &["! you talk in #ops now"]);
    table.typed("/part", &["> @label=2 PART #ops"]);
    table.came(&["@label=2 :alice!a@n PART #ops"], &["#ops ! alice left", "! you talk in #lobby now"]);
    table.typed("/part", &["> @label=3 PART #lobby"]);
    table.came(
        &["@label=3 :alice!a@n PART #lobby :bye"],
        &["#lobby ! alice left (bye)", "! you are in no room now; /join #ROOM, /rooms lists them"],
    );
    table.typed("hello", &["! you are in no room; /join #ROOM first, /rooms lists them"]);
}

#[test]
fn nothing_typed_is_lost_with_the_connection() {
    let mut table = Table::ready();
    table.typed("one", &["> @label=1 PRIVMSG #lobby one"]);
    table.typed("two", &["> @label=2 PRIVMSG #lobby two"]);
    table.came(&["@label=1 :alice!a@n PRIVMSG #lobby one"], &["#lobby alice Text one"]);
    assert_eq!(table.core.lost(), None);
    table.check(&["pending 1 two"]);
    table.typed("three", &["pending 2 three"]);
    table.typed("/me waves", &["pending 3 /me waves"]);
    // An attempt that comes to nothing says nothing of what waits, with and without a server that answers.
    table.core.lost();
    table.core.connected(table.now);
    table.outputs();
    table.core.lost();
    table.check(&[]);
    table.register(&[]);
    table.check(&[
        "note connected as alice",
        "> JOIN #lobby",
        "> @label=3 PRIVMSG #lobby two",
        "> @label=4 PRIVMSG #lobby three",
        "> @label=5 PRIVMSG #lobby :\u{1}ACTION waves\u{1}",
    ]);
}

#[test]
fn what_is_typed_before_the_first_connection_waits_for_its_room() {
    let mut table = Table::new(Source::Person, &[]);
    table.typed("hello", &["pending 1 hello"]);
    table.typed("/join #ops", &["pending 2 /join #ops"]);
    table.typed("hi ops", &["pending 3 hi ops"]);
    table.register(&[]);
    table.check(&[
        "note connected as alice",
        "> JOIN #lobby",
        "> @label=1 PRIVMSG #lobby hello",
        "> @label=2 JOIN #ops",
        "> @label=3 PRIVMSG #ops :hi ops",
    ]);
}

#[test]
fn at_the_end_of_a_pipe_it_waits_for_acknowledgements() {
    let mut table = Table::new(Source::Pipe, &["#a"]);
    assert!(!table.core.wants_input());
    table.register(&[]);
    table.outputs();
    assert!(table.core.wants_input());
    table.typed("one", &["> @label=1 PRIVMSG #a one"]);
    table.core.input_ended(table.now);
    table.check(&[]);
    assert!(!table.core.wants_input());
    table.came(&["@label=1 :alice!a@n PRIVMSG #a one"], &["#a alice Text one", "> PING conclave-fence"]);
    // What comes until then is shown and confirmed.
    table.came(
        &[":bob!b@n PRIVMSG #a hi", "PING conclave-0-7", ":s PONG s conclave-fence"],
        &["#a bob Text hi", "> PONG conclave-0-7", "> QUIT"],
    );
    table.came(&["ERROR :bye"], &[]);
    assert_eq!(table.core.lost().as_deref(), Some("bye"));
    table.check(&["end"]);
}

#[test]
fn a_pipe_is_sent_window_by_window() {
    let mut table = Table::new(Source::Pipe, &["#a"]);
    table.register(&[]);
    table.outputs();
    let mut sent = 0;
    while table.core.wants_input() {
        table.core.typed(table.now, "x");
        sent += table.outputs().len();
        assert!(sent <= Pending::WINDOW);
    }
    assert_eq!(sent, Pending::WINDOW);
}

#[test]
fn who_leaves_with_unsent_lines_is_warned_once() {
    let mut table = Table::ready();
    table.core.lost();
    table.typed("hello", &["pending 1 hello"]);
    table.typed("/quit", &["! 1 line is not sent yet; quit again to leave without sending it"]);
    table.typed("/quit", &["end"]);
    let mut table = Table::new(Source::Person, &[]);
    table.typed("/quit", &["end"]);
    let mut table = Table::ready();
    table.typed("/quit so long", &["> PING conclave-fence"]);
    table.later(5);
    table.check(&["> QUIT :so long"]);
    table.later(5);
    table.check(&["end"]);
    // All is said: a connection that is lost now is no reason to come back.
    let mut table = Table::ready();
    table.typed("/quit", &["> PING conclave-fence"]);
    table.core.lost();
    table.check(&["end"]);
}

#[test]
fn who_wanted_to_leave_is_warned_too_when_the_connection_is_lost() {
    let mut table = Table::ready();
    table.typed("hello", &["> @label=1 PRIVMSG #lobby hello"]);
    table.typed("/quit", &[]);
    table.core.lost();
    table.check(&["pending 1 hello"]);
    table.typed("/quit", &["! 1 line is not sent yet; quit again to leave without sending it"]);
    table.register(&[]);
    table.check(&["note connected as alice", "> JOIN #lobby", "> @label=2 PRIVMSG #lobby hello"]);
    table.came(&["@label=2 :alice!a@n PRIVMSG #lobby hello"], &["#lobby alice Text hello", "> PING conclave-fence"]);
}

#[test]
fn a_silent_server_is_asked_and_then_given_up() {
    let mut table = Table::ready();
    table.later(59);
    table.check(&[]);
    table.later(1);
    table.check(&["> PING alive"]);
    table.came(&[":s PONG s alive"], &[]);
    table.later(60);
    table.check(&["> PING alive"]);
    table.later(30);
    table.check(&["drop the server has not answered for 30 s"]);
    let mut table = Table::new(Source::Person, &[]);
    table.core.connected(table.now);
    table.outputs();
    assert!(table.core.deadline().is_some_and(|deadline: Instant| deadline > table.now.at));
    table.later(30);
    table.check(&["drop the server has not answered for 30 s"]);
}

#[test]
fn a_server_without_acknowledgements_is_refused() {
    let mut table = Table::new(Source::Person, &[]);
    table.core.connected(table.now);
    table.outputs();
    table.came(
        &[":s CAP * LS :batch sasl"],
        &["unfit this client cannot use the server: it lacks echo-message, labeled-response, message-tags"],
    );
    let mut table = Table::new(Source::Person, &[]);
    table.core.connected(table.now);
    table.outputs();
    table.came(&[":s 001 alice :hi"], &["unfit this client cannot use the server: it does not negotiate capabilities"]);
}

#[test]
fn what_others_do_is_shown() {
    let mut table = Table::ready();
    table.came(
        &[
            ":bob!b@n JOIN #lobby",
            ":bob!b@n PRIVMSG #lobby :hi",
            ":bob!b@n PRIVMSG #lobby :\u{1}ACTION waves\u{1}",
            ":bob!b@n PRIVMSG alice psst",
            ":bob!b@n NOTICE alice :note",
            ":bob!b@n PRIVMSG alice :\u{1}VERSION\u{1}",
            ":bob!b@n TOPIC #lobby :new",
            ":bob!b@n KICK #lobby carol :out",
            ":bob!b@n MODE #lobby +o carol",
            ":bob!b@n RENAME #lobby #hall :larger",
            ":bob!b@n QUIT :Quit: ",
            ":conclave.local NOTICE * :You are alice.",
            "PING x",
            ":s 332 alice #lobby :the topic",
        ],
        &[
            "#lobby ! bob joined",
            "#lobby bob Text hi",
            "#lobby bob Action waves",
            "us bob Text psst",
            "us bob Notice note",
            "! bob asks for VERSION by CTCP, which is not answered",
            "#lobby ! bob set the topic: new",
            "#lobby ! bob put carol out of the room (out)",
            "#lobby ! bob set mode +o carol",
            "#lobby ! bob renamed the room to #hall (larger)",
            "#hall ! bob disconnected (Quit)",
            "! You are alice.",
            "> PONG x",
            "#lobby ! topic: the topic",
        ],
    );
}

#[test]
fn what_concerns_us_or_the_whole_server_is_shown() {
    let mut table = Table::ready();
    table.came(
        &[
            ":alice MODE alice :+iw",
            ":bob!b@n INVITE alice #ops",
            ":bob!b@n INVITE carol #lobby",
            "@msgid=x1;time=1970-01-01T00:00:07Z :bob!b@n PRIVMSG #lobby :hm",
            ":bob!b@n REDACT #lobby x1 :a mistake",
            ":bob!b@n REDACT alice x2",
            ":alice!a@n SETNAME :Alice A",
            ":bob!b@n SETNAME :Bob B",
            ":root!r@n WALLOPS :down at noon",
            ":root!r@n KILL alice :enough",
            ":s FAIL REDACT UNKNOWN_MSGID #lobby x :no such message is kept",
            ":s WARN X Y :mind this",
            ":s NOTE X Y :by the way",
            ":bob!b@n AWAY :lunch",
            ":s BATCH +n netjoin a b",
            "@batch=n :bob!b@n JOIN #lobby",
            ":s BATCH -n",
            ":s 329 alice #lobby 1795275197",
            ":s 999 alice #lobby :something new",
            ":s NEWS alice :unknown",
        ],
        &[
            "! your modes changed: +iw",
            "! bob invites you into #ops; /join #ops",
            "#lobby ! bob invited carol",
            "#lobby bob Text hm",
            "Some(\"#lobby\") bob took back Some((\"bob\", 7000)): a mistake",
            "None bob took back None: ",
            "! your real name is Alice A now",
            "! root to everybody: down at noon",
            "! root ended the connections of alice (enough)",
            "! no such message is kept",
            "! mind this",
            "! by the way",
            "#lobby ! bob joined",
            "! #lobby: something new",
        ],
    );
}

#[test]
fn the_end_of_a_list_tells_only_that_there_is_nothing() {
    let mut table = Table::ready();
    table.came(
        &[
            ":s 368 alice #lobby :End of channel ban list",
            ":s 367 alice #lobby bob!*@* root 1795275197",
            ":s 368 alice #lobby :End of channel ban list",
            ":s 349 alice #lobby :End of channel exception list",
            ":s 347 alice #lobby :End of channel invite exception list",
            ":s 337 alice :End of /INVITE list",
            ":s 336 alice #ops",
            ":s 337 alice :End of /INVITE list",
            ":s 315 alice zed :End of /WHO list",
            ":s 321 alice Channel :Users  Name",
            ":s 323 alice :End of /LIST",
            ":s 406 alice zed :There was no such nickname",
            ":s 369 alice zed :End of WHOWAS",
            ":s 311 alice bob b n * :Bob B",
            ":s 318 alice bob :End of /WHOIS list",
            ":s 311 alice bob b n * :Bob B",
            ":s 317 alice bob 7 1795275197 :seconds idle, signon time",
            ":s 318 alice bob :End of /WHOIS list",
        ],
        &[
            "#lobby ! the list b is empty",
            "#lobby ! b: bob!*@* (set by root)",
            "#lobby ! the list e is empty",
            "#lobby ! the list I is empty",
            "! you are invited into no room",
            "! you are invited into #ops; /join #ops",
            "! nobody fits zed",
            "! there is no such room; /join #NAME makes one",
            "! nobody called zed was here lately",
            "! bob: Bob B (b@n)",
            "! bob is not connected",
            "! bob: Bob B (b@n)",
            "! bob is idle for 7 s",
        ],
    );
}

#[test]
fn who_is_put_out_talks_where_he_did_and_follows_a_new_name() {
    let mut table = Table::ready();
    table.server(&[":alice!a@n JOIN #dev"]);
    table.typed("/join #dev", &["! you talk in #dev now"]);
    table.came(&[":bob!b@n RENAME #dev #devel :"], &["#dev ! bob renamed the room to #devel"]);
    assert_eq!(table.core.model().current(), Some("#devel"));
    table.came(
        &[":bob!b@n KICK #devel alice :too loud"],
        &["#devel ! bob put alice out of the room (too loud)", "! you talk in #lobby now"],
    );
    assert!(!table.core.model().is_joined("#devel"));
    table.typed("hello", &["> @label=1 PRIVMSG #lobby hello"]);
    // On the next connection nobody asks to be let in again.
    table.core.lost();
    table.outputs();
    table.register(&[":alice!a@n JOIN #lobby"]);
    table.check(&["note connected as alice", "> @label=2 PRIVMSG #lobby hello"]);
}

#[test]
fn a_notice_that_nobody_hears_is_not_taken_for_said() {
    let mut table = Table::ready();
    table.typed("/notice zed hi", &["> @label=1 NOTICE zed hi"]);
    table.came(
        &["@label=1 :s ACK"],
        &["not sent /notice zed hi: nobody heard it: there is no such room or person, or you cannot speak there"],
    );
    assert_eq!((table.core.unsent(), table.core.refusals()), (0, 1));
}

#[test]
fn who_changes_her_real_name_keeps_it_on_the_next_connection() {
    let mut table = Table::ready();
    table.server(&[":alice!a@n SETNAME :Alice A"]);
    table.core.lost();
    table.core.connected(table.now);
    let registered = table.outputs();
    assert!(registered.contains(&"> USER alice@conclave 0 * :Alice A".to_owned()), "{registered:?}");
}

#[test]
fn refusals_of_commands_are_counted_and_answers_are_not() {
    let mut table = Table::ready();
    table.typed("/mode +l x", &["> @label=1 MODE #lobby +l x"]);
    table.came(
        &["@label=1 :s 696 alice #lobby l x :a limit is a number from 1"],
        &["! mode l x: a limit is a number from 1"],
    );
    table.typed("/motd", &["> @label=2 MOTD"]);
    table.came(&["@label=2 :s 422 alice :MOTD File is missing"], &["! there is no message of the day"]);
    assert_eq!((table.core.unsent(), table.core.refusals()), (0, 1));
}

#[test]
fn a_person_is_told_of_all_that_concerns_her_rooms() {
    let mut table = Table::new(Source::Person, &["#a"]);
    table.core.connected(table.now);
    table.outputs();
    let asked = "batch echo-message labeled-response message-tags draft/channel-rename draft/message-redaction \
                 invite-notify setname soju.im/search";
    table.came(&[&format!(":s CAP * LS :{asked} draft/chathistory")], &[&format!("> CAP REQ :{asked}")]);
}

/// A line that was said at noon of the first day of 2026.
fn at_noon(id: &str, rest: &str) -> String {
    format!("@batch=h;msgid={id};time=2026-01-01T12:00:00.000Z {rest}")
}

/// What the server sends again after a reconnect, before the answer to our PING.
fn replay(table: &mut Table, lines: &[String]) {
    table.core_line(":s BATCH +h chathistory #lobby");
    lines.iter().for_each(|line| table.core_line(line));
    table.core_line(":s BATCH -h");
    table.core_line("PING conclave-1-7");
}

fn comes_back(table: &mut Table) {
    let all = "batch echo-message labeled-response message-tags server-time conclave.chat/id";
    table.core.lost();
    table.outputs();
    table.core.connected(table.now);
    table.server(&[
        &format!(":s CAP * LS :{all}"),
        &format!(":s CAP * ACK :{all}"),
        ":s 001 alice :Welcome",
        ":s 422 alice :none",
        ":alice!a@n JOIN #lobby",
    ]);
}

#[test]
fn what_was_missed_is_shown_once_under_a_head_with_its_time_and_before_all_else() {
    let mut table = Table::ready();
    table.came(&["@msgid=1 :bob!b@n PRIVMSG #lobby :hi"], &["#lobby bob Text hi"]);
    comes_back(&mut table);
    replay(
        &mut table,
        &[
            at_noon("1", ":bob!b@n PRIVMSG #lobby :hi"),
            at_noon("2", ":bob!b@n PRIVMSG #lobby :more"),
            at_noon("3", ":alice!a@n PRIVMSG #lobby :from my telephone"),
        ],
    );
    let mut outputs: Vec<Output> = std::iter::from_fn(|| table.core.next_output()).collect();
    let shown = outputs.iter().find_map(|output| match output {
        Output::Show(event) if matches!(event.what, What::Said { .. }) => Some(event.clone()),
        _ => None,
    });
    assert_eq!(shown.unwrap().at, 1_767_268_800_000);
    assert_eq!(
        outputs.drain(..).map(short).collect::<Vec<_>>(),
        [
            "note connected as alice",
            "! said while you were not here:",
            "#lobby bob Text more",
            "#lobby alice Text from my telephone",
            // Not before all of it is shown.
            "> PONG conclave-1-7",
        ]
    );
    // Another page; then the answer to our PING ends it, and what is said now follows.
    replay(&mut table, &[at_noon("4", ":bob!b@n NOTICE alice :psst")]);
    table.check(&["us bob Notice psst", "> PONG conclave-1-7"]);
    table.came(&[":s PONG s welcome"], &["! end of the 3 messages that you missed"]);
    table.came(&["@msgid=5 :bob!b@n PRIVMSG #lobby :now"], &["#lobby bob Text now"]);
}

#[test]
fn a_replay_of_what_was_seen_is_not_told_of() {
    let mut table = Table::ready();
    table.came(&["@msgid=1 :bob!b@n PRIVMSG #lobby :hi"], &["#lobby bob Text hi"]);
    comes_back(&mut table);
    replay(&mut table, &[at_noon("1", ":bob!b@n PRIVMSG #lobby :hi")]);
    table.came(&[":s PONG s welcome"], &["> PONG conclave-1-7", "note connected as alice"]);
}

/// The connection was lost between two lines of a message: the first is known, the others are not.
#[test]
fn of_a_long_message_what_is_missing_is_shown() {
    let mut table = Table::ready();
    table.came(
        &["@msgid=1 :bob!b@n PRIVMSG #lobby :line 0", ":bob!b@n PRIVMSG #lobby :line 1"],
        &["#lobby bob Text line 0", "#lobby bob Text line 1"],
    );
    comes_back(&mut table);
    let line = |n: u8| format!("@batch=h :bob!b@n PRIVMSG #lobby :line {n}");
    let first = at_noon("1", ":bob!b@n PRIVMSG #lobby :line 0");
    replay(&mut table, &[first, line(1), line(2), line(3)]);
    table.check(&[
        "note connected as alice",
        "! said while you were not here:",
        "#lobby bob Text line 2",
        "#lobby bob Text line 3",
        "> PONG conclave-1-7",
    ]);
    table.came(&[":s PONG s welcome"], &["! end of the message that you missed"]);
}

/// The server has taken a line and we have not heard of it: it comes in the replay, and is answered when
/// it is sent again.
#[test]
fn a_pending_line_that_was_kept_is_shown_once_and_acknowledged_by_its_resend() {
    let mut table = Table::ready();
    table.typed("mine", &["> @label=1 PRIVMSG #lobby mine"]);
    comes_back(&mut table);
    replay(&mut table, &[at_noon("7", ":alice!a@n PRIVMSG #lobby :mine")]);
    table.check(&[
        "note connected as alice",
        "! said while you were not here:",
        "#lobby alice Text mine",
        "> PONG conclave-1-7",
    ]);
    assert_eq!(table.core.unsent(), 1);
    table.came(
        &[":s PONG s welcome"],
        &["! end of the message that you missed", "> @label=2;conclave.chat/id=run-1 PRIVMSG #lobby mine"],
    );
    table.came(&["@label=2;msgid=7;time=2026-01-01T12:00:00.000Z :alice!a@n PRIVMSG #lobby :mine"], &[]);
    assert_eq!((table.core.unsent(), table.core.refusals()), (0, 0));
}

#[test]
fn what_is_asked_for_is_shown_again() {
    let mut table = Table::ready();
    table.came(&["@msgid=1 :bob!b@n PRIVMSG #lobby :hi"], &["#lobby bob Text hi"]);
    table.typed("/history 1", &["> @label=1 HISTORY #lobby 1"]);
    table.came(&["@label=1;msgid=1 :bob!b@n PRIVMSG #lobby :hi"], &["#lobby bob Text hi", "! end of the history"]);
}

#[test]
fn a_history_of_nothing_is_told_as_that() {
    let mut table = Table::ready();
    table.typed("/history", &["> @label=1 HISTORY #lobby 20"]);
    table.came(
        &["@label=1 :s BATCH +1 labeled-response", "@batch=1 :s BATCH +2 chathistory #lobby", ":s BATCH -2"],
        &[],
    );
    table.came(&[":s BATCH -1"], &["! nothing of that is kept"]);
    table.typed("/history", &["> @label=2 HISTORY #lobby 20"]);
    table.came(&["@label=2 :s BATCH +1 labeled-response", "@batch=1 :s BATCH +2 chathistory #lobby"], &[]);
    table.came(&["@batch=2;msgid=1 :bob!b@n PRIVMSG #lobby :hi"], &["#lobby bob Text hi"]);
    table.came(&[":s BATCH -2", ":s BATCH -1"], &["! end of the history"]);
}

#[test]
fn what_was_looked_for_is_shown_and_not_taken_for_seen() {
    let mut table = Table::ready();
    table.came(&["@msgid=1 :bob!b@n PRIVMSG #lobby :lunch"], &["#lobby bob Text lunch"]);
    table.typed("/search lunch", &["> @label=1 SEARCH :* lunch"]);
    table.came(
        &[
            "@label=1 :s BATCH +r labeled-response",
            "@batch=r :s NOTE SEARCH MORE_FOUND 2 :more was found than is shown",
            "@batch=r :s BATCH +h soju.im/search",
            "@batch=h;msgid=1 :bob!b@n PRIVMSG #lobby :lunch",
            "@batch=h;msgid=2 :alice!a@n PRIVMSG bob :\u{1}ACTION has lunch\u{1}",
            "@batch=h;msgid=3 :bob!b@n JOIN #lobby",
            "@batch=h :alice!a@n PRIVMSG bob :later line",
            ":s BATCH -h",
            ":s BATCH -r",
        ],
        &[
            "! more was found than is shown",
            "found #lobby bob Text lunch",
            "found bob alice Action has lunch",
            "found bob alice Text later line",
            "! 2 messages were found",
        ],
    );
    table.came(&["@msgid=2 :alice!a@n PRIVMSG bob :new"], &["bob alice Text new"]);
    table.typed("/search nothing", &["> @label=2 SEARCH :* nothing"]);
    table.came(&["@label=2 :s BATCH +h soju.im/search", ":s BATCH -h"], &["! nothing was found"]);
    table.typed("/search #x y", &["> @label=3 SEARCH :#x y"]);
    table.came(&["@label=3 :s FAIL SEARCH INVALID_PARAMS in :there is no such room"], &["! there is no such room"]);
    assert_eq!(table.core.refusals(), 1);
}

#[test]
fn lines_carry_their_ids_where_the_server_knows_them() {
    let mut table = Table::new(Source::Person, &["#a"]);
    table.core.connected(table.now);
    table.outputs();
    let all = "batch echo-message labeled-response message-tags conclave.chat/id";
    table.came(&[&format!(":s CAP * LS :{all}")], &[&format!("> CAP REQ :{all}")]);
    table.server(&[&format!(":s CAP * ACK :{all}"), ":s 422 alice :none", ":s PONG s welcome"]);
    table.typed("x", &["> @label=1;conclave.chat/id=run-1 PRIVMSG #a x"]);
}

#[test]
fn lines_that_cannot_be_read_or_sent_are_told() {
    let mut table = Table::ready();
    table.core.received(table.now, Line::Garbled(""));
    table.came(&["1 2"], &[
        "note the server sent a line that cannot be read: the line is not valid UTF-8",
        "note the server sent a line that cannot be read: the command is neither a word of letters nor three digits",
    ]);
    table.core.unfit(table.now, "the line is too long");
    table.check(&["! a line was not sent: the line is too long"]);
    table.typed("/nope", &["! there is no command /nope; /help lists them, // starts a line with a slash"]);
}

#[test]
fn a_script_is_unseen_goes_nowhere_by_itself_and_hears_how_its_requests_end() {
    let mut table = Table::new(Source::Script, &["#ops"]);
    table.core.connected(table.now);
    let all = "batch echo-message labeled-response message-tags account-tag server-time conclave.chat/unseen \
               draft/chathistory";
    table.core_line(&format!(":s CAP * LS :{all}"));
    while let Some(output) = table.core.next_output() {
        if let Output::Send(line) = &output {
            assert!(!line.starts_with("CAP REQ") || *line == format!("CAP REQ :{all}"), "{line}");
        }
    }
    table.core_line(&format!(":s CAP * ACK :{all}"));
    table.came(&[":s 422 alice :none", ":s PONG s welcome"], &["> CAP END", "> PING welcome"]);

    let mut ask = |to: &str| {
        for request in crate::client::commands::messages(to, crate::client::Manner::Notice, "hi") {
            table.core.ask(table.now, request);
        }
    };
    ["#ops", "#closed"].into_iter().for_each(&mut ask);
    table.check(&["> @label=1 NOTICE #ops hi", "> @label=2 NOTICE #closed hi"]);
    table.came(
        &["@label=1;msgid=x;time=1970-01-01T00:00:02Z :alice!a@n NOTICE #ops hi", "@label=2 :s 404 alice #closed :No"],
        &[
            "#ops alice Notice hi",
            "answered hi: None",
            "answered hi: Some(\"you cannot speak in #closed; /join #closed first, or ask its operators\")",
        ],
    );
    assert_eq!(table.core.refusals(), 1);
    // On the next connection it says that it is back, and still goes nowhere.
    table.core.lost();
    table.core.input_ended(table.now);
    table.check(&["end"]);
}
