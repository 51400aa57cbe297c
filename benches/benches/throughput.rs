//! Prints how many requests a second go through whole drivers.
//!
//! Not a criterion benchmark: what matters are ratios of runs made in turn, and a request is too short beside
//! the power-on of a machine to be iterated by itself.

fn main() {
    // `cargo test --benches` runs it too, and wants no measurement.
    if std::env::args().any(|a| a == "--bench") {
        print!("{}", benches::throughput::table());
    }
}
