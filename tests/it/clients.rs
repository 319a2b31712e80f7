//! What people do all day with the clients that they love: WeeChat and irssi in one room, each showing
//! in its own words what the other did.

use crate::{
    peers::{Someone, irssi, left_out, serve, weechat},
    support::{Deployment, until_or},
};

/// Waits until the log of a place holds these words.
#[track_caller]
fn sees(someone: &Someone, place: &str, words: &str) {
    until_or(
        || someone.shown(place).contains(words),
        || format!("{} does not see in {place}: {words:?}\n{}", someone.name, someone.shown(place)),
    );
}

/// How often the log of a place holds these words.
fn times(someone: &Someone, place: &str, words: &str) -> usize {
    someone.shown(place).matches(words).count()
}

#[test]
fn a_day_in_a_room() {
    if left_out() {
        return;
    }
    let deployment = Deployment::new();
    let (_server, address) = serve(&deployment);
    let authority = deployment.directory().ca_certificate();
    let (dave, erin) = (deployment.issue("dave"), deployment.issue("erin"));
    let mut dave = weechat(&deployment.root().join("weechat"), &authority, &dave, address, "dave");
    let mut erin = irssi(&deployment.root().join("irssi"), &authority, &erin, address, "erin");
    // Everything in the window that is looked at, and long lines without a question.
    erin.types("/set paste_verify_line_count 0");
    erin.types("/set autocreate_windows off");
    erin.types("/set -clear autocreate_query_level");
    // Both have logged in by their certificates.
    sees(&dave, "", "You are now logged in as dave");
    erin.program.expect("SASL authentication succeeded");
    sees(&dave, "", "Welcome to the example.net network");
    erin.program.expect("Welcome to the example.net network");

    dave.types("/join #club");
    sees(&dave, "#club", "(dave@example.net) has joined #club");
    erin.types("/join #club");
    sees(&dave, "#club", "(erin@example.net) has joined #club");
    erin.program.expect("Total of");

    // Talk and actions.
    dave.types("/msg #club good morning");
    sees(&erin, "#club", "dave> good morning");
    erin.types("/action #club yawns");
    sees(&dave, "#club", "erin yawns");

    // A long text: each client divides it so that no line is refused, and nothing is lost.
    let words: Vec<String> = (0..300).map(|n| format!("wörd{n:03}")).collect();
    dave.types(&format!("/msg #club {}", words.join(" ")));
    erin.types(&format!("/msg #club {}", words.join(" ")));
    for word in &words {
        sees(&erin, "#club", word);
        sees(&dave, "#club", word);
    }
    // Each saw his own too.
    until_or(
        || [&dave, &erin].into_iter().all(|someone| times(someone, "#club", "wörd299") == 2),
        || format!("{}\n{}", dave.shown("#club"), erin.shown("#club")),
    );

    // Who is here, and who is that?
    dave.types("/names #club");
    sees(&dave, "#club", "Nicks #club: [@dave erin]");
    dave.types("/whois erin");
    sees(&dave, "", "[erin] is using a secure connection");
    erin.types("/whois dave");
    erin.program.expect("ircname");

    // Topics are the operators'.
    dave.types("/topic #club breakfast");
    sees(&erin, "#club", "dave changed the topic of #club to: breakfast");
    erin.types("/topic #club lunch");
    erin.program.expect("You're not a channel operator");
    dave.types("/mode #club +o erin");
    sees(&erin, "#club", "mode/#club [+o erin] by dave");
    erin.types("/topic #club lunch");
    sees(&dave, "#club", "erin has changed topic for #club from \"breakfast\" to \"lunch\"");

    // Away.
    erin.types("/away eating");
    erin.program.expect("You have been marked as being away");
    dave.types("/msg erin are you there?");
    sees(&dave, "", "is away: eating");
    erin.types("/away");
    erin.program.expect("You are no longer marked as being away");

    // Out, in by an invitation only, and a ban.
    erin.types("/mode #club -o erin");
    sees(&dave, "#club", "Mode #club [-o erin] by erin");
    dave.types("/mode #club +i");
    dave.types("/kick #club erin too loud");
    sees(&erin, "#club", "erin was kicked from #club by dave [too loud]");
    erin.types("/join #club");
    erin.program.expect("You must be invited");
    dave.types("/invite erin #club");
    erin.program.expect("invites you to");
    erin.types("/join #club");
    until_or(|| times(&dave, "#club", "(erin@example.net) has joined #club") == 2, || dave.shown("#club"));

    // Both connect again; the server puts them back where they were.
    dave.types("/reconnect conclave");
    erin.program.expect("has quit");
    until_or(|| times(&erin, "#club", "dave [dave@example.net] has joined #club") == 1, || erin.shown("#club"));
    sees(&dave, "#club", "Topic for #club is \"lunch\"");
    erin.types("/reconnect conclave");
    until_or(|| times(&dave, "#club", "(erin@example.net) has joined #club") == 3, || dave.shown("#club"));
    until_or(|| times(&erin, "#club", "erin [erin@example.net] has joined #club") == 3, || erin.shown("#club"));
    erin.types("/msg #club back again");
    sees(&dave, "#club", "back again");
}

/// Neither of them knows anything of history: the server tells them what they missed.
#[test]
fn who_was_not_there_reads_what_was_said() {
    if left_out() {
        return;
    }
    let deployment = Deployment::new();
    let (_server, address) = serve(&deployment);
    let authority = deployment.directory().ca_certificate();
    let (dave, erin) = (deployment.issue("dave"), deployment.issue("erin"));
    let mut dave = weechat(&deployment.root().join("weechat"), &authority, &dave, address, "dave");
    let mut erin = irssi(&deployment.root().join("irssi"), &authority, &erin, address, "erin");
    erin.types("/set autocreate_windows off");
    erin.types("/set -clear autocreate_query_level");
    sees(&dave, "", "Welcome to the example.net network");
    erin.program.expect("Welcome to the example.net network");
    dave.types("/join #club");
    sees(&dave, "#club", "(dave@example.net) has joined #club");
    erin.types("/join #club");
    sees(&dave, "#club", "(erin@example.net) has joined #club");
    erin.types("/msg #club both are here");
    sees(&dave, "#club", "both are here");

    dave.types("/disconnect conclave");
    erin.program.expect("has quit");
    erin.types("/msg #club first of two");
    erin.types("/action #club waits");
    erin.types("/msg dave come back");
    sees(&erin, "#club", "erin waits");
    dave.types("/connect conclave");
    sees(&dave, "#club", "first of two");
    sees(&dave, "#club", "erin waits");
    sees(&dave, "erin", "come back");
    // And what is said from now on, once.
    erin.types("/msg #club welcome");
    sees(&dave, "#club", "welcome");
    assert_eq!([times(&dave, "#club", "first of two"), times(&dave, "#club", "\twelcome")], [1, 1]);

    erin.types("/disconnect conclave");
    sees(&dave, "#club", "(erin@example.net) has quit");
    dave.types("/msg #club second of two");
    sees(&dave, "#club", "second of two");
    erin.types("/connect conclave");
    sees(&erin, "#club", "second of two");
    dave.types("/msg #club and now");
    sees(&erin, "#club", "and now");
    assert_eq!([times(&erin, "#club", "second of two"), times(&erin, "#club", "and now")], [1, 1]);
}
