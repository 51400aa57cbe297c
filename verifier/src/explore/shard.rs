//! One part of a range of seeds, for one of several machines that share an exploration.
//!
//! Parts are neighbouring ranges of nearly equal length, so that what the shards did joins into the
//! whole again. Which shard this is comes from the command line or from what the runner tells its
//! jobs; nothing here talks to a runner. Invariant: the parts of all shards of a count cover a range
//! exactly once.

use std::ops::Range;

/// Shard `index` of `count`, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// Shard `index` of `count`, or why there is none.
    ///
    /// # Errors
    /// When the index is not 1 to the count.
    pub fn new(index: u64, count: u64) -> Result<Shard, String> {
        if index == 0 || index > count {
            return Err(format!("shard {index} of {count}: shards are numbered 1 to {count}"));
        }
        Ok(Shard { index, count })
    }

    /// Its part of `seeds`: empty where there are fewer seeds than shards.
    #[must_use]
    pub fn part(&self, seeds: &Range<u64>) -> Range<u64> {
        let length = u128::from(seeds.end.saturating_sub(seeds.start));
        let cut = |n: u64| {
            let offset = length * u128::from(n) / u128::from(self.count);
            seeds.start + u64::try_from(offset).expect("at most the length, which fits")
        };
        cut(self.index - 1)..cut(self.index)
    }

    /// Which shard the environment says this is, and in which runner's words. `variable` returns the value of
    /// an environment variable.
    ///
    /// # Errors
    /// When no runner, more than one, or one that leaves the count out says anything; with what to do.
    pub fn from_environment(
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Shard, &'static str), String> {
        let speaking: Vec<&Runner> = RUNNERS.iter().filter(|r| variable(r.index).is_some()).collect();
        match speaking[..] {
            [runner] => Ok((runner.shard(variable)?, runner.name)),
            [one, another, ..] => {
                Err(format!("{} is set, and {} too: say which with M/N", one.index, another.index))
            }
            [] if variable("PARALLEL_SEQ").is_some() => {
                Err("GNU parallel tells a job its number but not of how many: \
                     use --shard {#}/N, or {#}/{##} with its --plus"
                    .into())
            }
            [] => Err("nothing in the environment says which shard this is: give M/N".into()),
        }
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/').and_then(|(m, n)| Some((m.parse().ok()?, n.parse().ok()?)));
        let (index, count) = parts.ok_or_else(|| format!("'{text}' is no shard such as 2/10"))?;
        Shard::new(index, count)
    }
}

/// How a runner of many jobs tells each which it is.
struct Runner {
    name: &'static str,
    /// The variable that holds the index.
    index: &'static str,
    first: First,
    count: Count,
}

