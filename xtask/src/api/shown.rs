//! Which public items have an example, and which a reason to have none.
//!
//! A type, a trait, a function and a macro has an example of its own; a method is named in one on the page of its type,
//! where its reader is. A constant, a module and another name of something need none: there is nothing to show. What
//! stands in `crates/logger/golden/without-example.txt` has its reason there.

use std::collections::BTreeMap;

use super::page;

/// Reads the reasons: `name: reason` on each line.
pub(super) fn reasons(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(": ")).collect()
}

/// Returns what has no example of the item that `kind` and `name` tell, whose page is `html`.
pub(super) fn missing(kind: &str, name: &str, html: &str) -> Vec<String> {
    if !["struct", "enum", "trait", "fn", "macro", "union"].contains(&kind) {
        return Vec::new();
    }
    // Else it only leads to the item's page.
    if !page::is_item(html) {
        return Vec::new();
    }
    let html = page::without_blankets(html);
    let examples: Vec<String> = page::examples(html).collect();
    let mut missing = Vec::new();
    if examples.is_empty() {
        missing.push(name.to_owned());
    }
    let is_shown = |method: &str| {
        let mut words = examples
            .iter()
            .flat_map(|example| example.split(|letter: char| letter != '_' && !letter.is_alphanumeric()));
        words.any(|word| word == method)
    };
    let methods = page::own_methods(html).filter(|method| !is_shown(method));
    missing.extend(methods.map(|method| format!("{name}::{method}")));
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is named in an example of its page is shown, and nothing else is.
    #[test]
    fn what_is_shown() {
        let page = "<pre class=\"rust item-decl\"><code>pub struct A</code></pre>\
            <pre class=\"rust rust-example-rendered\"><code>A::<span>new</span>().go_on()</code></pre>\
            <section id=\"impl-A\"><h3 class=\"code-header\">impl A</h3></section>\
            <section id=\"method.new\" class=\"method\">\
            <h4 class=\"code-header\">pub fn <a class=\"fn\">new</a>()</h4></section>\
            <section id=\"method.go\" class=\"method\"><h4 class=\"code-header\">pub fn go()</h4></section>\
            <section id=\"impl-Clone-for-A\"><h3 class=\"code-header\">impl Clone for A</h3></section>\
            <section id=\"method.clone\" class=\"method\"></section>";
        assert_eq!(missing("struct", "A", page), ["A::go"]);
        assert_eq!(
            missing("fn", "f", "<pre class=\"rust item-decl\"><code>pub fn f()</code></pre>"),
            ["f"]
        );
        assert!(missing("fn", "f", "<p>Redirecting</p>").is_empty());
        assert!(missing("constant", "C", "").is_empty());
    }

    /// A line that is no remark is a name and its reason.
    #[test]
    fn reasons_are_read() {
        let read = reasons("# a remark\nA::go: it only goes\n");
        assert_eq!(read.into_iter().collect::<Vec<_>>(), [("A::go", "it only goes")]);
    }
}
