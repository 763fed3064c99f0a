//! Where the compiler finds `.proto` files: in the user's directories, then among
//! the built-in ones. It notes the texts that it hands out, which are what a
//! fingerprint is of, and the files that they come from.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    rc::Rc,
};

use protox::{
    Error,
    file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver},
};

use crate::{Fingerprint, builtin::BuiltIn};

/// What was read.
#[derive(Clone, Default)]
pub(crate) struct Texts(Rc<RefCell<Read>>);

#[derive(Default)]
struct Read {
    /// The texts, by the names of files.
    texts: BTreeMap<String, Fingerprint>,
    paths: BTreeSet<PathBuf>,
}

impl Texts {
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0.borrow().texts)
    }

    /// Where the texts are that are not built in.
    pub(crate) fn paths(&self) -> BTreeSet<PathBuf> {
        self.0.borrow().paths.clone()
    }
}

/// Finds files and notes their texts.
struct Noted {
    files: ChainFileResolver,
    texts: Texts,
}

/// What finds the files of `includes`, and those that need not be there.
pub(crate) fn resolver(includes: &[PathBuf], texts: &Texts) -> impl FileResolver + 'static {
    let mut files = ChainFileResolver::new();
    // The same for everybody, and newer ones of protoc's own have syntax that the
    // compiler does not read.
    files.add(GoogleFileResolver::new());
    for include in includes {
        files.add(IncludeFileResolver::new(include.clone()));
    }
    files.add(BuiltIn);
    Noted {
        files,
        texts: texts.clone(),
    }
}

impl FileResolver for Noted {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        self.files.resolve_path(path)
    }

    fn open_file(&self, name: &str) -> Result<File, Error> {
        let file = self.files.open_file(name)?;
        // Files without a text are a library's own.
        if let Some(text) = file.source() {
            let mut read = self.texts.0.borrow_mut();
            read.texts.insert(name.to_owned(), Fingerprint::of(text));
            read.paths.extend(file.path().map(Path::to_owned));
        }
        Ok(file)
    }
}
