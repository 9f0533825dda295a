//! The program as a person runs it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

const BENCH: &str = env!("CARGO_BIN_EXE_mq-bench");

#[test]
fn a_tiny_run_of_each_case_ends_with_its_table_and_every_figure_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("new").join("results.json");

    let done = Command::new(BENCH)
        .args(["run", "--quick", "--rounds", "1", "--seconds", "0.1"])
        .args(["--touch", "0.1", "--backlog", "500"])
        .args([
            "--only",
            "native,append,group-commit,end-to-end,consume,filtered",
        ])
        .args(["--only", "transactions,requests"])
        // It is a server itself, so that the test needs no other program.
        .args(["--mq", BENCH, "--directory"])
        .arg(directory.path())
        .arg("--json")
        .arg(&json)
        .output()
        .unwrap();

    let (out, log) = (text(&done.stdout), text(&done.stderr));
    assert!(done.status.success(), "{log}");
    let tables = out.lines().filter_map(|line| line.strip_prefix("## "));
    let expected = [
        "Machine",
        "native",
        "append",
        "group commit",
        "end to end",
        "consume",
        "filtered",
        "transactions",
        "requests",
        "Bars",
    ];
    assert_eq!(tables.collect::<Vec<_>>(), expected, "{out}");
    let results: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let rows = results["rows"].as_array().unwrap();
    // Shapes and contenders of the native client, appends, producers, paces in two modes, two ways to
    // consume, two filters, two shapes of transactions and of requests in two modes.
    assert_eq!(
        rows.len(),
        6 * 3 + 2 + 3 + 3 * 2 + 2 + 2 + 2 * (2 * 2),
        "{out}"
    );
    let mut measured = BTreeSet::new();
    for row in rows {
        // On a busy machine the first answer may come after so short a window. Of what is filtered all
        // may come at once.
        let rate = row["samples"][0]["per_second"].as_f64().unwrap();
        if rate > 0.0 && row["case"] != "filtered" {
            measured.insert(row["case"].as_str().unwrap());
        }
    }
    assert_eq!(measured.len(), 7, "{measured:?}");
    assert!(results["first_touch"]["first_ns"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_program_that_is_not_there_is_named_before_anything_runs() {
    let directory = tempfile::tempdir().unwrap();

    let done = Command::new(BENCH)
        .args(["run", "--mq", "/nowhere/mq", "--directory"])
        .arg(directory.path())
        .output()
        .unwrap();

    assert!(!done.status.success());
    let log = text(&done.stderr);
    assert!(log.contains("`/nowhere/mq` is not there"), "{log}");
    assert!(log.contains("cargo build --release -p mq-server"), "{log}");
}

#[test]
fn a_file_that_cannot_be_written_is_named_before_anything_runs() {
    let directory = tempfile::tempdir().unwrap();

    let done = Command::new(BENCH)
        .args(["run", "--quick", "--rounds", "1", "--seconds", "0.1"])
        .args(["--touch", "0", "--only", "append", "--mq", BENCH])
        .args(["--directory".as_ref(), directory.path()])
        // A directory has this name already.
        .args(["--json".as_ref(), directory.path()])
        .output()
        .unwrap();

    assert!(!done.status.success());
    let log = text(&done.stderr);
    assert!(log.contains("could not open"), "{log}");
    assert!(!log.contains("Append"), "{log}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
