//! How figures are written, in the unit that a reader would choose.

use stats::Ratio;

/// For what is not known.
pub(crate) const ABSENT: &str = "n/a";

/// Three significant digits.
pub fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 0.0995 => format!("{:.1} us", ms * 1e3),
        ms if ms < 9.995 => format!("{ms:.2} ms"),
        ms if ms < 99.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 9_995.0 => format!("{:.2} s", ms / 1e3),
        ms => format!("{:.1} s", ms / 1e3),
    }
}

/// Something a second: decimals while they matter.
pub fn rate(rate: f64) -> String {
    match rate {
        rate if rate < 99.95 => format!("{rate:.2}"),
        rate if rate < 999.5 => format!("{rate:.1}"),
        rate => format!("{rate:.0}"),
    }
}

/// Three significant digits or whole numbers, for what has no better unit.
pub(crate) fn plain(value: f64) -> String {
    match value {
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// Bytes in B, KiB, MiB or GiB.
pub fn bytes(bytes: f64) -> String {
    const KIB: f64 = 1024.0;
    match bytes {
        bytes if bytes < 9_999.5 => format!("{bytes:.0} B"),
        bytes if bytes < 999.95 * KIB => format!("{:.1} KiB", bytes / KIB),
        bytes if bytes < 999.95 * KIB * KIB => format!("{:.1} MiB", bytes / KIB / KIB),
        bytes => format!("{:.1} GiB", bytes / KIB / KIB / KIB),
    }
}

/// A share as a percentage with two significant digits.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        0.0 => "0%".to_owned(),
        size if size < 0.095 => format!("{percent:.2}%"),
        size if size < 9.95 => format!("{percent:.1}%"),
        _ => format!("{percent:.0}%"),
    }
}

/// Estimate, low and high, with as many decimals as it takes to tell the ends
/// apart, and from 1 where they exclude it.
pub(crate) fn factors(ratio: &Ratio) -> [String; 3] {
    let all = [ratio.estimate(), ratio.low(), ratio.high()];
    let near = if ratio.low() > 1.0 { all[1] } else { all[2] };
    let fewest = match ratio.estimate() {
        estimate if estimate >= 99.5 => 0,
        estimate if estimate >= 9.95 => 1,
        _ => 2,
    };
    let one = |decimals: usize| format!("{:.decimals$}", 1.0);
    let text = |value: f64, decimals: usize| format!("{value:.decimals$}");
    let enough = |decimals: &usize| {
        let decimals = *decimals;
        let apart = text(all[1], decimals) != text(all[2], decimals);
        apart && !(ratio.differs() && text(near, decimals) == one(decimals))
    };
    let decimals = (fewest..=6).find(enough).unwrap_or(6);
    all.map(|value| text(value, decimals))
}

/// What a table says of a ratio, with the ends of its interval; one without
/// spread has none.
pub(crate) fn ratio(ratio: &Ratio) -> (String, Option<[String; 2]>) {
    match ratio.is_constant() {
        true if ratio.estimate() == 1.0 => ("1".to_owned(), None),
        true => (format!("{:.4}", ratio.estimate()), None),
        false => {
            let [estimate, low, high] = factors(ratio);
            (estimate, Some([low, high]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits_in_a_fitting_unit() {
        for (ms, expected) in [
            (0.0, "0.0 us"),
            (0.0421, "42.1 us"),
            (0.8534, "0.85 ms"),
            (9.994, "9.99 ms"),
            (9.996, "10.0 ms"),
            (99.94, "99.9 ms"),
            (99.96, "100 ms"),
            (999.4, "999 ms"),
            (999.6, "1.00 s"),
            (28_210.0, "28.2 s"),
            (600_000.0, "600.0 s"),
        ] {
            assert_eq!(milliseconds(ms), expected, "{ms}");
        }
        assert_eq!(rate(0.44), "0.44");
        assert_eq!(rate(342.29), "342.3");
        assert_eq!(rate(15_187.3), "15187");
    }

    #[test]
    fn bytes_and_shares_are_short() {
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(65_536.0), "64.0 KiB");
        assert_eq!(bytes(12.0 * 1024.0 * 1024.0), "12.0 MiB");
        assert_eq!(bytes(3.0 * 1024.0 * 1024.0 * 1024.0), "3.0 GiB");
        for (share, expected) in [
            (0.0, "0%"),
            (0.0004, "0.04%"),
            (0.012, "1.2%"),
            (0.23, "23%"),
            (-0.25, "-25%"),
        ] {
            assert_eq!(percent(share), expected, "{share}");
        }
    }

    #[test]
    fn the_ends_of_an_interval_are_told_apart_and_from_one() {
        let of = |values: &[f64]| {
            let base = vec![1.0; values.len()];
            Ratio::paired(&base, values, stats::Confidence::P95).expect("usable")
        };
        let written = |values: &[f64]| {
            let (estimate, ends) = ratio(&of(values));
            ends.map_or(estimate.clone(), |[low, high]| {
                format!("{estimate} {low} {high}")
            })
        };
        assert_eq!(written(&[1.0021, 1.0022, 1.0023]), "1.0022 1.0020 1.0024");
        assert_eq!(written(&[2.0, 2.1, 1.9]), "2.00 1.76 2.26");
        assert_eq!(written(&[1.0; 3]), "1");
        assert_eq!(written(&[0.8125; 3]), "0.8125");
    }
}
