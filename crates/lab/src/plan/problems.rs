//! Everything that is wrong with the arguments, in the words of the user.

use std::fmt;

/// At least one wrong option; displayed one a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Problem>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    option: String,
    value: String,
    reason: String,
    fix: String,
}

impl Problems {
    pub(crate) fn add(
        &mut self,
        option: &str,
        value: &str,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.0.push(Problem {
            option: option.to_owned(),
            value: value.to_owned(),
            reason: reason.into(),
            fix: fix.into(),
        });
    }

    pub(crate) fn none_or<T>(self, value: T) -> Result<T, Problems> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let Problem {
                option,
                value,
                reason,
                fix,
            } = problem;
            let line_break = if index == 0 { "" } else { "\n" };
            let value = match value.as_str() {
                "" => String::new(),
                value => format!(" {value:?}"),
            };
            write!(f, "{line_break}{option}{value}: {reason}; {fix}")?;
        }
        Ok(())
    }
}
