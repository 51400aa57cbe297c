//! The search tree: which executions are still to be made, shared by all jobs.
//!
//! The algorithm is optimal dynamic partial-order reduction (Abdulla, Aronis, Jonsson, Sagonas:
//! "Source Sets", 2017). A *node* is a point that some execution reached or is to reach; a *child* is a
//! step to be made there. Races found in one execution plant sequences of steps in the nodes it went
//! through: their *wakeup trees*, which here are simply children and nodes not executed yet. Steps
//! explored at a node are asleep in its later children until something conflicts with them.
//!
//! Invariant: no two executions are equivalent, and every execution is equivalent to one that is made, as far
//! as the steps' footprints tell. Within a node children are started in the order in which they were planted.
//! A child stands in for what was left out of the subtrees right of it because it is asleep there: what it
//! finds is planted there, even if they were thought to be done. So jobs may explore several children at
//! once, and a subtree is freed when all to the left of it is done.

use super::event::{EnabledSet, Event, Foot, Label};
use super::order::{Order, Race};
use super::sequence::{Begins, Planted, may_begin, turned_round};

/// Index of a node.
pub(super) type NodeId = u32;

/// A step that is asleep: explored elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Sleeper {
    pub(super) label: Label,
    pub(super) foot: Foot,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Pending,
    /// Some job runs an execution through it, or its subtree is not done.
    Active,
    Done,
}

struct Child {
    label: Label,
    /// What the step touches, once known.
    foot: Option<Foot>,
    state: State,
    node: Option<NodeId>,
}

#[derive(Default)]
struct Node {
    parent: Option<(NodeId, u32)>,
    /// Steps asleep on the way in. Meaningful once the node was executed.
    sleep: Vec<Sleeper>,
    executed: bool,
    children: Vec<Child>,
    /// Children not done.
    open: u32,
}

/// What a job is to do.
#[derive(Default)]
pub(super) struct Task {
    /// The steps to make, from the start; what follows them is free.
    pub(super) path: Vec<Label>,
    /// How many of them lead to the last node that was executed before.
    pub(super) known: usize,
    /// What is asleep there.
    pub(super) sleep: Vec<Sleeper>,
    /// The nodes before each step of the path.
    nodes: Vec<NodeId>,
}

/// An execution, as the tree needs it.
pub(super) struct Execution<'a> {
    /// Its steps, and after them what processors were about to do at its end.
    pub(super) events: &'a [Event],
    /// How many of them were made.
    pub(super) made: usize,
    /// Other picks that were possible, by the step in which they were.
    pub(super) variants: &'a [(usize, Label)],
    /// The prescribed step that turned out to be impossible, and before which step.
    pub(super) dropped: Option<&'a (usize, Label)>,
    pub(super) order: &'a Order,
    pub(super) races: &'a [Race],
}

/// The tree.
pub(super) struct Tree {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
    active: usize,
}

impl Tree {
    /// A tree with everything still to do.
    pub(super) fn new() -> Tree {
        let root = Node { executed: true, ..Node::default() };
        Tree { nodes: vec![root], free: Vec::new(), active: 0 }
    }

    /// The first task: an execution without any prescription.
    pub(super) fn first(&mut self) -> Task {
        self.active = 1;
        Task::default()
    }

    /// Whether executions are under way.
    pub(super) fn is_active(&self) -> bool {
        self.active != 0
    }

    /// How many branches are known and not explored.
    pub(super) fn pending(&self) -> usize {
        let pending = |n: &Node| n.children.iter().filter(|c| c.state == State::Pending).count();
        self.nodes.iter().map(pending).sum()
    }

