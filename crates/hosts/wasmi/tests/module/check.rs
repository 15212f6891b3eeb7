//! The program says of keys whether they are good, and never shows one.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::ready::Usual;

#[test]
fn each_line_is_judged_and_no_key_is_shown() {
    let usual = Usual::new();
    let folder = env::temp_dir().join(format!("wardkey-check-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let [key_set, head, state] =
        [("key-set", &usual.key_set), ("head", &usual.head), ("state", &usual.state)]
            .map(|(name, bytes)| file(name, bytes));
    let module =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/wardkey.verifier.scalar.wasm");
    let run = |module: &Path, scope: &str, input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-check"));
        command
            .arg("--module")
            .arg(module)
            .arg("--key-set")
            .arg(&key_set)
            .arg("--head")
            .arg(&head)
            .arg("--state")
            .arg(&state);
        command.args(["--scope", scope, "--now-ms", &format!("{}", usual.now)]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that ends before it reads takes no input.
        let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code().unwrap(), said)
    };
    let forged = format!("{}AAAA", &usual.key[..usual.key.len() - 4]);
    let (code, [told, _]) =
        run(&module, &usual.scopes[0], &format!("{}\n{forged}\nnonsense\n", usual.key));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(code, 2);
    assert!(lines[0].starts_with("allow svc:billing key_"), "{told}");
    assert_eq!(lines[1..], ["deny bad_checksum", "deny malformed"]);
    assert!(!told.contains(&usual.key[..30]));
    let (code, [told, _]) = run(&module, &usual.scopes[0], &format!("{}\n", usual.key));
    assert_eq!((code, told.lines().count()), (0, 1));
    let (code, [told, error]) = run(&module, "invoice:burn", &usual.key);
    assert_eq!((code, told.as_str()), (1, ""));
    assert!(error.contains("not in the audience's catalog"), "{error}");
    let (code, [_, error]) = run(Path::new("/nowhere.wasm"), &usual.scopes[0], "");
    assert!(code == 1 && error.contains("cargo xtask js"), "{error}");
    fs::remove_dir_all(&folder).unwrap();
}
