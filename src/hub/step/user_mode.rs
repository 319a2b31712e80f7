//! MODE of oneself (Modern IRC, sections "User mode" and "User Modes"; IRCv3 bot mode): B i o w.
//!
//! The modes are the account's, the same in all its sessions, for as long as it is present.

use super::Turn;
use crate::{
    hub::{account::UserModes, delivery::Delivery},
    ident::Nick,
    protocol::{refusal::Refusal, reply::Reply},
};

impl Turn<'_> {
    pub(super) fn user_mode(&mut self, target: &str, changes: &[Box<str>]) {
        match target.parse::<Nick>() {
            Ok(nick) if nick == self.me => self.my_mode(changes),
            Ok(nick) if self.state.accounts.contains_key(&nick) => self.refuse(Refusal::NotYourModes),
            _ => self.refuse(Refusal::NoSuchNick(target.into())),
        }
    }

    fn my_mode(&mut self, changes: &[Box<str>]) {
        let mut modes = self.my_account().map(|account| account.modes).unwrap_or_default();
        // User modes have no parameters: what follows the first is nothing.
        let Some(letters) = changes.first() else { return self.reply(Reply::UserModes(modes.shown().into())) };
        let (mut on, mut unknown) = (true, false);
        for letter in letters.chars() {
            match letter {
                '+' => on = true,
                '-' => on = false,
                // Only OPER gives it; anybody can lay it down.
                'o' => modes.operator &= on,
                letter => match modes.by_letter(letter) {
                    Some(mode) => *mode = on,
                    None => unknown = true,
                },
            }
        }
        self.set_modes(modes);
        if unknown {
            self.refuse(Refusal::UnknownUserMode);
        }
    }

    /// Gives my account these modes, and tells all its sessions what that changes.
    pub(super) fn set_modes(&mut self, modes: UserModes) {
        let Some(account) = self.state.accounts.get_mut(&self.me) else { return };
        let old = std::mem::replace(&mut account.modes, modes);
        account.show_bot();
        let changed = old.changes_to(modes);
        if changed.is_empty() {
            return;
        }
        let sessions = account.sessions.clone();
        self.state.show(&self.me);
        if modes == UserModes::default() {
            self.state.moded.remove(&self.me);
        } else {
            self.state.moded.insert(self.me.clone());
        }
        for &session in &sessions {
            let reply = Reply::UserModesChanged(changed.as_str().into());
            if session == self.from {
                self.reply(reply);
            } else {
                self.deliveries.push(Delivery::Replies { session, label: None, replies: vec![reply] });
            }
        }
    }
}
