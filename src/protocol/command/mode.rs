//! MODE (Modern IRC, section "MODE message").

use super::{
    Command, Place,
    parse::{param, room_or_current, usage},
    table::{Group, Spec},
};
use crate::protocol::{
    message::Message,
    modes::{Flag, List, Status},
    refusal::Refusal,
};

pub(super) static MODE: Spec =
    Spec::irc("MODE", 1, "#ROOM|NICK [CHANGES [PARAMETER...]]", irc, "show or change the modes of a room")
        .slash(&["mode"], plain, "/mode [#ROOM|NAME] [CHANGES [PARAMETER...]]")
        .group(Group::Rooms)
        .cost(3);
pub(super) static OP: Spec =
    Spec::plain(&["op"], |rest| each("+o", rest, &OP), "/op [#ROOM] NAME...", "make somebody an operator of the room")
        .group(Group::Rooms)
        .cost(3);
pub(super) static DEOP: Spec = Spec::plain(
    &["deop"],
    |rest| each("-o", rest, &DEOP),
    "/deop [#ROOM] NAME...",
    "make somebody no operator any more",
)
.group(Group::Rooms)
.cost(3);
pub(super) static VOICE: Spec = Spec::plain(
    &["voice"],
    |rest| each("+v", rest, &VOICE),
    "/voice [#ROOM] NAME...",
    "let somebody speak in a moderated room",
)
.group(Group::Rooms)
.cost(3);
pub(super) static DEVOICE: Spec = Spec::plain(
    &["devoice"],
    |rest| each("-v", rest, &DEVOICE),
    "/devoice [#ROOM] NAME...",
    "take that back from somebody",
)
.group(Group::Rooms)
.cost(3);
pub(super) static BAN: Spec =
    Spec::plain(&["ban"], ban, "/ban [#ROOM] [NAME|MASK...]", "let somebody in no more; alone: who is banned")
        .group(Group::Rooms)
        .cost(3);
pub(super) static UNBAN: Spec = Spec::plain(
    &["unban"],
    |rest| each("-b", rest, &UNBAN),
    "/unban [#ROOM] NAME|MASK...",
    "let somebody in again who was banned",
)
.group(Group::Rooms)
.cost(3);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let target = param(message, 0).unwrap_or_default();
    let changes = message.params.iter().skip(1).map(|&param| param.into()).collect();
    Ok(Command::Mode(Place::Named(target.into()), changes))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let (room, rest) = room_or_current(rest);
    let mut words: Vec<Box<str>> = rest.split_whitespace().map(Into::into).collect();
    // `/mode bob +i` is about bob, and not the letters b, o, b; `/mode b` asks for a list.
    let is_name = |word: &str| !word.starts_with(['+', '-']) && word.chars().nth(1).is_some();
    if room == Place::Current && words.first().is_some_and(|word| is_name(word)) {
        let name = words.remove(0);
        return Ok(Command::Mode(Place::Named(name), words));
    }
    Ok(Command::Mode(room, words))
}

/// The same change of a room for everybody or every mask that is named: `/op alice bob` is
/// `MODE #room +oo alice bob`.
fn each(change: &str, rest: &str, spec: &'static Spec) -> Result<Command, Refusal> {
    let (room, rest) = room_or_current(rest);
    let whom: Vec<Box<str>> = rest.split_whitespace().map(Into::into).collect();
    let (sign, letter) = change.split_at(1);
    if whom.is_empty() {
        return Err(usage(spec));
    }
    let letters = format!("{sign}{}", letter.repeat(whom.len())).into();
    Ok(Command::Mode(room, [letters].into_iter().chain(whom).collect()))
}

fn ban(rest: &str) -> Result<Command, Refusal> {
    match room_or_current(rest) {
        (room, "") => Ok(Command::Mode(room, vec!["b".into()])),
        _ => each("+b", rest, &BAN),
    }
}

