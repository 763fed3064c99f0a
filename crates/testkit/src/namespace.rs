//! Network namespaces of a test's own: loopback alone, all ports free, and where wanted the
//! settings of a pod's resolver. Linux with root and `ip netns` is needed
//! ([`Tool::NetworkNamespaces`](crate::Tool)).

use std::{
    ffi::OsStr,
    fs,
    net::IpAddr,
    path::PathBuf,
    process::{self, Command},
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::run;

/// A network namespace with loopback alone; removed when dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    /// Files that stand for those of `/etc` in it.
    files: Option<PathBuf>,
}

impl Namespace {
    /// Makes one.
    #[track_caller]
    pub fn make() -> Namespace {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pspd-test-{}-{number}", process::id());
        run(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Namespace { name, files: None };
        run(Command::new("ip").args(["-n", &namespace.name, "link", "set", "lo", "up"]));
        namespace
    }

    /// Makes one whose programs ask `server` for names, with the options and the search
    /// list that Kubernetes gives a pod of the namespace `pspd`.
    #[track_caller]
    pub fn with_resolver(server: IpAddr) -> Namespace {
        let mut namespace = Namespace::make();
        let folder = PathBuf::from("/etc/netns").join(&namespace.name);
        fs::create_dir_all(&folder).expect("a folder in /etc/netns");
        namespace.files = Some(folder.clone());
        let resolver = format!(
            "search pspd.svc.cluster.local svc.cluster.local cluster.local\n\
             nameserver {server}\noptions ndots:5 timeout:1\n"
        );
        for (name, text) in [
            ("resolv.conf", resolver.as_str()),
            ("nsswitch.conf", "hosts: files dns\n"),
        ] {
            fs::write(folder.join(name), text).expect("a file of the namespace");
        }
        namespace
    }

    /// A command that runs `program` in it, without any settings of the test's own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        for setting in system::inherited_settings() {
            command.env_remove(setting);
        }
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // A leftover namespace is empty and harms nobody.
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .status();
        if let Some(folder) = &self.files {
            let _ = fs::remove_dir_all(folder);
        }
    }
}
