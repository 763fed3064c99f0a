//! Everything that is made from a run's record: tables, charts, pages. In: the
//! folder; out: its files, and what the terminal gets. `pspd lab` makes them
//! anew after each block, `pspd report` whenever it is asked.

use std::path::Path;

use report::{
    Digest, Gate, Language, NotComparable, Trip,
    charts::{self, Figure},
};
use results::{Folder, FolderError};

use crate::Error;

/// What a reader gets without opening the folder.
#[derive(Debug)]
pub struct Report {
    /// Tables, verdicts and warnings.
    pub text: String,
    /// The content of `summary.json`.
    pub json: String,
    /// The conditions of `--fail-if` that hold.
    pub trips: Vec<Trip>,
}

/// The report of a run as it stands.
pub(crate) fn report(digest: &Digest<'_>, gates: &[Gate]) -> Report {
    Report {
        text: report::text(digest),
        json: report::json(digest),
        trips: gates.iter().flat_map(|gate| gate.check(digest)).collect(),
    }
}

/// Reads a folder; its report, gates included, and why its files could not be
/// made anew, where they could not: it cannot be written, or a run is writing.
pub fn render(path: &Path) -> Result<(Report, Option<Error>), Error> {
    let (folder, locked) = match Folder::resume(path) {
        Ok(folder) => (folder, None),
        Err(error @ (FolderError::Locked { .. } | FolderError::Write { .. })) => {
            (Folder::read(path)?, Some(error))
        }
        Err(error) => return Err(error.into()),
    };
    let experiment = &folder.run().experiment;
    let gates = experiment.fail_if.iter();
    let gates = gates
        .map(|text| Gate::parse(text, experiment))
        .collect::<Result<Vec<_>, _>>()?;
    let digest = digest(&folder);
    let not_written = match locked {
        Some(error) => Some(error.into()),
        None => write(&folder, &digest).err(),
    };
    Ok((report(&digest, &gates), not_written))
}

/// Runs against each other, in words and for programs.
#[derive(Debug)]
pub struct Compared {
    /// Ratios with their intervals, verdicts and warnings.
    pub text: String,
    /// The same for programs.
    pub json: String,
}

/// Compares runs, the first being the base, or says why that cannot be done.
pub fn compare(paths: &[&Path]) -> Result<Result<Compared, NotComparable>, Error> {
    let folders = paths.iter().map(|path| Folder::read(path));
    let folders = folders.collect::<Result<Vec<_>, FolderError>>()?;
    let names: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let names = names.iter().map(String::as_str);
    let digests: Vec<_> = names.zip(folders.iter().map(digest)).collect();
    Ok(report::compare(&digests).map(|comparison| Compared {
        text: comparison.text(Language::English),
        json: comparison.json(),
    }))
}

/// Makes every file of the folder that is made from its record, of which `digest`
/// is.
pub(crate) fn write(folder: &Folder, digest: &Digest<'_>) -> Result<(), Error> {
    let run = folder.run();
    let experiment = run.experiment.to_toml().map_err(|error| Error::Render {
        name: "experiment.toml".to_owned(),
        reason: error.to_string(),
    })?;
    for (name, content) in [
        ("experiment.toml", experiment),
        ("summary.json", report::json(digest)),
        ("blocks.csv", report::blocks_csv(run)),
        ("cells.csv", report::cells_csv(digest)),
        ("contrasts.csv", report::contrasts_csv(digest)),
        ("report.md", report::markdown(digest)),
        ("report.html", report::html::page(digest)),
    ] {
        folder.write(name, content.as_bytes())?;
    }
    for Figure { name, chart, .. } in charts::figures(digest, Language::English) {
        let svg = charts::draw_svg(&chart);
        folder.write(&format!("charts/{name}.svg"), svg.as_bytes())?;
        let png = charts::draw_png(&chart).map_err(|error| Error::Render {
            name: format!("charts/{name}.png"),
            reason: error.to_string(),
        })?;
        folder.write(&format!("charts/{name}.png"), &png)?;
    }
    for cell in &digest.cells {
        let (name, summary) = report::k6_summary(digest, cell);
        folder.write(
            &format!("k6/{name}.json"),
            format!("{summary:#}\n").as_bytes(),
        )?;
    }
    Ok(())
}

/// Reads all raw times, which takes longest of all here: make it once. A block
/// whose raw times cannot be read has no percentiles, and the report says how many
/// such there are.
pub(crate) fn digest(folder: &Folder) -> Digest<'_> {
    Digest::new(folder.run(), &mut |block| folder.histograms(block).ok())
}
