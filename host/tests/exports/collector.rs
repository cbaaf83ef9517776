//! A collector: an HTTP server that decodes what it is sent, and answers as it is told.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest},
    logs::v1::LogRecord,
    metrics::v1::{Metric, ResourceMetrics},
};
use prost::Message;

/// How it answers a request.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// With this status and these headers.
    Status(u16, &'static str),
    /// Not at all, and keeps the connection.
    Never,
}

/// What it was sent.
#[derive(Default)]
pub struct Got {
    /// The heads of requests.
    pub heads: Vec<String>,
    /// Metrics of requests that it took, by request.
    pub metrics: Vec<ResourceMetrics>,
    /// Log records of requests that it took.
    pub records: Vec<LogRecord>,
    /// Requests that it did not take.
    pub refused: usize,
}

pub struct Collector {
    pub url: String,
    pub got: Arc<Mutex<Got>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    then: Arc<Mutex<Answer>>,
}

impl Collector {
    /// One that takes all it is sent.
    pub fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub fn on(listener: TcpListener) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self {
            url,
            got: Arc::default(),
            answers: Arc::default(),
            then: Arc::new(Mutex::new(Answer::Status(200, ""))),
        };
        let parts = (collector.got.clone(), collector.answers.clone(), collector.then.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let parts = parts.clone();
                // The other side may end when it likes.
                thread::spawn(move || _ = serve(stream, &parts.0, &parts.1, &parts.2));
            }
        });
        collector
    }

    /// Answers the next requests so.
    pub fn next(&self, answers: &[Answer]) {
        self.answers.lock().unwrap().extend(answers);
    }

    /// Answers all further requests so.
    pub fn then(&self, answer: Answer) {
        *self.then.lock().unwrap() = answer;
    }

    /// Looks at what it was sent.
    pub fn look<T>(&self, look: impl Fn(&Got) -> Option<T>) -> Option<T> {
        look(&self.got.lock().unwrap())
    }

    /// A metric of the last request that has it.
    pub fn metric(&self, name: &str) -> Option<Metric> {
        let got = self.got.lock().unwrap();
        let metrics = got.metrics.iter().rev();
        let mut metrics = metrics.flat_map(|of| of.scope_metrics.iter().flat_map(|of| &of.metrics));
        metrics.find(|metric| metric.name == name).cloned()
    }
}

fn serve(
    stream: TcpStream,
    got: &Mutex<Got>,
    answers: &Mutex<VecDeque<Answer>>,
    then: &Mutex<Answer>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.expect("a length")];
        reader.read_exact(&mut body)?;
        let answer = answers.lock().unwrap().pop_front();
        let answer = answer.unwrap_or(*then.lock().unwrap());
        let mut got = got.lock().unwrap();
        got.heads.push(head.clone());
        let Answer::Status(status, headers) = answer else {
            got.refused += 1;
            drop(got);
            thread::park();
            return Ok(());
        };
        if status == 200 {
            assert!(head.to_ascii_lowercase().contains("content-type: application/x-protobuf\r\n"));
            if head.starts_with("POST /v1/metrics ") {
                let request = ExportMetricsServiceRequest::decode(&body[..]).unwrap();
                got.metrics.extend(request.resource_metrics);
            } else {
                assert!(head.starts_with("POST /v1/logs "), "{head}");
                let request = ExportLogsServiceRequest::decode(&body[..]).unwrap();
                let of_scopes = request.resource_logs.into_iter().flat_map(|of| of.scope_logs);
                got.records.extend(of_scopes.flat_map(|of| of.log_records));
            }
        } else {
            got.refused += 1;
        }
        drop(got);
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n{headers}\r\n");
        reader.get_mut().write_all(answer.as_bytes())?;
    }
}
