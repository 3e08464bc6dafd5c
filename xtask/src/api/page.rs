//! A page that rustdoc has made becomes the lines of what it offers.

/// Below this stand what every type has of the standard library's, and by chance of ours.
const BLANKET: &str = "id=\"blanket-implementations\"";

/// Returns the declaration of the page's item, its own functions and constants, the traits that it implements, and what
/// the page of a module passes on.
pub(crate) fn lines(html: &str) -> Vec<String> {
    let html = html.split_once(BLANKET).map_or(html, |(before, _)| before);
    let mut lines = Vec::new();
    for part in between(html, "<pre class=\"rust item-decl\"><code>", "</code></pre>") {
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
