//! Names of schemas. In: which messages and enums are described, from which pool and
//! in which variant; out: a name for each. A message that looks the same wherever it
//! is used has its full name. One that does not has it in its first variant, answers
//! before bodies, and a suffix that says what is different in the others:
//! `library.v1.Book-input`. No name of protobuf has a dash, so that nothing collides.
//! Where two servers describe different messages by the same name, those of the later
//! one end in `-2`.

use std::collections::{BTreeMap, BTreeSet};

use transcode::{Defaults, Enums, Names as MemberNames, Unknown};

use crate::Json;

/// How a message is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variant {
    /// As it is written.
    Answer {
        names: Spelling,
        enums: EnumForm,
        defaults: Presence,
    },
    /// As it is read from a body.
    Body { names: Spelling, unknown: Openness },
    /// As it is read from a path or a query.
    Text,
    /// An enum, which is only different where answers have its numbers.
    Enum(EnumForm),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spelling {
    Json,
    Original,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EnumForm {
    Names,
    Numbers,
}

/// Whether fields at their default are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Presence {
    Sparse,
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Openness {
    Closed,
    Open,
}

/// One schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) full_name: String,
    /// Index of the pool that describes it.
    pub(crate) source: usize,
    pub(crate) variant: Variant,
}

/// The name of each schema.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<Key, String>);

impl Variant {
    pub(crate) fn answer(json: &Json) -> Self {
        Variant::Answer {
            names: spelling(json.names),
            enums: enum_form(json.enums),
            defaults: presence(json.defaults),
        }
    }

    pub(crate) fn body(json: &Json) -> Self {
        Variant::Body {
            names: spelling(json.names),
            unknown: openness(json.unknown_fields),
        }
    }

    /// What of it matters to an enum.
    pub(crate) fn of_enum(self) -> Self {
        Variant::Enum(match self {
            Variant::Answer { enums, .. } | Variant::Enum(enums) => enums,
            Variant::Body { .. } | Variant::Text => EnumForm::Names,
        })
    }

    /// How members are named.
    pub(crate) fn spelling(self) -> Spelling {
        match self {
            Variant::Answer { names, .. } | Variant::Body { names, .. } => names,
            Variant::Text | Variant::Enum(_) => Spelling::Json,
        }
    }

    /// In what it differs from what is usual.
    fn suffix(self, usual: &Json) -> String {
        let mut words = Vec::new();
        let mut unless = |is_usual: bool, word| {
            if !is_usual {
                words.push(word);
            }
        };
        match self {
            Variant::Answer {
                names,
                enums,
                defaults,
            } => {
                unless(names == spelling(usual.names), names.word());
                unless(enums == enum_form(usual.enums), enums.word());
                unless(defaults == presence(usual.defaults), defaults.word());
            }
            Variant::Body { names, unknown } => {
                unless(false, "input");
                unless(names == spelling(usual.names), names.word());
                unless(unknown == openness(usual.unknown_fields), unknown.word());
            }
            Variant::Enum(enums) => unless(enums == enum_form(usual.enums), enums.word()),
            Variant::Text => {}
        }
        words.iter().map(|word| format!("-{word}")).collect()
    }
}

impl Spelling {
    fn word(self) -> &'static str {
        match self {
            Spelling::Json => "json",
            Spelling::Original => "original",
        }
    }
}

impl EnumForm {
    fn word(self) -> &'static str {
        match self {
            EnumForm::Names => "names",
            EnumForm::Numbers => "numbers",
        }
    }
}

impl Presence {
    fn word(self) -> &'static str {
        match self {
            Presence::Sparse => "sparse",
            Presence::Full => "full",
        }
    }
}

impl Openness {
    fn word(self) -> &'static str {
        match self {
            Openness::Closed => "closed",
            Openness::Open => "open",
        }
    }
}

fn spelling(names: MemberNames) -> Spelling {
    match names {
        MemberNames::Json => Spelling::Json,
        MemberNames::Original => Spelling::Original,
    }
}

fn enum_form(enums: Enums) -> EnumForm {
    match enums {
        Enums::Names => EnumForm::Names,
        Enums::Numbers => EnumForm::Numbers,
    }
}

fn presence(defaults: Defaults) -> Presence {
    match defaults {
        Defaults::Omit => Presence::Sparse,
        Defaults::Write => Presence::Full,
    }
}

fn openness(unknown: Unknown) -> Openness {
    match unknown {
        Unknown::Reject => Openness::Closed,
        Unknown::Ignore => Openness::Open,
    }
}

impl Names {
    /// Names for everything in `known`, whose texts were written with [`Names::of`] of
    /// no names at all; of each the hash, which tells one text from another.
    pub(crate) fn choose(known: &BTreeMap<Key, u64>, usual: &Json) -> Self {
        let apart = apart(known);
        let mut groups: BTreeMap<(&str, usize), BTreeSet<Variant>> = BTreeMap::new();
        for key in known.keys() {
            let source = match apart.contains(&key.source) {
                true => key.source,
                false => 0,
            };
            let group = groups.entry((&key.full_name, source)).or_default();
            group.insert(key.variant);
        }
        let mut names = BTreeMap::new();
        for key in known.keys() {
            let own = apart.contains(&key.source);
            let source = if own { key.source } else { 0 };
            let variants = &groups[&(key.full_name.as_str(), source)];
            let plain = plain(variants, usual);
            let mut name = key.full_name.clone();
            if plain != Some(key.variant) {
                name += &key.variant.suffix(usual);
            }
            if own && is_elsewhere(known, key) {
                name += &format!("-{}", key.source + 1);
            }
            names.insert(key.clone(), name);
        }
        Names(names)
    }

    /// Its name; one that is unique but of no use to people if none was chosen.
    pub(crate) fn of(&self, key: &Key) -> String {
        match self.0.get(key) {
            Some(name) => name.clone(),
            None => format!("{}{}", key.full_name, key.variant.suffix(&Json::default())),
        }
    }
}

/// The variant that needs no suffix: the usual one, or the first.
fn plain(variants: &BTreeSet<Variant>, usual: &Json) -> Option<Variant> {
    let first = variants.first().copied()?;
    let usual = match first {
        Variant::Answer { .. } => Variant::answer(usual),
        Variant::Body { .. } => Variant::body(usual),
        Variant::Enum(_) => Variant::Enum(enum_form(usual.enums)),
        Variant::Text => first,
    };
    Some(if variants.contains(&usual) {
        usual
    } else {
        first
    })
}

/// The sources that describe something otherwise than one before them.
fn apart(known: &BTreeMap<Key, u64>) -> BTreeSet<usize> {
    let mut first: BTreeMap<(&str, Variant), (usize, u64)> = BTreeMap::new();
    let mut apart = BTreeSet::new();
    for (key, text) in known {
        let (source, before) = first
            .entry((&key.full_name, key.variant))
            .or_insert((key.source, *text));
        if *source != key.source && before != text {
            apart.insert(key.source);
        }
    }
    apart
}

/// Whether another source, before this one, describes something of the same name.
fn is_elsewhere(known: &BTreeMap<Key, u64>, key: &Key) -> bool {
    let first = Key {
        source: 0,
        variant: Variant::Answer {
            names: Spelling::Json,
            enums: EnumForm::Names,
            defaults: Presence::Sparse,
        },
        full_name: key.full_name.clone(),
    };
    known
        .range(first..)
        .take_while(|(other, _)| other.full_name == key.full_name)
        .any(|(other, _)| other.source < key.source)
}