    /// Takes the next execution to make: the leftmost and deepest. Returns whether there is one; if not, all
    /// that is left is being explored, or waits for something that is.
    pub(super) fn take(&mut self, task: &mut Task) -> bool {
        // The nodes on the way down, and the child of each to look at next.
        let mut way: Vec<(NodeId, usize)> = vec![(0, 0)];
        while let Some((node, child)) = way.last_mut() {
            let (at, which) = (*node, *child);
            *child += 1;
            let children = &self.nodes[at as usize].children;
            let Some(c) = children.get(which) else {
                way.pop();
                continue;
            };
            match c.state {
                State::Done => {}
                State::Active => way.extend(c.node.map(|below| (below, 0))),
                // What it has to treat as asleep must be known.
                State::Pending
                    if self.nodes[at as usize].executed
                        && children[..which].iter().all(|c| c.foot.is_some() || c.state == State::Done) =>
                {
                    self.start(at, which, task);
                    return true;
                }
                // Within a node the first one goes first.
                State::Pending => {
                    way.pop();
                }
            }
        }
        false
    }

    fn start(&mut self, node: NodeId, child: usize, task: &mut Task) {
        task.path.clear();
        task.nodes.clear();
        let mut at = node;
        while let Some((parent, child)) = self.nodes[at as usize].parent {
            task.path.push(self.nodes[parent as usize].children[child as usize].label.clone());
            task.nodes.push(parent);
            at = parent;
        }
        task.path.reverse();
        task.nodes.reverse();
        task.known = task.path.len();
        let here = &self.nodes[node as usize];
        task.sleep.clear();
        task.sleep.extend(here.sleep.iter().cloned());
        for other in &here.children[..child] {
            if let Some(foot) = &other.foot {
                task.sleep.push(Sleeper { label: other.label.clone(), foot: foot.clone() });
            }
        }
        // Down the planted sequence, first child first.
        let (mut at, mut child) = (node, child);
        loop {
            let c = &mut self.nodes[at as usize].children[child];
            c.state = State::Active;
            task.path.push(c.label.clone());
            task.nodes.push(at);
            let below = c.node;
            match below {
                Some(next) if !self.nodes[next as usize].children.is_empty() => {
                    at = next;
                    child = 0;
                }
                _ => break,
            }
        }
        self.active += 1;
    }

    /// An execution was made: files its steps, plants what its races call for, and closes what is done.
    /// `sleeps` holds what was asleep before each step from `task.known` on.
    pub(super) fn finish(&mut self, task: &Task, execution: &Execution<'_>, sleeps: &mut [Vec<Sleeper>]) {
        let Execution { events: all, made, variants, dropped, order, races } = *execution;
        let events = &all[..made];
        if let Some((depth, label)) = dropped {
            self.remove(task.nodes[*depth], label);
        }
        let nodes = self.file(task, events, sleeps);
        for (at, label) in variants {
            let alone = [Planted { label: label.clone(), foot: None }];
            self.plant(nodes[*at], &alone, None);
        }
        let from = task.known.min(events.len());
        for (at, event) in events.iter().enumerate().skip(from) {
            for other in event.enabled.alternatives(event.label.transition) {
                let alone = [Planted { label: Label::of(other), foot: None }];
                self.plant(nodes[at], &alone, None);
            }
        }
        for (at, event) in events.iter().enumerate().skip(from) {
            // After the last step nothing is possible any more.
            let after = events.get(at + 1).map_or(EnabledSet::NOTHING, |next| next.enabled);
            for lost in event.enabled.taken_away(&after, event.foot.actor) {
                let alone = [Planted { label: Label::of(lost), foot: None }];
                self.plant(nodes[at], &alone, None);
            }
        }
        for race in races.iter().filter(|race| race.first < made) {
            let sequence = turned_round(all, made, order, *race);
            self.plant(nodes[race.first], &sequence, Some(&all[race.first].foot));
        }
        self.active -= 1;
        if let Some(last) = events.len().checked_sub(1) {
            self.close(nodes[last], &events[last].label);
        }
    }

    /// Takes away a step that turned out to be impossible, with all that was to follow it: it must not
    /// be thought to be explored.
    fn remove(&mut self, node: NodeId, label: &Label) {
        let here = &mut self.nodes[node as usize];
        let Some(at) = here.children.iter().position(|c| same_child(c, label)) else { return };
        let child = here.children.remove(at);
        here.open -= 1;
        self.renumber(node, at);
        self.free_subtrees(child.node.into_iter().collect());
    }

