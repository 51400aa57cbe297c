//! The registry of a machine: keys in a tree, each with values; and the routines `Zw*Key` over it.
//!
//! It is in memory and begins anew with each run, with the keys down to `Services` and a key of the driver's
//! own. Names are compared without regard to case, and listed in the order of their names, which is our
//! choice. Links, security, notifications and transactions are not modelled. Invariant: a key's place never
//! changes, and is not used again after the key was deleted.

mod calls;
mod information;

pub(crate) use calls::*;

use crate::ddi::types::ULONG;
use std::collections::BTreeMap;

/// The driver's own key: what DriverEntry is given as its registry path.
pub(crate) const SERVICE: &str = r"\Registry\Machine\System\CurrentControlSet\Services\driver";

/// A name as others that differ in case only are: the key in maps.
fn folded(name: &[u16]) -> String {
    String::from_utf16_lossy(name).to_lowercase()
}

/// A value.
pub(crate) struct Value {
    /// Its name as it was first written.
    pub name: Vec<u16>,
    /// Its type, such as REG_DWORD.
    pub kind: ULONG,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// A key.
pub(crate) struct Key {
    /// The last part of its path.
    pub name: Vec<u16>,
    parent: Option<usize>,
    /// Keys below it by folded name: their places.
    pub keys: BTreeMap<String, usize>,
    /// Its values by folded name.
    pub values: BTreeMap<String, Value>,
    /// Whether it was deleted: handles of it are good for nothing but ZwClose.
    pub is_deleted: bool,
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoKey {
    /// It does not begin at the root, or has an empty part.
    BadPath,
    /// A key of it is not there.
    Missing,
    /// The key it begins at was deleted.
    Deleted,
}

/// The keys. None is there before the first is asked for.
#[derive(Default)]
pub(crate) struct Registry {
    keys: Vec<Key>,
}

impl Registry {
    /// The key at a place that a handle stands for.
    pub(crate) fn key(&mut self, place: usize) -> &mut Key {
        &mut self.keys[place]
    }

    /// Makes the keys that are there at first.
    fn begin(&mut self) {
        if self.keys.is_empty() {
            self.add(None, &[]);
            let mut at = 0;
            for part in SERVICE.split('\\').skip(1) {
                at = self.add(Some(at), &part.encode_utf16().collect::<Vec<_>>());
            }
        }
    }

    fn add(&mut self, parent: Option<usize>, name: &[u16]) -> usize {
        let place = self.keys.len();
        self.keys.push(Key {
            name: name.to_vec(),
            parent,
            keys: BTreeMap::new(),
            values: BTreeMap::new(),
            is_deleted: false,
        });
        if let Some(parent) = parent {
            self.keys[parent].keys.insert(folded(name), place);
        }
        place
    }

    /// The key that a path names, below `from` or, without that, from the root on.
    pub(crate) fn open(&mut self, from: Option<usize>, path: &[u16]) -> Result<usize, NoKey> {
        let (above, last) = self.walk(from, path)?;
        match last {
            None => Ok(above),
            Some(name) => self.keys[above].keys.get(&folded(&name)).copied().ok_or(NoKey::Missing),
        }
    }

    /// The same key, made if all of its path but the last part is there; and whether it was made.
    pub(crate) fn create(&mut self, from: Option<usize>, path: &[u16]) -> Result<(usize, bool), NoKey> {
        let (above, last) = self.walk(from, path)?;
        let Some(name) = last else { return Ok((above, false)) };
        match self.keys[above].keys.get(&folded(&name)) {
            Some(place) => Ok((*place, false)),
            None => Ok((self.add(Some(above), &name), true)),
        }
    }

    /// The key above the last part of a path, and that part; no part where the path is empty.
    fn walk(&mut self, from: Option<usize>, path: &[u16]) -> Result<(usize, Option<Vec<u16>>), NoKey> {
        const SEPARATOR: u16 = b'\\' as u16;
        self.begin();
        let (mut at, path) = match (from, path.split_first()) {
            (Some(from), first) => {
                if self.keys[from].is_deleted {
                    return Err(NoKey::Deleted);
                }
                if first.is_none() {
                    return Ok((from, None));
                }
                (from, path)
            }
            (None, Some((&SEPARATOR, rest))) => (0, rest),
            (None, _) => return Err(NoKey::BadPath),
        };
        let mut parts: Vec<&[u16]> = path.split(|unit| *unit == SEPARATOR).collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(NoKey::BadPath);
        }
        let last = parts.pop();
        for part in parts {
            at = *self.keys[at].keys.get(&folded(part)).ok_or(NoKey::Missing)?;
        }
        Ok((at, last.map(<[u16]>::to_vec)))
    }

    /// Deletes a key; `false` if there are keys below it, or it is the root.
    pub(crate) fn delete(&mut self, place: usize) -> bool {
        let key = &self.keys[place];
        let Some(parent) = key.parent.filter(|_| key.keys.is_empty()) else { return false };
        let name = folded(&key.name);
        self.keys[parent].keys.remove(&name);
        self.keys[place].is_deleted = true;
        self.keys[place].values.clear();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn a_key_is_found_by_its_path_in_any_case() {
        let mut registry = Registry::default();
        let service = registry.open(None, &units(SERVICE)).unwrap();
        assert_eq!(registry.open(None, &units(&SERVICE.to_uppercase())), Ok(service));
        let (parameters, is_new) = registry.create(Some(service), &units("Parameters")).unwrap();
        assert!(is_new);
        assert_eq!(registry.create(Some(service), &units("PARAMETERS")), Ok((parameters, false)));
        assert_eq!(registry.open(Some(service), &units("parameters")), Ok(parameters));
        assert_eq!(registry.open(Some(service), &[]), Ok(service));
    }

    #[test]
    fn a_path_that_leads_nowhere_says_why() {
        let mut registry = Registry::default();
        for bad in ["", "Registry", r"\Registry\\Machine", r"\Registry\"] {
            assert_eq!(registry.open(None, &units(bad)), Err(NoKey::BadPath), "{bad}");
        }
        assert_eq!(registry.open(None, &units(r"\Registry\User")), Err(NoKey::Missing));
        assert_eq!(registry.create(None, &units(r"\Registry\User\a")), Err(NoKey::Missing));
    }

    #[test]
    fn a_deleted_key_is_gone_and_one_with_keys_stays() {
        let mut registry = Registry::default();
        let service = registry.open(None, &units(SERVICE)).unwrap();
        let (key, _) = registry.create(Some(service), &units("a")).unwrap();
        assert!(!registry.delete(service), "there is a key below it");
        assert!(registry.delete(key) && registry.key(key).is_deleted);
        assert_eq!(registry.open(Some(service), &units("a")), Err(NoKey::Missing));
        assert_eq!(registry.open(Some(key), &units("b")), Err(NoKey::Deleted));
        assert!(!registry.delete(0), "the root stays");
    }
}
