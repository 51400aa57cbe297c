//! The operations of one job, in order: a function of the seed and the options alone.

use super::options::{Amount, Mode, Options};

/// One operation, on a block of the job's own part of the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    Read { block: u64, cancel: bool },
    Write { block: u64 },
    Flush,
    Service,
}

/// The part of the disk a job owns, in blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub first: u64,
    pub blocks: u64,
}

impl Part {
    /// Part `n` of `jobs` equal ones; the last takes the rest.
    pub(super) fn of(n: u32, jobs: u32, disk_blocks: u64) -> Part {
        let each = disk_blocks / u64::from(jobs);
        let first = each * u64::from(n);
        let blocks = if n + 1 == jobs { disk_blocks - first } else { each };
        Part { first, blocks }
    }
}

/// The generator.
pub(super) struct Operations {
    options: Options,
    part: Part,
    random: u64,
    /// Reads and writes still to come; `None` while time decides.
    left: Option<u64>,
    next_block: u64,
    writes_since_flush: u32,
    requests: u64,
    takes_service: bool,
}

impl Operations {
    pub(super) fn new(options: &Options, n: u32, jobs: u32, part: Part, takes_service: bool) -> Operations {
        let left = match options.amount {
            Amount::Ios(ios) => {
                let share = ios / u64::from(jobs);
                Some(if u64::from(n) < ios % u64::from(jobs) { share + 1 } else { share })
            }
            Amount::Once => Some(part.blocks),
            Amount::TimeNs(_) => None,
        };
        Operations {
            random: mix(options.seed ^ mix(u64::from(n) + 1)),
            options: options.clone(),
            part,
            left,
            next_block: 0,
            writes_since_flush: 0,
            requests: 0,
            takes_service: takes_service && n == 0 && options.service_every != 0,
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        ((u128::from(mix(self.random)) * u128::from(n)) >> 64) as u64
    }

    fn one_in(&mut self, n: u32) -> bool {
        n != 0 && self.below(u64::from(n)) == 0
    }
}

impl Iterator for Operations {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        if self.options.flush_every != 0 && self.writes_since_flush >= self.options.flush_every {
            self.writes_since_flush = 0;
            return Some(Operation::Flush);
        }
        if self.takes_service
            && self.requests.is_multiple_of(u64::from(self.options.service_every))
            && self.requests != 0
        {
            self.requests += 1;
            return Some(Operation::Service);
        }
        if self.left == Some(0) {
            return None;
        }
        self.left = self.left.map(|n| n - 1);
        self.requests += 1;
        let sequential = matches!(self.options.mode, Mode::Read | Mode::Write);
        let at = if sequential {
            let at = self.next_block;
            self.next_block = (at + 1) % self.part.blocks;
            at
        } else {
            self.below(self.part.blocks)
        };
        let block = self.part.first + at;
        let reads = match self.options.mode {
            Mode::Read | Mode::RandRead => true,
            Mode::Write | Mode::RandWrite => false,
            Mode::RandRw => self.below(2) == 0,
        };
        if reads {
            let cancel = self.one_in(self.options.cancel_every);
            Some(Operation::Read { block, cancel })
        } else {
            self.writes_since_flush += 1;
            Some(Operation::Write { block })
        }
    }
}

/// SplitMix64's finisher.
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(mode: Mode, amount: Amount) -> Options {
        Options {
            mode,
            amount,
            block_bytes: 4096,
            depth: 8,
            flush_every: 4,
            cancel_every: 3,
            service_every: 5,
            seed: 7,
            zeroed: true,
        }
    }

    #[test]
    fn the_parts_of_all_jobs_cover_the_disk_once() {
        for (jobs, blocks) in [(1, 10), (3, 10), (4, 4), (7, 100)] {
            let mut next = 0;
            for n in 0..jobs {
                let part = Part::of(n, jobs, blocks);
                assert_eq!(part.first, next);
                next += part.blocks;
            }
            assert_eq!(next, blocks);
        }
    }

    #[test]
    fn the_shares_of_all_jobs_make_the_amount() {
        let options = options(Mode::RandRw, Amount::Ios(103));
        let count = |n| {
            Operations::new(&options, n, 4, Part::of(n, 4, 64), true)
                .filter(|o| matches!(o, Operation::Read { .. } | Operation::Write { .. }))
                .count()
        };
        assert_eq!((0..4).map(count).sum::<usize>(), 103);
    }

    #[test]
    fn a_flush_follows_every_fourth_write_and_reads_are_sometimes_cancelled() {
        let options = options(Mode::RandRw, Amount::Ios(400));
        let all: Vec<_> = Operations::new(&options, 0, 1, Part::of(0, 1, 64), true).collect();
        let count = |f: fn(&Operation) -> bool| all.iter().filter(|o| f(o)).count();
        let writes = count(|o| matches!(o, Operation::Write { .. }));
        assert_eq!(count(|o| *o == Operation::Flush), writes / 4);
        assert!(count(|o| matches!(o, Operation::Read { cancel: true, .. })) > 20);
        assert!(count(|o| *o == Operation::Service) > 20);
    }
}
