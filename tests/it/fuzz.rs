//! The fuzz targets on stable Rust: on the stored corpus, on changed pieces of it, and on any bytes.

use std::{fs, path::Path};

use proptest::{prelude::*, test_runner::TestRunner};

#[path = "../../fuzz/bodies.rs"]
mod bodies;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let corpus: Vec<Vec<u8>> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!corpus.is_empty(), "{} is empty", folder.display());
    corpus
}

#[test]
fn stored_corpus() {
    for (target, body) in bodies::ALL {
        for input in corpus(target) {
            body(&input);
            // Every file also holds many lines: most targets take one.
            input.split(|b| *b == b'\n').for_each(body);
        }
    }
}

#[test]
fn any_bytes_and_changed_pieces_of_the_corpus() {
    for (target, body) in bodies::ALL {
        let stored: Vec<Vec<u8>> =
            corpus(target).iter().flat_map(|file| file.split(|b| *b == b'\n').map(<[u8]>::to_vec)).collect();
        let piece = prop_oneof![
            3 => proptest::sample::select(stored),
            1 => proptest::collection::vec(any::<u8>(), 0..64),
            1 => any::<String>().prop_map(String::into_bytes),
        ];
        let change =
            (any::<proptest::sample::Index>(), proptest::sample::select(b"\0\r\n @:;=\\+/#\x1b\xc3 a0".to_vec()));
        let input = (proptest::collection::vec(piece, 1..4), proptest::collection::vec(change, 0..4));
        let mut runner =
            TestRunner::new(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() });
        let run = runner.run(&input, |(pieces, changes)| {
            let mut input = pieces.concat();
            for (at, byte) in changes {
                let at = at.index(input.len() + 1);
                input.insert(at, byte);
            }
            body(&input);
            Ok(())
        });
        run.unwrap_or_else(|error| panic!("{target}: {error}"));
    }
}

#[test]
fn every_target_is_built() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (target, _) in bodies::ALL {
        assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
        let source = fs::read_to_string(root.join(format!("targets/{target}.rs"))).unwrap();
        assert!(source.contains(&format!("bodies::{target}(data)")), "{target}");
    }
}
