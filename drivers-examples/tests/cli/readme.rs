//! README.md shows what the program prints now.

use crate::storsim::Desk;
use std::path::Path;

/// The first block of README that shows a call of the program: its arguments, and the output below.
fn pasted() -> (String, String) {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, block) =
        readme.split_once("```console\n$ cargo run --release -- ").expect("a call of the program");
    let (block, _) = block.split_once("\n```").expect("the end of the block");
    let (arguments, output) = block.split_once('\n').expect("output below the call");
    (arguments.to_owned(), output.to_owned())
}

#[test]
fn readme_shows_what_the_program_prints() {
    let (arguments, output) = pasted();
    let said = Desk::new().storsim(&arguments);
    assert_eq!(
        said.out.trim_end(),
        output.trim_end(),
        "paste the output of `storsim {arguments}` into README.md"
    );
}
