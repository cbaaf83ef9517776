//! Named aggregates that scripts update and the host owns. Pure: no I/O, no clock.

mod chunks;
mod counter;
mod distinct;
mod gauge;
mod histogram;
mod keyed;
mod kind;
mod options;
mod rate;
mod read;
mod row;
mod set;
#[cfg(test)]
mod tests;
mod topk;

pub use counter::Counter;
pub use distinct::{Distinct, RELATIVE_ERROR};
pub use gauge::Gauge;
pub use histogram::{Histogram, Summary};
pub use kind::Kind;
pub use options::{Options, OptionsError};
pub use rate::Rate;
pub use read::Reading;
pub use row::{Query, Row, Sort, SortError, Values, labels, sorted};
pub use saved::SavedError;
pub use set::{OpenError, Tables, Update};
pub use topk::{TopK, Weighed};

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use keyed::Keyed;

/// Most rows of a table, unless set otherwise. Further keys go into the row `other`.
pub const MAX_KEYS: usize = 10_000;

/// One table. A key is its labels, joined by NUL.
///
/// A copy costs next to nothing: it shares the rows until they change (see `chunks`).
#[derive(Clone, Debug)]
pub struct Table {
    /// Tells it, and its copies, from all others of this process.
    id: u64,
    options: Options,
    rows: Rows,
}

/// What numbers tables.
static TABLES: AtomicU64 = AtomicU64::new(1);

/// The rows, by kind: what an update does is chosen once, not by row.
#[derive(Clone, Debug)]
enum Rows {
    Counter(Keyed<Counter>),
    Histogram(Keyed<Arc<Histogram>>),
    Gauge(Keyed<Gauge>),
    TopK(TopK),
    Distinct(Keyed<Arc<Distinct>>),
    Rate(Keyed<Arc<Rate>>),
}

/// Does the same with rows of whichever kind.
macro_rules! each {
    ($rows:expr, $keyed:ident => $of_keyed:expr, $top:ident => $of_top:expr) => {
        match $rows {
            Rows::Counter($keyed) => $of_keyed,
            Rows::Histogram($keyed) => $of_keyed,
            Rows::Gauge($keyed) => $of_keyed,
            Rows::Distinct($keyed) => $of_keyed,
            Rows::Rate($keyed) => $of_keyed,
            Rows::TopK($top) => $of_top,
        }
    };
}

mod saved;

impl Table {
    /// An empty table with options that make sense, of at most so many rows.
    fn new(kind: Kind, options: Options, most_keys: usize) -> Self {
        let keys = options.max_keys.unwrap_or(most_keys).min(most_keys);
        let rows = match kind {
            Kind::Counter => Rows::Counter(Keyed::new(Counter::default(), keys)),
            Kind::Histogram => Rows::Histogram(Keyed::new(Arc::default(), keys)),
            Kind::Gauge => Rows::Gauge(Keyed::new(Gauge::default(), keys)),
            Kind::TopK => Rows::TopK(TopK::new(options.k())),
            Kind::Distinct => Rows::Distinct(Keyed::new(Arc::default(), keys)),
            Kind::Rate => Rows::Rate(Keyed::new(Arc::new(Rate::new(options.window_s())), keys)),
        };
        Self { id: TABLES.fetch_add(1, Relaxed), options, rows }
    }

    /// Takes other options of the same labels and window. Rows that there are stay.
    fn reopen(&mut self, options: Options, most_keys: usize) {
        self.options = options;
        self.limit_keys(most_keys);
    }

    /// Takes another limit of the host. Rows that there are stay.
    fn limit_keys(&mut self, most_keys: usize) {
        let keys = self.options.max_keys.unwrap_or(most_keys).min(most_keys);
        let k = self.options.k();
        each!(&mut self.rows, keyed => keyed.max_keys = keys, top => top.show(k));
    }

    /// What it does with values.
    pub fn kind(&self) -> Kind {
        match self.rows {
            Rows::Counter(_) => Kind::Counter,
            Rows::Histogram(_) => Kind::Histogram,
            Rows::Gauge(_) => Kind::Gauge,
            Rows::TopK(_) => Kind::TopK,
            Rows::Distinct(_) => Kind::Distinct,
            Rows::Rate(_) => Kind::Rate,
        }
    }

    /// A number that tells it, and its copies, from all other tables of this process.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What the script said of it.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Most rows; of a topk, how many items it shows.
    pub fn max_keys(&self) -> usize {
        each!(&self.rows, keyed => keyed.max_keys, top => top.k())
    }

    /// Seconds that a rate is taken over.
    pub fn window_s(&self) -> Option<u32> {
        matches!(self.rows, Rows::Rate(_)).then(|| self.options.window_s())
    }

    /// Adds a value to the row of a key, at a time.
    pub fn add(&mut self, key: &[u8], value: u64, now_ns: u64) {
        each!(&mut self.rows, keyed => keyed.add(key, value, now_ns), top => top.add(key, value));
    }

    /// Whether another table can be added to this one.
    fn is_like(&self, kind: Kind, options: &Options) -> bool {
        self.kind() == kind
            && self.options.labels == options.labels
            && (kind != Kind::Rate || self.options.window_s() == options.window_s())
    }

    /// Adds another table. One of another kind, other labels or another window is left out.
    pub fn merge(&mut self, from: &Self) {
        if !self.is_like(from.kind(), &from.options) {
            return;
        }
        match (&mut self.rows, &from.rows) {
            (Rows::Counter(to), Rows::Counter(from)) => to.merge(from),
            (Rows::Histogram(to), Rows::Histogram(from)) => to.merge(from),
            (Rows::Gauge(to), Rows::Gauge(from)) => to.merge(from),
            (Rows::TopK(to), Rows::TopK(from)) => to.merge(from),
            (Rows::Distinct(to), Rows::Distinct(from)) => to.merge(from),
            (Rows::Rate(to), Rows::Rate(from)) => to.merge(from),
            _ => unreachable!("of one kind, as was just seen"),
        }
    }

    /// Number of rows, without `other`.
    pub fn len(&self) -> usize {
        each!(&self.rows, keyed => keyed.len(), top => top.len())
    }

    /// Whether there is no row, which means that nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows as the API shows them; and the row `other`.
    pub fn rows(&self, query: &Query) -> Result<(Vec<Row>, Option<Row>), SortError> {
        let sort = query.sort_of(self.kind())?;
        Ok(each!(
            &self.rows,
            keyed => row::of_keyed(keyed, sort, query),
            top => row::of_topk(top, sort, query)
        ))
    }

    /// How many chunks of rows two tables share.
    #[cfg(test)]
    fn shared_chunks(&self, other: &Self) -> usize {
        fn shared<T>(own: &[Arc<chunks::Chunk<T>>], other: &[Arc<chunks::Chunk<T>>]) -> usize {
            own.iter().zip(other).filter(|(own, other)| Arc::ptr_eq(own, other)).count()
        }
        match (&self.rows, &other.rows) {
            (Rows::Counter(own), Rows::Counter(other)) => shared(own.chunks(), other.chunks()),
            (Rows::Histogram(own), Rows::Histogram(other)) => shared(own.chunks(), other.chunks()),
            (Rows::Gauge(own), Rows::Gauge(other)) => shared(own.chunks(), other.chunks()),
            (Rows::TopK(own), Rows::TopK(other)) => shared(own.chunks(), other.chunks()),
            (Rows::Distinct(own), Rows::Distinct(other)) => shared(own.chunks(), other.chunks()),
            (Rows::Rate(own), Rows::Rate(other)) => shared(own.chunks(), other.chunks()),
            _ => 0,
        }
    }
}
