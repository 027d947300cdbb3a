//! How many callers, and which setting, are best for whom.

use std::time::Duration;

use serde::Serialize;

use super::Flags;
use super::entrant::Entrant;
use crate::BoxError;
use crate::floor::{Contender, Setting};
use crate::progress::Progress;
use crate::system::{LogMode, System};
use crate::tally::Tally;

/// What was seen with so many callers, or with such a setting.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Step {
    pub(super) contender: Contender,
    pub(super) callers: u64,
    pub(super) setting: Option<Setting>,
    pub(super) per_second: f64,
    pub(super) p50_seconds: f64,
    pub(super) p99_seconds: f64,
    #[serde(skip)]
    pub(super) tally: Tally,
}

/// Has ever more callers call the system; it goes on with the number that was best.
pub(super) async fn callers(
    system: &System,
    entrant: &mut Entrant,
    flags: &Flags,
    progress: &Progress,
) -> Result<Vec<Step>, BoxError> {
    let mut steps = Vec::new();
    for &callers in &flags.callers {
        progress.step(format!("{callers} callers"));
        (entrant.callers, entrant.rate) = (callers, 0.0);
        steps.push(step(system, entrant, flags.step).await?);
    }
    if let Some(best) = best(&steps) {
        (entrant.callers, entrant.rate) = (best.callers, best.per_second);
    }
    Ok(steps)
}

/// Tries pairs of all settings. The one that was best, still running.
pub(super) async fn settings(
    system: &System,
    contender: Contender,
    mode: LogMode,
    flags: &Flags,
    progress: &Progress,
) -> Result<(Entrant, Vec<Step>), BoxError> {
    let (mut steps, mut best) = (Vec::new(), None::<Entrant>);
    let slots = if contender == Contender::Naive { &flags.naive_slots } else { &flags.floor_slots };
    let settings = slots.iter().flat_map(|&slots| flags.windows.iter().map(move |&window| Setting { slots, window }));
    for (number, setting) in settings.enumerate() {
        progress.step(format!("{} with {} slots, {} under way", contender.name(), setting.slots, setting.window));
        let mut entrant = Entrant::pair(system, contender, mode, (number, setting), flags).await?;
        steps.push(step(system, &mut entrant, flags.step).await?);
        let is_best = best.as_ref().is_none_or(|best| entrant.rate > best.rate);
        let worse = if is_best { best.replace(entrant) } else { Some(entrant) };
        if let Some(worse) = worse {
            worse.stop().await?;
        }
    }
    Ok((best.ok_or("no setting of the floor to try")?, steps))
}

async fn step(system: &System, entrant: &mut Entrant, time: Duration) -> Result<Step, BoxError> {
    let load = entrant.run_for(system, time).await?;
    Ok(Step {
        contender: entrant.contender(),
        callers: entrant.callers,
        setting: entrant.setting,
        per_second: load.rate(),
        p50_seconds: load.tally.quantile(0.5).as_secs_f64(),
        p99_seconds: load.tally.quantile(0.99).as_secs_f64(),
        tally: load.tally,
    })
}

fn best(steps: &[Step]) -> Option<&Step> {
    steps.iter().max_by(|one, other| one.per_second.total_cmp(&other.per_second))
}
