//! `table_add_many(table: u32, ptr: u32, len: u32)`
//!
//! Adds to many rows of a table at once. A row is `key_len: u32, reserved: u32 = 0, value: u64`
//! and the key, padded to a multiple of 8; little-endian.

use wasmtime::{Caller, Linker, bail};

use super::MODULE;
use crate::script::{
    guest::{State, bytes, split},
    output::Output,
};

pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "table_add_many", table_add_many)?;
    Ok(())
}

fn table_add_many(
    mut caller: Caller<'_, State>,
    table: u32,
    ptr: u32,
    len: u32,
) -> wasmtime::Result<()> {
    let (memory, state) = split(&mut caller)?;
    add(&mut state.output, table, bytes(memory, ptr, len, "table_add_many: the rows")?)
}

fn add(output: &mut Output, table: u32, mut rows: &[u8]) -> wasmtime::Result<()> {
    let whole = rows.len();
    while let Some((fixed, rest)) = rows.split_first_chunk::<16>() {
        let [a, b, c, d, e, f, g, h, value @ ..] = *fixed;
        let key_len = u32::from_le_bytes([a, b, c, d]) as usize;
        let padded = key_len.next_multiple_of(8);
        if [e, f, g, h] != [0; 4] || padded > rest.len() {
            bail!(
                "table_add_many: the row at {} has a key of {key_len} bytes: it leaves the {whole} \
                 bytes, or its reserved part is not 0",
                whole - rows.len()
            );
        }
        let (key, value) = (&rest[..key_len], u64::from_le_bytes(value));
        output.add("table_add_many", table, key, value)?;
        rows = &rest[padded..];
    }
    if !rows.is_empty() {
        bail!("table_add_many: {} bytes behind the last row", rows.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Limits;

    fn row(key: &[u8], value: u64) -> Vec<u8> {
        let mut row = (key.len() as u64).to_le_bytes().to_vec();
        row.extend(value.to_le_bytes());
        row.extend(key);
        row.resize(row.len().next_multiple_of(8), 0);
        row
    }

    fn output() -> Output {
        let mut output = Output::new(&Limits::default());
        output.open(3, 1);
        output
    }

    #[test]
    fn adds_every_row() {
        let rows = [row(b"a", 1), row(b"", u64::MAX), row(b"eightish", 7), row(b"nine more", 2)];
        let mut output = output();
        add(&mut output, 0, &rows.concat()).unwrap();
        let list: Vec<_> = output
            .updates
            .list
            .iter()
            .map(|(_, key, value)| (&output.updates.keys[key.clone()], *value))
            .collect();
        let expected: [(&[u8], u64); 4] =
            [(b"a", 1), (b"", u64::MAX), (b"eightish", 7), (b"nine more", 2)];
        assert_eq!(list, expected);
    }

    #[test]
    fn refuses_rows_that_are_none() {
        let whole = row(b"abc", 1);
        for len in (1..whole.len()).rev() {
            add(&mut output(), 0, &whole[..len]).unwrap_err();
        }
        let mut reserved = whole.clone();
        reserved[4] = 1;
        let mut long = whole.clone();
        long[..4].fill(0xff);
        for rows in [reserved, long] {
            let error = add(&mut output(), 0, &rows).unwrap_err().to_string();
            assert!(error.contains("row at 0"), "{error}");
        }
        add(&mut output(), 1, &whole).unwrap_err();
    }
}
