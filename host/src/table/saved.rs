//! Tables as bytes, to outlive the process: a head with all but the rows, and the rows by chunk, so that
//! what did not change need not be written again.

use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Kind, Options, Rows, Table,
    keyed::{Cell, Keyed},
};

/// The form of what is written. Another one is not read.
const FORM: u8 = 1;

/// Why bytes are no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// Of another version of weir.
    #[error("it is stored in form {0}, and this version reads form {FORM}")]
    Form(u8),
    /// Damaged.
    #[error("its stored form is damaged: {0}")]
    Damaged(String),
}

#[derive(Serialize, Deserialize)]
struct Head {
    kind: Kind,
    /// As JSON, so that options may be added.
    options: String,
    max_keys: usize,
    /// The row `other`, as a cell.
    other: Option<Vec<u8>>,
    /// Of a topk: the floor, and all weights.
    sums: Option<(u64, u64)>,
}

impl Table {
    /// All but the rows.
    pub fn save_head(&self) -> Vec<u8> {
        fn other<C: Cell + Serialize>(keyed: &Keyed<C>) -> Option<Vec<u8>> {
            keyed.other().map(bytes_of)
        }
        let (other, sums) = match &self.rows {
            Rows::Counter(keyed) => (other(keyed), None),
            Rows::Gauge(keyed) => (other(keyed), None),
            Rows::Histogram(keyed) => (keyed.other().map(|cell| bytes_of(&**cell)), None),
            Rows::Distinct(keyed) => (keyed.other().map(|cell| bytes_of(&**cell)), None),
            Rows::Rate(keyed) => (keyed.other().map(|cell| bytes_of(&**cell)), None),
            Rows::TopK(top) => (None, Some((top.floor(), top.total()))),
        };
        let options = serde_json::to_string(&self.options).expect("options are texts and numbers");
        let max_keys = self.max_keys();
        formed(&Head { kind: self.kind(), options, max_keys, other, sums })
    }

    /// How often each chunk of rows was changed since the table was made.
    pub fn changes(&self) -> Vec<u64> {
        fn of<T>(chunks: &[Arc<super::chunks::Chunk<T>>]) -> Vec<u64> {
            chunks.iter().map(|chunk| chunk.changes).collect()
        }
        each!(&self.rows, keyed => of(keyed.chunks()), top => of(top.chunks()))
    }

    /// The rows of a chunk.
    pub fn save_chunk(&self, chunk: usize) -> Vec<u8> {
        fn rows<C, S: Serialize>(
            keyed: &Keyed<C>,
            chunk: usize,
            saved: impl Fn(&C) -> &S,
        ) -> Vec<u8>
        where
            C: Cell,
        {
            let items = keyed.chunks()[chunk].items.iter();
            let rows: Vec<_> = items.map(|entry| (&entry.key, saved(&entry.cell))).collect();
            formed(&rows)
        }
        match &self.rows {
            Rows::Counter(keyed) => rows(keyed, chunk, |cell| cell),
            Rows::Gauge(keyed) => rows(keyed, chunk, |cell| cell),
            Rows::Histogram(keyed) => rows(keyed, chunk, |cell| &**cell),
            Rows::Distinct(keyed) => rows(keyed, chunk, |cell| &**cell),
            Rows::Rate(keyed) => rows(keyed, chunk, |cell| &**cell),
            Rows::TopK(top) => {
                let items = top.chunks()[chunk].items.iter();
                let items = items.map(|item| (&item.key, item.count, item.error));
                formed(&items.collect::<Vec<_>>())
            }
        }
    }

    /// The table that was saved.
    pub fn restore<'a>(
        head: &[u8],
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, SavedError> {
        let Head { kind, options, max_keys, other, sums } = parsed(head)?;
        let options: Options = serde_json::from_str(&options).map_err(damaged)?;
        options.check(kind).map_err(damaged)?;
        let window_s = options.window_s();
        let mut table = Self::new(kind, options, max_keys);
        for chunk in chunks {
            match &mut table.rows {
                Rows::Counter(keyed) => put_rows(keyed, chunk, Ok)?,
                Rows::Gauge(keyed) => put_rows(keyed, chunk, Ok)?,
                Rows::Histogram(keyed) => put_rows(keyed, chunk, |cell| Ok(Arc::new(cell)))?,
                Rows::Distinct(keyed) => put_rows(keyed, chunk, |cell| Ok(Arc::new(cell)))?,
                Rows::Rate(keyed) => put_rows(keyed, chunk, |cell| of_window(cell, window_s))?,
                Rows::TopK(top) => {
                    for (key, count, error) in parsed::<Vec<(Vec<u8>, u64, u64)>>(chunk)? {
                        top.put_back(&key, count, error);
                    }
                }
            }
        }
        let other = other.as_deref();
        match &mut table.rows {
            Rows::Counter(keyed) => keyed.put_back_other(other.map(cell).transpose()?),
            Rows::Gauge(keyed) => keyed.put_back_other(other.map(cell).transpose()?),
            Rows::Histogram(keyed) => {
                keyed.put_back_other(other.map(cell).transpose()?.map(Arc::new));
            }
            Rows::Distinct(keyed) => {
                keyed.put_back_other(other.map(cell).transpose()?.map(Arc::new));
            }
            Rows::Rate(keyed) => {
                let other = other.map(|bytes| of_window(cell(bytes)?, window_s)).transpose()?;
                keyed.put_back_other(other);
            }
            Rows::TopK(top) => {
                let (floor, total) = sums.unwrap_or_default();
                top.put_back_sums(floor, total);
            }
        }
        Ok(table)
    }
}

fn put_rows<C: Cell, S: DeserializeOwned>(
    keyed: &mut Keyed<C>,
    chunk: &[u8],
    cell: impl Fn(S) -> Result<C, SavedError>,
) -> Result<(), SavedError> {
    for (key, saved) in parsed::<Vec<(Vec<u8>, S)>>(chunk)? {
        keyed.put_back(&key, cell(saved)?);
    }
    Ok(())
}

fn of_window(rate: super::Rate, window_s: u32) -> Result<Arc<super::Rate>, SavedError> {
    if rate.is_over(window_s) {
        Ok(Arc::new(rate))
    } else {
        Err(damaged("a rate of another window"))
    }
}

fn bytes_of<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("memory is all that it takes")
}

fn cell<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, SavedError> {
    postcard::from_bytes(bytes).map_err(damaged)
}

fn formed<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![FORM]).expect("memory is all that it takes")
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, SavedError> {
    match bytes.split_first() {
        Some((&FORM, rest)) => postcard::from_bytes(rest).map_err(damaged),
        Some((&form, _)) => Err(SavedError::Form(form)),
        None => Err(damaged("nothing")),
    }
}

fn damaged(why: impl ToString) -> SavedError {
    SavedError::Damaged(why.to_string())
}
