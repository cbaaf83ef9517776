use serde_json::{Value, json};
use weir_ebpf::file;
use weir_sdk::event::{
    CALL_IO_URING, CALL_RECVFROM, CALL_RECVMSG, CALL_SENDFILE, CALL_SENDMMSG, CALL_SENDMSG,
    CALL_SENDTO, GROUP_CONTROL, GROUP_IOV, GROUP_MSG, GROUP_NAME, GROUP_PAYLOAD, GROUP_SOCKET,
    GROUP_START, STATUS_ABSENT, STATUS_FAULT, STATUS_NOT_SEEN,
};

use super::{
    super::{
        Attributes, fields_of,
        sample::{Sample, file, message, numbers},
    },
    *,
};

const INET: &[u8] = b"\x02\0\0\x35\x7f\0\0\x01\0\0\0\0\0\0\0\0";
const EXT4: u32 = 0xef53;

fn render(sample: &Sample) -> Value {
    serde_json::to_value(sample.batch().event(0)).unwrap()
}

fn iov(entries: &[[u64; 2]]) -> Vec<u8> {
    entries.as_flattened().iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn process_part(kind: u16, bytes: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &(bytes.len() as u16).to_le_bytes(), bytes].concat()
}

/// Everything that sendmsg can have.
#[test]
fn sendmsg() {
    let mut sample = Sample::new(CALL_SENDMSG);
    sample.head.name = sample.part(b"\x01\0/run/x.sock\0");
    sample.head.iov = sample.part(&iov(&[[0x7ffd_5c10, 60], [0, 4]]));
    let control = [message(1, 1, &numbers([5, 6, 7])), message(1, 2, &numbers([4242, 0, 0]))];
    sample.head.control = sample.part(&control.concat());
    sample.head.payload = sample.part(b"hello\xff");
    let files = [
        file(5, EXT4, 0, b"x\0log\0var\0"),
        file(6, 0x534f_434b, 0, b"UDP\0"),
        file(7, 0, file::UNKNOWN, b""),
    ];
    sample.head.files = sample.part(&files.concat());
    sample.head.local = sample.part(b"\x01\0\0client");
    sample.head.peer = sample.part(b"\x01\0/run/x.sock\0");
    let kernel =
        [&64u64.to_le_bytes()[..], &[12, 0, 0, 0, 20, 0, 0, 0], b"\x01\0/run/other\0\0\0\0"];
    let used = &message(1, 1, &numbers([8]))[..20];
    sample.head.kernel = sample.part(&[&kernel.concat(), used].concat());
    sample.head = Head {
        ret: 64,
        bytes: 64,
        cgroup_id: 4311,
        msg_ptr: 0x7ffd_5c00,
        iovlen: 2,
        controllen: 64,
        flags: 0x40,
        namelen: 14,
        sock_inode: 31_337,
        sock_cookie: 5,
        netns: 4_026_531_992,
        sock_netns: 4_026_531_992,
        peer_pid: 812,
        sock_family: 1,
        sock_type: 2,
        sock_state: 1,
        toctou: TOCTOU_CHANGED,
        late: 1 << GROUP_NAME,
        ..sample.head
    };
    let mut batch = sample.batch();
    let process = [
        process_part(1, b"named\0-u\0bind\0"),
        process_part(2, b"root"),
        process_part(3, &1_795_454_000_000_000_000u64.to_le_bytes()),
        process_part(4, b"\x01\x03\0\0systemd-like"),
        process_part(4, b"\x01\0\0\0systemd"),
        process_part(5, b"8f2a"),
        process_part(6, b"docker"),
    ];
    batch.heads[0].exe = batch.append(b"/usr/sbin/named");
    batch.heads[0].cgroup = batch.append(b"/system.slice/named.service");
    batch.heads[0].process = batch.append(&process.concat());
    let mut added = Attributes::default();
    added.add(0, b"service", b"dns");
    let batch = batch.after(&[0], &mut added);
    insta::assert_json_snapshot!(serde_json::to_value(batch.event(0)).unwrap());
}

