//! Batches on their way: the reader, each pipeline's queue and worker, the kept events, the ledger.

mod change;
mod check;
mod info;
mod kept;
mod ledger;
mod load;
mod loaded;
mod loading;
mod order;
mod params;
mod reader;
mod registry;
mod stage;
mod swap;
mod trial;
mod turn;
mod wanted;
mod worker;

pub use check::Checked;
pub use info::ScriptInfo;
pub use kept::{Kept, KeptBatch};
pub use ledger::{Ledger, Row, Snapshot, UnpairedBy};
pub use load::{ChangeError, ScriptSpec, Settings, Spec, SpecError, check_name, parse_spec};
pub use loaded::{Handover, RolledBack, ScriptState};
pub use loading::{LoadInfo, LoadState};
pub use params::ParamChanges;
pub use reader::Reader;
pub use registry::{PipelineInfo, Pipelines};
pub use swap::Put;
pub use turn::short_turns;
pub use wanted::{OnWanted, Wanted};