/// The index of the first job.
enum First {
    Zero,
    One,
    /// What this variable says.
    Variable(&'static str),
}

/// Where the number of jobs comes from.
enum Count {
    Variable(&'static str),
    /// The runner does not say: a variable of our own choice, and what to add to the job so that it
    /// is there.
    Added(&'static str, &'static str),
}

/// Every runner known. GNU parallel is none of them: it keeps the count to itself.
const RUNNERS: &[Runner] = &[
    Runner {
        name: "a Slurm array",
        index: "SLURM_ARRAY_TASK_ID",
        first: First::Variable("SLURM_ARRAY_TASK_MIN"),
        count: Count::Variable("SLURM_ARRAY_TASK_COUNT"),
    },
    Runner {
        name: "a Kubernetes indexed job",
        index: "JOB_COMPLETION_INDEX",
        first: First::Zero,
        count: Count::Added(
            "JOB_COMPLETIONS",
            "add it to the container's env with the value of spec.completions",
        ),
    },
    Runner {
        name: "GitLab CI",
        index: "CI_NODE_INDEX",
        first: First::One,
        count: Count::Variable("CI_NODE_TOTAL"),
    },
    Runner {
        name: "CircleCI",
        index: "CIRCLE_NODE_INDEX",
        first: First::Zero,
        count: Count::Variable("CIRCLE_NODE_TOTAL"),
    },
    Runner {
        name: "Buildkite",
        index: "BUILDKITE_PARALLEL_JOB",
        first: First::Zero,
        count: Count::Variable("BUILDKITE_PARALLEL_JOB_COUNT"),
    },
    Runner {
        name: "an AWS Batch array",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        first: First::Zero,
        count: Count::Variable("AWS_BATCH_JOB_ARRAY_SIZE"),
    },
];

/// Slurm's step between the indices of a regular array; 1 where it is not set.
const SLURM_STEP: &str = "SLURM_ARRAY_TASK_STEP";

impl Runner {
    fn shard(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard, String> {
        let index = number(self.index, variable)?;
        let (first, step) = match self.first {
            First::Zero => (0, 1),
            First::One => (1, 1),
            First::Variable(name) => {
                let step = if variable(SLURM_STEP).is_some() { number(SLURM_STEP, variable)? } else { 1 };
                (number(name, variable)?, step.max(1))
            }
        };
        let count = match self.count {
            Count::Variable(name) => number(name, variable)?,
            Count::Added(name, how) if variable(name).is_none() => {
                return Err(format!(
                    "{} says which job this is, but not of how many; {name}: {how}",
                    self.index
                ));
            }
            Count::Added(name, _) => number(name, variable)?,
        };
        // A list of chosen indices, as arrays may be, is no numbering of shards.
        let place = index.checked_sub(first).filter(|d| d % step == 0).map(|d| d / step);
        place.and_then(|n| Shard::new(n.checked_add(1)?, count).ok()).ok_or_else(|| {
            format!("{}={index} is none of {count} jobs numbered from {first} by {step}", self.index)
        })
    }
}

fn number(name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<u64, String> {
    let text = variable(name).ok_or_else(|| format!("{name} is not set"))?;
    text.trim().parse().map_err(|_| format!("{name}='{text}' is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Result<(String, &'static str), String> {
        let variable =
            |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        Shard::from_environment(&variable).map(|(shard, runner)| (shard.to_string(), runner))
    }

    #[test]
    fn the_parts_of_all_shards_cover_a_range_exactly_once() {
        for seeds in [0..100_000, 7..8, 5..5, 1..1001, 0..u64::MAX, u64::MAX - 3..u64::MAX] {
            for count in [1, 2, 3, 7, 10, 2000] {
                let mut at = seeds.start;
                let mut lengths = Vec::new();
                for index in 1..=count {
                    let part = Shard::new(index, count).unwrap().part(&seeds);
                    assert_eq!(part.start, at);
                    at = part.end;
                    lengths.push(part.end - part.start);
                }
                assert_eq!(at, seeds.end);
                assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() <= 1);
            }
        }
    }

    #[test]
    fn a_shard_is_read_as_it_is_written() {
        assert_eq!("2/10".parse::<Shard>().map(|s| s.to_string()), Ok("2/10".into()));
        for text in ["", "2", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/2", "1/"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_runner_numbers_its_jobs_in_its_own_way() {
        for (pairs, shard) in [
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "14"),
                    ("SLURM_ARRAY_TASK_MIN", "10"),
                    ("SLURM_ARRAY_TASK_COUNT", "5"),
                    ("SLURM_ARRAY_TASK_STEP", "2"),
                ][..],
                "3/5",
            ),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "0"),
                    ("SLURM_ARRAY_TASK_MIN", "0"),
                    ("SLURM_ARRAY_TASK_COUNT", "4"),
                ],
                "1/4",
            ),
            (&[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "4")], "1/4"),
            (&[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "4")], "4/4"),
            (&[("CIRCLE_NODE_INDEX", "3"), ("CIRCLE_NODE_TOTAL", "4")], "4/4"),
            (&[("BUILDKITE_PARALLEL_JOB", "1"), ("BUILDKITE_PARALLEL_JOB_COUNT", "4")], "2/4"),
            (&[("AWS_BATCH_JOB_ARRAY_INDEX", "1"), ("AWS_BATCH_JOB_ARRAY_SIZE", "4")], "2/4"),
        ] {
            assert_eq!(environment(pairs).map(|(shard, _)| shard).as_deref(), Ok(shard), "{pairs:?}");
        }
    }

    #[test]
    fn an_environment_that_does_not_tell_is_refused_with_what_to_do() {
        for (pairs, says) in [
            (&[][..], "give M/N"),
            (&[("PARALLEL_SEQ", "3")], "{#}/N"),
            (&[("JOB_COMPLETION_INDEX", "0")], "JOB_COMPLETIONS"),
            (&[("CI_NODE_INDEX", "1")], "CI_NODE_TOTAL"),
            (&[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "2")], "'x'"),
            (&[("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "2")], "none of 2"),
            (&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")], "none of 2"),
            (&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2"), ("CIRCLE_NODE_INDEX", "0")], "say which"),
            // --array=1,3,9: three jobs, but no numbering of three shards.
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "9"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                ],
                "none of 3",
            ),
        ] {
            let refused = environment(pairs).expect_err("no shard can be told");
            assert!(refused.contains(says), "{pairs:?}: {refused}");
        }
    }
}
