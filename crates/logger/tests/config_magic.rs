//! Magic configurations: whole configurations by name.
#![cfg(all(feature = "toml", feature = "yaml"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use hydra_logger::config::magic::{self, Registry};
use hydra_logger::config::{Format, Kind, LogDestination, LogLayer, LoggingConfig, Syntax};
use hydra_logger::error::{Error, ErrorKind};
use hydra_record::Level;
use std::error::Error as _;

/// Writes a configuration as the table of the specification does.
fn summary(config: &LoggingConfig) -> Vec<String> {
    let line = |destination: &LogDestination| {
        let place = match &destination.kind {
            Kind::Console(_) => format!("console {}", destination.color_mode),
            Kind::File(file) => {
                format!(
                    "{} {}x{}",
                    file.path.display(),
                    file.max_size.unwrap_or_default(),
                    file.backup_count
                )
            }
            Kind::NotBuilt(remote) => remote.name().to_owned(),
            other => panic!("{other:?}"),
        };
        let level = destination.level.map_or("-", Level::name);
        format!("{place} {} {level}", destination.format)
    };
    let layers = config.layers.iter().map(|(name, layer)| {
        let destinations: Vec<String> = layer.destinations.iter().map(line).collect();
        format!("{name} {}: {}", layer.level.unwrap(), destinations.join(", "))
    });
    layers.collect()
}

/// The built-in configurations are those of the specification.
#[test]
fn built_ins() {
    let registry = Registry::with_built_ins();
    let expected: [(&str, &[&str]); 9] = [
        (
            "production",
            &[
                "APP INFO: console auto plain-text INFO, logs/app.log 5MBx3 json INFO, \
                 logs/errors.log 5MBx3 json ERROR",
                "PERFORMANCE INFO: logs/performance.log 5MBx3 json -",
                "SECURITY INFO: logs/security.log 5MBx3 json -",
            ],
        ),
        (
            "development",
            &[
                "APP DEBUG: console always plain-text DEBUG, logs/dev.log 5MBx3 plain-text DEBUG",
                "DEBUG DEBUG: console always plain-text DEBUG",
            ],
        ),
        ("testing", &["TEST INFO: console auto plain-text WARNING"]),
        (
            "microservice",
            &[
                "HEALTH INFO: console auto plain-text INFO",
                "SERVICE INFO: console auto json INFO, logs/service.log 5MBx3 json -",
            ],
        ),
        (
            "web_app",
            &[
                "ERROR ERROR: console always plain-text ERROR, logs/errors.log 5MBx3 json ERROR",
                "REQUEST INFO: logs/requests.log 5MBx3 json -",
                "WEB INFO: console auto plain-text INFO, logs/web.log 5MBx3 json -",
            ],
        ),
        (
            "api_service",
            &[
                "API INFO: console auto json INFO, logs/api.log 5MBx3 json -",
                "AUTH INFO: logs/auth.log 5MBx3 json -",
                "RATE_LIMIT WARNING: console always plain-text WARNING",
            ],
        ),
        (
            "background_worker",
            &[
                "PROGRESS INFO: console auto plain-text INFO",
                "TASK INFO: logs/tasks.log 5MBx3 json -",
                "WORKER INFO: console auto plain-text INFO, logs/worker.log 5MBx3 json -",
            ],
        ),
        (
            "high_performance",
            &[
                "DEFAULT INFO: logs/high_performance.log 10MBx2 plain-text -, console never plain-text -",
                "PERFORMANCE DEBUG: logs/performance.log 50MBx1 plain-text -",
            ],
        ),
        (
            "async_production",
            &["APP INFO: console auto json -, logs/app.json 5MBx3 json -, async_http json -"],
        ),
    ];
    for (name, layers) in expected {
        assert_eq!(summary(&registry.config(name).unwrap()), layers, "{name}");
    }
    assert_eq!(registry.list().len(), expected.len());
    assert!(registry.list().values().all(|description| !description.is_empty()));
}

/// An unknown name is answered with the nearest one and all there are; the first thing one asks is what there is.
#[test]
fn unknown_name() {
    let registry = Registry::with_built_ins();
    let error = registry.config("prodction").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(
        error.to_string(),
        "cannot use the magic configuration `prodction`: there is none of that name; did you mean `production`? known \
         are: api_service, async_production, background_worker, development, high_performance, microservice, \
         production, testing, web_app"
    );
    registry.clear();
    let error = registry.config("production").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot use the magic configuration `production`: there is none of that name; known are: none"
    );
    registry.restore();
    assert!(registry.has("production"));
}

/// A registered function runs when it is asked for, may be replaced and removed, and its failure keeps its cause.
#[test]
fn own_configurations() {
    let registry = Registry::with_built_ins();
    registry
        .register("mine", "", || {
            LoggingConfig::builder().layer("A", LogLayer::new(Level::Info)).build()
        })
        .unwrap();
    assert_eq!(registry.config("mine").unwrap().level_of("A"), Some(Level::Info));
    let fail = || Err(Error::new(ErrorKind::Unsupported, "do this").because("it rains"));
    registry.register("mine", "Fails.", fail).unwrap();
    let error = registry.config("mine").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot use the magic configuration `mine`: cannot do this: it rains"
    );
    assert_eq!(error.source().unwrap().to_string(), "cannot do this: it rains");
    assert_eq!(registry.list()["mine"], "Fails.");
    assert!(registry.unregister("mine") && !registry.unregister("mine"));
    let error = registry
        .register("  ", "", || Ok(LoggingConfig::default()))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot register a magic configuration: its name is blank; give it a name, such as `my_team`"
    );
}

/// What `hydra init` writes explains itself and gives the preset back.
#[test]
fn commented_presets_are_read_back() {
    for name in magic::list().keys() {
        let text = magic::toml_with_comments(name).unwrap();
        let config = LoggingConfig::from_text(&text, Syntax::Toml).unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert_eq!(config, magic::config(name).unwrap(), "{name}");
        assert!(
            text.starts_with(&format!("# Hydra-Logger, from the preset `{name}`.\n# ")),
            "{text}"
        );
        assert!(text.contains("# dir = \"logs/.journal\""), "{text}");
    }
    assert!(magic::toml_with_comments("nothing").is_err());
    assert!(magic::has("testing") && Format::ALL.len() == 6);
}
