//! Batches on their way: the reader, each pipeline's queue and worker, the kept events, the ledger.

mod change;
mod kept;
mod ledger;
mod load;
mod reader;
mod registry;
mod stage;
mod worker;

pub use change::Put;
pub use kept::{Kept, KeptBatch};
pub use ledger::{Ledger, Row, Snapshot, UnpairedBy};
pub use load::{ChangeError, Spec, SpecError, parse_spec};
pub use reader::Reader;
pub use registry::{PipelineInfo, Pipelines};
pub use stage::{ScriptInfo, ScriptState};
