//! scripts/containers, in AssemblyScript.

use weir_sdk::{Call as Kind, testing::Call};

use crate::script::Script;

const ID: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn bytes_and_calls_by_container_and_process() {
    let mut script = Script::start("containers", &[]);
    let inside = |comm: &str| Call::new().comm(comm).container(ID, "docker");
    let did = script.batch(&[
        inside("nginx").bytes(100),
        inside("nginx").bytes(50),
        inside("nginx").error("EPIPE"),
        inside("größe").bytes(7),
        Call::new().comm("sshd").bytes(1 << 40),
        Call::new().comm("sshd").bytes(0),
        Call::new().comm("").container("short", "").bytes(3),
        Call::new().comm("cp").sendfile(5, "/a", "/b", 4096),
        Call::new().comm("nobody").container("", "docker").bytes(1),
    ]);
    assert_eq!(did.kept(), [true; 9]);
    assert!((0..9).all(|event| did.attrs(event).is_empty()));
    // An error sent nothing, and neither did an empty message.
    script.check(
        "bytes",
        &[
            ("(host) / cp", 4096),
            ("(host) / nobody", 1),
            ("(host) / sshd", 1 << 40),
            ("0123456789ab / größe", 7),
            ("0123456789ab / nginx", 150),
            ("short / ", 3),
        ],
    );
    script.check(
        "calls",
        &[
            ("(host) / cp", 1),
            ("(host) / nobody", 1),
            ("(host) / sshd", 2),
            ("0123456789ab / größe", 1),
            ("0123456789ab / nginx", 3),
            ("short / ", 1),
        ],
    );
}

#[test]
fn what_is_known_of_the_process_may_be_cut_or_nothing() {
    let mut script = Script::start("containers", &[]);
    let call = || Call::new().call(Kind::Sendto).comm("a").cmdline(&["a"]).container(ID, "");
    let cut = |lens: [u32; 3]| {
        move |heads: &mut [weir_sdk::event::Head]| {
            for (head, len) in heads.iter_mut().zip(lens) {
                head.process.len = len.min(head.process.len);
            }
            heads[2].process.offset = u32::MAX;
        }
    };
    script.batch_with(&[call(), call(), call()], cut([0, 8, u32::MAX]));
    script.check("calls", &[("(host) / a", 3)]);
}

#[test]
fn how_many_are_told_apart() {
    let mut script = Script::start("containers", &[("top", "2")]);
    let names = ["a", "b", "c"].map(|comm| Call::new().comm(comm).bytes(10));
    let calls: Vec<_> = names.iter().cycle().take(300).cloned().collect();
    script.batch(&calls[..2]);
    script.check("bytes", &[("(host) / a", 10), ("(host) / b", 10)]);
    for (top, why) in [
        ("0", "`0` is not a whole number from 1 to 1000"),
        ("1001", "`1001` is not a whole number from 1 to 1000"),
        ("-1", "`-1` is not a whole number from 1 to 1000"),
        ("many", "`many` is not an int"),
        ("", "is not"),
    ] {
        let refused = Script::try_start("containers", &[("top", top)]).err();
        let refused = refused.unwrap_or_else(|| panic!("{top:?} is taken"));
        assert!(refused.contains(why), "{why:?} is not in {refused:?}");
    }
}
