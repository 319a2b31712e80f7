//! What a session brings to metadata (IRCv3 `draft/metadata-3`): the keys that it subscribes to,
//! and what it says before it is registered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::protocol::{
    command::{Ask, KeyWish, Metadata},
    limits,
    metadata::{Key, MetadataReply, Row, Values},
    refusal::Refusal,
    reply::Reply,
};

/// The keys that a session is told of; bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subscriptions(BTreeSet<Key>);

impl Subscriptions {
    pub(super) fn has(&self, key: &Key) -> bool {
        self.0.contains(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes keys in their order, until there is no room for one; gives those that are new.
    pub(super) fn add(&mut self, wishes: &[KeyWish], replies: &mut Vec<Reply>) -> Self {
        let (mut good, mut new, mut warnings) = (Vec::new(), Self::default(), Vec::new());
        for wish in wishes {
            match wish {
                Err(text) => warnings.push(no_key(text)),
                Ok(key) if !self.has(key) && self.0.len() >= limits::METADATA_SUBS => {
                    warnings.push(full(key.as_str(), limits::METADATA_SUBS));
                    break;
                }
                Ok(key) => {
                    if self.0.insert(key.clone()) {
                        new.0.insert(key.clone());
                    }
                    good.push(key.clone());
                }
            }
        }
        if !good.is_empty() {
            replies.push(Reply::Metadata(MetadataReply::Subscribed(good)));
        }
        replies.append(&mut warnings);
        new
    }

    /// Gives keys up, whether they were subscribed to or not.
    pub(super) fn remove(&mut self, wishes: &[KeyWish], replies: &mut Vec<Reply>) {
        let good: Vec<Key> = wishes.iter().filter_map(|wish| wish.as_ref().ok()).cloned().collect();
        self.0.retain(|key| !good.contains(key));
        if !good.is_empty() {
            replies.push(Reply::Metadata(MetadataReply::Unsubscribed(good)));
        }
        replies.extend(wishes.iter().filter_map(|wish| wish.as_ref().err()).map(|text| no_key(text)));
    }

    pub(super) fn list(&self) -> Reply {
        Reply::Metadata(MetadataReply::Subscriptions(self.0.iter().cloned().collect()))
    }
}

/// What a session has set and subscribed to before it was registered (`before-connect`); what its
/// account has from earlier is not known then.
#[derive(Clone, Debug, Default)]
pub struct Early {
    /// What there was before goes.
    pub(super) cleared: bool,
    pub(super) values: BTreeMap<Key, Option<Arc<str>>>,
    pub(super) subscriptions: Subscriptions,
}

impl Early {
    /// Takes a METADATA, and answers it.
    pub fn ask(&mut self, metadata: &Metadata) -> Vec<Reply> {
        let mut replies = Vec::new();
        if &*metadata.target != "*" {
            return vec![Reply::Refused(no_target(&metadata.target))];
        }
        let me: Arc<str> = "*".into();
        match &metadata.ask {
            Ask::Get(wishes) => {
                let value = |key: &Key| self.values.get(key).cloned().flatten();
                let rows = wishes.iter().map(|wish| row_of(&me, wish, value)).collect();
                replies.push(Reply::Metadata(MetadataReply::Rows(me, rows)));
            }
            Ask::List => replies.push(Reply::Metadata(MetadataReply::Rows(Arc::clone(&me), self.rows(&me)))),
            Ask::Set(key, _) if !self.values.contains_key(key) && self.values.len() >= limits::METADATA_KEYS => {
                replies.push(full("*", limits::METADATA_KEYS));
            }
            Ask::Set(key, value) => {
                self.values.insert(key.clone(), value.clone());
                replies.push(changed(&me, key, value.as_ref()));
            }
            Ask::Clear => {
                let rows = without_values(self.rows(&me));
                (self.cleared, self.values) = (true, BTreeMap::new());
                replies.push(Reply::Metadata(MetadataReply::Rows(me, rows)));
            }
            Ask::Sub(wishes) => {
                self.subscriptions.add(wishes, &mut replies);
            }
            Ask::Unsub(wishes) => self.subscriptions.remove(wishes, &mut replies),
            Ask::Subs => replies.push(self.subscriptions.list()),
            // What there is to know comes with the registration.
            Ask::Sync => replies.push(Reply::Metadata(MetadataReply::Later(me))),
        }
        replies
    }

    fn rows(&self, me: &Arc<str>) -> Vec<Row> {
        let set = self.values.iter().filter(|(_, value)| value.is_some());
        set.map(|(key, value)| Row::Key { target: Arc::clone(me), key: key.clone(), value: value.clone() }).collect()
    }
}

/// All that a target has set.
pub(super) fn rows_of(target: &Arc<str>, values: &Values) -> Vec<Row> {
    let row = |(key, value): (&Key, &Arc<str>)| Row::Key {
        target: Arc::clone(target),
        key: key.clone(),
        value: Some(Arc::clone(value)),
    };
    values.iter().map(row).collect()
}

/// What becomes of these keys when they are removed.
pub(super) fn without_values(mut rows: Vec<Row>) -> Vec<Row> {
    for row in &mut rows {
        if let Row::Key { value, .. } = row {
            *value = None;
        }
    }
    rows
}

/// What GET says of one key.
pub(super) fn row_of(target: &Arc<str>, wish: &KeyWish, value: impl Fn(&Key) -> Option<Arc<str>>) -> Row {
    match wish {
        Ok(key) => Row::Key { target: Arc::clone(target), key: key.clone(), value: value(key) },
        Err(text) => Row::NoKey(text.clone()),
    }
}

/// A key has this value now.
pub(super) fn changed(target: &Arc<str>, key: &Key, value: Option<&Arc<str>>) -> Reply {
    let row = Row::Key { target: Arc::clone(target), key: key.clone(), value: value.cloned() };
    Reply::Metadata(MetadataReply::Row(row))
}

fn no_key(text: &str) -> Reply {
    Reply::Metadata(MetadataReply::Row(Row::NoKey(text.into())))
}

pub(super) fn no_target(target: &str) -> Refusal {
    Refusal::fail("METADATA", "INVALID_TARGET", &[target], "there is no such person or room to ask about")
}

/// No more keys: of a target, or (named by the key that found no room) to subscribe to.
pub(super) fn full(item: &str, most: usize) -> Reply {
    let most = most.to_string();
    let what = "there is no room for more keys";
    Reply::Refused(Refusal::fail("METADATA", "LIMIT_REACHED", &[item, &most], what))
}
