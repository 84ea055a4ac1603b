//! The order of rows: from a seed that no member chooses alone.

use tacita_session::Error;
use tacita_session::Session;

/// The seed of orders.
#[derive(Clone, Copy)]
pub(crate) struct Order(pub [u8; 32]);

impl Order {
    /// The one that everybody knows.
    pub fn public(number: u64) -> Order {
        Order(blake3::derive_key("tacita public order v1", &number.to_le_bytes()))
    }

    /// One that members draw together: each commits to a random number before it learns another's.
    ///
    /// # Security
    /// If one member's number is random, so is the order. It is public to the members, as which rows a step takes must be;
    /// nothing else is made from it.
    pub fn drawn(session: &Session, me: &str) -> Result<Order, Error> {
        let mut own = [0; 32];
        aws_lc_rs::rand::fill(&mut own).map_err(|_| Error::Internal("no randomness".into()))?;
        let commitment = |number: &[u8]| blake3::derive_key("tacita order commitment v1", number);
        let committed = session.tell("order, committed", &commitment(&own))?;
        let mut numbers = session.tell("order", &own)?;
        for ((name, number), (_, committed)) in numbers.iter().zip(&committed) {
            if number.len() != 32 || commitment(number)[..] != committed[..] {
                return Err(Error::Disagreement(format!(
                    "{name} drew another number than it had committed to"
                )));
            }
        }
        numbers.push((me.to_owned(), own.to_vec()));
        numbers.sort();
        let mut hasher = blake3::Hasher::new_derive_key("tacita order v1");
        numbers.iter().for_each(|(_, number)| {
            hasher.update(number);
        });
        Ok(Order(*hasher.finalize().as_bytes()))
    }

    /// The numbers 0 to `rows` - 1 in an order of their own for each use and cycle (Fisher and Yates; a number's bias is below
    /// rows / 2^64).
    pub fn shuffled(&self, what: &str, cycle: u64, rows: usize) -> Vec<usize> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&cycle.to_le_bytes()).update(what.as_bytes());
        let mut numbers = hasher.finalize_xof();
        let mut order: Vec<usize> = (0..rows).collect();
        for at in (1..rows).rev() {
            let mut word = [0; 8];
            numbers.fill(&mut word);
            let below = (u128::from(u64::from_le_bytes(word)) * (at as u128 + 1)) >> 64;
            order.swap(at, below as usize);
        }
        order
    }
}

/// Rows one after another without an end: all of them in one order, then all in another.
pub(crate) struct Stream {
    order: Order,
    what: String,
    rows: Vec<usize>,
    cycle: Option<(u64, Vec<usize>)>,
}

impl Stream {
    /// Of these rows; `what` distinguishes streams of one order.
    pub fn new(order: Order, what: &str, rows: Vec<usize>) -> Stream {
        Stream { order, what: what.to_owned(), rows, cycle: None }
    }

    /// The rows at places `from` to `from + count` of the stream.
    pub fn take(&mut self, from: u64, count: usize) -> Vec<usize> {
        let length = self.rows.len() as u64;
        (from..from + count as u64)
            .map(|place| {
                let cycle = place / length;
                if self.cycle.as_ref().is_none_or(|(at, _)| *at != cycle) {
                    self.cycle = Some((cycle, self.order.shuffled(&self.what, cycle, self.rows.len())));
                }
                let order = self.cycle.as_ref().map_or(&[][..], |(_, order)| order);
                self.rows[order[(place % length) as usize]]
            })
            .collect()
    }
}

/// Which rows are kept apart for the test, and which train; each in ascending order.
pub(crate) fn test_and_train(order: Order, what: &str, rows: usize, share: f64) -> (Vec<usize>, Vec<usize>) {
    let count = (share * rows as f64).round() as usize;
    let shuffled = order.shuffled(&format!("test {what}"), 0, rows);
    let (mut test, mut train) = (shuffled[..count].to_vec(), shuffled[count..].to_vec());
    test.sort_unstable();
    train.sort_unstable();
    (test, train)
}

/// How many rows of a batch are each owner's: in proportion to what they have, at least one each.
pub(crate) fn composition(rows: &[usize], batch: usize) -> Vec<usize> {
    let all: usize = rows.iter().sum();
    let mut shares: Vec<usize> = rows.iter().map(|&own| (batch * own / all.max(1)).max(1)).collect();
    while shares.iter().sum::<usize>() < batch {
        // to whom most is missing
        let missing = |at: usize| batch as f64 * rows[at] as f64 / all as f64 - shares[at] as f64;
        let at = (0..rows.len()).max_by(|&a, &b| missing(a).total_cmp(&missing(b)).then(b.cmp(&a)));
        shares[at.unwrap_or(0)] += 1;
    }
    while shares.iter().sum::<usize>() > batch {
        let at = (0..rows.len()).max_by_key(|&at| shares[at]).unwrap_or(0);
        shares[at] -= 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_takes_every_row_once_a_cycle() {
        let rows: Vec<usize> = (0..10).map(|at| at * 3).collect();
        let mut stream = Stream::new(Order([5; 32]), "alice", rows.clone());
        let taken: Vec<usize> = (0..8).flat_map(|step| stream.take(step * 5, 5)).collect();
        let mut orders = Vec::new();
        for cycle in taken.chunks(10) {
            let mut sorted = cycle.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, rows);
            orders.push(cycle.to_vec());
        }
        orders.dedup();
        assert_eq!(orders.len(), 4, "another order each time");
        let mut again = Stream::new(Order([5; 32]), "alice", rows);
        assert_eq!(again.take(7, 6), taken[7..13], "from the middle, and across an end");
        let other = Order([5; 32]).shuffled("bob", 0, 100);
        assert_ne!(other, Order([5; 32]).shuffled("alice", 0, 100));
        assert_ne!(other, Order([6; 32]).shuffled("bob", 0, 100));
    }

    #[test]
    fn orders_are_uniform() {
        // where the first of four rows comes, over 4,000 orders: 1,000 each, deviation 27
        let mut places = [0; 4];
        for cycle in 0..4000 {
            let order = Order([1; 32]).shuffled("", cycle, 4);
            places[order.iter().position(|&row| row == 0).unwrap()] += 1;
        }
        assert!(places.iter().all(|count| (860..1140).contains(count)), "{places:?}");
    }

    #[test]
    fn rows_are_split_in_proportion() {
        assert_eq!(composition(&[300, 100], 32), [24, 8]);
        assert_eq!(composition(&[1000, 1], 32), [31, 1]);
        assert_eq!(composition(&[5, 5, 5], 32).iter().sum::<usize>(), 32);
        let (test, train) = test_and_train(Order([0; 32]), "", 10, 0.2);
        assert_eq!((test.len(), train.len()), (2, 8));
        assert!(test.iter().all(|row| !train.contains(row)));
    }
}
