//! What every event that fits an expression has in common, as far as the kernel can hold calls against it.
//!
//! The tests are walked from the last to the first, with what must hold for an event that fits behind each
//! answer. Of an `or` that leaves what holds on both sides. So every event that fits an expression fits its
//! conditions; what fits the conditions alone is left to the script.

use weir_ebpf::want::{VALUES, Want};
use weir_expression::{Field, Number, Order, Part, Program, Target, Test, Text};
use weir_sdk::event::{CALL_RECVFROM, CALL_RECVMMSG, CALL_RECVMSG, COMM_BYTES};

use crate::decode::family_name;

const RECEIVING: u16 = 1 << CALL_RECVMSG | 1 << CALL_RECVMMSG | 1 << CALL_RECVFROM;

/// The conditions that hold for all events of these calls that fit.
pub fn of(program: &Program, calls: u16) -> Want {
    // Steps go on to those before them alone.
    let mut behind: Vec<Option<Conditions>> = Vec::with_capacity(program.steps.len());
    let at = |behind: &[Option<Conditions>], target| match target {
        Target::Keep => Some(Conditions::default()),
        Target::Drop => None,
        Target::Step(index) => behind[usize::from(index)].clone(),
    };
    for step in &program.steps {
        let yes = at(&behind, step.yes).map(|then| then.and(&asked(&step.test, calls)));
        let no = at(&behind, step.no).map(|then| then.and(&denied(&step.test, calls)));
        behind.push(match (yes, no) {
            (Some(yes), Some(no)) => Some(yes.or(&no)),
            (yes, no) => yes.or(no),
        });
    }
    // What nothing fits is asked for all the same: the script has the last word.
    at(&behind, program.entry).unwrap_or_default().want(calls)
}

/// What must hold. Of a list, any value; none is no condition.
#[derive(Clone, Debug, Default)]
struct Conditions {
    lists: [Vec<Value>; LISTS],
    min_bytes: u64,
    errors: bool,
}

/// A number, or the name of a thread.
type Value = [u64; 2];

const LISTS: usize = 6;
const PID: usize = 0;
const UID: usize = 1;
const CGROUP: usize = 2;
const COMM: usize = 3;
const FAMILY: usize = 4;
const PORT: usize = 5;

impl Conditions {
    fn list(list: usize, values: Vec<Value>) -> Self {
        let mut conditions = Self::default();
        conditions.lists[list] = values;
        conditions
    }

    fn and(mut self, other: &Self) -> Self {
        for (list, others) in self.lists.iter_mut().zip(&other.lists) {
            // Two lists that both must hold: the shorter one says more, and either is true.
            if list.is_empty() || !others.is_empty() && others.len() < list.len() {
                list.clone_from(others);
            }
        }
        self.min_bytes = self.min_bytes.max(other.min_bytes);
        self.errors |= other.errors;
        self
    }

    fn or(mut self, other: &Self) -> Self {
        for (list, others) in self.lists.iter_mut().zip(&other.lists) {
            if list.is_empty() || others.is_empty() {
                list.clear();
                continue;
            }
            list.extend(others);
            list.sort_unstable();
            list.dedup();
            if list.len() > VALUES {
                list.clear();
            }
        }
        self.min_bytes = self.min_bytes.min(other.min_bytes);
        self.errors &= other.errors;
        self
    }

    fn want(self, calls: u16) -> Want {
        let Self { lists: [pids, uids, cgroups, comms, families, ports], min_bytes, errors } = self;
        let mut want = Want { calls, min_bytes, errors: errors.into(), ..Want::default() };
        let counts = &mut want.counts;
        counts.pids = fill(&mut want.pids, &pids, |[pid, _]| pid as u32);
        counts.uids = fill(&mut want.uids, &uids, |[uid, _]| uid as u32);
        counts.cgroups = fill(&mut want.cgroups, &cgroups, |[cgroup, _]| cgroup);
        counts.comms = fill(&mut want.comms, &comms, |comm| comm);
        counts.families = fill(&mut want.families, &families, |[family, _]| family as u16);
        counts.ports = fill(&mut want.ports, &ports, |[port, _]| port as u16);
        want.complete();
        want
    }
}

fn fill<T>(to: &mut [T; VALUES], values: &[Value], of: impl Fn(Value) -> T) -> u8 {
    for (to, &value) in to.iter_mut().zip(values) {
        *to = of(value);
    }
    values.len() as u8
}

/// What holds where the answer is yes.
fn asked(test: &Test, calls: u16) -> Conditions {
    match test {
        Test::There(Part::Field(Field::Error)) => failed(),
        Test::Compare(Number::Field(field), order, Number::Constant(constant)) => {
            compared(*field, *order, *constant, calls)
        }
        Test::Compare(Number::Constant(constant), order, Number::Field(field)) => {
            compared(*field, turned(*order), *constant, calls)
        }
        Test::OneOfNumbers(Number::Field(field), list) => numbers(*field, list),
        Test::Same(Text::Field(field), Text::Constant(text))
        | Test::Same(Text::Constant(text), Text::Field(field)) => {
            texts(*field, std::slice::from_ref(text))
        }
        Test::OneOf(Text::Field(field), list) => texts(*field, list),
        // With a part that is absent the answer is no.
        Test::StartsWith(a, b) | Test::EndsWith(a, b) | Test::Contains(a, b)
            if [a, b].contains(&&Text::Field(Field::Error)) =>
        {
            failed()
        }
        _ => Conditions::default(),
    }
}

