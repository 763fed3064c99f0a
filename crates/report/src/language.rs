//! The languages in which verdicts, warnings and pages are worded, and how each
//! writes numbers.

/// A language of the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Portuguese as written in Brazil.
    Portuguese,
}

impl Language {
    /// Both, the default first.
    pub const ALL: [Language; 2] = [Language::English, Language::Portuguese];

    /// The tag of the language in HTML.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Portuguese => "pt-BR",
        }
    }

    /// The words of this language.
    pub fn choose<T>(self, english: T, portuguese: T) -> T {
        match self {
            Language::English => english,
            Language::Portuguese => portuguese,
        }
    }

    /// A text with numbers in it as this language writes their decimals; there
    /// must be no other points between digits.
    pub fn decimals(self, number: &str) -> String {
        match self {
            Language::English => number.to_owned(),
            Language::Portuguese => number.replace('.', ","),
        }
    }

    /// `items` as a list in a sentence.
    pub(crate) fn list(self, items: &[String]) -> String {
        match items {
            [] => String::new(),
            [one] => one.clone(),
            [start @ .., last] => {
                format!("{} {} {last}", start.join(", "), self.choose("and", "e"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lists_are_written_as_in_the_language() {
        assert_eq!(Language::English.decimals("1.31"), "1.31");
        assert_eq!(Language::Portuguese.decimals("1.31 ms"), "1,31 ms");
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(Language::English.list(&items), "a, b and c");
        assert_eq!(Language::Portuguese.list(&items[..2]), "a e b");
        assert_eq!(Language::English.list(&items[..1]), "a");
    }
}
