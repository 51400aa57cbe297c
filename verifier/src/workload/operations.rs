//! The operations of one job, in order: a function of the seed and the options, and of what the driver takes.

use super::options::{Amount, Mode, Options};
use kernel_sim::split_mix::{SplitMix64, mix};

/// Units of a job's part of the disk, one after the other. A unit is the smallest request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extent {
    /// The first unit, counted from the beginning of the disk.
    pub first: u64,
    /// How many.
    pub units: u32,
}

impl Extent {
    /// Where it begins on a disk with units of so many bytes.
    pub(super) fn offset(self, unit_bytes: u32) -> u64 {
        self.first * u64::from(unit_bytes)
    }

    /// Its length; at most [`super::BLOCK_BYTES_MAX`].
    pub(super) fn bytes(self, unit_bytes: u32) -> u32 {
        self.units * unit_bytes
    }
}

/// One operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    Read { at: Extent, cancel: bool },
    Write { at: Extent },
    Trim { at: Extent },
    Flush,
    Service,
}

impl Operation {
    /// The units it is about.
    pub(super) fn extent(self) -> Option<Extent> {
        match self {
            Operation::Read { at, .. } | Operation::Write { at } | Operation::Trim { at } => Some(at),
            Operation::Flush | Operation::Service => None,
        }
    }

    /// In words, on a disk with units of so many bytes.
    pub(super) fn in_words(self, unit_bytes: u32) -> String {
        let what = match self {
            Operation::Read { .. } => "a read",
            Operation::Write { .. } => "a write",
            Operation::Trim { .. } => "a trim",
            Operation::Flush => "a flush",
            Operation::Service => "a service request",
        };
        self.extent().map_or_else(
            || what.into(),
            |at| format!("{what} of {} bytes at {}", at.bytes(unit_bytes), at.offset(unit_bytes)),
        )
    }
}

/// The part of all disks that a job owns, in units. The disks lie end to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub first: u64,
    pub units: u64,
    /// Units of one disk: no request crosses from one into the next.
    pub disk: u64,
}

impl Part {
    /// Part `n` of `jobs` equal ones; the last takes the rest.
    pub(super) fn of(n: u32, jobs: u32, units: u64, luns: u8) -> Part {
        let each = units / u64::from(jobs);
        let first = each * u64::from(n);
        let rest = if n + 1 == jobs { units - first } else { each };
        Part { first, units: rest, disk: units / u64::from(luns.max(1)) }
    }

    /// The units from `first` to the end of its disk.
    pub(super) fn left_on_disk(self, first: u64) -> u64 {
        self.disk - first % self.disk
    }
}

/// The kinds of requests that the driver takes besides reads, writes and flushes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Takes {
    pub service: bool,
    /// Without it a mix writes where it would trim.
    pub trims: bool,
}

/// How much is still to come.
enum Left {
    Requests(u64),
    Units(u64),
    /// Time decides.
    Endless,
}

/// Requests of a job before its first service request: few, so that short runs have one.
const SERVICE_AFTER: u32 = 2;

/// The generator.
pub(super) struct Operations {
    options: Options,
    part: Part,
    random: SplitMix64,
    left: Left,
    next_unit: u64,
    writes_since_flush: u32,
    /// Requests before the next service request.
    until_service: u32,
    takes: Takes,
}

