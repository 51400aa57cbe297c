//! Words that are spelt nearly alike, for those who mistyped one.

/// Spellings that are suggested at most.
const SUGGESTIONS_MAX: usize = 3;

/// The words of `known` that are spelt nearly like `word`, the nearest first.
fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    if word.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(usize, &str)> = Vec::new();
    for candidate in known {
        let lower = candidate.to_lowercase();
        let edits = strsim::damerau_levenshtein(&word, &lower);
        let is_part = word.len() > 3 && lower.contains(&word) || lower.len() > 3 && word.contains(&lower);
        if (is_part || edits <= word.chars().count() / 4 + 1) && !found.contains(&(edits, candidate)) {
            found.push((edits, candidate));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, candidate)| candidate).take(SUGGESTIONS_MAX).collect()
}

/// A question that offers the near spellings; `None` if there are none.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near: Vec<_> = near(word, known).into_iter().map(|candidate| format!("'{candidate}'")).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["SpinLockSafe", "StorPortSpinLock", "livelock", "pct"];

    #[test]
    fn the_nearest_spelling_comes_first() {
        assert_eq!(near("spinlocksave", KNOWN), ["SpinLockSafe"]);
        assert_eq!(near("SpinLock", KNOWN), ["SpinLockSafe", "StorPortSpinLock"]);
        assert_eq!(did_you_mean("lifelock", KNOWN).as_deref(), Some("did you mean 'livelock'?"));
    }

    #[test]
    fn what_is_like_no_word_has_no_near_spelling() {
        assert!(near("xylophone", KNOWN).is_empty());
        assert!(near("", KNOWN).is_empty());
    }
}