    /// Updates parent indices of children from `first`.
    fn renumber(&mut self, node: NodeId, first: usize) {
        for n in first..self.nodes[node as usize].children.len() {
            if let Some(below) = self.nodes[node as usize].children[n].node {
                self.nodes[below as usize].parent = Some((node, n as u32));
            }
        }
    }

    fn free_subtrees(&mut self, mut below: Vec<NodeId>) {
        while let Some(at) = below.pop() {
            below.extend(self.nodes[at as usize].children.drain(..).filter_map(|c| c.node));
            self.free.push(at);
        }
    }

    /// Makes nodes and children of the steps of an execution; returns the node before each step.
    fn file(&mut self, task: &Task, events: &[Event], sleeps: &mut [Vec<Sleeper>]) -> Vec<NodeId> {
        let mut nodes = Vec::with_capacity(events.len());
        let mut at: NodeId = 0;
        for (depth, event) in events.iter().enumerate() {
            nodes.push(at);
            if depth < task.known {
                at = task.nodes.get(depth + 1).copied().unwrap_or(at);
                continue;
            }
            let child = self.child_of(at, &event.label);
            let c = &mut self.nodes[at as usize].children[child];
            c.label = event.label.clone();
            c.foot = Some(event.foot.clone());
            let below = match c.node {
                Some(below) => below,
                None if depth + 1 < events.len() => {
                    let below = self.new_node(at, child as u32);
                    self.nodes[at as usize].children[child].node = Some(below);
                    below
                }
                None => continue,
            };
            let node = &mut self.nodes[below as usize];
            node.executed = true;
            if let Some(sleep) = sleeps.get_mut(depth + 1 - task.known) {
                std::mem::swap(&mut node.sleep, sleep);
            }
            at = below;
        }
        nodes
    }

    /// The child of a node that stands for a step just made. What others planted there meanwhile was not
    /// asleep for it, so it comes before what is pending.
    fn child_of(&mut self, node: NodeId, label: &Label) -> usize {
        let here = &mut self.nodes[node as usize];
        let found = here.children.iter().position(|c| same_child(c, label));
        let place =
            here.children.iter().position(|c| c.state == State::Pending).unwrap_or(here.children.len());
        match found {
            Some(at) if here.children[at].state != State::Pending => return at,
            Some(at) => here.children[place..=at].rotate_right(1),
            None => {
                here.open += 1;
                let child = Child { label: label.clone(), foot: None, state: State::Active, node: None };
                here.children.insert(place, child);
            }
        }
        here.children[place].state = State::Active;
        self.renumber(node, place);
        place
    }

