//! Which records go where.

use hydra_logger::config::CENTRALIZED;
use hydra_logger::{Format, Level, LogLayer, LoggingConfig, info};

use crate::front::Front;
use crate::place::{LONG, Place};

/// A record is written where its level reaches both the layer's and the destination's.
pub(crate) fn levels_filter<F: Front>() {
    for layer_level in Level::ALL {
        for file_level in Level::ALL {
            let place = Place::new();
            let layer = LogLayer::new(layer_level)
                .destination(place.file("some.jsonl", Format::Json).level(file_level))
                .destination(place.file("all.jsonl", Format::Json));
            let log = F::start(LoggingConfig::builder().layer("DEFAULT", layer).build().unwrap()).unwrap();
            let handle = F::layer(&log, "DEFAULT");
            for level in Level::ALL {
                F::log(&log, "DEFAULT", level, level.name());
                F::log_to(&handle, level, level.name());
                hydra_logger::log!(handle, level: level, "{}", level.name());
            }
            assert!(
                Level::ALL
                    .iter()
                    .all(|level| F::is_enabled(&log, *level) == (*level >= layer_level))
            );
            F::shutdown(&log, LONG).unwrap();
            let from = |least: Level| {
                let passing = Level::ALL.into_iter().filter(move |level| *level >= least);
                passing.flat_map(|level| {
                    [
                        level.name().to_owned(),
                        level.name().to_owned(),
                        level.name().to_owned(),
                    ]
                })
            };
            assert_eq!(place.messages("all.jsonl"), from(layer_level).collect::<Vec<_>>());
            assert_eq!(
                place.messages("some.jsonl"),
                from(layer_level.max(file_level)).collect::<Vec<_>>()
            );
        }
    }
}

/// Records of a layer that is not configured go to the layer DEFAULT, keep their name and are counted.
pub(crate) fn unknown_goes_to_default<F: Front>() {
    let place = Place::new();
    let default = LogLayer::new(Level::Info).destination(place.file("default.jsonl", Format::Json));
    let log = F::start(place.app().layer("DEFAULT", default).build().unwrap()).unwrap();
    F::log(&log, "APP", Level::Info, "known");
    F::log(&log, "OTHER", Level::Info, "by name");
    info!(log, layer: "OTHER", "by macro");
    info!(log, "to nobody");
    info!(F::layer(&log, "THIRD"), "by handle");
    F::log(&log, "OTHER", Level::Debug, "below the level of DEFAULT");
    assert!(F::health(&log).unknown_layer >= 3);
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(place.messages("app.jsonl"), ["known"]);
    let records = place.json("default.jsonl");
    let told: Vec<(&str, &str)> = records
        .iter()
        .map(|r| (r["logger"].as_str().unwrap(), r["message"].as_str().unwrap()))
        .collect();
    let expected = [
        ("OTHER", "by name"),
        ("OTHER", "by macro"),
        ("DEFAULT", "to nobody"),
        ("THIRD", "by handle"),
    ];
    assert_eq!(told, expected);
}

/// Where there is no layer DEFAULT, the centralised layer takes its place.
pub(crate) fn unknown_goes_to_centralized<F: Front>() {
    let place = Place::new();
    let layer = LogLayer::new(Level::Info).destination(place.file("all.jsonl", Format::Json));
    let log = F::start(LoggingConfig::builder().layer(CENTRALIZED, layer).build().unwrap()).unwrap();
    F::log(&log, "OTHER", Level::Info, "by name");
    info!(log, "to nobody");
    F::shutdown(&log, LONG).unwrap();
    assert_eq!(place.messages("all.jsonl"), ["by name", "to nobody"]);
}

/// A record that no configured layer takes goes to DEFAULT, which is made then and leads to standard error: nothing
/// disappears.
pub(crate) fn nowhere_to_go_is_counted<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app().build().unwrap()).unwrap();
    F::wait(F::log(&log, "OTHER", Level::Error, "nowhere to go")).unwrap();
    let health = F::health(&log);
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!((health.unknown_layer, health.no_destination), (1, 0));
    let last_resort = report
        .destinations
        .iter()
        .find(|(name, _)| name == "DEFAULT|console|stderr");
    assert_eq!(last_resort.map(|(_, counts)| counts.delivered), Some(1));
    assert!(
        place.lines("app.jsonl").is_empty(),
        "nor does it go to a layer that nobody named"
    );
}

/// A layer without destinations takes records, counts them and writes nothing.
pub(crate) fn empty_layer_is_counted<F: Front>() {
    let place = Place::new();
    let log = F::start(place.app().layer("EMPTY", LogLayer::new(Level::Info)).build().unwrap()).unwrap();
    F::wait(F::log(&log, "EMPTY", Level::Critical, "lost in space")).unwrap();
    F::wait(info!(log, layer: "EMPTY", "lost in space")).unwrap();
    F::log(&log, "EMPTY", Level::Debug, "below the level");
    assert_eq!(F::health(&log).no_destination, 2);
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!((report.accepted, report.delivered), (0, 0));
}

/// Two loggers with layers of the same names keep to their own files, also through the same call site.
pub(crate) fn loggers_do_not_mix<F: Front>() {
    let (one, other) = (Place::new(), Place::new());
    let extra = LogLayer::new(Level::Info).destination(other.file("extra.jsonl", Format::Json));
    let first = F::start(one.app().build().unwrap()).unwrap();
    // A layer more, so that the same name has another number there.
    let second = F::start(other.app().layer("AAA", extra).build().unwrap()).unwrap();
    for number in 0..100 {
        for (name, log) in [("first", &first), ("second", &second)] {
            info!(log, layer: "APP", "{name} {number}");
        }
    }
    F::shutdown(&first, LONG).unwrap();
    info!(second, layer: "APP", "the other one goes on");
    F::shutdown(&second, LONG).unwrap();
    let numbered = |name: &'static str| (0..100).map(move |number| format!("{name} {number}"));
    assert_eq!(one.messages("app.jsonl"), numbered("first").collect::<Vec<_>>());
    let rest = ["the other one goes on".to_owned()];
    assert_eq!(
        other.messages("app.jsonl"),
        numbered("second").chain(rest).collect::<Vec<_>>()
    );
}

/// Two destinations on one path share the file: every line whole, each destination's in order.
pub(crate) fn two_destinations_on_one_path<F: Front>() {
    let place = Place::new();
    let layer = || LogLayer::new(Level::Info).destination(place.file("both.jsonl", Format::Json));
    let config = LoggingConfig::builder()
        .layer("ONE", layer())
        .layer("TWO", layer())
        .build()
        .unwrap();
    let log = F::start(config).unwrap();
    F::burst(&log, 2_000, |log, number| {
        F::log(
            log,
            if number % 2 == 0 { "ONE" } else { "TWO" },
            Level::Info,
            &number.to_string(),
        )
    });
    F::shutdown(&log, LONG).unwrap();
    for (layer, first) in [("ONE", 0), ("TWO", 1)] {
        let records = place.json("both.jsonl");
        let own = records.iter().filter(|record| record["logger"] == layer);
        let numbers: Vec<u64> = own
            .map(|record| record["message"].as_str().unwrap().parse().unwrap())
            .collect();
        assert_eq!(numbers, (first..2_000).step_by(2).collect::<Vec<_>>());
    }
}
