//! Other people's servers, with every limit of theirs raised so that nothing is cut or slowed, TLS 1.3,
//! and the same server's certificate. None of them verifies certificates of clients here.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A place for a server's files, readable for the user that it may turn itself into.
pub(crate) struct Place {
    directory: PathBuf,
    pub(crate) port: u16,
    plain_port: u16,
}

impl Place {
    /// With the server's certificate in it.
    pub(super) fn new(directory: &Path, authority: &Path) -> Self {
        open_to_all(directory, 0o755);
        for file in ["server.pem", "server.key"] {
            let copy = directory.join(file);
            fs::copy(authority.join(file), &copy).expect("the certificate is copied");
            open_to_all(&copy, 0o644);
        }
        Self::at(directory, free_ports())
    }

    /// Only known, not made.
    pub(crate) fn at(directory: &Path, [port, plain_port]: [u16; 2]) -> Self {
        Self { directory: directory.to_owned(), port, plain_port }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, text).expect("the configuration is written");
        open_to_all(&path, 0o644);
        path
    }
}

/// Whatever was free a moment ago.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("a port").port())
}

fn open_to_all(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode is set");
}

/// A command that says nothing.
fn quiet(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

pub(super) fn ngircd(place: &Place) -> Command {
    let config = place.write("ngircd.conf", &ngircd_config(place));
    let mut command = quiet("/usr/sbin/ngircd");
    command.arg("-n").arg("-f").arg(config);
    command
}

pub(crate) fn ngircd_config(Place { directory, port, plain_port }: &Place) -> String {
    let directory = directory.display();
    format!(
        "[Global]
Name = ngircd.bench.local
Info = load
Listen = 127.0.0.1
Ports = {plain_port}
MotdPhrase = load
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 32
MaxPenaltyTime = 0
PingTimeout = 120
PongTimeout = 60
[Options]
DNS = no
Ident = no
PAM = no
RequireAuthPing = no
[SSL]
Ports = {port}
CertFile = {directory}/server.pem
KeyFile = {directory}/server.key
CipherList = SECURE128:-VERS-ALL:+VERS-TLS1.3
"
    )
}

pub(super) fn inspircd(place: &Place, modern: bool) -> Command {
    let config = place.write("inspircd.conf", &inspircd_config(place, modern));
    let mut command = quiet("/usr/sbin/inspircd");
    command.args(["--nofork", "--nolog", "--nopid", "--runasroot", "--config"]).arg(config);
    command
}

pub(crate) fn inspircd_config(Place { directory, port, .. }: &Place, modern: bool) -> String {
    let directory = directory.display();
    let mut config = format!(
        r#"<server name="inspircd.bench.local" description="load" network="Load" id="1LD">
<admin name="load" nick="load" email="load@localhost">
<path datadir="{directory}" logdir="{directory}" runtimedir="{directory}">
<bind address="127.0.0.1" port="{port}" type="clients" sslprofile="load">
<module name="ssl_gnutls">
<sslprofile name="load" provider="gnutls" certfile="{directory}/server.pem" keyfile="{directory}/server.key" requestclientcert="no" priority="SECURE128:-VERS-ALL:+VERS-TLS1.3">
<power diepass="load" restartpass="load">
<connect allow="*" timeout="60" pingfreq="120" hardsendq="1G" softsendq="1G" recvq="1G" threshold="100000000" commandrate="2000000000" fakelag="no" localmax="1000000" globalmax="1000000" limit="1000000" maxchans="1000" resolvehostnames="no" useident="no" maxconnwarn="no">
<options defaultmodes="not">
<limits maxnick="32" maxchan="64">
<performance netbuffersize="65000" somaxconn="4096" softlimit="1000000" clonesonconnect="no" quietbursts="yes">
<security maxtargets="20">
<class name="load" commands="*"><type name="load" classes="load">
"#
    );
    if modern {
        for module in ["cap", "ircv3_servertime", "ircv3_ctctags", "ircv3_echomessage", "ircv3_msgid"] {
            config += &format!("<module name=\"{module}\">\n");
        }
    }
    config
}

pub(super) fn ergo(program: &Path, place: &Place) -> Command {
    let config = place.write("ergo.yaml", &ergo_config(place));
    let mut make = quiet(program);
    let made = make.arg("initdb").arg("--conf").arg(&config).status().expect("ergo makes its database");
    assert!(made.success(), "ergo made no database");
    let mut command = quiet(program);
    command.arg("run").arg("--conf").arg(config);
    command
}

pub(crate) fn ergo_config(Place { directory, port, .. }: &Place) -> String {
    let directory = directory.display();
    format!(
        r##"network: {{name: Load}}
server:
    name: ergo.bench.local
    listeners:
        "127.0.0.1:{port}":
            tls: {{cert: {directory}/server.pem, key: {directory}/server.key}}
            min-tls-version: 1.3
    casemapping: ascii
    enforce-utf8: true
    lookup-hostnames: false
    forward-confirm-hostnames: false
    check-ident: false
    max-sendq: 1024M
    ip-cloaking: {{enabled: false}}
    ip-limits: {{count: false, throttle: false}}
    relaymsg: {{enabled: false}}
accounts:
    authentication-enabled: false
    registration: {{enabled: false}}
    multiclient: {{enabled: false}}
channels:
    default-modes: +n
    max-channels-per-client: 1000
    registration: {{enabled: false}}
datastore: {{path: {directory}/ergo.db, autoupgrade: true}}
languages: {{enabled: false}}
limits: {{nicklen: 32, identlen: 32, channellen: 64, awaylen: 390, kicklen: 390, topiclen: 390, monitor-entries: 100, whowas-entries: 100, chan-list-modes: 60, registration-messages: 1024, multiline: {{max-bytes: 4096, max-lines: 100}}}}
fakelag: {{enabled: false}}
history: {{enabled: false}}
logging: []
"##
    )
}
