//! Batches on their way: the reader, each pipeline's queue and worker, the kept events, the ledger.

mod change;
mod kept;
mod ledger;
mod load;
mod loaded;
mod reader;
mod registry;
mod stage;
mod wanted;
mod worker;

pub use change::Put;
pub use kept::{Kept, KeptBatch};
pub use ledger::{Ledger, Row, Snapshot, UnpairedBy};
pub use load::{ChangeError, Spec, SpecError, parse_spec};
pub use loaded::{ScriptInfo, ScriptState};
pub use reader::Reader;
pub use registry::{PipelineInfo, Pipelines};
pub use wanted::{OnWanted, Wanted};
