//! METADATA and its batches (IRCv3 `draft/metadata-3`, sections "Replies" and "Batch types").

use super::{Lines, Writer};
use crate::protocol::{
    limits,
    metadata::{Key, MetadataReply, Row},
};

/// The reference of these batches. One is open at a time.
const REFERENCE: &str = "b";

impl Writer<'_> {
    pub(super) fn metadata(&mut self, reply: &MetadataReply) {
        match reply {
            MetadataReply::Row(row) => self.row(row),
            MetadataReply::Rows(target, rows) => self.rows(target, rows),
            MetadataReply::Subscribed(keys) => self.keys(770, keys),
            MetadataReply::Unsubscribed(keys) => self.keys(771, keys),
            MetadataReply::Subscriptions(keys) => {
                let mut inner = Lines::default();
                self.apart(&mut inner).keys(772, keys);
                self.batch(REFERENCE, &["metadata-subs"], &inner);
            }
            MetadataReply::Later(target) => self.num(774, &[target, "0"], Some("Ask for it by METADATA SYNC")),
        }
    }

    pub(super) fn rows(&mut self, target: &str, rows: &[Row]) {
        let mut inner = Lines::default();
        let mut within = self.apart(&mut inner);
        rows.iter().for_each(|row| within.row(row));
        self.batch(REFERENCE, &["metadata", target], &inner);
    }

    fn row(&mut self, row: &Row) {
        match row {
            Row::Key { target, key, value: Some(value) } => {
                self.num(761, &[target, key.as_str(), "*"], Some(value));
            }
            Row::Key { target, key, value: None } => self.num(766, &[target, key.as_str()], Some("Key not set")),
            Row::NoKey(text) => self.line("WARN", &["METADATA", "INVALID_KEY", text, "this can be no key"]),
        }
    }

    /// As many numerics as the keys need, each key a parameter of its own.
    fn keys(&mut self, code: u16, keys: &[Key]) {
        let most = self.room(&[]);
        let mut keys: Vec<&str> = keys.iter().map(Key::as_str).collect();
        while !keys.is_empty() {
            let mut length = 0;
            let fits = |key: &&&str| {
                length += key.len() + 1;
                length <= most
            };
            // The client's name is a parameter too.
            let count = keys.iter().take(limits::MAX_PARAMS - 1).take_while(fits).count().max(1);
            let rest = keys.split_off(count);
            self.num(code, &keys, None);
            keys = rest;
        }
    }
}
