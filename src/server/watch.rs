//! Watches the certificate files, replaces the credentials when they change, and looks again at
//! everybody who is connected.

use std::{sync::Arc, time::Duration};

use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use super::{Shared, Signs, issued::Issued};
use crate::{
    hub::Cut,
    platform::clock,
    tls::server::{Credentials, LoadError, Refusal},
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Runs until the server stops.
pub(super) async fn watch(shared: Arc<Shared>, mut issued: Option<Issued>, signs: Signs) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut judged_at = clock::unix_now();
    warn_of(&shared.live.current());
    loop {
        let asked = tokio::select! {
            biased;
            () = signs.stop.requested() => return,
            () = signs.reload.notified() => true,
            _ = look.tick() => false,
        };
        if asked || shared.live.changed_on_disk() {
            reload(&shared).await;
        }
        if issued.as_ref().is_some_and(|issued| asked || issued.is_stale()) {
            issued = read(&shared, issued).await;
        }
        let now = clock::unix_now();
        if now != judged_at {
            // Certificates run out while their sessions live.
            judged_at = now;
            judge(&shared, now);
        }
    }
}

async fn reload(shared: &Arc<Shared>) {
    let live = Arc::clone(&shared.live);
    // Reads files and checks signatures: not on the thread that serves sessions.
    let loaded = tokio::task::spawn_blocking(move || {
        let credentials = live.reload()?;
        Ok::<_, LoadError>((credentials, live.keep_numbers()))
    })
    .await;
    match loaded {
        Ok(Ok((credentials, kept))) => {
            shared.counters.reloads_ok.up();
            info!(generation = credentials.generation(), "certificates reloaded");
            warn_of(&credentials);
            if let Err(error) = kept {
                let error = anyhow::Error::new(error);
                // Who is revoked is out now; only a restart could be shown an older list.
                warn!(error = format!("{error:#}"), "the number of the revocation list in force could not be kept");
            }
            judge(shared, clock::unix_now());
        }
        Ok(Err(error)) => {
            shared.counters.reloads_refused.up();
            warn!(%error, "the certificate files were not taken over; the earlier ones stay in force");
        }
        Err(error) => warn!(%error, "reloading the certificates failed; the earlier ones stay in force"),
    }
}

/// Reads who has a certificate.
async fn read(shared: &Arc<Shared>, issued: Option<Issued>) -> Option<Issued> {
    let (shared, mut issued) = (Arc::clone(shared), issued?);
    // The index is as long as the deployment is old: not on the thread that serves sessions.
    let read = tokio::task::spawn_blocking(move || {
        issued.read(&shared.door);
        issued
    });
    read.await.inspect_err(|error| warn!(%error, "who has a certificate is not watched any more")).ok()
}

fn warn_of(credentials: &Credentials) {
    for warning in credentials.warnings(clock::unix_now()) {
        warn!("{warning}");
    }
}

/// Cuts every session whose certificate is not good any more.
fn judge(shared: &Shared, now: i64) {
    let credentials = shared.live.current();
    shared.crowd.cut(|identity| {
        let refusal = credentials.recheck(identity, now).err()?;
        info!(account = %identity.account, device = %identity.device, %refusal, "session ended");
        Some(Cut::Certificate(sentence(&refusal).into()))
    });
}

/// What the session's owner reads.
pub(super) fn sentence(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Revoked => "Your certificate was revoked; ask the administrator for a new one",
        Refusal::Expired => "Your certificate has expired; ask the administrator to renew it",
        _ => "Your certificate is not accepted any longer; ask the administrator for a new one",
    }
}