/// What one letter of a MODE asks of a room, with its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// A flag on or off.
    Flag(Flag, bool),
    /// A key, or none.
    Key(Option<&'a str>),
    /// A limit, or none.
    Limit(Option<&'a str>),
    /// The list itself, to read it.
    Show(List),
    /// A mask on a list, or off it.
    Mask(List, bool, &'a str),
    /// A status for a member, or no longer.
    Status(Status, bool, &'a str),
    /// A letter whose parameter is missing.
    Lacking(char),
    /// A letter that is no mode.
    Unknown(char),
}

impl Wish<'_> {
    /// Whether it has a parameter, of which one MODE takes only so many.
    pub const fn takes_parameter(&self) -> bool {
        matches!(self, Self::Key(Some(_)) | Self::Limit(Some(_)) | Self::Mask(..) | Self::Status(..))
    }
}

/// Reads `+ov-b alice bob mask`: the letters in their order, each with the next parameter if it
/// takes one. A flag counts once, as it was said last; so do a list to read and a letter that is
/// no mode.
pub fn wishes(words: &[Box<str>]) -> Vec<Wish<'_>> {
    let mut parameters = words.iter().skip(1).map(|word| &**word);
    let (mut wishes, mut on) = (Vec::new(), true);
    for letter in words.first().map_or("", |letters| letters).chars() {
        if matches!(letter, '+' | '-') {
            on = letter == '+';
            continue;
        }
        let wish = wish(letter, on, &mut parameters);
        match wish {
            Wish::Flag(flag, _) => {
                wishes.retain(|earlier| !matches!(earlier, Wish::Flag(other, _) if *other == flag));
            }
            _ if wish.takes_parameter() => {}
            _ => wishes.retain(|earlier| *earlier != wish),
        }
        wishes.push(wish);
    }
    wishes
}

fn wish<'a>(letter: char, on: bool, parameters: &mut impl Iterator<Item = &'a str>) -> Wish<'a> {
    if let Some(flag) = Flag::by_letter(letter) {
        return Wish::Flag(flag, on);
    }
    let list = List::by_letter(letter);
    let status = Status::by_letter(letter);
    match (letter, on) {
        // Off, a limit takes no parameter, and a key none that would matter.
        ('l', false) => return Wish::Limit(None),
        ('k', false) => {
            parameters.next();
            return Wish::Key(None);
        }
        ('k' | 'l', true) => {}
        _ if list.is_none() && status.is_none() => return Wish::Unknown(letter),
        _ => {}
    }
    match (parameters.next(), list, status) {
        (Some(mask), Some(list), _) => Wish::Mask(list, on, mask),
        (None, Some(list), _) => Wish::Show(list),
        (Some(nick), _, Some(status)) => Wish::Status(status, on, nick),
        (Some(limit), _, _) if letter == 'l' => Wish::Limit(Some(limit)),
        (Some(key), _, _) => Wish::Key(Some(key)),
        (None, _, _) => Wish::Lacking(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: &[Wish<'_>]) {
        let words: Vec<Box<str>> = line.split(' ').map(Into::into).collect();
        assert_eq!(wishes(&words), expect, "{line}");
    }

    #[test]
    fn letters_take_parameters_in_their_order() {
        use Wish::{Flag as F, Key, Lacking, Limit, Mask, Show, Status as S, Unknown};
        check("b", &[Show(List::Ban)]);
        check("+beIb", &[Show(List::Except), Show(List::InviteExcept), Show(List::Ban)]);
        check(
            "+ov-b alice bob x",
            &[S(Status::Operator, true, "alice"), S(Status::Voiced, true, "bob"), Mask(List::Ban, false, "x")],
        );
        check("+k-l+l key 5", &[Key(Some("key")), Limit(None), Limit(Some("5"))]);
        check("-kl old 5", &[Key(None), Limit(None)]);
        check("-k", &[Key(None)]);
        check("i-i+s", &[F(Flag::InviteOnly, false), F(Flag::Secret, true)]);
        check("+olk", &[Lacking('o'), Lacking('l'), Lacking('k')]);
        check("+xéx", &[Unknown('é'), Unknown('x')]);
        check("+", &[]);
    }
}