impl Operations {
    pub(super) fn new(options: &Options, n: u32, jobs: u32, part: Part, takes: Takes) -> Operations {
        let left = match options.amount {
            Amount::Ios(ios) => {
                let share = ios / u64::from(jobs);
                Left::Requests(if u64::from(n) < ios % u64::from(jobs) { share + 1 } else { share })
            }
            Amount::Once => Left::Units(part.units),
            Amount::TimeNs(_) => Left::Endless,
        };
        Operations {
            random: SplitMix64::new(mix(options.seed ^ mix(u64::from(n) + 1))),
            options: options.clone(),
            part,
            left,
            next_unit: 0,
            writes_since_flush: 0,
            until_service: options.service_every.min(SERVICE_AFTER),
            takes: Takes { service: takes.service && n == 0 && options.service_every != 0, ..takes },
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random.below_u64(n)
    }

    fn one_in(&mut self, n: u32) -> bool {
        n != 0 && self.below(u64::from(n)) == 0
    }

    /// The size of the next request, in units; a single size costs no draw.
    fn size(&mut self) -> u64 {
        let sizes = self.options.block_bytes;
        let most = u64::from(sizes.max / sizes.min).min(self.part.units);
        if most <= 1 {
            return 1;
        }
        let low = 1 << self.below(u64::from(most.ilog2()) + 1);
        let high = (2 * low - 1).min(most);
        low + self.below(high - low + 1)
    }

    /// Where the next request goes.
    fn place(&mut self) -> Extent {
        let mut units = self.size();
        let at = if self.options.mode.is_sequential() {
            let at = self.next_unit;
            units = units.min(self.part.units - at).min(self.part.left_on_disk(self.part.first + at));
            self.next_unit = (at + units) % self.part.units;
            at
        } else {
            self.below(self.part.units - units + 1)
        };
        let first = self.part.first + at;
        // At most 1 MiB of units of 512 bytes or more.
        Extent { first, units: units.min(self.part.left_on_disk(first)) as u32 }
    }

    fn read(&mut self, at: Extent) -> Operation {
        let cancel = self.one_in(self.options.cancel_every);
        Operation::Read { at, cancel }
    }

    fn write(&mut self, at: Extent) -> Operation {
        self.writes_since_flush += 1;
        Operation::Write { at }
    }

    fn mixed(&mut self, at: Extent) -> Operation {
        match self.below(16) {
            0..8 => self.read(at),
            14 if self.takes.trims => Operation::Trim { at },
            8..15 => self.write(at),
            _ => {
                self.writes_since_flush = 0;
                Operation::Flush
            }
        }
    }
}

impl Iterator for Operations {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        if self.options.flush_every != 0 && self.writes_since_flush >= self.options.flush_every {
            self.writes_since_flush = 0;
            return Some(Operation::Flush);
        }
        if self.takes.service && self.until_service == 0 {
            self.until_service = self.options.service_every;
            return Some(Operation::Service);
        }
        if matches!(self.left, Left::Requests(0) | Left::Units(0)) {
            return None;
        }
        self.until_service = self.until_service.saturating_sub(1);
        let at = self.place();
        match &mut self.left {
            Left::Requests(n) => *n -= 1,
            Left::Units(n) => *n = n.saturating_sub(at.units.into()),
            Left::Endless => {}
        }
        let mode = self.options.mode;
        Some(match mode {
            Mode::Read | Mode::RandRead => self.read(at),
            Mode::Write | Mode::RandWrite => self.write(at),
            Mode::RandRw if self.below(2) == 0 => self.read(at),
            Mode::RandRw => self.write(at),
            Mode::Trim | Mode::RandTrim => Operation::Trim { at },
            Mode::Mixed => self.mixed(at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::Sizes;
    use super::*;

    const ALL: Takes = Takes { service: true, trims: true };

    fn options(mode: Mode, amount: Amount) -> Options {
        Options {
            mode,
            amount,
            block_bytes: Sizes::of(4096),
            depth: 8,
            flush_every: 4,
            cancel_every: 3,
            service_every: 5,
            luns: 1,
            seed: 7,
            zeroed: true,
        }
    }

    #[test]
    fn the_parts_of_all_jobs_cover_the_disk_once() {
        for (jobs, units) in [(1, 10), (3, 10), (4, 4), (7, 100)] {
            let mut next = 0;
            for n in 0..jobs {
                let part = Part::of(n, jobs, units, 1);
                assert_eq!(part.first, next);
                next += part.units;
            }
            assert_eq!(next, units);
        }
    }

    #[test]
    fn the_shares_of_all_jobs_make_the_amount() {
        let options = options(Mode::RandRw, Amount::Ios(103));
        let count = |n| {
            Operations::new(&options, n, 4, Part::of(n, 4, 64, 1), ALL)
                .filter(|o| matches!(o, Operation::Read { .. } | Operation::Write { .. }))
                .count()
        };
        assert_eq!((0..4).map(count).sum::<usize>(), 103);
    }

    #[test]
    fn a_flush_follows_every_fourth_write_and_reads_are_sometimes_cancelled() {
        let options = options(Mode::RandRw, Amount::Ios(400));
        let all: Vec<_> = Operations::new(&options, 0, 1, Part::of(0, 1, 64, 1), ALL).collect();
        let count = |f: fn(&Operation) -> bool| all.iter().filter(|o| f(o)).count();
        let writes = count(|o| matches!(o, Operation::Write { .. }));
        assert_eq!(count(|o| *o == Operation::Flush), writes / 4);
        assert!(count(|o| matches!(o, Operation::Read { cancel: true, .. })) > 20);
        assert!(count(|o| *o == Operation::Service) > 20);
    }

    #[test]
    fn the_first_service_request_comes_soon_and_more_follow_at_their_distance() {
        for every in 1..8 {
            let options =
                Options { service_every: every, flush_every: 0, ..options(Mode::RandRw, Amount::Ios(50)) };
            let all: Vec<_> = Operations::new(&options, 0, 1, Part::of(0, 1, 64, 1), ALL).collect();
            let at: Vec<_> = (0..all.len()).filter(|n| all[*n] == Operation::Service).collect();
            let first = every.min(SERVICE_AFTER) as usize;
            let expected: Vec<_> = (first..all.len()).step_by(every as usize + 1).collect();
            assert_eq!(at, expected, "one in {every}");
        }
    }

    #[test]
    fn sizes_of_a_range_fit_the_part_and_every_doubling_is_drawn() {
        let mut options = options(Mode::Mixed, Amount::Ios(4000));
        options.block_bytes = Sizes { min: 512, max: 1 << 20 };
        let part = Part::of(1, 2, 8192, 1);
        let extents: Vec<_> =
            Operations::new(&options, 1, 2, part, ALL).filter_map(Operation::extent).collect();
        assert!(extents.iter().all(|e| e.first >= 4096 && e.first + u64::from(e.units) <= 8192));
        for octave in 0..12 {
            assert!(extents.iter().any(|e| e.units.ilog2() == octave), "none of {}", 512 << octave);
        }
    }

    #[test]
    fn going_over_a_part_once_leaves_nothing_out_whatever_the_sizes() {
        let mut options = options(Mode::Write, Amount::Once);
        options.block_bytes = Sizes { min: 512, max: 8192 };
        let part = Part { first: 10, units: 1001, disk: u64::MAX };
        let mut next = 10;
        for extent in Operations::new(&options, 0, 1, part, ALL).filter_map(Operation::extent) {
            assert_eq!(extent.first, next);
            next += u64::from(extent.units);
        }
        assert_eq!(next, 1011);
    }

    #[test]
    fn a_mix_has_everything_and_writes_where_trims_are_not_taken() {
        let options = options(Mode::Mixed, Amount::Ios(400));
        let part = Part::of(0, 1, 64, 1);
        let all: Vec<_> = Operations::new(&options, 0, 1, part, ALL).collect();
        let is_trim = |o: &Operation| matches!(o, Operation::Trim { .. });
        assert!(all.iter().any(is_trim) && all.contains(&Operation::Flush));
        let none = Takes { trims: false, ..ALL };
        let without: Vec<_> = Operations::new(&options, 0, 1, part, none).collect();
        assert!(!without.iter().any(is_trim));
    }

    #[test]
    fn no_request_crosses_from_one_disk_into_the_next() {
        for mode in [Mode::RandRw, Mode::Write] {
            let mut options = options(mode, Amount::Ios(2000));
            options.block_bytes = Sizes { min: 512, max: 1 << 20 };
            let part = Part::of(1, 2, 4 * 1000, 4);
            let extents = Operations::new(&options, 1, 2, part, ALL).filter_map(Operation::extent);
            let mut disks = [0; 4];
            for at in extents {
                let (first, last) = (at.first / 1000, (at.first + u64::from(at.units) - 1) / 1000);
                assert_eq!(first, last, "{at:?}");
                disks[first as usize] += 1;
            }
            assert!(disks[2] > 100 && disks[3] > 100, "both disks of the part: {disks:?}");
        }
    }
}
