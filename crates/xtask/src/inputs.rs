//! Has anything changed since a step was last done?

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

/// The files that a step depends on, as one digest that is kept beside what the step made.
pub(crate) struct Inputs {
    digest: String,
    stamp: PathBuf,
}

impl Inputs {
    /// Digests `files` (folders are walked) and `facts`, such as versions and flags.
    pub(crate) fn of(stamp: PathBuf, facts: &[&str], files: &[PathBuf]) -> Result<Self> {
        let mut hash = Sha256::new();
        for fact in facts {
            hash.update(fact);
            hash.update([0]);
        }
        for file in files {
            let entries = WalkDir::new(file).sort_by_file_name().into_iter();
            for entry in entries.filter_entry(|entry| !is_output(entry.path())) {
                let entry = entry?;
                if entry.file_type().is_file() {
                    hash.update(entry.path().as_os_str().as_encoded_bytes());
                    hash.update([0]);
                    hash.update(fs::read(entry.path())?);
                }
            }
        }
        Ok(Self { digest: hex(&hash.finalize()), stamp })
    }

    /// Whether the step was done with these very inputs, and what it made is still there.
    pub(crate) fn are_done(&self, made: &Path) -> bool {
        made.exists() && fs::read_to_string(&self.stamp).is_ok_and(|old| old == self.digest)
    }

    /// Remembers that the step has been done.
    pub(crate) fn remember(&self) -> Result<()> {
        if let Some(folder) = self.stamp.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(&self.stamp, &self.digest)?)
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_output(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| OUTPUT.contains(&name))
}

/// Folders that builds write into.
const OUTPUT: [&str; 3] = ["target", "build", "build-faults"];
