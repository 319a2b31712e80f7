//! A client that knows nothing of history: it says what it has to say, answers PING (sometimes late),
//! connects again when the connection is lost, and writes into its diary what it is shown.
//!
//! It waits for lines and signs, never for time: so it says as much as the server takes.

use std::{collections::VecDeque, sync::Arc};

use rustls::ClientConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::watch,
    time::timeout,
};

use super::{
    Phase, Signs,
    diary::{Diary, LAST, Reads, Seen},
};
use crate::support::{Dice, PATIENCE, handshake};

/// So many questions whether all was taken are under way at most.
const AHEAD: usize = 4;

pub(super) struct Stock {
    pub(super) diary: Diary,
    pub(super) caps: &'static str,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) dice: Dice,
    /// To whom it speaks: rooms and people.
    pub(super) targets: Vec<&'static str>,
    pub(super) signs: Signs,
    /// Whether it has nothing under way.
    pub(super) idle: watch::Sender<bool>,
}

/// One connection.
#[derive(Default)]
struct Line {
    out: String,
    registered: bool,
    /// All that was missed has come: what comes now is said now.
    live: bool,
    /// How many questions were asked; those without answer, and how much of what was said each acknowledges.
    number: usize,
    asked: VecDeque<(usize, usize)>,
    /// What was said up to here is acknowledged, or was said on an earlier connection.
    settled: usize,
    /// What was seen up to here was confirmed before.
    confirmed: usize,
    /// Questions of the server: how many lines the answer is late, and what was seen before it.
    late: VecDeque<(String, usize, usize)>,
    /// Fences that were answered: what was seen before, and the question of ours that follows.
    answered: Vec<(usize, usize)>,
    /// The last question is asked, and answered.
    last: bool,
    over: bool,
}

impl Line {
    fn ask(&mut self, said: usize) {
        self.number += 1;
        self.asked.push_back((self.number, said));
        self.out += &format!("PING question-{}\r\n", self.number);
    }
}

impl Stock {
    /// Until it is all over.
    pub(super) async fn run(mut self) -> Diary {
        loop {
            let _ = self.signs.up.wait_for(|up| *up).await;
            if self.connection().await {
                return self.diary;
            }
            self.idle.send_replace(false);
            tokio::task::yield_now().await;
        }
    }

    /// Whether all is over.
    async fn connection(&mut self) -> bool {
        let connected = timeout(PATIENCE, handshake(self.signs.address, Arc::clone(&self.tls), None)).await;
        let Ok(Ok(mut stream)) = connected else { return false };
        self.diary.connections += 1;
        let mut line = Line { settled: self.diary.said.len(), confirmed: self.diary.confirmed, ..Line::default() };
        let account = &self.diary.account;
        let (first, last) = match self.caps {
            "" => (String::new(), ""),
            caps => (format!("CAP LS 302\r\nCAP REQ :{caps}\r\n"), "CAP END\r\n"),
        };
        line.out = format!("{first}NICK {account}\r\nUSER {account} 0 * :{account}\r\n{last}");
        let (mut octets, mut phases) = (Vec::new(), self.signs.phase.clone());
        loop {
            let phase = *phases.borrow_and_update();
            self.go_on(&mut line, phase);
            if line.over {
                return true;
            }
            let out = std::mem::take(&mut line.out);
            if stream.write_all(out.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return false;
            }
            let idle = line.live && line.asked.is_empty() && phase == Phase::Quiet;
            self.idle.send_replace(idle);
            tokio::select! {
                read = stream.read_buf(&mut octets) => {
                    if !matches!(read, Ok(1..)) {
                        return false;
                    }
                }
                changed = phases.changed() => assert!(changed.is_ok(), "the test ended without a word"),
                () = tokio::time::sleep(PATIENCE), if !idle => {
                    panic!("{} hears nothing for {PATIENCE:?}, while it waits for {:?}", self.diary.name, line.asked);
                }
            }
            let end = octets.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
            let whole = String::from_utf8(octets.drain(..end).collect()).unwrap();
            whole.lines().for_each(|text| self.heard(&mut line, text));
        }
    }

