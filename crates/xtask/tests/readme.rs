//! The README's table of rooms is what cargo says.

use std::{collections::BTreeSet, path::Path, process::Command};

#[test]
fn the_readme_names_every_crate_with_its_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let folder = manifest.parent().unwrap().strip_prefix(root).unwrap();
        (folder.to_str().unwrap().to_owned(), package["name"].as_str().unwrap().to_owned())
    });
    let packages: BTreeSet<_> = packages.collect();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let rooms = readme.lines().filter_map(|line| {
        let (folder, rest) = line.strip_prefix("| `")?.split_once("` (`")?;
        let (name, _) = rest.split_once("`) |")?;
        Some((folder.to_owned(), name.to_owned()))
    });
    assert_eq!(rooms.collect::<BTreeSet<_>>(), packages);
}
