//! A page that rustdoc has made becomes the lines of what it offers.

/// Below this stand what every type has of the standard library's, and by chance of ours.
const BLANKET: &str = "id=\"blanket-implementations\"";

/// Before what the page is about.
const DECLARATION: &str = "<pre class=\"rust item-decl\"><code>";

/// Says whether the page is that of an item.
pub(super) fn is_item(html: &str) -> bool {
    html.contains(DECLARATION)
}

/// Returns the declaration of the page's item, its own functions and constants, the traits that it implements, and what
/// the page of a module passes on.
pub(crate) fn lines(html: &str) -> Vec<String> {
    let html = without_blankets(html);
    let mut lines = Vec::new();
    for part in between(html, DECLARATION, "</code></pre>") {
        lines.push(text(part));
    }
    for part in between(html, "<code>pub use ", "</code>") {
        lines.push(format!("pub use {}", text(part)));
    }
    let mut is_own = true;
    for part in html.split("class=\"code-header\">").skip(1) {
        // A header of an implementation closes with another tag than those of what is in it.
        let is_impl = match (part.find("</h3>"), part.find("</h4>")) {
            (Some(impl_end), Some(item_end)) => impl_end < item_end,
            (Some(_), None) => true,
            _ => false,
        };
        let end = if is_impl { "</h3>" } else { "</h4>" };
        let line = part.split_once(end).map(|(line, _)| text(line)).unwrap_or_default();
        if is_impl {
            is_own = !line.contains(" for ");
        }
        // What is in the implementation of a trait is the trait's.
        let is_told = if is_impl {
            !is_own && !is_unstable(&line)
        } else {
            is_own
        };
        if is_told {
            lines.push(line);
        }
    }
    lines
}

/// Cuts off what every type has.
pub(super) fn without_blankets(html: &str) -> &str {
    html.split_once(BLANKET).map_or(html, |(before, _)| before)
}

/// Returns the examples of a page, as text.
pub(super) fn examples(html: &str) -> impl Iterator<Item = String> {
    between(html, "<pre class=\"rust rust-example-rendered\">", "</pre>").map(text)
}

/// Returns the names of the functions that a type's own implementations have, or a trait.
pub(super) fn own_methods(html: &str) -> impl Iterator<Item = &str> {
    let html = html.split_once("id=\"deref-methods").map_or(html, |(before, _)| before);
    let mut is_own = true;
    html.split("<section id=\"").skip(1).filter_map(move |part| {
        let (id, rest) = part.split_once('"')?;
        if id.starts_with("impl-") {
            let header = rest.split_once("class=\"code-header\">")?.1.split_once("</h3>")?.0;
            is_own = !text(header).contains(" for ");
        }
        let name = ["method.", "tymethod."]
            .iter()
            .find_map(|start| id.strip_prefix(start))?;
        // A name that stands on the page twice has a number behind it.
        is_own.then(|| name.split_once('-').map_or(name, |(name, _)| name))
    })
}

/// Traits that only the compiler can name: nobody relies on them.
fn is_unstable(implementation: &str) -> bool {
    ["impl Freeze for ", "impl UnsafeUnpin for "]
        .iter()
        .any(|start| implementation.starts_with(start))
}

/// Returns what stands between each pair of marks.
fn between<'h>(html: &'h str, from: &'h str, to: &'h str) -> impl Iterator<Item = &'h str> {
    html.split(from)
        .skip(1)
        .filter_map(move |part| part.split_once(to))
        .map(|(part, _)| part)
}

/// Returns the text of HTML, on one line.
fn text(html: &str) -> String {
    let mut plain = String::new();
    let mut is_tag = false;
    for letter in html.chars() {
        match letter {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            letter if !is_tag => plain.push(letter),
            _ => {}
        }
    }
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    let plain = entities
        .iter()
        .fold(plain, |text, (entity, letter)| text.replace(entity, letter));
    // The sign is rustdoc's hint at a notable trait.
    let words: Vec<_> = plain.split_whitespace().filter(|word| *word != "ⓘ").collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a page the declaration, the item's own functions and its traits are told, and nothing of blankets.
    #[test]
    fn a_page() {
        let page = "<pre class=\"rust item-decl\"><code>pub struct <b>A</b>&lt;T&gt; {\n  x: u8 }</code></pre>\
            <h3 class=\"code-header\">impl A</h3><h4 class=\"code-header\">pub fn <a>new</a>() -&gt; A</h4>\
            <h3 class=\"code-header\">impl Clone for A</h3><h4 class=\"code-header\">fn clone(&amp;self)</h4>\
            <h2 id=\"blanket-implementations\"></h2><h3 class=\"code-header\">impl Any for T</h3>";
        assert_eq!(
            lines(page),
            ["pub struct A<T> { x: u8 }", "pub fn new() -> A", "impl Clone for A"]
        );
        let module = "<dt><code>pub use record::<a>Level</a>;</code></dt>";
        assert_eq!(lines(module), ["pub use record::Level;"]);
    }
}
