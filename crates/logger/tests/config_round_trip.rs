//! What is printed gives back what was printed.
#![cfg(all(feature = "toml", feature = "yaml"))]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use hydra_logger::config::{
    ByteSize, Color, ColorMode, DestinationType, Format, FormatKey, Fsync, LogDestination, LogLayer, LoggingConfig,
    OnTimeout, Overflow, Rate, Rotate, Stream, Suppression, Syntax,
};
use hydra_logger::guarantee::Guarantee;
use hydra_record::Level;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z_][a-zA-Z0-9_.:-]{0,12}",
        "[ -~]{1,16}x",
        "[^\\p{C}]{1,8}y",
        Just("${HOME} $$ $x #\"'\\".to_owned())
    ]
}

fn name() -> impl Strategy<Value = String> {
    text().prop_filter("reserved", |name| !(name.starts_with("__") && name.ends_with("__")))
}

fn console() -> impl Strategy<Value = LogDestination> {
    (select(Stream::ALL), select(ColorMode::ALL), any::<bool>()).prop_map(|(stream, mode, flush)| {
        LogDestination::console()
            .stream(stream)
            .color_mode(mode)
            .force_flush(flush)
    })
}

fn file() -> impl Strategy<Value = LogDestination> {
    let sizes = (any::<u32>(), 0..1000_u32, 1..1_000_000_u64);
    let choices = (select(Rotate::ALL), select(Fsync::ALL), any::<bool>(), any::<bool>());
    (0..1_000_000_u32, text(), sizes, choices).prop_map(|(unique, path, sizes, choices)| {
        LogDestination::file(format!("logs/{unique}/{}.log", path.replace('/', "")))
            .max_size(u64::from(sizes.0))
            .backup_count(sizes.1)
            .buffer_size(sizes.2)
            .rotate(choices.0)
            .fsync(choices.1)
            .gzip(choices.2)
            .force_sync_io(choices.3)
    })
}

fn remote() -> impl Strategy<Value = LogDestination> {
    ("https://[a-z]{1,8}/[a-z$]{0,5}", 0..20_u32).prop_map(|(url, _)| LogDestination::async_http(url))
}

fn destination() -> impl Strategy<Value = LogDestination> {
    let options = (
        option::of(select(Level::ALL.to_vec())),
        select(Format::ALL),
        option::of(select(Overflow::ALL)),
    );
    let more = (
        option::of(select(Guarantee::ALL)),
        option::of(any::<bool>()),
        option::of(any::<bool>()),
    );
    let keys = btree_set(select(FormatKey::ALL), 0..4);
    let kind = prop_oneof![console(), file(), remote()];
    (
        kind,
        option::of(file()),
        options,
        more,
        (text(), 0..24_u8, any::<bool>(), keys),
    )
        .prop_map(|(mut destination, fallback, options, more, details)| {
            (destination.level, destination.format, destination.overflow) = options;
            (destination.guarantee, destination.replay) = (more.0, more.1);
            let format = &mut destination.format_options;
            format.include_extra = more.2;
            match destination.format {
                Format::PlainText => (format.multiline, format.escape_backslash) = (details.2, !details.2),
                Format::Csv => (format.escape_newlines, format.keep_controls) = (details.2, !details.2),
                Format::Syslog => (format.facility, format.bom) = (details.1, details.2),
                Format::Gelf => format.host = Some(details.0),
                _ => format.keys = details.3,
            }
            destination.fallback = fallback.map(Box::new);
            destination
        })
}

fn suppression() -> impl Strategy<Value = Suppression> {
    let span = || (1_u64..604_800_000).prop_map(Duration::from_millis);
    let rate = move || option::of((1_u32..1 << 24, span()).prop_map(|(count, span)| Rate::new(count, span)));
    (rate(), rate(), option::of(0.0..=1.0), option::of(span()), any::<bool>()).prop_map(
        |(limit, site_limit, sample, dedup, guaranteed)| {
            let mut suppression = Suppression::default();
            (suppression.limit, suppression.site_limit) = (limit, site_limit);
            (suppression.sample, suppression.dedup, suppression.guaranteed) = (sample, dedup, guaranteed);
            suppression
        },
    )
}

fn config() -> impl Strategy<Value = LoggingConfig> {
    let level = || select(Level::ALL.to_vec());
    let layer = (option::of(level()), vec(destination(), 0..3), suppression());
    let layers = btree_map(name(), layer, 0..4);
    let maps = (
        btree_map(level(), select(Guarantee::ALL), 0..3),
        btree_map(name(), select(Guarantee::ALL), 0..3),
        btree_map(text(), name(), 0..3),
        btree_map(level(), select(Color::ALL.to_vec()), 0..3),
    );
    let single = (
        level(),
        0..86_400_000_u64,
        select(OnTimeout::ALL),
        select(Overflow::ALL),
    );
    let journal = (text(), 1_u64 << 20..1 << 40, option::of(4096_u64..1 << 19));
    (layers, maps, single, journal).prop_map(|(layers, maps, single, journal)| {
        let mut config = LoggingConfig::default();
        if !layers.is_empty() {
            config.layers.clear();
        }
        for (name, (level, destinations, suppression)) in layers {
            let mut layer = LogLayer::default();
            (layer.level, layer.destinations, layer.suppression) = (level, destinations, suppression);
            config.layers.insert(name, layer);
        }
        (
            config.guarantees.levels,
            config.guarantees.layers,
            config.targets,
            config.colors,
        ) = maps;
        config.default_level = single.0;
        config.shutdown_timeout = Duration::from_millis(single.1);
        (config.on_timeout, config.journal.overflow) = (single.2, single.3);
        config.emergency_file = single.1.is_multiple_of(2).then(|| "e m.jsonl".into());
        config.journal.dir = Some(journal.0.into());
        config.journal.max_size = ByteSize::new(journal.1);
        config.journal.allow_network = journal.1.is_multiple_of(3);
        config.journal.segment_size = journal.2.map(ByteSize::new);
        config.date_format = Some("%Y \"quoted\" \\ $$".to_owned());
        config
    })
}

proptest! {
    /// Every valid configuration, printed and read, is itself again.
    #[test]
    fn printed_and_read(config in config()) {
        // Two generated files may share a path by chance, which is not valid.
        prop_assume!(config.validate().is_ok());
        let text = config.to_toml();
        let read = LoggingConfig::from_text(&text, Syntax::Toml);
        prop_assert!(read.is_ok(), "{text}\n{}", read.unwrap_err());
        prop_assert_eq!(read.unwrap(), config, "{}", text);
    }

    /// No text is a reason to panic.
    #[test]
    fn any_text_is_read_or_refused(
        text in "\\PC{0,200}",
        toml_like in "([a-z_]{1,8} ?[=:] ?[\\[\\]{}\"'a-z0-9&*!|>-]{0,10}\n){0,8}",
    ) {
        for syntax in [Syntax::Toml, Syntax::Yaml, Syntax::Json] {
            let _ = LoggingConfig::from_text(&text, syntax);
            let _ = LoggingConfig::from_text(&toml_like, syntax);
        }
    }
}

/// The generated configurations are valid nearly always, or the property above would say nothing.
#[test]
fn the_generator_makes_valid_configurations() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let valid = (0..100)
        .filter(|_| config().new_tree(&mut runner).unwrap().current().validate().is_ok())
        .count();
    assert!(valid > 80, "{valid} of 100");
    assert_eq!(DestinationType::ALL.len(), 6);
}
