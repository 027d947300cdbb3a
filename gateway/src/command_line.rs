//! What the process is to do: serve, or look whether it could.

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use crate::Flags;

/// Checks from where it stands whether AWS is as a gateway with these flags needs it, and says how to mend what is not.
///
/// One line for each check: ok, warn or fail; skip is what cannot be seen from here and is not needed for the work. Nothing that
/// is done disturbs gateways, workers or callers: what a gateway does in the bucket is done to objects `<folder>/_doctor`, and it
/// makes a reply queue and deletes it again. Exits with 0 if nothing has failed, with 1 otherwise, with 2 if a flag is wrong.
#[derive(Debug, Parser)]
struct Doctor {
    #[command(flatten)]
    gateway: Flags,

    #[command(flatten)]
    output: compute_doctor::Flags,
}

const DOCTOR: &str = "doctor";

/// Without a subcommand it serves; each has flags of its own.
pub(crate) fn command() -> clap::Command {
    let command = Flags::command().subcommand(Doctor::command().name(DOCTOR));
    command.subcommand_negates_reqs(true).args_conflicts_with_subcommands(true)
}

/// The flags, and what a doctor is to write if that is what is wanted.
pub(crate) fn parse() -> (Flags, Option<compute_doctor::Flags>) {
    let mut command = command();
    let matches = command.get_matches_mut();
    let parsed = match matches.subcommand() {
        Some((_doctor, matches)) => {
            Doctor::from_arg_matches(matches).map(|doctor| (doctor.gateway, Some(doctor.output)))
        }
        None => Flags::from_arg_matches(&matches).map(|flags| (flags, None)),
    };
    parsed.unwrap_or_else(|error| error.format(&mut command).exit())
}
