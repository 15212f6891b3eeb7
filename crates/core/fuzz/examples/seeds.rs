//! Writes the seeds into a folder, one folder a target.

use std::{env, fs, path::PathBuf};

fn main() -> std::io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| std::io::Error::other("which folder?"))?;
    for seed in wardkey_fuzz::seeds() {
        let of_target = folder.join(seed.target);
        fs::create_dir_all(&of_target)?;
        fs::write(of_target.join(seed.name), seed.bytes)?;
    }
    Ok(())
}