    fn new_node(&mut self, parent: NodeId, child: u32) -> NodeId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node::default());
            (self.nodes.len() - 1) as NodeId
        });
        let node = &mut self.nodes[id as usize];
        node.parent = Some((parent, child));
        node.executed = false;
        node.open = 0;
        node.sleep.clear();
        node.children.clear();
        id
    }

    /// Adds a sequence to the wakeup tree of a node, unless what it leads to is covered already. `then`
    /// is what is to follow it some time: the first step of the race that it turns round. A step asleep
    /// that could be made before the sequence, but not after that one, covers nothing.
    fn plant(&mut self, node: NodeId, sequence: &[Planted], then: Option<&Foot>) {
        let mut left: Vec<Planted> = sequence.to_vec();
        let mut at = node;
        // Whether `then`, which is asleep right of where it was explored, has been woken on the way down.
        let mut awake = then.is_none();
        'down: loop {
            let here = &self.nodes[at as usize];
            if here.sleep.iter().any(|s| may_begin(&s.label, Some(&s.foot), &left, then).is_some()) {
                return;
            }
            for (which, child) in here.children.iter().enumerate() {
                let Some(begins) = may_begin(&child.label, child.foot.as_ref(), &left, then) else {
                    continue;
                };
                awake |= then.is_some_and(|then| child.foot.as_ref().is_some_and(|f| f.conflicts(then)));
                if let Begins::At(which) = begins {
                    left.remove(which);
                }
                at = match child.node {
                    _ if left.is_empty() => return,
                    Some(below) => below,
                    // Everything below it was explored, and nothing left of it is open any more.
                    None if child.state == State::Done => return,
                    // Free after that step, and not relying on anything to the left.
                    None if awake => return,
                    None => {
                        let below = self.new_node(at, which as u32);
                        self.nodes[at as usize].children[which].node = Some(below);
                        below
                    }
                };
                continue 'down;
            }
            break;
        }
        self.reopen(at);
        let mut last = None;
        for step in left {
            let node = &mut self.nodes[at as usize];
            node.children.push(Child {
                label: step.label,
                foot: step.foot,
                state: State::Pending,
                node: None,
            });
            node.open += 1;
            let child = (self.nodes[at as usize].children.len() - 1) as u32;
            let below = self.new_node(at, child);
            self.nodes[at as usize].children[child as usize].node = Some(below);
            last = Some((at, child, below));
            at = below;
        }
        // The last one leads to nothing prescribed.
        if let Some((parent, child, below)) = last {
            self.nodes[parent as usize].children[child as usize].node = None;
            self.free.push(below);
        }
    }

    /// Something is to be explored below a node that may have been closed.
    fn reopen(&mut self, node: NodeId) {
        let mut at = node;
        while let Some((parent, child)) = self.nodes[at as usize].parent {
            let c = &mut self.nodes[parent as usize].children[child as usize];
            if c.state != State::Done {
                return;
            }
            c.state = State::Active;
            self.nodes[parent as usize].open += 1;
            at = parent;
        }
    }

    /// Marks a step as explored with all that follows it; frees the subtrees that no child can plant in any
    /// more.
    fn close(&mut self, node: NodeId, label: &Label) {
        let Some(child) = self.nodes[node as usize].children.iter().position(|c| same_child(c, label)) else {
            return;
        };
        if self.close_child(node, child) {
            self.settle(node);
        }
    }

    /// A node may have nothing left to explore: closes it then, and those above it for which the same
    /// holds.
    fn settle(&mut self, node: NodeId) {
        let mut at = node;
        while self.nodes[at as usize].open == 0 {
            let Some((parent, child)) = self.nodes[at as usize].parent else { return };
            if !self.close_child(parent, child as usize) {
                return;
            }
            at = parent;
        }
    }

    /// Marks a child as done, if it was not and nothing below it is open.
    fn close_child(&mut self, node: NodeId, child: usize) -> bool {
        let c = &self.nodes[node as usize].children[child];
        let is_open = |below: NodeId| self.nodes[below as usize].open != 0;
        if c.state == State::Done || c.node.is_some_and(is_open) {
            return false;
        }
        self.nodes[node as usize].children[child].state = State::Done;
        self.nodes[node as usize].open -= 1;
        if self.is_leftmost(node, child) {
            self.free_done(node, child);
        }
        true
    }

    /// Whether everything to the left of a child is done, at its node and at all above it. Only what is to
    /// the left plants sequences below it: it is asleep there, and stands in for what was left out.
    fn is_leftmost(&self, node: NodeId, child: usize) -> bool {
        let (mut at, mut child) = (node, child);
        loop {
            let here = &self.nodes[at as usize];
            if here.children[..child].iter().any(|c| c.state != State::Done) {
                return false;
            }
            match here.parent {
                Some((parent, c)) => (at, child) = (parent, c as usize),
                None => return true,
            }
        }
    }

    /// Frees the subtree of a child, and those of the children right of it that are done as well.
    fn free_done(&mut self, node: NodeId, child: usize) {
        let children = &mut self.nodes[node as usize].children;
        let done = children[child..].iter_mut().take_while(|c| c.state == State::Done);
        let below = done.filter_map(|c| c.node.take()).collect();
        self.free_subtrees(below);
    }
}

/// Whether a child is the step of that label: its picks may have become more as it was made.
fn same_child(child: &Child, label: &Label) -> bool {
    let (known, whole) = (&child.label.picks, &label.picks);
    child.label.transition == label.transition
        && whole.starts_with(known)
        && whole[known.len()..].iter().all(|pick| *pick == 0)
}
