//! Kills, starves and tears real processes and real files.
