//! A block's timeline as CSV: a line a second, latency beside what every role
//! used. Pure.

use crate::Second;

/// What is not known stays empty.
pub(crate) fn csv(seconds: &[Second]) -> String {
    let mut out = String::from("second,completed,failed,p50_ms,p99_ms");
    let roles = seconds.first().map_or(&[][..], |second| &second.roles[..]);
    for (role, ..) in roles {
        out += &format!(",{role}_cpus,{role}_rss_bytes");
    }
    out.push('\n');
    for second in seconds {
        let latency = second.latency;
        out += &format!(
            "{},{},{},{},{}",
            second.second,
            second.completed,
            second.failed,
            cell(latency.map(|latency| latency.p50_ms)),
            cell(latency.map(|latency| latency.p99_ms)),
        );
        for (_, cpus, bytes) in &second.roles {
            out += &format!(",{},{}", cell(*cpus), cell(*bytes));
        }
        out.push('\n');
    }
    out
}

fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_second_and_nothing_where_nothing_is_known() {
        let second = Second {
            second: 0,
            completed: 7,
            failed: 1,
            latency: None,
            roles: vec![
                ("gateway".into(), Some(0.5), Some(4096)),
                ("b".into(), None, None),
            ],
        };
        assert_eq!(
            csv(&[second]),
            "second,completed,failed,p50_ms,p99_ms,gateway_cpus,gateway_rss_bytes,b_cpus,b_rss_bytes\n\
             0,7,1,,,0.5,4096,,\n"
        );
        assert_eq!(csv(&[]).lines().count(), 1);
    }
}
