//! The proc macro behind info!, error! and their kin.
