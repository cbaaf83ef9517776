//! Tables over time: as they were, and as series.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{
    App,
    error::{Error, Path},
    tables::TableParams,
};
use crate::store::{Answer, AnswerError, Error as StoreError, Store, Wish};

/// Series of one answer, unless asked for otherwise.
const SERIES: usize = 10;
/// Most series of one answer.
const MOST_SERIES: usize = 1_000;
/// How far back series go, unless asked for otherwise.
const BACK: i64 = 15 * 60;

/// A table as it was at a time.
pub async fn get_at(
    app: Arc<App>,
    script: String,
    name: String,
    params: TableParams,
) -> Result<Json<Value>, Error> {
    let store = store(&app)?;
    let at = time("at", params.at.as_deref().unwrap_or_default(), SystemTime::now())?;
    let now = app.pipelines.table(&script, &name);
    let then = blocking(move || {
        let query = params.query(0);
        let then = store.table_at(&script, &name, at, &query)?;
        let options = now.as_ref().map(|table| table.options());
        Ok(json!({
            "script": script,
            "table": name,
            "kind": then.kind,
            "labels": then.labels,
            "unit": then.unit,
            "help": options.map_or("", |options| &options.help),
            "rows": then.rows,
            "max_keys": now.as_ref().map(|table| table.max_keys()),
            "window_s": then.window_s,
            "at": humantime::format_rfc3339_seconds(of_seconds(then.at)).to_string(),
            "other": then.other,
            "row_list": then.row_list,
        }))
    });
    Ok(Json(then.await?))
}

/// What series can be asked for: what is read of it is [`wish`].
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what `wish` reads")]
pub struct SeriesParams {
    /// A time in RFC 3339, or so long ago: `-15m`, which it is if left out.
    from: Option<String>,
    /// The same; now if left out.
    to: Option<String>,
    /// Time between two values, `10s`; chosen to fit if left out.
    step: Option<String>,
    /// The labels of a row, as a JSON array; may be there several times.
    key: Option<Vec<String>>,
    /// Most series; 10 if left out.
    limit: Option<usize>,
    /// Whether histograms are told by bucket as well.
    heat: Option<bool>,
}

/// A table's rows over time.
#[utoipa::path(get, path = "/api/v1/tables/{script}/{table}/series",
    params(("script" = String, Path), ("table" = String, Path), SeriesParams),
    responses((status = 200, body = Answer)))]
pub async fn series(
    State(app): State<Arc<App>>,
    Path((script, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Answer>, Error> {
    let now = SystemTime::now();
    let wish = wish(query.as_deref().unwrap_or_default(), now)?;
    let store = store(&app)?;
    let answer = blocking(move || store.series(&script, &name, &wish, now));
    Ok(Json(answer.await?))
}

fn store(app: &App) -> Result<Arc<Store>, Error> {
    app.store.clone().ok_or_else(|| {
        Error::not_found("no_history", "no history is kept: weir runs with --no-store")
    })
}

async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, AnswerError> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(ask).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(Error::bug("looking at history", &error)),
    }
}

/// What a query asks for; `key` may be there several times.
fn wish(query: &str, now: SystemTime) -> Result<Wish, Error> {
    let end = seconds(now);
    let mut wish = Wish {
        from: end - BACK,
        to: end,
        step: None,
        keys: Vec::new(),
        limit: SERIES,
        heat: false,
    };
    // Unlike serde's form, this knows a name that is there more than once.
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let bad = |what: &str| Error::bad_parameter(format!("`{name}` is `{value}`: {what}"));
        match &name[..] {
            "from" => wish.from = time("from", &value, now)?,
            "to" => wish.to = time("to", &value, now)?,
            "step" => {
                let step = humantime::parse_duration(&value);
                let step = step.ok().filter(|step| step.as_secs() > 0);
                let step = step.ok_or_else(|| bad("write it like 10s, 5m or 1h"))?;
                wish.step = Some(step.as_secs().cast_signed());
            }
            "key" => {
                let key = serde_json::from_str(&value);
                wish.keys.push(key.map_err(|_| bad("it is a JSON array of labels"))?);
            }
            "limit" => {
                let limit = value.parse::<usize>();
                wish.limit = limit.map_err(|_| bad("it is a number"))?.min(MOST_SERIES);
            }
            "heat" => {
                wish.heat = value.parse().map_err(|_| bad("it is true or false"))?;
            }
            _ => {
                let known = "from, to, step, key, limit and heat";
                return Err(Error::bad_parameter(format!(
                    "there is no `{name}`: there are {known}"
                )));
            }
        }
    }
    Ok(wish)
}

/// A time as RFC 3339, or so long before now: `-15m`.
fn time(name: &str, text: &str, now: SystemTime) -> Result<i64, Error> {
    let at = match text.strip_prefix('-') {
        Some(back) => humantime::parse_duration(back).ok().and_then(|back| now.checked_sub(back)),
        None if text == "now" => Some(now),
        None => humantime::parse_rfc3339_weak(text).ok(),
    };
    at.map(seconds).ok_or_else(|| {
        Error::bad_parameter(format!(
            "`{name}` is `{text}`: write a time like 2026-11-23T17:20:00Z, or -15m for so long ago"
        ))
    })
}

fn seconds(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

fn of_seconds(at: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(at.max(0).cast_unsigned())
}

impl From<AnswerError> for Error {
    fn from(error: AnswerError) -> Self {
        let message = error.to_string();
        match error {
            AnswerError::UnknownTable(..) => Self::not_found("unknown_table", message),
            AnswerError::NoHistory { .. } => Self::not_found("no_history", message),
            AnswerError::Bad(_) | AnswerError::Sort(_) => Self::bad_parameter(message),
            AnswerError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> SystemTime {
        of_seconds(1_780_000_000)
    }

    #[test]
    fn a_query_is_read() {
        let wish = wish(
            "from=-15m&to=2026-05-28T20:26:40Z&step=1m&key=%5B%22a%20b%22%5D&key=[\"c\",\"%2B+\"]&heat=true&limit=3",
            now(),
        );
        let wish = wish.unwrap();
        assert_eq!((wish.from, wish.to, wish.step), (1_779_999_100, 1_780_000_000, Some(60)));
        assert_eq!(wish.keys, [vec!["a b".to_owned()], vec!["c".to_owned(), "+ ".to_owned()]]);
        assert_eq!((wish.limit, wish.heat), (3, true));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (query, expected) in [
            ("from=yesterday", "`from` is `yesterday`: write a time like"),
            ("step=often", "`step` is `often`: write it like 10s"),
            ("step=0s", "`step` is `0s`"),
            ("key=a", "`key` is `a`: it is a JSON array of labels"),
            ("limit=x", "`limit` is `x`: it is a number"),
            ("heat=hot", "`heat` is `hot`: it is true or false"),
            ("colour=red", "there is no `colour`: there are from,"),
        ] {
            let error = wish(query, now()).unwrap_err();
            let error = serde_json::to_value(error).unwrap();
            assert_eq!(error["code"], "bad_parameter");
            assert!(error["message"].as_str().unwrap().starts_with(expected), "{error}");
        }
    }
}
