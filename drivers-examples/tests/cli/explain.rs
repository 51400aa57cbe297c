//! Every word that lists and reports print can be explained.

use crate::storsim::{Desk, Said};
use drivers_examples::ALL;
use kernel_sim::bugcheck::STOP_CODES;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use verifier::{explain, rules};

fn explained(name: &str) -> Said {
    Desk::new().clean(&format!("explain {name}"))
}

#[track_caller]
fn has_a_page(word: &str, from: &str) {
    let pages = explain::pages(ALL, word);
    assert!(!pages.is_empty(), "'{word}' of {from} has no page");
    for page in pages {
        assert!(page.text.trim().len() > 10, "'{word}' of {from} is not explained: {page:?}");
    }
}

/// Every word of `list --json`: names and aliases of rows, sets, and plain strings of its lists.
fn words_of_list() -> BTreeSet<String> {
    let list = Desk::new().clean("list --json").json();
    let mut words = BTreeSet::new();
    for rows in list.as_object().expect("an object of lists").values() {
        for row in rows.as_array().expect("a list") {
            let aliases = row["aliases"].as_array().into_iter().flatten();
            let named = [row, &row["name"], &row["set"]].into_iter().chain(aliases);
            words.extend(named.filter_map(Value::as_str).map(str::to_owned));
        }
    }
    words
}

/// Words of `list` as text: the first of each row, and all of the rows that are lists of words.
fn words_of_text_list() -> BTreeSet<String> {
    let text = Desk::new().storsim_at(Some(400), "list").out;
    let mut words = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("  ")) {
        match line.split_once("  ") {
            Some((name, _)) => words.insert(name.to_owned()),
            None => {
                words.extend(line.split(", ").map(str::to_owned));
                true
            }
        };
    }
    words
}

#[test]
fn every_word_that_list_prints_is_explained() {
    let (json, text) = (words_of_list(), words_of_text_list());
    assert!(json.len() > 90 && json.contains("late") && json.contains("w3a"), "{json:?}");
    assert!(text.len() > 80 && text.contains("hotplug"), "{text:?}");
    for word in json.iter().chain(&text) {
        has_a_page(word, "list");
    }
}

/// The words in brackets of a text that can be names: indices of queues are none.
fn bracketed(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    let is_name = |word: &&str| {
        word.starts_with(char::is_alphabetic) && word.chars().all(|c| c.is_alphanumeric() || "_-".contains(c))
    };
    inside.map(|(word, _)| word).filter(is_name)
}

#[test]
fn every_word_in_brackets_of_a_blessed_report_is_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/blessed");
    let mut seen = BTreeSet::new();
    let files = |folder: &Path| -> Vec<_> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let (folders, mut reports): (Vec<_>, Vec<_>) = files(&folder).into_iter().partition(|path| path.is_dir());
    reports.extend(folders.iter().flat_map(|folder| files(folder)));
    for path in reports {
        let text = std::fs::read_to_string(&path).unwrap();
        // Source lines are quoted behind a bar and may have brackets of their own.
        for line in text.lines().filter(|line| !line.contains(" |")) {
            for word in bracketed(line) {
                has_a_page(word, &path.display().to_string());
                seen.insert(word.to_owned());
            }
        }
    }
    assert!(seen.contains("SpinLockSafe"), "{seen:?}");
}

#[test]
fn what_a_report_says_to_explain_is_explained() {
    for driver in ["panics", "deadlocks-on-itself", "lock-order-kept", "bad-pool-caller"] {
        let out = Desk::new().storsim_at(Some(200), &format!("run {driver}")).out;
        for word in out.lines().filter_map(|line| line.trim().strip_prefix("explain ")) {
            let word = word.split_whitespace().last().expect("a word");
            has_a_page(word, driver);
        }
        for word in out.lines().filter(|line| line.starts_with("error[")).flat_map(bracketed) {
            has_a_page(word, driver);
        }
    }
}

#[test]
fn every_row_is_explained_with_its_source() {
    for row in rules::TABLE {
        let said = explained(row.name);
        assert!(said.out.contains(row.name));
        for heading in ["Why it matters", "Source"] {
            assert!(said.out.contains(heading), "{}: {heading}", row.name);
        }
        assert_eq!(explained(&row.name.to_lowercase()).out, said.out);
        let is_of_microsoft = row.origin == rules::Origin::Rule || row.stop.is_some_and(|s| s.code.code != 0);
        assert_eq!(row.link().is_some(), is_of_microsoft, "{}: {:?}", row.name, row.link());
    }
}

#[test]
fn every_stop_code_is_explained_by_name_and_by_number() {
    assert!(!STOP_CODES.is_empty());
    for stop in STOP_CODES {
        let said = explained(stop.name);
        assert!(said.out.contains(stop.name));
        // A stop of our own has no number.
        if stop.code != 0 {
            assert_eq!(explained(&format!("{:#x}", stop.code)).out, said.out);
            assert_eq!(explained(&format!("0X{:08X}", stop.code)).out, said.out);
        }
    }
}

#[test]
fn a_stop_with_its_first_parameter_says_what_that_means() {
    let said = explained("0xF1/0x1007").out;
    assert!(said.contains("0x1007: the request is lost"), "{said}");
    assert!(explained("0xC4/0x30").out.contains("0x30"));
    Desk::new().refused("explain SpinLockSafe/0x1", &["SpinLockSafe"]);
    Desk::new().refused("explain 0xF1/soon", &["0xF1/soon"]);
}

#[test]
fn a_routine_says_who_watches_it_and_where_microsoft_describes_it() {
    let said = explained("IoCompleteRequest").out;
    assert!(said.contains("SpinLockSafe"), "{said}");
    assert!(said.contains("drivers/ddi/wdm/nf-wdm-iocompleterequest"), "{said}");
    assert!(explained("StorPortFreeHostMemoryBuffer").out.contains("not modelled"));
    for word in explain::words(ALL) {
        has_a_page(word, "the tables");
    }
}

#[test]
fn a_driver_says_how_it_is_run_and_whose_exhibit_it_is() {
    let said = explained("stor-port-status-pending-near-miss").out;
    for part in
        ["near miss of StorPortStatusPending", "run stor-port-status-pending-near-miss", "exhibits/mod.rs"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(explained("w3a").out, explained("lock-order").out);
}

#[test]
fn a_word_with_two_meanings_has_two_pages() {
    let said = explained("removal").out;
    assert!(said.contains("removal  (fault)") && said.contains("removal  (event)"), "{said}");
    let json = Desk::new().clean("explain removal --json").out;
    let kinds: Vec<String> = json
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["fault", "event"]);
}

#[test]
fn a_word_that_is_mistyped_is_refused_with_near_spellings() {
    let desk = Desk::new();
    desk.refused("explain SpinLockSave", &["did you mean 'SpinLockSafe'"]);
    desk.refused("explain hotplugg", &["'hotplug'"]);
    desk.refused("explain IoCompletRequest", &["'IoCompleteRequest'"]);
    desk.refused("run ramdsik", &["did you mean 'ramdisk'"]);
    for name in ["Xylophone", "0x1", "0x", "0xFFFFFFFFF", "--", "''"] {
        let said = desk.storsim(&format!("explain {name}"));
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{name}");
        assert_eq!(said.err.lines().count(), 1, "{name}: {}", said.err);
    }
}
