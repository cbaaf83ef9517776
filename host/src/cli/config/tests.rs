//! `UPDATE_DOCS=1 cargo test --release -p weir the_example_is_fresh` writes docs/weir.toml.

use std::{collections::BTreeSet, env, ffi::OsString, fs, path::Path};

use super::*;
use crate::{cli::command, script::LimitValues};

fn parse(text: &str) -> Result<File, String> {
    File::parse(Path::new("/x/weir.toml"), text).map_err(|problems| problems.to_string())
}

fn effective(args: &[&str]) -> Effective {
    Effective::new(command(), args.iter().map(OsString::from).collect()).unwrap()
}

#[test]
fn values_are_typed() {
    let file = parse(
        "payload = 0x40\nbatch-time = \"50ms\"\ncalls = [\"sendmsg\", \"recvmsg\"]\n\
         scripts = \"more\"\nscript = [\"errors?ignore=EAGAIN | a=b/c.wasm\"]\nkeep-events = 1_000\n",
    );
    let file = file.unwrap();
    let said = |setting: &file::Setting| format!("{} {:?}", setting.line, setting.values);
    let said: Vec<_> = file.options.iter().map(said).collect();
    let expected = [
        "1 [\"64\"]",
        "2 [\"50ms\"]",
        "3 [\"sendmsg\", \"recvmsg\"]",
        "4 [\"/x/more\"]",
        "5 [\"errors?ignore=EAGAIN | a=/x/b/c.wasm\"]",
        "6 [\"1000\"]",
    ];
    assert_eq!(said, expected);
}

#[test]
fn scripts_and_pipelines() {
    let file = parse(
        "[pipeline.z]\nscripts = [\"service\", \"mine\"]\n[pipeline.a]\nscripts = [\"mine\"]\n\
         [script.mine]\nmodule = \"mine.wasm\"\n[script.mine.params]\nn = 3\nlist = [\"A\", \"B\"]\n\
         on = true\n[script.mine.limits]\nbatch-time = \"20ms\"\nmemory = \"1MiB\"\ntable-keys = 7\n",
    );
    let file = file.unwrap();
    assert_eq!([&*file.pipelines[0].name, &*file.pipelines[1].name], ["z", "a"]);
    let (mine, line) = &file.scripts["mine"];
    assert_eq!((mine.module.as_deref(), *line), (Some("/x/mine.wasm"), 5));
    let params = mine.params.iter().map(|(name, value)| format!("{name}={value}"));
    assert_eq!(params.collect::<Vec<_>>(), ["list=A,B", "n=3", "on=true"]);
    let expected = LimitValues {
        batch_time_ms: Some(20),
        memory_bytes: Some(1 << 20),
        table_keys: Some(7),
        ..LimitValues::default()
    };
    assert_eq!(mine.limits, expected);
}

#[test]
fn what_is_wrong_has_its_line() {
    for (text, expected) in [
        (
            "keep_events = 5",
            "/x/weir.toml:1: there is no option `keep_events`; did you mean `keep-events`?",
        ),
        (
            "\n\npayloda = 5",
            "/x/weir.toml:3: there is no option `payloda`; did you mean `payload`?",
        ),
        ("config = \"x\"", "there is no option `config`"),
        (
            "payload = 4097",
            ":1: option `payload`: invalid value '4097' for '--payload <BYTES>': 4097 is not in 0..=4096",
        ),
        ("payload = true", ":1: option `payload`: it takes a whole number, not a boolean"),
        ("listen = 7070", ":1: option `listen`: it takes a text in quotes, not an integer"),
        ("listen = [\"127.0.0.1:1\"]", "it takes a text in quotes, not an array"),
        ("calls = [\"sendmgs\"]", "[possible values: sendmsg,"),
        ("calls = [1]", "it takes a text in quotes or a list of such, not an integer"),
        ("limit = \"errors.memroy=1MiB\"", "did you mean `memory`?"),
        ("payload = 1\npayload = 2", ":2: "),
        ("payload = ", ":1: "),
        ("pipeline = [\"a\"]", "write [pipeline.NAME]"),
        (
            "[pipeline.a]\nscript = [\"b\"]",
            ":1: pipeline `a`: write [pipeline.a], and below it scripts =",
        ),
        ("[script]\nx = 1", ":2: script `x`: write [script.x]"),
        (
            "[script.x]\nmodul = \"a\"",
            ":2: script `x`: there is no `modul`; did you mean `module`?",
        ),
        (
            "[script.x]\nmodule = 1",
            "`module` is the name of a bundled script or a path, in quotes, not an integer",
        ),
        ("[script.x]\nmodule = \"a\"\nexpression = \"true\"", "not both"),
        (
            "[script.x]\nexpression = \"comm == 'x'\"",
            ":2: script `x`, expression: column 1: there is no `comm`",
        ),
        (
            "[script.x.limits]\nbatch-tme = \"1ms\"",
            ":2: script `x`: there is no limit `batch-tme`; did you mean `batch-time`?",
        ),
        (
            "[script.x.limits]\nmemory = 1",
            ":2: script `x`: limit `memory`: limit memory_bytes: 1 is not within",
        ),
        ("[script.x.params]\na = {b = 1}", ":2: script `x`, parameter `a`: it takes"),
        ("[script.\"a b\"]", "`a b` is not a name"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {expected:?} is not in {error}");
    }
    assert_eq!(parse("a = 1\nb = 2").unwrap_err().lines().count(), 2);
}

#[test]
fn the_command_line_goes_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.toml");
    fs::write(
        &path,
        "payload = 16\nkeep-events = 7\nring-bytes = 8192\nexpression = [\"fd == 1\"]\n\
         [pipeline.p]\nscripts = [\"errors\"]\n",
    )
    .unwrap();
    let path = path.to_str().unwrap();
    let from = |effective: &Effective, name: &str| {
        let mut options = effective.options.iter();
        let found = options.find(|option| option.arg.get_long() == Some(name)).unwrap();
        (found.values.join(","), found.source.to_string())
    };
    let both = effective(&["weir", "run", "--payload", "32", "--config", path]);
    assert_eq!(from(&both, "payload"), ("32".into(), "command line".into()));
    assert_eq!(from(&both, "keep-events"), ("7".into(), format!("{path}:2")));
    assert_eq!(from(&both, "ring-bytes"), ("8192".into(), format!("{path}:3")));
    assert_eq!(from(&both, "backend"), ("auto".into(), "default".into()));
    assert_eq!(from(&both, "exit-ledger"), (String::new(), "not set".into()));
    assert_eq!(from(&both, "expression"), ("fd == 1".into(), format!("{path}:4")));
    assert_eq!(both.file.unwrap().pipelines.len(), 1);
    // One pipeline on the command line is all that is wanted.
    let own = effective(&["weir", "run", "--config", path, "-s", "latency"]);
    assert!(own.replaced && own.file.as_ref().unwrap().pipelines.is_empty());
    assert_eq!(from(&own, "expression"), (String::new(), "not set".into()));
}

