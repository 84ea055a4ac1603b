//! The planner: makes a plan of a program.
//!
//! `Plan::with_data_owners` lists the steps, a file each: `checks`, `forms`, `widths`, `tasks`, `schedule`, `digest`.

mod checks;
mod digest;
mod forms;
mod schedule;
mod tasks;
mod widths;

use std::collections::BTreeMap;
use std::sync::Arc;

use tacita_program::{Owner, RingId, VerifiedProgram, Visibility};

use crate::error::MpcError;
use crate::form::LeafKey;
use crate::members::{check_parties, owners};
use crate::plan::Plan;
use crate::values::Values;
use checks::{check_messages, check_sizes};
use digest::digest;
use forms::forms;
use tasks::Tasks;
use widths::widths;

impl Plan {
    /// Plans `program` for the computing parties called `names`. `keys` identifies the values of persistent leaves.
    ///
    /// # Errors
    /// [`MpcError::Unsupported`] if an owner or receiver is none of the parties, fewer than two parties compute, or a value
    /// is so large that no link takes its opening.
    pub fn new(
        program: Arc<VerifiedProgram>,
        names: &[String],
        keys: BTreeMap<RingId, LeafKey>,
    ) -> Result<Plan, MpcError> {
        Plan::with_data_owners(program, names, &[], keys)
    }

    /// As [`Plan::new`], with members that own inputs or receive results and compute nothing ([`crate::DataOwner`]).
    ///
    /// # Errors
    /// As [`Plan::new`], where an owner or receiver may also be one of these.
    pub fn with_data_owners(
        mut program: Arc<VerifiedProgram>,
        names: &[String],
        data_owners: &[String],
        keys: BTreeMap<RingId, LeafKey>,
    ) -> Result<Plan, MpcError> {
        let parties = names.len();
        check_parties(parties)?;
        let owners = owners(&program, names, data_owners)?;
        if !data_owners.is_empty() {
            // no computing party knows a data owner's values
            Arc::make_mut(&mut program).hide(|owner: Owner| owners[usize::from(owner.0)] > parties);
        }
        check_sizes(&program)?;
        // a data owner's leaf reaches the parties masked, whichever task uses it
        let is_apart = |id: RingId| match program.nodes[id.0 as usize].visibility {
            Visibility::Private(owner) => owners[owner.0 as usize] > parties,
            Visibility::Public | Visibility::Secret => false,
        };
        let form = forms(&program, &keys, is_apart);
        let widths = widths(&program, &form, is_apart);
        let values = Values { program: &program, owners: &owners, parties, form: &form };
        let Tasks { mut tasks, open_task, uses } = tasks::tasks(values, &widths, is_apart);
        check_messages(&program, &tasks)?;
        let rounds = schedule::set_starts(&mut tasks);
        let order = schedule::order(&tasks);
        schedule::set_receivers(&mut tasks, &order, parties);
        Ok(Plan {
            dependents: schedule::dependents(&tasks),
            expired_masks: schedule::expired_masks(&program, &form, &tasks, &order),
            digest: digest(&program, names, data_owners, &keys),
            program,
            names: names.to_vec(),
            data_owners: data_owners.to_vec(),
            owners,
            tasks,
            form,
            open_task,
            keys,
            order,
            uses,
            rounds,
        })
    }
}
