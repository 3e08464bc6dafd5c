//! The committed list of lengths past their limit: old sins may only shrink, new ones fail.
//!
//! A line of `xtask/tidy-exceptions.txt` is `function <path>::<name> <lines>` or `file <path> <lines>`, then `#` and
//! the reason. What has become shorter must be lowered in the list, and what is under the limit again taken out.

use super::shape::{FILE_LINES_MAX, FUNCTION_LINES_MAX};
use super::{Finding, Measure};

/// Where the list is.
pub(crate) const LIST: &str = "xtask/tidy-exceptions.txt";

/// Holds the measures against the limits and the list.
pub(crate) fn check(measures: &[Measure], list: &str, findings: &mut Vec<Finding>) {
    let exceptions = read(list, findings);
    for measure in measures {
        let limit = if measure.key.starts_with("file ") {
            FILE_LINES_MAX
        } else {
            FUNCTION_LINES_MAX
        };
        let allowed = exceptions.iter().find(|exception| exception.key == measure.key);
        let found = match allowed {
            None if measure.value > limit => {
                format!("{} lines; the limit is {limit}", measure.value)
            }
            Some(exception) if measure.value > exception.lines => {
                format!(
                    "{} lines; it was {} when it was excepted in {LIST}",
                    measure.value, exception.lines
                )
            }
            _ => continue,
        };
        findings.push(Finding::new(&measure.path, measure.line, "length", &found));
    }
    for exception in &exceptions {
        let longest = measures
            .iter()
            .filter(|measure| measure.key == exception.key)
            .map(|measure| measure.value)
            .max();
        let limit = if exception.key.starts_with("file ") {
            FILE_LINES_MAX
        } else {
            FUNCTION_LINES_MAX
        };
        let found = match longest {
            None => "this is gone: take the line out".to_owned(),
            Some(lines) if lines <= limit => format!("{lines} lines are within the limit: take the line out"),
            Some(lines) if lines < exception.lines => format!("it is {lines} lines now: lower the number"),
            Some(_) => continue,
        };
        findings.push(Finding::new(LIST, exception.at, "length", &found));
    }
}

struct Exception {
    key: String,
    lines: usize,
    at: usize,
}

fn read(list: &str, findings: &mut Vec<Finding>) -> Vec<Exception> {
    let mut exceptions = Vec::new();
    for (number, line) in list.lines().enumerate() {
        let (entry, reason) = line.split_once('#').unwrap_or((line, ""));
        if entry.trim().is_empty() {
            continue;
        }
        let parsed = entry
            .trim()
            .rsplit_once(' ')
            .and_then(|(key, lines)| Some((key, lines.parse().ok()?)));
        match parsed {
            Some((key, lines)) if !reason.trim().is_empty() => {
                exceptions.push(Exception {
                    key: key.trim().to_owned(),
                    lines,
                    at: number + 1,
                });
            }
            _ => {
                let what = "write `function <path>::<name> <lines> # <reason>` or `file <path> <lines> # <reason>`";
                findings.push(Finding::new(LIST, number + 1, "length", what));
            }
        }
    }
    exceptions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: usize, list: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check(&[Measure::function("a.rs", "b", 7, lines)], list, &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    /// Without an exception the limit holds, exactly.
    #[test]
    fn the_limit_holds() {
        assert!(found(70, "# nothing\n").is_empty());
        assert_eq!(found(71, ""), ["a.rs:7: length: 71 lines; the limit is 70"]);
    }

    /// An excepted function may not grow, and a list that has become too generous is reported.
    #[test]
    fn an_exception_only_shrinks() {
        let list = "function a.rs::b 90 # a table\n";
        assert!(found(90, list).is_empty());
        assert_eq!(found(91, list).len(), 1);
        assert_eq!(
            found(80, list),
            ["xtask/tidy-exceptions.txt:1: length: it is 80 lines now: lower the number"]
        );
        assert_eq!(found(60, list).len(), 1);
        assert_eq!(found(10, "function a.rs::gone 90 # a table\n").len(), 1);
    }

    /// An exception without a reason is none.
    #[test]
    fn an_exception_needs_a_reason() {
        assert_eq!(found(90, "function a.rs::b 90\n").len(), 2);
    }
}
