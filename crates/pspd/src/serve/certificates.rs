//! What the metrics tell of the certificates that this process shows.

use std::time::{SystemTime, UNIX_EPOCH};

use telemetry::{Gathered, Source, table};

/// Asked anew at each scrape: they change with their files.
pub(super) struct Certificates;

impl Source for Certificates {
    fn tell(&self, to: &mut Gathered) {
        for certificate in tls::in_use() {
            let files = [certificate.files.as_str()];
            let times = [
                (&table::TLS_CERTIFICATE_NOT_BEFORE, certificate.not_before),
                (&table::TLS_CERTIFICATE_NOT_AFTER, certificate.not_after),
            ];
            for (metric, time) in times {
                to.count(metric, &files, seconds(time));
            }
            let stale = u64::from(certificate.stale);
            to.count(&table::TLS_CERTIFICATE_STALE, &files, stale);
        }
    }
}

/// Since 1970; a time before that is as long ago as that for whoever asks how long a
/// certificate holds.
fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
