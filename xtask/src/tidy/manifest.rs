//! Reads what tidy needs of a `Cargo.toml`: the names in a table. No more of TOML than our own manifests use.

/// The keys of the table `[name]`, and of every `[target.*.name]`; `a.workspace = true` is the key `a`.
///
/// A table of its own, as `[dependencies.a]`, counts as the key `a`.
pub(crate) fn entries(manifest: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default();
            inside = header == name || (header.starts_with("target.") && header.ends_with(&format!(".{name}")));
            if let Some(key) = header.strip_prefix(&format!("{name}.")) {
                found.push(key.to_owned());
            }
            continue;
        }
        if !inside || line.starts_with('#') {
            continue;
        }
        let Some((key, _)) = line.split_once('=') else { continue };
        let key = key.trim().trim_matches('"');
        // The lines of an array that spans several begin with a quote or a bracket, never with a bare key.
        if key.starts_with(|c: char| c.is_ascii_alphabetic()) {
            found.push(key.split('.').next().unwrap_or_default().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way our manifests name a dependency is read, and nothing of the other tables.
    #[test]
    fn all_spellings_of_a_dependency_are_read() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\nb = { path = \"b\" }\n\
                        # c = \"1\"\n\
                        [dependencies.d]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\ne = \"1\"\n\
                        [dev-dependencies]\nf = \"1\"\n";
        assert_eq!(entries(manifest, "dependencies"), ["a", "b", "d", "e"]);
        assert_eq!(entries(manifest, "dev-dependencies"), ["f"]);
        assert!(entries(manifest, "features").is_empty());
    }
}
