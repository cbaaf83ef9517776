//! What is said of expressions that are wrong: the place is marked below.

use super::compile;

#[track_caller]
fn check(text: &str, marks: &str, message: &str) {
    let error = compile(text).unwrap_err();
    let shown = error.to_string();
    let mark = shown.lines().last().unwrap().strip_prefix("    ").unwrap();
    assert_eq!(mark.trim_end(), marks, "{shown}");
    assert!(shown.contains(message), "{shown}");
}

#[test]
fn names() {
    check(
        "proces.comm == 'x'",
        "^^^^^^^^^^^",
        "there is no `proces.comm`; did you mean `process.comm`?",
    );
    check("fd == 3 && comm == 'x'", "           ^^^^", "did you mean `process.comm`?");
    check("xyzzy == 3", "^^^^^", "names begin with seq, time, call");
    check(
        "process == null",
        "^^^^^^^",
        "`process` is an object: name what is in it, `process.pid`",
    );
    check("attrs == null", "^^^^^", "write `attrs.service`");
    check("sendfile.in.name == 'x'", "^^^^^^^^^^^^^^^^", "there is no `sendfile.in.name`");
    check("has(process.name)", "   ^^^^^^^^", "there is no `process.name`");
}

#[test]
fn types() {
    check(
        "error == 11",
        "^^^^^^^^^^^",
        "`error` is a string, `11` is an int: write `error == \"EAGAIN\"`",
    );
    check(
        "fd == '3'",
        "^^^^^^^^^",
        "`fd` is an int, `'3'` is a string: write the number without quotes",
    );
    check("flags == 'MSG_OOB'", "^^^^^^^^^^^^^^^^^^", "write `'MSG_OOB' in flags`");
    check("flags.contains('MSG_OOB')", "^^^^^^^^^^^^^^^^^^^^^^^^^", "write `'MSG_OOB' in flags`");
    check("socket == 'x'", "^^^^^^^^^^^^^", "in it are `socket.family`");
    check("process.comm < 'x'", "^^^^^^^^^^^^", "a number or a time is needed here");
    check("time > '2026-11-23'", "^^^^^^^^^^^^^^^^^^^", "write timestamp(");
    check("'x' in process.comm", "^^^^^^^^^^^^^^^^^^^", "write `process.comm.contains('x')`");
    check("fd", "^^", "a filter is true or false: write `fd > 0`");
    check("process.comm && fd == 3", "^^^^^^^^^^^^", "write `process.comm != null`");
    check("fd + 1", "^^^^^^", "`fd + 1` is an int");
    check("fd + error == 3", "     ^^^^^", "`error` is a string, but a number is needed here");
    check("fd == 0.5", "      ^^^", "numbers are whole here");
    check("fd in 3", "      ^", "`3` is an int, but a list is needed here");
    check("process.comm.startsWith(3)", "                        ^", "a string is needed here");
}

#[test]
fn values() {
    check(
        "call == 'sendmgs'",
        "        ^^^^^^^^^",
        "`call` is never \"sendmgs\"; did you mean `sendmsg`",
    );
    check("error in ['EAGIAN']", "          ^^^^^^^^", "did you mean `EAGAIN`");
    check("'udp' == socket.protocol", "^^^^^", "`socket.protocol` is never \"udp\"");
    check("toctou == 'x'", "          ^^^", "there are same, changed, unread");
    check("'MSG_DONTWIAT' in flags", "^^^^^^^^^^^^^^", "did you mean `MSG_DONTWAIT`");
    check(
        "duration_ns > duration('soon')",
        "                       ^^^^^^",
        "`soon` is not a time",
    );
    check("time > timestamp('now')", "                 ^^^^^", "is not a time in UTC");
}

#[test]
fn functions() {
    check(
        "process.comm.matches('x')",
        "             ^^^^^^^",
        "there is no function `matches`; there are contains",
    );
    check("process.comm.startswith('x')", "             ^^^^^^^^^^", "did you mean `startsWith`");
    check("flags.exists(f, f == 'x')", "^^^^^^^^^^^^^", "lists have no functions here");
    check("contains(process.comm)", "^^^^^^^^", "write process.comm.contains(\"x\")");
    check("fd[0] == 3", "^^^^^", "only `attrs` is looked into by name");
}

#[test]
fn parts() {
    check("fd == 3 | count by comm", "                   ^^^^", "did you mean `process.comm`");
    check("fd == 3 |", "        ^", "nothing follows the |");
    check("fd == 3 | count | count", "                ^", "one aggregate at most");
    check("", "^", "the expression is empty");
    check(&"x".repeat(5000), "^", "more than 4096");
}

#[test]
fn too_many_tests() {
    // Each level doubles the tests.
    let mut text = "compat".to_owned();
    for _ in 0..12 {
        text = format!("(compat == ({text}))");
    }
    let error = compile(&text).unwrap_err().to_string();
    assert!(error.contains("more than 1000 tests"), "{error}");
}
