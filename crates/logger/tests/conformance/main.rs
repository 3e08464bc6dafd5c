//! One set of behaviour tests, run against every handle from the same source.
//!
//! A behaviour is a function that is generic over [`front::Front`]. The macro below names each one once and makes a
//! test of it for the sync handle and for the async handle on each executor: one that holds for some handles only
//! does not compile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod blocked;
mod console;
mod ending;
mod files;
mod formats;
mod front;
mod layers;
mod lines;
mod macros;
mod place;
mod receipts;
mod refused;
mod reload;

macro_rules! behaviours {
    ($($module:ident: $($name:ident),+;)+) => {
        behaviours!(@front sync, Sync, $($module: $($name),+;)+);
        behaviours!(@front tokio, Async<crate::front::Tokio>, $($module: $($name),+;)+);
        behaviours!(@front smol, Async<crate::front::Smol>, $($module: $($name),+;)+);
        behaviours!(@front futures, Async<crate::front::Futures>, $($module: $($name),+;)+);
    };
    (@front $front:ident, $type:ty, $($module:ident: $($name:ident),+;)+) => {
        mod $front {
            #[allow(unused_imports)]
            use crate::front::{Async, Sync};
            $(mod $module {
                #[allow(unused_imports)]
                use super::{Async, Sync};
                $(
                    /// The promise stands at the function.
                    #[test]
                    fn $name() {
                        crate::$module::$name::<$type>();
                    }
                )+
            })+
        }
    };
}

behaviours! {
    lines: one, a_hundred, ten_thousand, a_million, with_every_receipt_awaited, a_record_is_a_line, any_size,
        many_threads;
    layers: levels_filter, unknown_goes_to_default, unknown_goes_to_centralized, nowhere_to_go_is_counted,
        empty_layer_is_counted, loggers_do_not_mix, two_destinations_on_one_path;
    macros: placeholders_are_text_and_fields, specs_render_as_std_does, fields_keep_their_types,
        levels_have_their_names, a_disabled_call_evaluates_nothing, a_panicking_display_spoils_itself_only,
        what_runs_inside_a_call_may_log;
    receipts: queued, journaled, synced, delivered, the_stronger_wins, journal_guarantees_need_a_journal,
        dropped_is_not_lost, cancelled_is_not_lost, too_large_is_told, a_journal_that_cannot_be_is_an_error;
    ending: flush_delivers, flush_of_nothing, shutdown_is_idempotent, shutdown_from_another_thread,
        shutdown_under_load, calls_after_the_end_are_counted, drop_drains, handles_share_one_logger,
        a_second_start_goes_on;
    refused: the_destination_itself_comes_first, then_its_fallback, then_the_emergency_file;
    files: rotation_keeps_every_line, renamed_is_reopened, removed_is_reopened, force_flush, force_sync_io,
        small_buffer;
    formats: json, csv, syslog, gelf, logfmt, plain;
    console: every_line_is_on_the_console, a_reader_that_leaves_harms_nobody,
        what_is_being_given_up_is_dropped;
    blocked: a_blocked_destination_delays_no_other, a_full_journal_waits,
        a_blocked_destination_does_not_hold_the_end_up, what_is_left_in_the_journal_comes_next,
        what_is_left_in_memory_falls_back;
    reload: each_record_has_one_configuration, levels_change, a_broken_one_changes_nothing, a_broken_file_is_named,
        a_removed_destination_drains, a_changed_destination_goes_on, what_was_configured_then_decides;
}
