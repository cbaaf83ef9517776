//! scripts/impostors, in Python.

use weir_sdk::{
    event::{GROUP_CONTROL, STATUS_FAULT},
    testing::Call,
};

use crate::script::Script;

const SOL_SOCKET: i32 = 1;
const SCM_CREDENTIALS: i32 = 2;

#[test]
fn keeps_claims_of_what_the_caller_is_not() {
    let mut script = Script::start("impostors", &[("trusted", "systemd, dbus-daemon,")]);
    // Process 100 of user and group 1000.
    let of = |comm: &str| Call::new().comm(comm);
    let did = script.batch(&[
        of("honest").credentials(100, 1000, 1000),
        of("mallory").credentials(100, 0, 1000),
        of("mallory").credentials(1, 0, 0),
        of("systemd").credentials(1, 0, 0),
        // The second of two messages, behind descriptors.
        of("late").rights(&[(5, "")]).credentials(100, 1000, 1000).credentials(100, 1000, 4),
        of("nothing"),
        of("rights").rights(&[(5, "/a")]),
        of("").head(|head| head.comm[..3].copy_from_slice(b"a\xffb")).credentials(7, 1000, 1000),
    ]);
    assert_eq!(did.kept(), [false, true, true, false, true, false, false, true]);
    assert_eq!(did.attrs(1), ["claims.uid=0"]);
    assert_eq!(did.attrs(2), ["claims.pid=1", "claims.uid=0", "claims.gid=0"]);
    assert_eq!(did.attrs(4), ["claims.gid=4"]);
    script.check(
        "claims",
        &[
            ("a\u{fffd}b / pid / 100 / 7", 1),
            ("late / gid / 1000 / 4", 1),
            ("mallory / gid / 1000 / 0", 1),
            ("mallory / pid / 100 / 1", 1),
            ("mallory / uid / 1000 / 0", 2),
        ],
    );
}

#[test]
fn control_messages_that_are_malformed_or_unread_claim_nothing() {
    let mut script = Script::start("impostors", &[]);
    let root = [&1u32.to_le_bytes()[..], &[0; 8]].concat();
    let did = script.batch_with(
        &[
            Call::new().control(SOL_SOCKET, SCM_CREDENTIALS, &root[..11]),
            Call::new().control(SOL_SOCKET, 77, &root),
            Call::new().control(41, SCM_CREDENTIALS, &root),
            Call::new().control_bytes(&[0xff; 40]),
            Call::new().control_bytes(&[15, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]),
            Call::new().credentials(1, 0, 0).head(|head| head.status[GROUP_CONTROL] = STATUS_FAULT),
            Call::new().credentials(1, 0, 0),
            Call::new().credentials(1, 0, 0),
        ],
        |heads| {
            heads[6].control.len -= 5;
            heads[7].control.offset = u32::MAX;
        },
    );
    assert_eq!(did.kept(), [false; 8]);
    script.check("claims", &[]);
}