    /// Says what it is time to say.
    fn go_on(&mut self, line: &mut Line, phase: Phase) {
        // In their order; none stays unanswered while nothing else is waited for.
        let all = line.asked.is_empty();
        while line.late.front().is_some_and(|(_, lines, _)| all || *lines == 0) {
            let Some((token, _, seen)) = line.late.pop_front() else { break };
            line.out += &format!("PONG :{token}\r\n");
            if token.starts_with("conclave-") {
                line.answered.push((seen, line.number + 1));
            }
        }
        if line.registered && line.number == 0 {
            if self.diary.connections == 1 {
                line.out += &format!("JOIN {}\r\n", self.diary.rooms.join(","));
            }
            line.ask(self.diary.said.len());
        }
        if !line.live {
            return;
        }
        while phase == Phase::Saying && line.asked.len() < AHEAD {
            for _ in 0..self.dice.between(1, 9) {
                let (to, text) = (*self.dice.one_of(&self.targets), self.diary.next_text());
                line.out += &format!("PRIVMSG {to} :{text}\r\n");
                self.diary.says(to, &text);
            }
            line.ask(self.diary.said.len());
        }
        if phase == Phase::Over && line.asked.is_empty() && !line.last {
            line.last = true;
            line.ask(self.diary.said.len());
        }
        // A fence is known to be taken only when a question after it is answered.
    }

    fn heard(&mut self, line: &mut Line, text: &str) {
        let (tags, rest) = match text.strip_prefix('@') {
            Some(tagged) => tagged.split_once(' ').unwrap_or((tagged, "")),
            None => ("", text),
        };
        let (source, rest) = match rest.strip_prefix(':') {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => ("", rest),
        };
        let (head, trailing) = rest.split_once(" :").unwrap_or((rest, ""));
        let words: Vec<&str> = head.split(' ').collect();
        let last = if trailing.is_empty() { words[words.len() - 1] } else { trailing };
        match words[0] {
            "PING" => {
                let late = if self.dice.percent(30) { self.dice.between(1, 60) } else { 0 };
                line.late.push_back((last.to_owned(), late, self.diary.seen.len()));
            }
            "PONG" => self.was_answered(line, last),
            "001" => line.registered = true,
            "PRIVMSG" => self.shown(line, tags, source, words[1], trailing),
            "NOTICE" if !text.contains("disk") && !text.contains("not shown") => {}
            "422" => {}
            verb if verb == "FAIL" || verb == "NOTICE" || verb.len() == 3 && verb.starts_with(['4', '5']) => {
                self.diary.wrong.push(format!("it was refused: {text}"));
            }
            _ => {}
        }
        line.late.iter_mut().for_each(|(_, lines, _)| *lines = lines.saturating_sub(1));
    }

    fn shown(&mut self, line: &Line, tags: &str, source: &str, to: &str, text: &str) {
        let from = source.split('!').next().unwrap().to_ascii_lowercase();
        let tag = |name: &str| tags.split(';').find_map(|tag| tag.strip_prefix(name)?.strip_prefix('='));
        // Where it is not told otherwise, the date in front says that it was said before.
        let dated = text.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map(|(_, text)| text);
        let again = match (self.caps.contains("batch"), self.caps.contains("server-time")) {
            (true, _) => tag("batch").is_some(),
            (false, true) => !line.live,
            (false, false) => dated.is_some(),
        };
        if again && line.live {
            self.diary.wrong.push(format!("{text:?} was played back after what was said live"));
        }
        let text = dated.unwrap_or(text);
        let place = if to.starts_with('#') { to.to_owned() } else { Diary::place(&from, &to.to_ascii_lowercase()) };
        if self.diary.reads == Reads::Stock && from == self.diary.account && !to.starts_with('#') {
            // What its account says to somebody from elsewhere it is shown only live.
            return;
        }
        if text == LAST {
            return;
        }
        let key = tag("msgid").unwrap_or(text).to_owned();
        let (connection, confirmed) = (self.diary.connections, line.confirmed);
        self.diary.seen.push(Seen { connection, confirmed, again, place, key, text: text.to_owned() });
    }

    /// The server has answered a question: what was said before is kept, what was confirmed before is known.
    fn was_answered(&mut self, line: &mut Line, token: &str) {
        let number = token.strip_prefix("question-").and_then(|number| number.parse::<usize>().ok());
        let Some((asked, said)) = line.asked.pop_front() else {
            return self.diary.wrong.push(format!("{token} was answered and never asked"));
        };
        if number != Some(asked) {
            self.diary.wrong.push(format!("{token} was answered where it was asked for {asked}"));
        }
        for said in &mut self.diary.said[line.settled..said] {
            said.acknowledged = true;
        }
        let more = said.saturating_sub(line.settled);
        line.settled = line.settled.max(said);
        self.signs.acknowledged.send_modify(|acknowledged| *acknowledged += more);
        let known = line.answered.iter().filter(|(_, question)| *question <= asked).map(|(seen, _)| *seen).max();
        self.diary.confirmed = self.diary.confirmed.max(known.unwrap_or(0));
        line.live = true;
        line.over = line.last && line.asked.is_empty();
    }
}
