//! Two IRC libraries that others wrote talk with one another through a server:
//! `tests/clients/conversation.py`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    peers::{left_out, serve},
    support::{Deployment, Program},
};

/// Names the Python that has what `tests/clients/requirements.txt` asks for; where it is not set, it
/// is the one that `scripts/test.sh` once prepared here.
const PYTHON: &str = "CONCLAVE_TEST_PYTHON";

#[test]
fn two_libraries_talk_with_one_another() {
    if left_out() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = env::var_os(PYTHON).map_or_else(|| root.join("target/libraries/bin/python"), PathBuf::from);
    assert!(python.exists(), "no {}: scripts/test.sh prepares what {PYTHON} names", python.display());
    let deployment = Deployment::new();
    let (_server, address) = serve(&deployment);
    let (carol, dave) = (deployment.issue("carol"), deployment.issue("dave"));
    let script = root.join("tests/clients/conversation.py");
    let mut command = Command::new(python);
    command.arg(script).arg(address.port().to_string()).arg(deployment.directory().ca_certificate());
    command.args([carol.certificate, carol.key, dave.certificate, dave.key]);
    let conversation = Program::start("conversation.py", &mut command);
    conversation.expect("all is well");
    let (status, said) = conversation.end();
    assert!(status.success(), "{status}: {said}");
}
