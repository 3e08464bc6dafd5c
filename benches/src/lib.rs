//! Hydra-Logger and its peers, side by side.
