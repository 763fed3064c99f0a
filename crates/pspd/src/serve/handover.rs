//! A process gives its ports to another of the same role: a process that starts asks, at a
//! Unix socket, whoever runs, gets the listening sockets (`SCM_RIGHTS`), and says when it
//! is ready; only then does the other take nothing new any more. The sockets are never
//! closed on the way, so that no client is refused. One that fails to start is forgotten,
//! and the other goes on. Connections stay where they are: HTTP has its own words for
//! sending clients on, and half a request cannot be moved.
//!
//! The socket's file has the mode 0600, and both sides look at the other's user. Every
//! step has an end.

use std::{
    fs,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::TcpListener,
    os::{
        fd::AsFd,
        unix::{fs::PermissionsExt, net::UnixStream as Blocking},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use contract::Role;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg, sockopt::socket_peercred,
};
use server::Stop;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{UnixListener, UnixStream},
    time::timeout,
};

/// How long the other side may take for what needs no thought.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long a process may take from having the ports to being ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// What is said: who has the ports, ready, and gone.
const GREETING: &str = "pspd hand-over 1 ";
const GREETING_BYTES_MAX: usize = 256;
const READY: u8 = b'r';
const GONE: u8 = b'g';

/// The ports of a role.
pub(super) struct Ports {
    pub(super) listener: TcpListener,
    pub(super) admin: TcpListener,
}

/// The ports of a process that runs, which goes on until it is told that they are in use.
pub(super) struct Received {
    pub(super) ports: Ports,
    from: Blocking,
}

/// Asks at `path` for the ports of a `role` that runs; nothing when none does.
pub(super) fn ask(path: &Path, role: Role) -> Result<Option<Received>> {
    let from = match Blocking::connect(path) {
        Ok(from) => from,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            let shown = path.display();
            return Err(error).with_context(|| {
                format!("cannot ask at {shown} (--handover); give a path that is yours")
            });
        }
    };
    from.set_read_timeout(Some(ANSWER_WITHIN))?;
    from.set_write_timeout(Some(ANSWER_WITHIN))?;
    let owner = socket_peercred(&from)?.uid;
    if owner != rustix::process::geteuid() {
        bail!("{} (--handover) belongs to another user", path.display());
    }
    let (greeting, ports) = receive(&from).with_context(|| {
        format!(
            "the process at {} (--handover) did not hand its ports over",
            path.display()
        )
    })?;
    match greeting.strip_prefix(GREETING) {
        Some(other) if other == role.name() => Ok(Some(Received { ports, from })),
        Some(other) => bail!(
            "a process of role {other} runs at {} (--handover); give each role a path of its own",
            path.display()
        ),
        None => bail!(
            "{} (--handover) is no socket of this program; choose another path",
            path.display()
        ),
    }
}

fn receive(from: &Blocking) -> io::Result<(String, Ports)> {
    let mut bytes = [0; GREETING_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        from,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let rights = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
        _ => None,
    });
    let mut sockets = rights.flatten().map(TcpListener::from);
    let greeting = String::from_utf8_lossy(&bytes[..received.bytes]).into_owned();
    match (sockets.next(), sockets.next()) {
        (Some(listener), Some(admin)) => Ok((greeting, Ports { listener, admin })),
        _ => Err(io::Error::other("it sent no sockets")),
    }
}

impl Received {
    /// Tells the process that had the ports that they are in use, and waits until it
    /// takes nothing new.
    pub(super) fn take_over(mut self) -> Result<()> {
        self.from.write_all(&[READY])?;
        let mut gone = [0];
        self.from.read_exact(&mut gone)?;
        match gone {
            [GONE] => Ok(()),
            _ => bail!("it said something else than that it is gone"),
        }
    }
}

/// The place at which the ports can be had.
pub(super) struct Offer {
    path: PathBuf,
    /// Where the socket is until the offer stands.
    beside: PathBuf,
    socket: UnixListener,
    ports: Ports,
    role: Role,
}

impl Offer {
    /// Prepares to offer these at `path`, in place of what is there. Must be called on a
    /// runtime.
    pub(super) fn at(path: &Path, role: Role, ports: Ports) -> Result<Self> {
        let cannot = || format!("cannot listen at {} (--handover)", path.display());
        // Bound beside and moved, so that nobody finds it gone, or open to others.
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let _ = fs::remove_file(&beside);
        let socket = UnixListener::bind(&beside).with_context(cannot)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).with_context(cannot)?;
        Ok(Offer {
            path: path.to_owned(),
            beside,
            socket,
            ports,
            role,
        })
    }

    /// Can be found from now on.
    pub(super) fn open(&self) {
        if let Err(error) = fs::rename(&self.beside, &self.path) {
            let path = self.path.display();
            tracing::error!(%error, %path, "cannot be asked for its ports (--handover)");
        }
    }

    /// Hands the ports over to whoever asks for them and then is ready, which begins the
    /// `stop`; or takes the offer back when that begins for another reason.
    pub(super) async fn stand(self, stop: Stop) {
        loop {
            let asking = tokio::select! {
                asking = self.socket.accept() => asking,
                () = stop.leaving() => {
                    // Whoever starts now binds the ports itself.
                    let _ = fs::remove_file(&self.path);
                    return;
                }
            };
            let handed = match asking {
                Ok((asking, _)) => self.hand_over(asking, &stop).await,
                Err(error) => Err(error.into()),
            };
            match handed {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "ports not handed over; going on"
                    );
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn hand_over(&self, mut asking: UnixStream, stop: &Stop) -> Result<()> {
        let asks = asking.peer_cred()?.uid();
        if asks != rustix::process::geteuid().as_raw() {
            bail!("user {asks} asked for them");
        }
        timeout(ANSWER_WITHIN, self.send(&asking))
            .await
            .context("the process that asked does not read")??;
        let mut ready = [0];
        timeout(READY_WITHIN, asking.read_exact(&mut ready))
            .await
            .with_context(|| format!("the process that asked was not ready in {READY_WITHIN:?}"))?
            .context("the process that asked has not started")?;
        if ready != [READY] {
            bail!("the process that asked said something else than that it is ready");
        }
        tracing::info!(
            role = self.role.name(),
            "another process takes the ports over"
        );
        stop.hand_over();
        // Whether it hears of it or not, it has the ports.
        let _ = timeout(ANSWER_WITHIN, asking.write_all(&[GONE])).await;
        Ok(())
    }

    async fn send(&self, to: &UnixStream) -> io::Result<()> {
        let greeting = format!("{GREETING}{}", self.role.name());
        to.async_io(Interest::WRITABLE, || {
            let sockets = [self.ports.listener.as_fd(), self.ports.admin.as_fd()];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&sockets));
            let bytes = [IoSlice::new(greeting.as_bytes())];
            sendmsg(to, &bytes, &mut control, SendFlags::empty()).map_err(io::Error::from)
        })
        .await
        .map(drop)
    }
}
