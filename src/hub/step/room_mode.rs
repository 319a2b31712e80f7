//! MODE of rooms: shown, read and changed (Modern IRC, section "Channel mode").

use super::{Turn, mode_line::Line};
use crate::{
    hub::{mask, room::Room},
    ident::{Nick, RoomId},
    protocol::{
        chat::Act,
        command::{Place, Wish, wishes},
        durable::Durable,
        limits,
        modes::{Change, List, Listed, Status},
        refusal::Refusal,
        reply::Reply,
    },
};

/// A change that is really one, and how MODE says it: on or off, letter, parameter.
type Done = (Change, bool, char, Option<Box<str>>);

impl Turn<'_> {
    pub(super) fn room_mode(&mut self, place: &Place, words: &[Box<str>]) {
        let Some(id) = self.room(place) else { return };
        let Some(room) = self.state.rooms.get(&id) else { return };
        let wishes = wishes(words);
        if wishes.is_empty() {
            let reply = Reply::RoomModes(room.name.clone(), room.modes_for(&self.me).into(), room.created);
            return self.reply(reply);
        }
        let asks = |wish: &Wish<'_>| matches!(wish, Wish::Show(_));
        if !wishes.iter().all(asks)
            && let Err(refusal) = self.may_change(room, &wishes)
        {
            return self.refuse(refusal);
        }
        self.change_modes(id, &wishes);
        for wish in wishes {
            if let (Wish::Show(list), Some(room)) = (wish, self.state.rooms.get(&id)) {
                self.reply(Reply::Listed(room.name.clone(), list, room.modes.listed(list).to_vec()));
            }
        }
    }

    /// Operators may; and a founder who is in his room makes himself operator.
    fn may_change(&self, room: &Room, wishes: &[Wish<'_>]) -> Result<(), Refusal> {
        let myself = |nick: &str| nick.parse::<Nick>().is_ok_and(|nick| nick == self.me);
        let keeps = |wish: &Wish<'_>| matches!(wish, Wish::Status(Status::Operator, true, nick) if myself(nick));
        match self.operates(room) {
            Err(Refusal::NeedOperator(_)) if room.founder.as_ref() == Some(&self.me) && wishes.iter().all(keeps) => {
                Ok(())
            }
            operates => operates,
        }
    }

    /// Makes the changes one by one; what comes of them is said to the room in one line, or as
    /// many as it needs. Each refusal is said once, and no more of them than of changes.
    fn change_modes(&mut self, id: RoomId, wishes: &[Wish<'_>]) {
        let mut line = Line::default();
        let mut refusals: Vec<Refusal> = Vec::new();
        let mut parameters = 0;
        for wish in wishes {
            let Some(room) = self.state.rooms.get(&id) else { return };
            parameters += usize::from(wish.takes_parameter());
            let done = if parameters > limits::MODES && wish.takes_parameter() {
                Err(Refusal::TooManyModes(room.name.as_str().into(), limits::MODES))
            } else {
                self.decide(room, wish)
            };
            match done {
                Ok(Some((change, on, letter, parameter))) => {
                    self.record(Durable::ModeChanged(id, change));
                    line.add(on, letter, parameter.as_deref());
                }
                Ok(None) => {}
                Err(refusal) if refusals.len() < limits::MODES && !refusals.contains(&refusal) => {
                    refusals.push(refusal);
                }
                Err(_) => {}
            }
        }
        self.tell_modes(id, line);
        refusals.into_iter().for_each(|refusal| self.refuse(refusal));
    }

    /// Says changes that were made to the room.
    pub(super) fn tell_modes(&mut self, id: RoomId, line: Line) {
        for changes in line.finish() {
            self.tell_room(id, |name| Act::Mode(name, changes));
        }
    }

    /// What a wish changes, if anything.
    fn decide(&self, room: &Room, wish: &Wish<'_>) -> Result<Option<Done>, Refusal> {
        let bad = |letter, parameter: &str, what| {
            Refusal::BadModeParameter(room.name.as_str().into(), letter, parameter.into(), what)
        };
        let done = match *wish {
            Wish::Show(_) => None,
            Wish::Unknown(letter) => return Err(Refusal::UnknownMode(letter)),
            Wish::Lacking(_) => return Err(Refusal::NeedMoreParams("MODE".into())),
            Wish::Flag(flag, on) if room.modes.has(flag) == on => None,
            Wish::Flag(flag, on) => Some((Change::Flag(flag, on), on, flag.letter(), None)),
            Wish::Key(Some(key)) if !is_key(key) => return Err(Refusal::InvalidKey(room.name.as_str().into())),
            Wish::Key(key) if key == room.modes.key.as_deref() => None,
            // The old key has said all that it had to.
            Wish::Key(key) => {
                Some((Change::Key(key.map(Into::into)), key.is_some(), 'k', Some(key.unwrap_or("*").into())))
            }
            Wish::Limit(limit) => {
                let number = |text: &str| text.parse().ok().filter(|&n: &u32| n > 0 && !text.starts_with('+'));
                let limit = match limit {
                    None => None,
                    Some(text) => Some(number(text).ok_or_else(|| bad('l', text, "a limit is a number from 1"))?),
                };
                let shown = limit.map(|limit| limit.to_string().into());
                (limit != room.modes.limit).then(|| (Change::Limit(limit), limit.is_some(), 'l', shown))
            }
            Wish::Mask(list, on, mask) => {
                let mask = mask::complete(mask).map_err(|what| bad(list.letter(), mask, what))?;
                self.decide_mask(room, list, on, mask)?
            }
            Wish::Status(status, on, nick) => {
                let account = self.state.account_named(nick).ok_or_else(|| Refusal::NoSuchNick(nick.into()))?.0;
                let absent = || Refusal::NotInRoom(account.as_str().into(), room.name.as_str().into());
                let (member, place) = room.members.get_key_value(account).ok_or_else(absent)?;
                let has = match status {
                    Status::Operator => place.operator,
                    Status::Voiced => place.voiced,
                };
                let change = || Change::Status(status, member.clone(), on);
                (has != on).then(|| (change(), on, status.letter(), Some(member.as_str().into())))
            }
        };
        Ok(done)
    }

    fn decide_mask(&self, room: &Room, list: List, on: bool, mask: Box<str>) -> Result<Option<Done>, Refusal> {
        let there = room.modes.listed(list).iter().find(|listed| listed.mask.eq_ignore_ascii_case(&mask));
        let all: usize = List::ALL.into_iter().map(|list| room.modes.listed(list).len()).sum();
        Ok(match there {
            Some(listed) if !on => {
                Some((Change::Unlisted(list, listed.mask.clone()), on, list.letter(), Some(listed.mask.clone())))
            }
            None if on && all >= limits::LISTED => {
                return Err(Refusal::ListFull(room.name.as_str().into(), list.letter()));
            }
            None if on => {
                let listed = Listed { mask: mask.clone(), by: self.me.clone(), at: self.at.time_ms / 1000 };
                Some((Change::Listed(list, listed), on, list.letter(), Some(mask)))
            }
            _ => None,
        })
    }
}

/// 1 to 32 octets that JOIN can carry as one of its keys.
fn is_key(key: &str) -> bool {
    let visible = |c: char| !c.is_whitespace() && !c.is_control() && c != ',';
    (1..=limits::KEY).contains(&key.len()) && !key.starts_with(':') && key.chars().all(visible)
}
