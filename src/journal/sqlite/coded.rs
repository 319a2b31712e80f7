//! How values stand in the file: numbers for positions, kinds and acts. What is written here is
//! read again by every later version.

use super::trouble::{Outcome, Trouble};
use crate::{
    ident::MsgId,
    protocol::{
        chat::{Kind, Relation},
        durable::{Position, RoomKind, Visibility},
    },
};

const SEQUENCE_BITS: u32 = 44;
const SEQUENCES: u64 = (1 << SEQUENCE_BITS) - 1;
const EPOCHS: u32 = (1 << 19) - 1;

/// A position as one integer. One that is too large to stand in the file is the largest that does.
pub(super) fn position(position: Position) -> i64 {
    let epoch = i64::from(position.epoch.min(EPOCHS));
    // 44 bits fit.
    epoch << SEQUENCE_BITS | position.sequence.min(SEQUENCES) as i64
}

/// Whether a position stands in the file as it is.
pub(super) const fn fits(position: Position) -> bool {
    position.epoch <= EPOCHS && position.sequence <= SEQUENCES
}

/// The position that an integer stands for.
pub(super) fn position_of(number: i64) -> Position {
    let number = number.max(0) as u64;
    // 19 bits are left.
    Position { epoch: (number >> SEQUENCE_BITS) as u32, sequence: number & SEQUENCES }
}

/// A time or count. What is too large is the largest that there is.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The time or count that an integer stands for.
pub(super) fn number_of(value: i64) -> u64 {
    value.max(0) as u64
}

pub(super) const fn id(id: MsgId) -> [u8; 16] {
    id.to_u128().to_be_bytes()
}

pub(super) const fn id_of(octets: [u8; 16]) -> MsgId {
    MsgId::from_u128(u128::from_be_bytes(octets))
}

/// What an item is, as far as pages care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Somebody said something.
    Text = 0,
    /// A reaction.
    Tags = 1,
    /// Something happened.
    Event = 2,
    /// Only the place is left.
    TakenBack = 3,
}

/// The first kind that is an event's.
pub(super) const FIRST_ACT: i64 = 16;

pub(super) const fn kind(kind: Kind) -> i64 {
    match kind {
        Kind::Text => 0,
        Kind::Action => 1,
        Kind::Notice => 2,
        Kind::Tags => 3,
        Kind::Opaque => 4,
    }
}

pub(super) const fn kind_of(number: i64) -> Outcome<Kind> {
    Ok(match number {
        0 => Kind::Text,
        1 => Kind::Action,
        2 => Kind::Notice,
        3 => Kind::Tags,
        4 => Kind::Opaque,
        _ => return Err(Trouble::Damaged("an unknown kind of message")),
    })
}

pub(super) const fn relation(relation: Relation) -> (i64, MsgId) {
    match relation {
        Relation::Reply(id) => (0, id),
        Relation::Reaction(id) => (1, id),
        Relation::Edit(id) => (2, id),
        Relation::Redaction(id) => (3, id),
    }
}

pub(super) const fn relation_of(number: i64, id: MsgId) -> Outcome<Relation> {
    Ok(match number {
        0 => Relation::Reply(id),
        1 => Relation::Reaction(id),
        2 => Relation::Edit(id),
        3 => Relation::Redaction(id),
        _ => return Err(Trouble::Damaged("an unknown relation")),
    })
}

pub(super) const fn room_kind(kind: RoomKind) -> i64 {
    match kind {
        RoomKind::Open => 0,
        RoomKind::Encrypted => 1,
    }
}

pub(super) const fn room_kind_of(number: i64) -> Outcome<RoomKind> {
    match number {
        0 => Ok(RoomKind::Open),
        1 => Ok(RoomKind::Encrypted),
        _ => Err(Trouble::Damaged("an unknown kind of room")),
    }
}

pub(super) const fn visibility(visibility: Visibility) -> i64 {
    match visibility {
        Visibility::SinceJoining => 0,
        Visibility::All => 1,
    }
}

pub(super) const fn visibility_of(number: i64) -> Outcome<Visibility> {
    match number {
        0 => Ok(Visibility::SinceJoining),
        1 => Ok(Visibility::All),
        _ => Err(Trouble::Damaged("an unknown visibility of a room")),
    }
}

pub(super) fn joints(joints: &[u16]) -> Option<Vec<u8>> {
    (!joints.is_empty()).then(|| joints.iter().flat_map(|joint| joint.to_le_bytes()).collect())
}

pub(super) fn joints_of(octets: Option<&[u8]>) -> Box<[u16]> {
    let pairs = octets.unwrap_or_default().as_chunks::<2>().0;
    pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_keep_their_order() {
        let at = |epoch, sequence| Position { epoch, sequence };
        let order = [at(0, 0), at(0, 1), at(0, SEQUENCES), at(1, 0), at(9, 7), at(EPOCHS, SEQUENCES)];
        for pair in order.windows(2) {
            assert!(position(pair[0]) < position(pair[1]));
        }
        for one in order {
            assert!(fits(one) && position_of(position(one)) == one);
        }
        for large in [at(u32::MAX, 0), at(0, u64::MAX)] {
            assert!(!fits(large) && position(large) >= position(at(0, SEQUENCES)));
        }
        assert_eq!(position(at(u32::MAX, u64::MAX)), i64::MAX);
    }

    #[test]
    fn joints_round_trip() {
        for given in [&[][..], &[1, 256, u16::MAX]] {
            assert_eq!(*joints_of(joints(given).as_deref()), *given);
        }
    }
}