/// What holds where the answer is no, which it also is where a part is absent; a result never is.
fn denied(test: &Test, calls: u16) -> Conditions {
    let (field, order, constant) = match test {
        Test::Compare(Number::Field(field), order, Number::Constant(constant)) => {
            (*field, *order, *constant)
        }
        Test::Compare(Number::Constant(constant), order, Number::Field(field)) => {
            (*field, turned(*order), *constant)
        }
        _ => return Conditions::default(),
    };
    let opposite = match order {
        Order::Equal => return Conditions::default(),
        Order::Less => Order::GreaterOrEqual,
        Order::LessOrEqual => Order::Greater,
        Order::Greater => Order::LessOrEqual,
        Order::GreaterOrEqual => Order::Less,
    };
    if field == Field::Ret {
        compared(field, opposite, constant, calls)
    } else {
        Conditions::default()
    }
}

fn failed() -> Conditions {
    Conditions { errors: true, ..Conditions::default() }
}

/// `constant < field` as `field > constant`.
fn turned(order: Order) -> Order {
    match order {
        Order::Equal => Order::Equal,
        Order::Less => Order::Greater,
        Order::LessOrEqual => Order::GreaterOrEqual,
        Order::Greater => Order::Less,
        Order::GreaterOrEqual => Order::LessOrEqual,
    }
}

fn compared(field: Field, order: Order, constant: i128, calls: u16) -> Conditions {
    let least = match order {
        Order::Equal | Order::GreaterOrEqual => Some(constant),
        Order::Greater => constant.checked_add(1),
        Order::Less | Order::LessOrEqual => None,
    };
    // The bytes of a call that receives are those that it received, of another those that it offers.
    let counted = match field {
        Field::Bytes => calls & RECEIVING == 0,
        Field::Ret => calls & !RECEIVING == 0,
        _ => false,
    };
    let min_bytes =
        least.filter(|_| counted).map_or(0, |least| least.clamp(0, u64::MAX.into()) as u64);
    // A call that failed is shown to return -1.
    let errors = field == Field::Ret
        && match order {
            Order::Equal => constant == -1,
            Order::Less => constant <= 0,
            Order::LessOrEqual => constant < 0,
            Order::Greater | Order::GreaterOrEqual => false,
        };
    let listed = match order {
        Order::Equal => numbers(field, &[constant]),
        _ => Conditions::default(),
    };
    Conditions { min_bytes, errors, ..listed }
}

/// One of these numbers.
fn numbers(field: Field, values: &[i128]) -> Conditions {
    let (list, most) = match field {
        Field::Pid => (PID, u32::MAX.into()),
        Field::Uid => (UID, u32::MAX.into()),
        Field::CgroupId => (CGROUP, u64::MAX),
        Field::NamePort => (PORT, u16::MAX.into()),
        Field::Ret if values.iter().all(|&value| value == -1) => return failed(),
        _ => return Conditions::default(),
    };
    let value = |&value: &i128| u64::try_from(value).ok().filter(|&value| value <= most);
    listed(list, values.iter().map(|number| Some([value(number)?, 0])))
}

/// One of these texts.
fn texts(field: Field, values: &[Vec<u8>]) -> Conditions {
    match field {
        Field::Error => failed(),
        Field::Comm => listed(COMM, values.iter().map(|name| comm(name))),
        Field::SocketFamily => listed(FAMILY, values.iter().map(|name| family(name))),
        _ => Conditions::default(),
    }
}

/// A list of as many values as a want takes, all of which can be in one.
fn listed(list: usize, values: impl ExactSizeIterator<Item = Option<Value>>) -> Conditions {
    if values.len() > VALUES {
        return Conditions::default();
    }
    match values.collect() {
        Some(values) => Conditions::list(list, values),
        None => Conditions::default(),
    }
}

/// A thread's name as the kernel keeps it; none of a text that cannot be one.
fn comm(name: &[u8]) -> Option<Value> {
    if name.is_empty() || name.len() >= COMM_BYTES || name.contains(&0) {
        return None;
    }
    let mut bytes = [[0; 8]; 2];
    bytes.as_flattened_mut()[..name.len()].copy_from_slice(name);
    Some(bytes.map(u64::from_ne_bytes))
}

fn family(name: &[u8]) -> Option<Value> {
    let known = |&family: &u16| family_name(family).as_bytes() == name;
    (0..=u8::MAX.into()).find(known).map(|family: u16| [family.into(), 0])
}
