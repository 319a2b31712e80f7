//! Our own client, as `conclave chat` runs it, with a person who types and reads without rest.

use std::{collections::BTreeSet, io};

use conclave::{
    client::{self, Core, End, Event, Given, Input, Manner, Options, Place, Screen, Source, TlsDial, What},
    platform::stop::Stop,
};
use tokio::sync::watch;

use super::{
    Phase, Signs,
    diary::{Diary, LAST, Reads, Seen},
};
use crate::support::{Deployment, Dice, PATIENCE};

/// So many lines are typed before the first of them is shown.
const AHEAD: usize = 5;

pub(super) struct Ours {
    pub(super) diary: Diary,
    pub(super) dice: Dice,
    pub(super) targets: Vec<&'static str>,
    pub(super) signs: Signs,
    pub(super) idle: watch::Sender<bool>,
    /// What was typed and not yet shown.
    open: BTreeSet<String>,
    /// Whether it has said something to see that it is in.
    first: bool,
    last: bool,
}

impl Ours {
    pub(super) fn new(
        name: &str,
        rooms: &[&str],
        targets: &[&'static str],
        dice: Dice,
        signs: Signs,
        idle: watch::Sender<bool>,
    ) -> Self {
        let diary = Diary::new(name, Reads::Ours, rooms);
        Self { diary, dice, targets: targets.to_vec(), signs, idle, open: BTreeSet::new(), first: false, last: false }
    }

    pub(super) async fn run(mut self, deployment: &Deployment) -> Diary {
        let given = Given {
            certs: Some(deployment.path("")),
            name: Some(self.diary.name.clone()),
            pins: Vec::new(),
            cert: None,
            key: None,
            server: format!("localhost:{}", self.signs.address.port()),
        };
        let trust = given.resolve().unwrap();
        let mut dial = TlsDial { address: trust.address.clone(), tls: trust.tls().unwrap() };
        let options = Options {
            account: self.diary.account.clone(),
            rooms: self.diary.rooms.clone(),
            source: Source::Person,
            origin: "crash".into(),
            program: "conclave",
        };
        let mut core = Core::new(options);
        // It tries again at once: the waits are not what is tested.
        let soon = || u64::MAX / 2000;
        let ended = client::run(&mut core, &mut dial, &mut self, &Stop::new(), soon).await;
        if !matches!(ended, Ok(End::Quit)) {
            self.diary.wrong.push(format!("it ended with {ended:?}"));
        }
        self.diary
    }

    fn is_idle(&self) -> bool {
        self.open.is_empty() && *self.signs.phase.borrow() == Phase::Quiet
    }
}

impl Screen for Ours {
    async fn input(&mut self) -> Input {
        if !std::mem::replace(&mut self.first, true) {
            // It is in when this is shown: what is said before is not told to who was never here.
            self.open.insert(LAST.into());
            let room = self.diary.rooms.last().unwrap();
            return Input::Line(format!("/msg {room} {LAST}"));
        }
        loop {
            let phase = *self.signs.phase.borrow_and_update();
            match phase {
                Phase::Saying if self.open.len() < AHEAD => {
                    let (to, text) = (*self.dice.one_of(&self.targets), self.diary.next_text());
                    self.diary.says(to, &text);
                    self.open.insert(text.clone());
                    // What is typed without a name goes to the first room.
                    let line = if to == self.diary.rooms[0] { text } else { format!("/msg {to} {text}") };
                    return Input::Line(line);
                }
                Phase::Over if self.open.is_empty() && self.last => return Input::End,
                Phase::Over if self.open.is_empty() => {
                    self.last = true;
                    // When this is shown, so is everything.
                    self.open.insert(LAST.into());
                    return Input::Line(LAST.into());
                }
                _ => {}
            }
            self.idle.send_replace(self.is_idle());
            let (mut phases, waits) = (self.signs.phase.clone(), !self.is_idle());
            tokio::select! {
                changed = phases.changed() => assert!(changed.is_ok(), "the test ended without a word"),
                // Each line that comes makes this wait anew.
                () = tokio::time::sleep(PATIENCE), if waits => {
                    panic!("{} waits in vain for {:?}", self.diary.name, self.open);
                }
            }
        }
    }

    fn show(&mut self, event: &Event) -> io::Result<()> {
        match &event.what {
            What::Said { place, from, manner: Manner::Text, text } => {
                let me = &self.diary.account;
                let place = match place {
                    Place::Room(room) => room.clone(),
                    Place::ToUs => Diary::place(from, me),
                    Place::To(to) => Diary::place(me, to),
                };
                if self.open.remove(text) {
                    if let Some(said) = self.diary.said.iter_mut().rev().find(|said| said.text == *text) {
                        said.acknowledged = true;
                    }
                    self.signs.acknowledged.send_modify(|acknowledged| *acknowledged += 1);
                }
                if text == LAST {
                    return Ok(());
                }
                let (key, text) = (text.clone(), text.clone());
                self.diary.seen.push(Seen { connection: 1, confirmed: 0, again: true, place, key, text });
            }
            What::Happened { text, .. } if text.contains("not shown") => {
                // More is missed than is played back: then this is no test of what is.
                self.diary.wrong.push(format!("it fell too far behind: {text}"));
            }
            What::NotSent { text, reason } => self.diary.wrong.push(format!("{text:?} was not sent: {reason}")),
            _ => {}
        }
        Ok(())
    }

    fn pending(&mut self, _: usize, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn note(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn status(&mut self, _: Option<&str>, _: bool) -> io::Result<()> {
        Ok(())
    }
}
