//! Attaches and detaches the programs of a plan, one by one.

use std::os::fd::AsFd;

use aya::{
    Btf, Ebpf,
    maps::{Map, MapData, ProgramArray},
    programs::{Program, ProgramError},
};

use super::{
    Error, cause,
    counters::{Attached, links_of},
    is_permission,
    plan::{Hook, Step},
};

/// The loaded object, and what of it is attached.
pub(super) struct Programs {
    ebpf: Ebpf,
    entries: ProgramArray<MapData>,
    /// The kernel's BTF as aya reads it, once fentry wants it.
    btf: Option<Btf>,
    attached: Vec<Step>,
    /// What could not be attached and is not needed: tried once.
    refused: Vec<Step>,
}

impl Programs {
    /// Takes over a loaded object; nothing of it is attached.
    pub fn new(mut ebpf: Ebpf) -> Result<Self, Error> {
        let entries = ebpf.take_map("ENTRIES").ok_or(Error::Map("ENTRIES"))?;
        let entries = ProgramArray::try_from(entries).map_err(|_| Error::Map("ENTRIES"))?;
        Ok(Self { ebpf, entries, btf: None, attached: Vec::new(), refused: Vec::new() })
    }

    /// A map, to use apart.
    pub fn take_map(&mut self, name: &str) -> Option<Map> {
        self.ebpf.take_map(name)
    }

    /// What is attached and not in the plan is detached, entries first; then the rest of the plan is
    /// attached, in its order. `state` is told of each. The first step that is needed and cannot be
    /// attached ends it.
    pub fn follow(
        &mut self,
        plan: &[Step],
        state: &mut Vec<Attached>,
    ) -> Result<(), (Step, Error)> {
        while let Some(surplus) = self.attached.iter().rposition(|step| !plan.contains(step)) {
            let step = self.attached.remove(surplus);
            state.retain(|attached| attached.step != step);
            self.detach(step).map_err(|error| (step, error))?;
        }
        for &step in plan {
            if self.attached.contains(&step) || self.refused.contains(&step) {
                continue;
            }
            match self.attach(step) {
                Ok(attached) => {
                    state.push(attached);
                    self.attached.push(step);
                }
                Err(error) if step.needed => return Err((step, error)),
                Err(error) => {
                    tracing::info!("{error}: see docs/events.md for what is not seen without");
                    self.refused.push(step);
                }
            }
        }
        Ok(())
    }

    fn attach(&mut self, step: Step) -> Result<Attached, Error> {
        let failed = |error: &(dyn std::error::Error + 'static)| failure(step, error);
        if matches!(step.hook, Hook::Fentry(_) | Hook::Fexit(_)) && self.btf.is_none() {
            self.btf = Some(Btf::from_sys_fs().map_err(|error| failed(&error))?);
        }
        let program = self.ebpf.program_mut(step.program).ok_or(Error::NoPrograms)?;
        load_and_attach(program, step.hook, self.btf.as_ref()).map_err(|error| failed(&error))?;
        let program = self.ebpf.program(step.program).ok_or(Error::NoPrograms)?;
        let fd = program.fd().map_err(|error| failed(&error))?;
        match step.hook {
            Hook::Entry(call) => self.entries.set(call.into(), fd, 0),
            _ => Ok(()),
        }
        .map_err(|error| failed(&error))?;
        let links = match program {
            Program::KProbe(program) => {
                links_of(program.info().map_err(|error| failed(&error))?.id())
            }
            _ => Vec::new(),
        };
        let program = fd.as_fd().try_clone_to_owned().map_err(|error| failed(&error))?;
        Ok(Attached { step, program, links })
    }

    fn detach(&mut self, step: Step) -> Result<(), Error> {
        let failed = |error: &(dyn std::error::Error + 'static)| failure(step, error);
        match step.hook {
            Hook::Entry(call) => self.entries.clear_index(&call.into()),
            _ => Ok(()),
        }
        .map_err(|error| failed(&error))?;
        // Two calls may go on to the same program.
        if self.attached.iter().any(|other| other.program == step.program) {
            return Ok(());
        }
        match self.ebpf.program_mut(step.program).ok_or(Error::NoPrograms)? {
            Program::KProbe(program) => program.unload(),
            Program::RawTracePoint(program) => program.unload(),
            Program::FEntry(program) => program.unload(),
            Program::FExit(program) => program.unload(),
            _ => return Err(Error::NoPrograms),
        }
        .map_err(|error| failed(&error))
    }
}

fn load_and_attach(
    program: &mut Program,
    hook: Hook,
    btf: Option<&Btf>,
) -> Result<(), ProgramError> {
    match (program, hook, btf) {
        (Program::RawTracePoint(program), Hook::RawTracepoint(name), _) => {
            program.load()?;
            program.attach(name)?;
        }
        (Program::RawTracePoint(program), Hook::Entry(_), _) => match program.load() {
            Err(ProgramError::AlreadyLoaded) => {}
            result => result?,
        },
        (Program::KProbe(program), Hook::Functions(names) | Hook::Returns(names), _) => {
            program.load()?;
            for (index, name) in names.iter().enumerate() {
                match program.attach(name, 0) {
                    // A kernel may lack the others, which do the same in another way.
                    Err(_) if index > 0 => {}
                    result => _ = result?,
                }
            }
        }
        (Program::FEntry(program), Hook::Fentry(name), Some(btf)) => {
            program.load(name, btf)?;
            program.attach()?;
        }
        (Program::FExit(program), Hook::Fexit(name), Some(btf)) => {
            program.load(name, btf)?;
            program.attach()?;
        }
        _ => return Err(ProgramError::UnexpectedProgramType),
    }
    Ok(())
}

fn failure(step: Step, error: &(dyn std::error::Error + 'static)) -> Error {
    let (program, hook) = (step.program, step.hook.name());
    // The verifier refuses with the same error, and says why; some kernels refuse trampolines to
    // everybody.
    let verifier = error.downcast_ref().is_some_and(|error| {
        matches!(error, ProgramError::LoadError { verifier_log, .. }
            if !verifier_log.to_string().trim().is_empty())
    });
    let refused = verifier || matches!(step.hook, Hook::Fentry(_) | Hook::Fexit(_));
    if is_permission(error) && !refused {
        let reason = cause(error);
        return Error::Privilege { action: format!("attach {program} to {hook} ({reason})") };
    }
    Error::Attach { program, hook, reason: cause(error) }
}