#[test]
fn what_is_printed_is_a_file_that_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.toml");
    fs::write(
        &path,
        "calls = [\"sendto\"]\nlimit = [\"a.b.memory=1MiB\"]\n[pipeline.p]\nscripts = [\"x?a=b\"]\n\
         [script.\"a.b\".limits]\nbatch-time = \"7ms\"\nlog-lines = 3\n\
         [script.x]\nmodule = \"errors\"\n[script.x.params]\nignore = 'a\"b'\n",
    )
    .unwrap();
    let first =
        effective(&["weir", "config", "--payload", "3", "--config", path.to_str().unwrap()]);
    let again = folder.path().join("again.toml");
    fs::write(&again, show::toml(&first)).unwrap();
    let second = effective(&["weir", "config", "--config", again.to_str().unwrap()]);
    let (first, second) = (show::json(&first), show::json(&second));
    assert_eq!(
        (&first["scripts"], &first["pipelines"]),
        (&second["scripts"], &second["pipelines"])
    );
    assert_eq!(first["scripts"]["a.b"]["limits"]["batch_time_ms"], 7);
    for (name, option) in first["options"].as_object().unwrap() {
        assert_eq!(option["value"], second["options"][name]["value"], "{name}");
    }
    assert_eq!(second["options"]["payload"]["from"], "file");
}

#[test]
fn the_example_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/weir.toml");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, example::text()).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == example::text(), "docs/weir.toml is stale: UPDATE_DOCS=1 writes it");
}

/// Every line that sets something may be taken out of its comment.
#[test]
fn the_example_is_right() {
    let text = example::text();
    let set = |line: &str| {
        let line = line.strip_prefix("# ")?;
        let name = line.split_once(" = ")?.0;
        let bare = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        (bare || line.starts_with('[')).then(|| line.to_owned())
    };
    // The rest of it is about one script and one pipeline.
    let options: Vec<_> =
        text.lines().take_while(|line| !line.contains("Scripts, by name")).collect();
    let lines: Vec<_> = options.iter().filter_map(|line| set(line)).collect();
    let name = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
    let named: BTreeSet<_> = lines.iter().map(|line| name(line)).collect();
    let known = options::Options::new();
    let all = known.all().filter_map(|arg| arg.get_long()).map(str::to_owned);
    assert_eq!(named, all.collect());
    // What has no default shows what its value is called, which need not be one.
    let real = |line: &&String| {
        let name = name(line);
        let shown = ["script", "expression", "limit"].contains(&&*name);
        shown || known.find(&name).is_some_and(|arg| !arg.get_default_values().is_empty())
    };
    let lines: Vec<_> = lines.iter().filter(real).map(String::as_str).collect();
    parse(&lines.join("\n")).unwrap_or_else(|error| panic!("{error}\n{lines:#?}"));
    let tail = text.split("# Scripts, by name").nth(1).unwrap();
    let tail: Vec<_> = tail
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.starts_with('[') || line.contains(" = "))
        .filter(|line| !line.starts_with("expression"))
        .collect();
    let file = parse(&tail.join("\n")).unwrap();
    assert_eq!((file.scripts.len(), file.pipelines.len()), (1, 1));
}

#[test]
fn another_users_file_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weir.toml");
    fs::write(&path, "payload = 5\n").unwrap();
    let data = folder.path().to_str().unwrap();
    let args = || ["weir", "config", "--data-dir", data].map(OsString::from).to_vec();
    assert!(Effective::new(command(), args()).unwrap().file.is_some());
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(&path, all).unwrap();
    let error = Effective::new(command(), args()).err().unwrap().to_string();
    assert!(error.contains("chmod go-w") && error.contains(data), "{error}");
}

#[test]
fn the_example_in_the_docs_is_right() {
    let docs = include_str!("../../../../docs/configuration.md");
    let block = docs.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let file = parse(block.unwrap()).unwrap();
    assert_eq!((file.options.len(), file.pipelines.len(), file.scripts.len()), (4, 1, 1));
}
