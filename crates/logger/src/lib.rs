//! One journal, many heads: a logging system that loses no accepted record.
