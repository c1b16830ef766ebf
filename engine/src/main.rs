//! The program: see `campaign_engine::cli`.

fn main() -> std::process::ExitCode {
    campaign_engine::cli::main()
}
