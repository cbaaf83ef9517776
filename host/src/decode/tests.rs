use proptest::prelude::*;
use weir_sdk::event::{
    CALL_RECVMSG, CALL_SENDMSG, CALL_SENDTO, GROUP_NAME, GROUP_PAYLOAD, STATUS_OK,
};
use zerocopy::IntoBytes;

use super::{
    sample::{Sample, file, message, numbers},
    *,
};

#[test]
fn refuses_what_is_not_a_record() {
    let mut batch = Batch::default();
    let mut check = |bytes: &[u8]| decode(bytes, 1, 0, &mut batch).unwrap_err();
    assert_eq!(check(&[0; 10]), Undecodable::Short(10));
    assert_eq!(check(&[0; HEAD_BYTES]), Undecodable::Call(0));
    assert_eq!(check(&Sample::new(9).bytes()), Undecodable::Call(9));
    let mut wrong = Sample::new(CALL_SENDMSG);
    wrong.head.status[0] = 9;
    assert_eq!(check(&wrong.bytes()), Undecodable::Status { group: 0, status: 9 });
    assert!(batch.heads.is_empty() && batch.heap.is_empty());
}

#[test]
fn refuses_parts_that_reach_beyond_the_record() {
    type Pick = fn(&mut Head) -> &mut Span;
    let picks: [(&str, Pick); 8] = [
        ("name", |head| &mut head.name),
        ("iov", |head| &mut head.iov),
        ("control", |head| &mut head.control),
        ("payload", |head| &mut head.payload),
        ("files", |head| &mut head.files),
        ("local", |head| &mut head.local),
        ("peer", |head| &mut head.peer),
        ("kernel", |head| &mut head.kernel),
    ];
    for (part, pick) in picks {
        for (offset, len) in [(9, 8), (0, 17), (u32::MAX, u32::MAX), (17, 1)] {
            let mut sample = Sample::new(CALL_SENDMSG);
            sample.head.name = sample.part(&[0; 16]);
            *pick(&mut sample.head) = Span { offset, len };
            let mut batch = Batch::default();
            let error = decode(&sample.bytes(), 1, 0, &mut batch).unwrap_err();
            assert_eq!(error, Undecodable::Part { part, offset, len });
            assert!(batch.heads.is_empty() && batch.heap.is_empty());
        }
        let mut sample = Sample::new(CALL_SENDMSG);
        *pick(&mut sample.head) = Span { offset: 1 << 20, len: 0 };
        assert_eq!(*pick(&mut sample.batch().heads[0]), Span::default(), "nothing is anywhere");
    }
}

#[test]
fn refuses_what_reaches_beyond_its_part() {
    let check = |change: fn(&mut Sample), part| {
        let mut sample = Sample::new(CALL_SENDMSG);
        change(&mut sample);
        let mut batch = Batch::default();
        let error = decode(&sample.bytes(), 1, 0, &mut batch).unwrap_err();
        assert!(matches!(error, Undecodable::Inside { part: of, .. } if of == part), "{error}");
        assert!(batch.heads.is_empty() && batch.heap.is_empty());
    };
    check(|sample| sample.head.files = sample.part(&file(5, 0, 0, b"x\0")[..25]), "files");
    check(|sample| sample.head.kernel = sample.part(&[0; 15]), "kernel");
    check(|sample| sample.head.kernel = sample.part(&[[0; 8], [1; 8]].concat()), "kernel");
    // A name of 4 bytes, padded, leaves no room for control messages.
    let padded = |sample: &mut Sample| {
        let numbers = [0u32, 0, 4, 1, 0, 0].map(u32::to_le_bytes);
        sample.head.kernel = sample.part(numbers.as_flattened());
    };
    check(padded, "kernel");
}

#[test]
fn numbers_and_dates_events() {
    let name = b"\x02\0\0\x35\x7f\0\0\x01";
    let mut sample = Sample::new(CALL_SENDMSG);
    (sample.head.name, sample.head.time_ns) = (sample.part(name), 5);
    let mut batch = Batch::default();
    decode(&sample.bytes(), 7, 100, &mut batch).unwrap();
    let head = &batch.heads[0];
    assert_eq!((head.seq, head.time_ns, head.port), (7, 105, 53));
    assert_eq!(batch.part(head.name), name);
}

#[test]
fn what_the_host_adds_is_not_taken_from_a_record() {
    let mut sample = Sample::new(CALL_SENDMSG);
    let span = sample.part(b"whatever");
    (sample.head.path, sample.head.attrs, sample.head.exe) = (span, span, span);
    (sample.head.cgroup, sample.head.process) = (span, span);
    let batch = sample.batch();
    let head = &batch.heads[0];
    let spans = [head.path, head.attrs, head.exe, head.cgroup, head.process];
    assert_eq!(spans, [Span::default(); 5]);
}