#[test]
fn recvmsg() {
    let mut sample = Sample::new(CALL_RECVMSG);
    sample.head.name = sample.part(INET);
    sample.head.iov = sample.part(&iov(&[[0x1000, 512]]));
    let control = [message(0, 2, &numbers([64])), message(1, 40, &numbers([3]))];
    sample.head.control = sample.part(&control.concat());
    sample.head.payload = sample.part(b"answer");
    sample.head.local_addr[..4].copy_from_slice(&[127, 0, 0, 1]);
    sample.head = Head {
        ret: 48,
        bytes: 512,
        iovlen: 1,
        controllen: 48,
        control_room: 256,
        namelen: 16,
        name_room: 128,
        msg_flags: 0x20,
        sock_family: 2,
        sock_type: 2,
        sock_protocol: 17,
        local_port: 5353,
        sock_state: 7,
        late: 1 << GROUP_MSG | 1 << GROUP_NAME | 1 << GROUP_CONTROL | 1 << GROUP_PAYLOAD,
        ..sample.head
    };
    insta::assert_json_snapshot!(render(&sample));
}

#[test]
fn sendto() {
    let mut sample = Sample::new(CALL_SENDTO);
    sample.head.name = sample.part(INET);
    sample.head.iov = sample.part(&iov(&[[0x1000, 5]]));
    sample.head.status[GROUP_CONTROL] = STATUS_NOT_SEEN;
    sample.head.status[GROUP_PAYLOAD] = STATUS_NOT_SEEN;
    sample.head.status[GROUP_SOCKET] = STATUS_ABSENT;
    sample.head = Head { ret: -88, bytes: 5, iovlen: 1, namelen: 16, ..sample.head };
    insta::assert_json_snapshot!(render(&sample));
}

#[test]
fn sendfile() {
    let mut sample = Sample::new(CALL_SENDFILE);
    let files = [file(3, EXT4, 0, b"index.html\0www\0srv\0"), file(7, 0x534f_434b, 0, b"")];
    sample.head.files = sample.part(&files.concat());
    let mut status = [STATUS_NOT_SEEN; 8];
    (status[GROUP_MSG], status[GROUP_START]) = (STATUS_OK, STATUS_OK);
    sample.head = Head {
        ret: 4096,
        bytes: 8192,
        in_fd: 3,
        offset: 100,
        offset_after: 4196,
        late: 1 << GROUP_MSG,
        status,
        ..sample.head
    };
    insta::assert_json_snapshot!(render(&sample));
    sample.head.late = 0;
    let event = render(&sample);
    assert_eq!(event["sendfile"]["offset"], 100);
    assert!(event["sendfile"]["offset_after"].is_null());
    assert_eq!(event["fields"]["sendfile.offset_after"]["status"], "fault");
    sample.head.status[GROUP_MSG] = STATUS_ABSENT;
    let event = render(&sample);
    assert!(event["sendfile"]["offset"].is_null() && event["sendfile"]["offset_after"].is_null());
}

#[test]
fn one_message_of_many() {
    let mut sample = Sample::new(CALL_SENDMMSG);
    (sample.head.index, sample.head.vlen) = (2, 16);
    let event = render(&sample);
    assert_eq!((&event["index"], &event["vlen"]), (&json!(2), &json!(16)));
    sample.head.call = CALL_IO_URING;
    let event = render(&sample);
    assert!(event["index"].is_null() && event["vlen"].is_null());
    assert_eq!(event["fields"]["msg.name"]["tags"], json!(["K", "OPT"]));
}

