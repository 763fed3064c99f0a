//! What runs a guest's instructions: the processor by KVM, or QEMU itself by TCG. Chosen by
//! trial: KVM is believed once a guest has booted with it.

use std::{fmt, fs, io, path::Path};

const DEVICE: &str = "/dev/kvm";

/// What runs a guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acceleration {
    /// The host's processor, through the kernel's virtual machine monitor.
    Kvm,
    /// QEMU, which translates them: many times slower, and everywhere to be had.
    Tcg,
}

impl fmt::Display for Acceleration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Acceleration::Kvm => "KVM",
            Acceleration::Tcg => "TCG (software emulation)",
        })
    }
}

/// What was found out about KVM on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A guest booted with it.
    Works {
        /// This host is a virtual machine itself.
        nested: bool,
    },
    /// There is no device.
    Missing {
        /// The processor shows the extensions that KVM needs.
        extensions: bool,
        /// This host is a virtual machine itself.
        nested: bool,
    },
    /// This user may not open the device.
    Forbidden,
    /// The device is there, and no guest boots with it.
    Broken {
        /// What became of the trial.
        why: String,
        /// This host is a virtual machine itself.
        nested: bool,
    },
}

impl Finding {
    /// What follows for the laboratory.
    pub fn acceleration(&self) -> Acceleration {
        match self {
            Finding::Works { .. } => Acceleration::Kvm,
            _ => Acceleration::Tcg,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Works { nested: false } => {
                write!(formatter, "KVM works: a guest booted with it")
            }
            Finding::Works { nested: true } => write!(
                formatter,
                "KVM works, nested: this host is a virtual machine itself, so that every exit \
                 of a guest costs more than on bare metal; say so beside the figures"
            ),
            Finding::Missing {
                extensions: true, ..
            } => write!(
                formatter,
                "no KVM: there is no {DEVICE}, though the processor could; load the module \
                 (`modprobe kvm_intel` or `modprobe kvm_amd`)"
            ),
            Finding::Missing { nested: true, .. } => write!(
                formatter,
                "no KVM: this host is a virtual machine whose processor shows neither vmx nor \
                 svm; switch nested virtualization on in the hypervisor below it, or take a host \
                 of bare metal"
            ),
            Finding::Missing { .. } => write!(
                formatter,
                "no KVM: the processor shows neither vmx nor svm; switch virtualization \
                 (VT-x, AMD-V) on in the firmware's settings"
            ),
            Finding::Forbidden => write!(
                formatter,
                "no KVM: this user may not open {DEVICE}; join its group \
                 (`sudo usermod -aG kvm $USER`, then log in again)"
            ),
            Finding::Broken { why, nested } => {
                write!(
                    formatter,
                    "no KVM: {DEVICE} is there, but no guest boots with it: {why}"
                )?;
                match nested {
                    true => write!(
                        formatter,
                        "; this host is a virtual machine itself, and the hypervisor below it \
                         does not pass on what guests need"
                    ),
                    false => write!(formatter, "; `dmesg | grep -i kvm` may say more"),
                }
            }
        }
    }
}

/// Tries KVM: what can be seen of the host first, then `boots`, which boots a guest and says
/// why it did not.
pub fn try_kvm(boots: impl FnOnce() -> Result<(), String>) -> Finding {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let opened = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(Path::new(DEVICE));
    judge(&processor, opened.map(drop), boots)
}

fn judge(
    processor: &str,
    opened: io::Result<()>,
    boots: impl FnOnce() -> Result<(), String>,
) -> Finding {
    let flags = processor.lines().find(|line| line.starts_with("flags"));
    let has = |wanted: &str| {
        let mut words = flags.unwrap_or_default().split_ascii_whitespace();
        words.any(|flag| flag == wanted)
    };
    let nested = has("hypervisor");
    match opened {
        Ok(()) => match boots() {
            Ok(()) => Finding::Works { nested },
            Err(why) => Finding::Broken { why, nested },
        },
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Finding::Missing {
                extensions: has("vmx") || has("svm"),
                nested,
            },
            io::ErrorKind::PermissionDenied => Finding::Forbidden,
            _ => Finding::Broken {
                why: format!("it cannot be opened: {error}"),
                nested,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_kvm_has_a_message_of_its_own() {
        let not = |kind| Err(io::Error::from(kind));
        let booted = || Ok(());
        let silent = || Err("the guest gave no sign of life within 15 s".to_owned());
        let (metal, guest) = ("flags : fpu vmx", "flags : fpu hypervisor");
        let findings = [
            judge(metal, Ok(()), booted),
            judge(guest, Ok(()), booted),
            judge(metal, not(io::ErrorKind::NotFound), booted),
            judge("flags : fpu", not(io::ErrorKind::NotFound), booted),
            judge(guest, not(io::ErrorKind::NotFound), booted),
            judge(metal, not(io::ErrorKind::PermissionDenied), booted),
            judge(metal, not(io::ErrorKind::WouldBlock), booted),
            judge(metal, Ok(()), silent),
            judge(guest, Ok(()), silent),
        ];
        let said: Vec<_> = findings
            .iter()
            .map(|finding| format!("{}: {finding}", finding.acceleration()))
            .collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
