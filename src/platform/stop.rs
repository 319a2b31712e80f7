//! The sign to stop, given once and seen by everybody.

use tokio::sync::watch;

/// A sign that all clones share. Cheap to clone; once given it stays.
#[derive(Clone, Debug)]
pub struct Stop {
    state: watch::Sender<bool>,
}

impl Stop {
    /// A sign that nobody has given yet.
    pub fn new() -> Self {
        Self { state: watch::Sender::new(false) }
    }

    /// Asks everybody to stop. Asking again changes nothing.
    pub fn request(&self) {
        self.state.send_if_modified(|asked| !std::mem::replace(asked, true));
    }

    /// Whether stopping was asked for.
    pub fn is_requested(&self) -> bool {
        *self.state.borrow()
    }

    /// Waits until stopping is asked for; at once when it already was. Safe to drop and call again.
    pub async fn requested(&self) {
        // An error means that every sender is gone, which cannot be: this is one.
        let _ = self.state.subscribe().wait_for(|&asked| asked).await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_sees_the_sign_before_and_after_it_is_given() {
        let stop = Stop::new();
        let waiting = tokio::spawn({
            let stop = stop.clone();
            async move { stop.requested().await }
        });
        assert!(!stop.is_requested());
        stop.clone().request();
        stop.request();
        waiting.await.unwrap();
        stop.requested().await;
        assert!(stop.is_requested());
    }
}
