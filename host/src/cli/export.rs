//! Options of `weir run` for handing results on.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use clap::Args;

use crate::export::{Chosen, Endpoint, FileSettings, Header, OtlpSettings, Settings};

/// What is handed on to what.
#[derive(Args)]
#[command(next_help_heading = "Exports")]
pub struct Export {
    /// Answer Prometheus at /metrics: Weir's own state and every table.
    #[arg(long)]
    metrics: bool,
    /// Rows of each table that are among metrics, for Prometheus or a collector. What is beyond is
    /// counted.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    metrics_rows: usize,
    /// Send metrics to the OpenTelemetry collector at this address, by OTLP over HTTP.
    #[arg(long, value_name = "URL", env = "WEIR_OTLP", hide_env_values = true)]
    otlp: Option<String>,
    /// A header of each request to the collector, as in authorization='Bearer TOKEN'. Others cannot
    /// see one in the variable.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        requires = "otlp",
        env = "WEIR_OTLP_HEADER",
        hide_env_values = true
    )]
    otlp_header: Vec<String>,
    /// How often metrics are sent to the collector.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = interval)]
    otlp_interval: Duration,
    /// Pipelines whose kept events are sent to the collector as log records: NAME,NAME… or * for all.
    #[arg(long, value_name = "PIPELINES", requires = "otlp", value_delimiter = ',')]
    otlp_logs: Vec<String>,
    /// Write kept events to this file, a line of JSON each.
    #[arg(long, value_name = "PATH", env = "WEIR_EVENTS_FILE")]
    events_file: Option<PathBuf>,
    /// Size at which the file becomes PATH.1, that one PATH.2, and so on.
    #[arg(long, value_name = "SIZE", default_value = "100MiB", value_parser = size)]
    events_file_size: u64,
    /// Most files, the one that is written to and older ones.
    #[arg(long, value_name = "N", default_value_t = NonZeroU32::new(5).expect("it is not 0"))]
    events_file_count: NonZeroU32,
    /// Pipelines whose kept events are written to the file: NAME,NAME… [default: all]
    #[arg(long, value_name = "PIPELINES", requires = "events_file", value_delimiter = ',')]
    events_file_pipelines: Vec<String>,
    /// Hand on payload bytes as well, to the file and the collector.
    #[arg(long)]
    export_payload: bool,
}

impl Export {
    /// What is asked for. An error does not repeat what may hold a secret, as one of clap's would.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let otlp = |url: &String| -> anyhow::Result<OtlpSettings> {
            Ok(OtlpSettings {
                endpoint: Endpoint::parse(url)?,
                headers: self
                    .otlp_header
                    .iter()
                    .map(|header| Header::parse(header))
                    .collect::<Result<_, _>>()?,
                interval: self.otlp_interval,
                logs: (!self.otlp_logs.is_empty()).then(|| Chosen::parse(&self.otlp_logs)),
            })
        };
        let otlp = self.otlp.as_ref().map(otlp).transpose()?;
        let file = self.events_file.clone().map(|path| FileSettings {
            path,
            bytes: self.events_file_size,
            files: self.events_file_count.get(),
            pipelines: Chosen::parse(&self.events_file_pipelines),
        });
        Ok(Settings {
            metrics: self.metrics,
            rows: self.metrics_rows,
            otlp,
            file,
            payload: self.export_payload,
        })
    }
}

fn size(text: &str) -> Result<u64, String> {
    match parse_size::parse_size(text) {
        Ok(0) => Err("it is 0".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(format!("{error}: write 100MiB, 2GB or a number of bytes")),
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    // Tables are copied each time.
    if interval < Duration::from_secs(1) {
        return Err("the shortest interval is 1s".to_owned());
    }
    Ok(interval)
}
