//! A record as the kernel side makes one, with anything in its parts.

#![no_main]

use arbitrary::Arbitrary;
use weir_ebpf::FileHead;
use weir_sdk::event::{COMM_BYTES, GROUPS, Head, STATUS_OK, Span, TOCTOU_CHANGED};
use zerocopy::IntoBytes;

/// Where the input ends, what follows is zeros: so what matters most comes first.
#[derive(Arbitrary, Debug)]
struct Record {
    call: u8,
    control: Vec<Message>,
    kernel: Option<Kernel>,
    files: Vec<File>,
    name: Vec<u8>,
    local: Vec<u8>,
    peer: Vec<u8>,
    iov: Vec<[u64; 2]>,
    payload: Vec<u8>,
    /// What follows the last control message.
    control_end: Vec<u8>,
    numbers: Numbers,
}

#[derive(Arbitrary, Debug)]
struct Numbers {
    ret: i64,
    time_ns: u64,
    bytes: u64,
    controllen: u64,
    fd: i32,
    in_fd: i32,
    flags: u32,
    msg_flags: u32,
    peer_pid: u32,
    status: [u8; GROUPS],
    comm: [u8; COMM_BYTES],
    sock: [u16; 3],
    sock_state: u8,
    local_addr: [u8; 16],
    peer_port: u16,
    toctou: u8,
    late: u8,
    compat: bool,
}

#[derive(Arbitrary, Debug)]
struct Message {
    /// What its length is off by; mostly nothing.
    off: Option<i8>,
    kind: Kind,
    data: Vec<u8>,
}

/// Level and type.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    /// One of [`TAKEN_APART`].
    Known(u8),
    Other(i32, i32),
}

/// Levels with their types of messages that decode takes apart.
const TAKEN_APART: &[(i32, &[i32])] = &[
    (0, &[1, 2, 3, 8, 11, 25, 52]),
    (1, &[1, 2, 3, 4, 12, 29, 35, 36, 37, 40, 41, 61, 63, 64, 65, 81, 84]),
    (6, &[36]),
    (17, &[103, 104]),
    (41, &[2, 8, 25, 50, 52, 67, 77]),
    (263, &[16]),
    (279, &[2, 3, 4]),
    (282, &[1, 2]),
    (287, &[1]),
];

#[derive(Arbitrary, Debug)]
struct File {
    fd: i32,
    magic: Magic,
    flags: u8,
    names: Vec<u8>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Magic {
    Socket,
    Pipe,
    Anonymous,
    Namespace,
    Pid,
    Tmp,
    Other(u32),
}

#[derive(Arbitrary, Debug)]
struct Kernel {
    bytes: u64,
    name: Vec<u8>,
    control: Vec<Message>,
}

libfuzzer_sys::fuzz_target!(|record: Record| weir_fuzz::check(&record.bytes()));

impl Record {
    fn bytes(&self) -> Vec<u8> {
        let mut heap = Vec::new();
        let compat = self.numbers.compat;
        let mut control = messages(&self.control, compat);
        control.extend_from_slice(&self.control_end);
        let iov = self.iov.iter().flat_map(|&entry| match compat {
            true => entry.map(|number| (number as u32).to_le_bytes()).concat(),
            false => entry.map(u64::to_le_bytes).concat(),
        });
        let files: Vec<u8> = self.files.iter().flat_map(File::bytes).collect();
        let kernel = self.kernel.as_ref().map(Kernel::bytes).unwrap_or_default();
        let numbers = &self.numbers;
        let [sock_family, sock_type, sock_protocol] = numbers.sock;
        let head = Head {
            call: u16::from(self.call % 8) + 1,
            ret: numbers.ret,
            time_ns: numbers.time_ns,
            bytes: numbers.bytes,
            controllen: numbers.controllen,
            fd: numbers.fd,
            in_fd: numbers.in_fd,
            flags: numbers.flags,
            msg_flags: numbers.msg_flags,
            peer_pid: numbers.peer_pid,
            status: numbers.status.map(|status| (status % 5 + STATUS_OK) % 5),
            comm: numbers.comm,
            sock_family,
            sock_type,
            sock_protocol,
            sock_state: numbers.sock_state,
            local_addr: numbers.local_addr,
            peer_port: numbers.peer_port,
            toctou: (numbers.toctou % 4 + TOCTOU_CHANGED) % 4,
            late: numbers.late,
            compat: compat.into(),
            name: part(&mut heap, &self.name),
            iov: part(&mut heap, &iov.collect::<Vec<_>>()),
            control: part(&mut heap, &control),
            payload: part(&mut heap, &self.payload),
            files: part(&mut heap, &files),
            local: part(&mut heap, &self.local),
            peer: part(&mut heap, &self.peer),
            kernel: part(&mut heap, &kernel),
            ..Head::default()
        };
        [head.as_bytes(), &heap].concat()
    }
}

fn part(heap: &mut Vec<u8>, bytes: &[u8]) -> Span {
    pad(heap, 8);
    let span = Span { offset: heap.len() as u32, len: bytes.len() as u32 };
    heap.extend_from_slice(bytes);
    span
}

fn pad(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn messages(messages: &[Message], compat: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        let header = if compat { 12 } else { 16 };
        let len = (header + message.data.len() as u64)
            .wrapping_add_signed(message.off.unwrap_or_default().into());
        match compat {
            true => bytes.extend_from_slice(&(len as u32).to_le_bytes()),
            false => bytes.extend_from_slice(&len.to_le_bytes()),
        }
        bytes.extend_from_slice(message.kind.numbers().map(i32::to_le_bytes).as_flattened());
        bytes.extend_from_slice(&message.data);
        pad(&mut bytes, if compat { 4 } else { 8 });
    }
    bytes
}

impl Kind {
    fn numbers(self) -> [i32; 2] {
        match self {
            Self::Known(index) => TAKEN_APART
                .iter()
                .flat_map(|&(level, types)| types.iter().map(move |&r#type| [level, r#type]))
                .cycle()
                .nth(index.into())
                .expect("a table that is not empty has no end"),
            Self::Other(level, r#type) => [level, r#type],
        }
    }
}

impl File {
    fn bytes(&self) -> Vec<u8> {
        let names = &self.names[..self.names.len().min(u16::MAX.into())];
        let head = FileHead {
            inode: 4711,
            fd: self.fd,
            mode: 0,
            magic: self.magic.number(),
            flags: self.flags.into(),
            names_len: names.len() as u16,
        };
        let mut bytes = [head.as_bytes(), names].concat();
        pad(&mut bytes, 8);
        bytes
    }
}

impl Magic {
    fn number(self) -> u32 {
        match self {
            Self::Socket => 0x534f_434b,
            Self::Pipe => 0x5049_5045,
            Self::Anonymous => 0x0904_1934,
            Self::Namespace => 0x6e73_6673,
            Self::Pid => 0x5049_4446,
            Self::Tmp => 0x0102_1994,
            Self::Other(number) => number,
        }
    }
}

impl Kernel {
    fn bytes(&self) -> Vec<u8> {
        let control = messages(&self.control, false);
        let mut bytes = self.bytes.to_le_bytes().to_vec();
        bytes.extend_from_slice(&(self.name.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(control.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.name);
        pad(&mut bytes, 8);
        bytes.extend_from_slice(&control);
        bytes
    }
}
