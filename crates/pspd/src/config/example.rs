//! The annotated example of a configuration file: every section, every key with what it
//! means and its default, all of it commented out, so that the file as it is changes
//! nothing. Made from the table of settings; only what says which services a gateway
//! serves is written by hand.

use contract::Role;

use super::settings::{self, Setting};

/// Characters of a line, at most.
const WIDTH: usize = 92;

const HEAD: &str = "\
# Configuration of pspd: one file for all roles, a section each. Everything is shown with
# its default and commented out. A flag wins over an environment variable, that over this
# file, that over the default. `pspd config check FILE` says everything that is wrong.
# A role that runs looks at its file every second, and reads it again at SIGHUP; what is
# wrong is refused whole, and what holds until a restart is named in the log.
# Times are such as 500ms, 30s, 5m, 1day; sizes are in bytes; lists may be one text with
# commas. Paths start from the folder of this file.
";

const SERVICES: &str = include_str!("example/services.toml");

/// The whole file.
pub(super) fn text() -> String {
    let sections = Role::ALL.map(section);
    format!("{HEAD}{}", sections.concat())
}

fn section(role: Role) -> String {
    let settings = settings::of(role);
    let settings: String = settings.iter().map(annotated).collect();
    let services = match role {
        Role::Gateway => format!("\n{SERVICES}"),
        _ => String::new(),
    };
    format!("\n# What `pspd serve {role}` reads.\n[{role}]\n{settings}{services}")
}

fn annotated(setting: &Setting) -> String {
    let Setting {
        key,
        env,
        default,
        help,
        ..
    } = setting;
    let help = wrapped(&format!("{help}. --{key}, {env}."));
    let value = match default.parse::<u64>() {
        Ok(_) => default.clone(),
        Err(_) => format!("{default:?}"),
    };
    format!("{help}#{key} = {value}\n")
}

/// Lines of a comment.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    format!("{lines}{line}\n")
}