#[test]
fn the_heap_has_one_layout_for_both_interfaces() {
    let iov = [0x1000u32, 64].map(u32::to_le_bytes);
    let control = [16u32, 1, 1, 5].map(u32::to_le_bytes);
    let mut sample = Sample::new(CALL_SENDMSG);
    sample.head.compat = 1;
    sample.head.iov = sample.part(iov.as_flattened());
    sample.head.control = sample.part(control.as_flattened());
    let batch = sample.batch();
    let head = &batch.heads[0];
    assert_eq!(batch.part(head.iov), [0x1000u64, 64].map(u64::to_le_bytes).as_flattened());
    assert_eq!(batch.part(head.control), &message(1, 1, &numbers([5]))[..20]);
}

#[test]
fn a_failed_call_has_received_nothing() {
    let mut sample = Sample::new(CALL_RECVMSG);
    sample.head.name = sample.part(b"\x02\0\0\x35\x7f\0\0\x01");
    sample.head.payload = sample.part(b"of before");
    sample.head.status[GROUP_PAYLOAD] = STATUS_NOT_SEEN;
    assert_eq!(sample.batch().heads[0].port, 53);
    sample.head.ret = -11;
    let batch = sample.batch();
    let head = &batch.heads[0];
    assert_eq!((head.port, head.name, head.payload), (0, Span::default(), Span::default()));
    assert_eq!(
        [head.status[GROUP_NAME], head.status[GROUP_CONTROL], head.status[GROUP_PAYLOAD]],
        [STATUS_ABSENT, STATUS_ABSENT, STATUS_NOT_SEEN]
    );
    sample.head.call = CALL_SENDTO;
    assert_eq!(sample.batch().heads[0].status[GROUP_NAME], STATUS_OK);
}

/// A head of any bytes, but of a call and with statuses that there are.
fn any_head() -> impl Strategy<Value = Head> {
    (prop::collection::vec(any::<u8>(), HEAD_BYTES), 1..9u16).prop_map(|(bytes, call)| {
        let mut head = Head::read_from_bytes(&bytes).unwrap();
        head.call = call;
        head.status = head.status.map(|status| status % 5);
        head.toctou %= 5;
        head.compat %= 2;
        head
    })
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..800)) {
        let mut batch = Batch::default();
        if decode(&bytes, 1, 0, &mut batch).is_ok() {
            serde_json::to_string(&batch.event(0)).unwrap();
        }
    }

    #[test]
    fn any_record(
        mut head in any_head(),
        heap in prop::collection::vec(any::<u8>(), 0..256),
        spans in prop::collection::vec((0..256u32, 0..64u32), 8),
    ) {
        let spans = spans.iter().map(|&(offset, len)| Span { offset, len });
        let fields = [
            &mut head.name, &mut head.iov, &mut head.control, &mut head.payload, &mut head.files,
            &mut head.local, &mut head.peer, &mut head.kernel,
        ];
        for (field, span) in fields.into_iter().zip(spans) {
            *field = span;
        }
        let mut batch = Batch::default();
        if decode(&[head.as_bytes(), &heap].concat(), 1, 0, &mut batch).is_ok() {
            let json = serde_json::to_value(batch.event(0)).unwrap();
            prop_assert_eq!(json["seq"].as_u64(), Some(1));
        } else {
            prop_assert!(batch.heap.is_empty());
        }
    }

    /// What scripts and the host may have made of an event.
    #[test]
    fn any_event(
        head in any_head(),
        heap in prop::collection::vec(any::<u8>(), 0..256),
        spans in prop::collection::vec((0..256u32, 0..128u32), 13),
    ) {
        let mut head = head;
        let spans = spans.iter().map(|&(offset, len)| Span { offset, len });
        let fields = [
            &mut head.name, &mut head.iov, &mut head.control, &mut head.payload, &mut head.files,
            &mut head.local, &mut head.peer, &mut head.kernel, &mut head.path, &mut head.attrs,
            &mut head.exe, &mut head.cgroup, &mut head.process,
        ];
        for (field, span) in fields.into_iter().zip(spans) {
            *field = span;
        }
        let batch = Batch { heads: vec![head], heap, ..Batch::default() };
        serde_json::to_string(&batch.event(0)).unwrap();
    }

    #[test]
    fn parts_come_through(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..128), 4),
    ) {
        let mut sample = Sample::new(CALL_SENDMSG);
        let [name, iov, payload, local] =
            [0, 1, 2, 3].map(|index: usize| sample.part(&parts[index]));
        (sample.head.name, sample.head.iov) = (name, iov);
        (sample.head.payload, sample.head.local) = (payload, local);
        let batch = sample.batch();
        let head = &batch.heads[0];
        let spans = [head.name, head.iov, head.payload, head.local];
        prop_assert_eq!(spans.map(|span| batch.part(span)).to_vec(), parts);
    }
}
