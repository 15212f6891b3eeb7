//! x
#![allow(clippy::disallowed_methods, clippy::print_stdout)]
use std::time::Instant;
fn main(){
    let w="d2tfbGl2ZV9BUXdrX2xpdmVfQVF3a19saXZlX0FR";
    for part in ["_live_", "wk_live_", "wk_live_AQ", "abcdefghijkl_test_AQ","wk_li", "ve_AQ", "wkve_AQ", "wkboot_", "wkboot_1_1_",
        "wk_live_.", "wk_live_A\r\n", "X2xpdmVf", "X2xpdm\nVf", "\n", "a\n","X\n", "9saXZlX\n", " \n  ", w, "wk_live_AQ\u{e9}", "A", "_","int main(void) { return 0; } // a line of code_test_x\n"] {
        print!("{part:?}");
        for n in [100_000, 200_000, 400_000] {
            let text = part.repeat(n/part.len());
            let t=Instant::now();
            let c=wardkey::Scanner::default().deep().scan(text.as_bytes()).count();
            print!("  {c} {:.1} MB/s", n as f64/1e6/t.elapsed().as_secs_f64());
        }
        println!();
    }
}
