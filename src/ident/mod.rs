//! Names and identifiers, checked when they are made.
//!
//! Every rule about a name (its alphabet, its length, which names are the same) lives here once;
//! whoever holds one of these types need not check again. Knows nothing of wire, disk or time.

mod fingerprint;
mod msg_id;
mod nick;
mod room_name;
mod secret;

pub use fingerprint::{DeviceId, Fingerprint, FingerprintError};
pub use msg_id::{MsgId, MsgIdError};
pub use nick::{Account, ClientLabel, DeviceLabel, LabelError, Nick, NickError};
pub use room_name::{RoomId, RoomName, RoomNameError};
pub use secret::Secret;
