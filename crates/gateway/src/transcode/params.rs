//! Query parameters onto scalar fields.

use server::query::Query;

/// A parameter that cannot be used, in a client's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadParameter {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) expected: String,
}

/// The value of a text parameter; `None` when missing or empty, as both mean
/// the default on the published routes.
pub(crate) fn text<'q>(
    query: &'q Query<'_>,
    name: &'static str,
) -> Result<Option<&'q str>, BadParameter> {
    let mut values = query.all(name);
    let (first, second) = (values.next(), values.next());
    if let (Some(first), Some(second)) = (first, second) {
        return Err(BadParameter {
            name: name.to_owned(),
            value: format!("{first}, {second}"),
            expected: "one value; it was given more than once".to_owned(),
        });
    }
    Ok(first.filter(|value| !value.is_empty()))
}

/// The value of an `int32` parameter; `None` when missing or empty.
pub(crate) fn int32(query: &Query<'_>, name: &'static str) -> Result<Option<i32>, BadParameter> {
    let Some(value) = text(query, name)? else {
        return Ok(None);
    };
    match value.trim_ascii().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(BadParameter {
            name: name.to_owned(),
            value: value.to_owned(),
            expected: format!("a whole number from {} to {}", i32::MIN, i32::MAX),
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(query: &str, expected: Result<Option<i32>, &str>) {
        let query = Query::parse(query).expect("UTF-8");
        let got = int32(&query, "count").map_err(|bad| bad.value);
        assert_eq!(got, expected.map_err(str::to_owned));
    }

    #[test]
    fn integers() {
        check("", Ok(None));
        check("count=", Ok(None));
        check("count=12", Ok(Some(12)));
        check("count=-12", Ok(Some(-12)));
        check("count=%2B12", Ok(Some(12)));
        check("count=+12", Ok(Some(12)));
        check("count=2147483647", Ok(Some(i32::MAX)));
        check("count=2147483648", Err("2147483648"));
        check("count=abc", Err("abc"));
        check("count=1.5", Err("1.5"));
        check("count=10abc", Err("10abc"));
        check("count=1&count=2", Err("1, 2"));
    }

    proptest! {
        #[test]
        fn every_int32_reads_back(number: i32) {
            check(&format!("count={number}"), Ok(Some(number)));
        }
    }
}
