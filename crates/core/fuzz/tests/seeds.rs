//! The seeds reach what they are for, so that the fuzzer starts behind every stage and not before.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wardkey_fuzz::{TARGETS, seeds};

#[test]
fn every_seed_gets_as_far_as_it_says() {
    let mut other = vec![];
    for seed in seeds() {
        let (_, run) = TARGETS.iter().find(|(name, _)| *name == seed.target).expect("a target");
        let reached = run(&seed.bytes);
        if reached != seed.reaches {
            other.push((seed.target, seed.name, seed.reaches, reached));
        }
    }
    assert_eq!(other, [], "target, seed, what it is for, what it got to");
}

#[test]
fn the_committed_seeds_are_these() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let committed = fs::read_dir(&folder).expect("seeds").flat_map(|target| {
        let files = fs::read_dir(target.expect("a folder").path()).expect("a folder");
        files.map(|file| {
            let path = file.expect("a file").path();
            let bytes = fs::read(&path).expect("a file");
            (path.strip_prefix(&folder).expect("inside").to_owned(), bytes)
        })
    });
    let committed: BTreeSet<_> = committed.collect();
    let written =
        seeds().into_iter().map(|seed| (Path::new(seed.target).join(seed.name), seed.bytes));
    let written: BTreeSet<_> = written.collect();
    let of = |set: &BTreeSet<_>, other: &BTreeSet<_>| -> Vec<_> {
        set.difference(other)
            .map(|(path, _): &(std::path::PathBuf, Vec<u8>)| path.clone())
            .collect()
    };
    assert!(
        committed == written,
        "`cargo xtask fuzz --write-seeds` writes them anew: only committed {:?}, only made {:?}",
        of(&committed, &written),
        of(&written, &committed)
    );
}
