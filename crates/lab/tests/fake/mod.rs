//! What takes the place of a system in these tests: a gateway within this
//! process, and a script that plays the roles.

use std::{net::SocketAddr, time::Duration};

use lab::{Goal, Options, Plan, Setting, Show};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// Answers everything with 200; it ends with the test's runtime.
pub(crate) async fn gateway() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut received = Vec::new();
    while stream.read_buf(&mut received).await? > 0 {
        if received.ends_with(b"\r\n\r\n") {
            received.clear();
            sleep(Duration::from_millis(2)).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                .await?;
        }
    }
    Ok(())
}

pub(crate) fn setting(executable: &str) -> Setting {
    Setting {
        executable: executable.into(),
        version: "1.2.3".into(),
        commit: Some("abc".into()),
        show: Show::Lines,
    }
}

/// A new run of the default experiment with these options.
pub(crate) fn new(options: &Options, out: &std::path::Path) -> Goal {
    Goal::New {
        plan: Box::new(Plan::new(None, options).expect("the options are valid")),
        out: out.to_owned(),
    }
}

/// A script that takes the place of `pspd serve ROLE`: says that it listens at
/// `gateway`, then lives in `folder` as `life` says, where `$role` is its role.
#[cfg(unix)]
pub(crate) fn roles(folder: &std::path::Path, gateway: SocketAddr, life: &str) -> String {
    use std::{fs, os::unix::fs::PermissionsExt};
    let at = folder.display();
    let script = format!(
        r#"#!/bin/sh
role=$2
while [ "$1" != --ready-file ]; do shift; done
printf '{{"role":"%s","pid":%s,"address":"{gateway}","admin":"{gateway}"}}' $role $$ > "$2.new"
mv "$2.new" "$2"
cd "{at}"
{life}
"#
    );
    let path = folder.join("fake-pspd");
    fs::write(&path, script).expect("can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("can be executed");
    path.display().to_string()
}
