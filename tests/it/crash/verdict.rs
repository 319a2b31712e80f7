//! Whether everybody has seen what the journal has, in its order, and no more: a pure function of the
//! journal and the diaries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::diary::{Diary, Reads, Seen};

/// What the journal has of one place, in its order: the id and the text of each message.
pub(super) type Journal = BTreeMap<String, Vec<(String, String)>>;

/// Everything that is wrong, in words.
pub(super) fn verdict(journal: &Journal, diaries: &[Diary]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut times: HashMap<&str, usize> = HashMap::new();
    for (_, text) in journal.values().flatten() {
        *times.entry(text).or_default() += 1;
    }
    for (text, times) in times.iter().filter(|(_, times)| **times > 1) {
        wrong.push(format!("the journal has {text:?} {times} times"));
    }
    for diary in diaries {
        let name = &diary.name;
        wrong.extend(diary.wrong.iter().map(|what| format!("{name}: {what}")));
        for said in diary.said.iter().filter(|said| said.acknowledged) {
            let is_it = |(_, text): &(String, String)| *text == said.text;
            if !journal.get(&said.place).is_some_and(|kept| kept.iter().any(is_it)) {
                wrong.push(format!("{name}: {:?} to {} was acknowledged and is in no journal", said.text, said.place));
            }
        }
        repeats(diary, &mut wrong);
        for (place, kept) in journal {
            compare(diary, place, kept, &mut wrong);
        }
        for seen in diary.seen.iter().filter(|seen| !journal.contains_key(&seen.place)) {
            wrong.push(format!(
                "{name}: {:?} was seen in {}, of which the journal knows nothing",
                seen.text, seen.place
            ));
        }
    }
    wrong
}

/// What came more than once came as a replay, on another connection, and was not confirmed before.
fn repeats(diary: &Diary, wrong: &mut Vec<String>) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut last: HashMap<&str, &Seen> = HashMap::new();
    for (at, seen) in diary.seen.iter().enumerate() {
        let earlier = *first.entry(&seen.key).or_insert(at);
        let before = last.insert(&seen.key, seen);
        let Some(before) = before else { continue };
        let mut say = |what: &str| wrong.push(format!("{}: {:?} {what}", diary.name, seen.text));
        if diary.reads == Reads::Ours {
            say("was shown twice");
        } else if before.connection == seen.connection {
            say("came twice on one connection");
        } else if !seen.again {
            say("came again, and not as a replay");
        } else if earlier < seen.confirmed {
            say("came again although its fence was answered, and the server had said that it knows");
        }
    }
}

/// What a device has seen of a place, without repeats, is what the journal has, in its order.
fn compare(diary: &Diary, place: &str, kept: &[(String, String)], wrong: &mut Vec<String>) {
    let own = format!("{} ", diary.name);
    let in_it = match place.split_once(',') {
        None => diary.rooms.iter().any(|room| room == place),
        Some((one, other)) => [one, other].contains(&&*diary.account),
    };
    // A stock client is not told what its account has said to somebody from elsewhere.
    let by_account = |text: &str| text.split([' ', '+']).next() == Some(&diary.account);
    let hears = |text: &str| match diary.reads {
        Reads::Ours | Reads::WithEcho => true,
        Reads::Stock => !(text.starts_with(&own) || place.contains(',') && by_account(text)),
    };
    let expected: Vec<&str> = kept.iter().map(|(_, text)| text.as_str()).filter(|text| in_it && hears(text)).collect();
    let mut once = BTreeSet::new();
    let seen = diary.seen.iter().filter(|seen| seen.place == place);
    let seen: Vec<&str> = seen.filter(|seen| once.insert(&*seen.key)).map(|seen| seen.text.as_str()).collect();
    if seen == expected {
        return;
    }
    let (all, had): (BTreeSet<&str>, BTreeSet<&str>) =
        (expected.iter().copied().collect(), seen.iter().copied().collect());
    let missing: Vec<&&str> = all.difference(&had).collect();
    let extra: Vec<&&str> = had.difference(&all).collect();
    let name = &diary.name;
    if !missing.is_empty() {
        wrong.push(format!("{name}: {} of {} in {place} were never seen: {missing:?}", missing.len(), all.len()));
    }
    if !extra.is_empty() {
        wrong.push(format!("{name}: was shown in {place} what is not to be: {extra:?}"));
    }
    if missing.is_empty() && extra.is_empty() {
        let at = seen.iter().zip(&expected).position(|(seen, expected)| seen != expected);
        let at = at.unwrap_or(seen.len().min(expected.len()));
        wrong.push(format!(
            "{name}: saw {place} in another order than the journal's from {:?} on, where it has {:?}",
            seen.get(at),
            expected.get(at)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(connection: usize, confirmed: usize, again: bool, text: &str) -> Seen {
        Seen { connection, confirmed, again, place: "#r".into(), key: text.into(), text: text.into() }
    }

    /// bob's diary of `#r`, whose journal has `a 0`, `a 1` and `bob 0`.
    #[track_caller]
    fn check(reads: Reads, seen: Vec<Seen>, words: &[&str]) {
        let kept = ["a 0", "a 1", "bob 0"].map(|text| (text.to_owned(), text.to_owned())).to_vec();
        let journal = BTreeMap::from([("#r".to_owned(), kept)]);
        let diary = Diary { seen, ..Diary::new("bob", reads, &["#r"]) };
        let wrong = verdict(&journal, &[diary]);
        assert!(
            wrong.len() == words.len() && wrong.iter().zip(words).all(|(is, words)| is.contains(words)),
            "{wrong:?}"
        );
    }

    #[test]
    fn nothing_is_overlooked() {
        use Reads::{Ours, Stock, WithEcho};
        let all = || vec![seen(1, 0, false, "a 0"), seen(1, 0, false, "a 1")];
        let with = |more: &[Seen]| all().into_iter().chain(more.iter().cloned()).collect::<Vec<_>>();
        check(Stock, all(), &[]);
        check(WithEcho, all(), &["1 of 3 in #r were never seen: [\"bob 0\"]"]);
        check(Ours, with(&[seen(1, 0, false, "bob 0")]), &[]);
        check(Stock, with(&[seen(1, 0, false, "bob 0")]), &["was shown in #r what is not to be: [\"bob 0\"]"]);
        check(Stock, all()[1..].to_vec(), &["1 of 2 in #r were never seen: [\"a 0\"]"]);
        check(Stock, all().into_iter().rev().collect(), &["in another order"]);
        check(Stock, with(&[seen(2, 1, true, "a 1")]), &[]);
        check(Stock, with(&[seen(2, 2, true, "a 1")]), &["although its fence was answered"]);
        check(Stock, with(&[seen(2, 0, false, "a 1")]), &["not as a replay"]);
        check(Stock, with(&[seen(1, 0, true, "a 1")]), &["twice on one connection"]);
        check(Ours, with(&[seen(1, 0, false, "bob 0"), seen(2, 0, true, "a 1")]), &["was shown twice"]);
    }

    #[test]
    fn what_was_acknowledged_is_kept_and_nothing_is_kept_twice() {
        let kept = ["a 0", "a 0"].map(|text| (text.to_owned(), text.to_owned())).to_vec();
        let journal = BTreeMap::from([("#r".to_owned(), kept)]);
        let mut diary = Diary::new("zed", Reads::Stock, &[]);
        diary.says("#r", "zed 0");
        diary.says("#r", "zed 1");
        diary.said[0].acknowledged = true;
        let wrong = verdict(&journal, &[diary]);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].contains("has \"a 0\" 2 times") && wrong[1].contains("\"zed 0\" to #r was acknowledged"));
    }
}