#[test]
fn what_was_not_read_is_null() {
    let mut sample = Sample::new(CALL_SENDMSG);
    sample.head.status = [STATUS_NOT_SEEN; 8];
    sample.head.status[GROUP_MSG] = STATUS_FAULT;
    sample.head.ret = -14;
    let event = render(&sample);
    for path in [
        "name",
        "namelen",
        "iov",
        "iovlen",
        "bytes",
        "payload",
        "payload_len",
        "control",
        "controllen",
        "flags",
    ] {
        assert!(event["msg"][path].is_null(), "{path}");
    }
    assert!(event["process"]["ppid"].is_null() && event["socket"].is_null());
    assert_eq!(event["fields"]["msg"]["status"], "fault");
    assert_eq!((&event["ret"], &event["error"]), (&(-1).into(), &"EFAULT".into()));
}

#[test]
fn what_was_left_out_is_empty() {
    let mut sample = Sample::new(CALL_SENDMSG);
    for group in [GROUP_NAME, GROUP_IOV, GROUP_CONTROL, GROUP_PAYLOAD] {
        sample.head.status[group] = STATUS_ABSENT;
    }
    let message = &render(&sample)["msg"];
    assert_eq!(message["iov"], json!([]));
    assert_eq!(message["control"], json!([]));
    assert_eq!(message["bytes"], 0);
    assert!(message["name"].is_null() && message["payload"].is_null());
}

#[test]
fn a_failed_receive_shows_what_was_offered_alone() {
    let mut sample = Sample::new(CALL_RECVFROM);
    sample.head.name = sample.part(INET);
    sample.head.iov = sample.part(&iov(&[[0x1000, 512]]));
    (sample.head.ret, sample.head.bytes, sample.head.name_room) = (-11, 512, 16);
    let event = render(&sample);
    let message = &event["msg"];
    assert!(message["name"].is_null() && message["flags"].is_null());
    assert_eq!((&message["namelen_room"], &message["bytes"]), (&json!(16), &json!(512)));
    assert_eq!(event["fields"]["msg.name"]["status"], "absent");
}

#[test]
fn control_messages_that_were_cut_are_not_malformed() {
    let mut sample = Sample::new(CALL_SENDMSG);
    sample.head.control = sample.part(&message(1, 1, &numbers([5, 6]))[..20]);
    let malformed = json!([{"malformed": {"at": 0, "len": 24}}]);
    assert_eq!(render(&sample)["msg"]["control"], malformed);
    sample.head.status[GROUP_CONTROL] = STATUS_TRUNCATED;
    assert_eq!(render(&sample)["msg"]["control"], malformed);
    sample.head.controllen = 24;
    assert_eq!(
        render(&sample)["msg"]["control"],
        json!([{"level": "SOL_SOCKET", "type": "SCM_RIGHTS", "len": 8, "data": "05000000"}])
    );
}

#[test]
fn every_path_of_fields_is_in_the_event() {
    for call in 1..=8 {
        let event = render(&Sample::new(call));
        let rows = fields_of(call);
        assert_eq!(event["fields"].as_object().unwrap().len(), rows.len(), "no path twice");
        for (path, tags, _) in rows {
            let pointer = format!("/{}", path.replace('.', "/"));
            let absent = event.pointer(&pointer).is_none();
            let parent = pointer.rsplit_once('/').unwrap().0;
            let inside_nothing = event.pointer(parent).is_some_and(Value::is_null);
            assert!(!absent || inside_nothing, "{path} of call {call}");
            assert_ne!(tags.contains(&"K"), tags.contains(&"U"), "{path} of call {call}");
        }
    }
}

/// The example in docs/api.md has the keys that an event has.
#[test]
fn the_documented_event() {
    let text = include_str!("../../../../docs/api.md").split("## An event").nth(1).unwrap();
    let example = text.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let event = render(&Sample::new(CALL_SENDMSG));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&example), keys(&event));
    for path in ["process", "socket", "msg"] {
        assert_eq!(keys(&example[path]), keys(&event[path]), "{path}");
    }
    for (path, field) in example["fields"].as_object().unwrap() {
        assert_eq!(field, &event["fields"][path], "{path}");
    }
}
