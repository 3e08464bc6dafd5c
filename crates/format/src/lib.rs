//! A record becomes text for a reader: plain, json, csv, syslog, gelf, logfmt.
