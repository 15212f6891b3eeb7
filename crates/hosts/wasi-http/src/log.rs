//! Lines for whoever runs the service. No key is in one.

use wit_bindgen::spawn_local;

use crate::bindings::wasi::cli::stderr;
use crate::bindings::wit_stream;

/// Writes one. That it is lost stops nothing.
pub(crate) fn say(line: &str) {
    let line = format!("wardkey: {line}\n");
    let (mut writer, reader) = wit_stream::new();
    let written = stderr::write_via_stream(reader);
    spawn_local(async move {
        writer.write_all(line.into_bytes()).await;
        drop(writer);
        let _lost = written.await;
    });
}
