//! Query strings (`application/x-www-form-urlencoded`): `+` is a space, `%XX` a
//! byte, the bytes are UTF-8. What cannot be decoded is an error that names the
//! parameter; it is never replaced silently.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode;

/// The parameters of one request, in the order they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// A parameter whose bytes are not UTF-8 once decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUtf8 {
    /// The parameter's name, with U+FFFD in place of what is not UTF-8.
    pub name: String,
    /// The value as it was sent, still encoded.
    pub raw_value: String,
}

impl fmt::Display for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "parameter {:?} is not UTF-8 text ({:?}); percent-encode its UTF-8 bytes",
            self.name, self.raw_value
        )
    }
}

impl std::error::Error for NotUtf8 {}

impl<'a> Query<'a> {
    /// Reads the part of a URI after `?` (empty when there is none).
    ///
    /// # Errors
    ///
    /// [`NotUtf8`] for the first name or value that is not UTF-8.
    pub fn parse(raw: &'a str) -> Result<Self, NotUtf8> {
        let mut pairs = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Ok(name), Ok(value)) => pairs.push((name, value)),
                (name, _) => {
                    return Err(NotUtf8 {
                        name: name.unwrap_or_else(|lossy| lossy.into()).into_owned(),
                        raw_value: value.to_owned(),
                    });
                }
            }
        }
        Ok(Query { pairs })
    }

    /// Every parameter, in the order they were written.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Every value given for `name`.
    pub fn all<'q>(&'q self, name: &'q str) -> impl DoubleEndedIterator<Item = &'q str> {
        self.pairs
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_ref())
    }

    /// The last value given for `name`.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_ref())
    }
}

/// The text behind `raw`, or an approximation of it when it is not UTF-8.
fn decode(raw: &str) -> Result<Cow<'_, str>, String> {
    if !raw.contains(['%', '+']) {
        return Ok(Cow::Borrowed(raw));
    }
    let spaced = raw.replace('+', " ");
    match percent_decode(spaced.as_bytes()).decode_utf8() {
        Ok(text) => Ok(Cow::Owned(text.into_owned())),
        Err(_) => Err(percent_decode(spaced.as_bytes())
            .decode_utf8_lossy()
            .into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, expected: &[(&str, &str)]) {
        let query = Query::parse(raw).expect("valid UTF-8");
        let pairs: Vec<_> = query
            .pairs
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
            .collect();
        assert_eq!(pairs, expected, "{raw}");
    }

    #[test]
    fn forms() {
        check("", &[]);
        check("&&", &[]);
        check("name", &[("name", "")]);
        check("name=", &[("name", "")]);
        check("=x", &[("", "x")]);
        check("a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")]);
        check("a=b=c", &[("a", "b=c")]);
        check("name=a+b%2Bc", &[("name", "a b+c")]);
        check("n%61me=Jos%C3%A9", &[("name", "José")]);
        check("a=100%&b=%zz", &[("a", "100%"), ("b", "%zz")]);
    }

    #[test]
    fn the_last_of_several_and_all_of_them() {
        let query = Query::parse("a=1&a=2").expect("valid UTF-8");
        assert_eq!(query.last("a"), Some("2"));
        assert_eq!(query.last("b"), None);
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn what_is_not_utf8_is_named() {
        let error = Query::parse("ok=1&name=a%ff").expect_err("0xff is not UTF-8");
        assert_eq!(error.name, "name");
        assert_eq!(error.raw_value, "a%ff");
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(raw in ".*") {
            let _ = Query::parse(&raw);
        }

        #[test]
        fn what_is_encoded_comes_back(name in ".+", value in ".*") {
            let raw = format!(
                "x=1&{}={}",
                utf8_percent_encode(&name, NON_ALPHANUMERIC),
                utf8_percent_encode(&value, NON_ALPHANUMERIC)
            );
            let query = Query::parse(&raw).expect("it was UTF-8");
            prop_assert_eq!(query.last(&name), Some(value.as_str()));
        }
    }
}
