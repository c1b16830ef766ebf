//! One result a line, as `--format json` prints and `result.json` keeps them.

use crate::outcome::Outcome;
use std::io::{self, Write};

/// Writes one result.
///
/// # Errors
/// If the output does not take it.
pub fn write(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    serde_json::to_writer(&mut *out, outcome)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use crate::report::text::tests::{finished, scenario};

    #[test]
    fn a_result_is_one_line_with_the_fields_of_the_contract_in_their_order() {
        let mut line = Vec::new();
        super::write(&mut line, &finished(&scenario())).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            line,
            "{\"scenario\":\"black-friday\",\"level\":\"model\",\"seed\":42,\"verdict\":\"fail\",\"fingerprint\":\"00000000deadbeef\",\
             \"campaigns\":[{\"name\":\"sale\",\"state\":\"Completed\",\"size\":1000,\"messages\":{\"Queued\":0,\"Sending\":0,\
             \"Retrying\":0,\"Sent\":0,\"Delivered\":300,\"Read\":600,\"Responded\":0,\"Failed\":80,\"InvalidContact\":20,\
             \"BlockedOrSpam\":0},\"finished_seconds\":10800.0}],\"checks\":[{\"name\":\"no-duplicates\",\"verdict\":\"pass\",\
             \"detail\":\"\"},{\"name\":\"expect.messages.Failed\",\"verdict\":\"fail\",\"detail\":\"80 of 1000, wanted 0\"},\
             {\"name\":\"expect.messages.InvalidContact\",\"verdict\":\"pass\",\"detail\":\"20 of 1000\"},\
             {\"name\":\"expect.throughput_min\",\"verdict\":\"skipped\",\"detail\":\"measured at level live, not at level model\"}],\
             \"duplicates\":0,\"attempts\":1043,\"events\":8123,\"virtual_seconds\":259200.0,\"wall_seconds\":0.5,\
             \"messages_per_second\":2000.0,\"latency_ms\":{\"accepted\":{\"p50\":10.0,\"p90\":80.0,\"p99\":1500.0,\"p999\":61000.0,\
             \"max\":7200000.0},\"delivered\":{\"p50\":0.0,\"p90\":0.0,\"p99\":0.0,\"p999\":0.0,\"max\":0.0}}}\n"
        );
    }
}
