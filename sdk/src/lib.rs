//! What a script's author needs, and the layout that kernel programs, host and scripts share.
#![no_std]

pub mod event;
