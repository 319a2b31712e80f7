//! What is said under load, and the check of what arrives: a text of a fixed length that ends with the
//! run, the sender and a number, so that it is read from the end of a line, whatever a server puts in front.

/// What follows the filling: `~RR~SSSS~NNNNNNNN`.
const MARK: usize = 17;
const FILLING: &[u8] =
    b"this is about as long as what people say to each other in a room when they have something to tell ";

/// A line of this run, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) sender: usize,
    pub(crate) number: u32,
}

/// The texts of one run: two letters tell it from earlier ones, whose lines a server may play back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts {
    run: [u8; 2],
    length: usize,
}

impl Texts {
    pub(crate) fn new(run: usize, length: usize) -> Self {
        let letter = |n: usize| b'a' + (n % 26) as u8;
        Self { run: [letter(run / 26), letter(run)], length: length.max(MARK) }
    }

    /// Appends `PRIVMSG TARGET :text` and the end of the line.
    pub(crate) fn say(&self, out: &mut Vec<u8>, target: &str, said: Said) {
        out.extend_from_slice(b"PRIVMSG ");
        out.extend_from_slice(target.as_bytes());
        out.extend_from_slice(b" :");
        let filling = FILLING.iter().cycle().take(self.length - MARK);
        out.extend(filling);
        let [a, b] = self.run;
        out.extend_from_slice(&[b'~', a, b, b'~']);
        digits(out, said.sender as u32, 4);
        out.push(b'~');
        digits(out, said.number, 8);
        out.extend_from_slice(b"\r\n");
    }

    /// What the line, without its end, says; nothing where it is not one of these.
    #[inline]
    pub(crate) fn read(&self, line: &[u8]) -> Option<Said> {
        let (_, mark) = line.split_last_chunk::<MARK>()?;
        let [a, b] = self.run;
        if mark[0] != b'~' || mark[1] != a || mark[2] != b || mark[3] != b'~' || mark[8] != b'~' {
            return None;
        }
        Some(Said { sender: number(&mark[4..8]) as usize, number: number(&mark[9..]) })
    }
}

fn digits(out: &mut Vec<u8>, mut number: u32, count: usize) {
    let start = out.len();
    out.resize(start + count, b'0');
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[inline]
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit.wrapping_sub(b'0')))
}

/// Whether every member gets every line of every sender, once and in order.
pub(crate) struct Check {
    senders: usize,
    next: Vec<u32>,
    pub(crate) received: u64,
    /// Lines that came after a later one of their sender, or twice.
    pub(crate) reordered: u64,
}

impl Check {
    pub(crate) fn new(members: usize, senders: usize) -> Self {
        Self { senders, next: vec![0; members * senders], received: 0, reordered: 0 }
    }

    #[inline]
    pub(crate) fn take(&mut self, member: usize, said: Said) {
        self.received += 1;
        let next = &mut self.next[member * self.senders + said.sender];
        if said.number < *next {
            self.reordered += 1;
        } else {
            *next = said.number + 1;
        }
    }
}

/// The lines that each sender has under way: one is done when so many have received it.
pub(crate) struct Windows {
    most: u32,
    ring: u32,
    receivers: Vec<u32>,
    left: Vec<u32>,
    begun: Vec<u32>,
    done: Vec<u32>,
}

impl Windows {
    /// `receivers` of each sender's lines, `most` under way.
    pub(crate) fn new(receivers: Vec<u32>, most: u32) -> Self {
        let ring = most.next_power_of_two();
        let senders = receivers.len();
        Self {
            most,
            ring,
            receivers,
            left: vec![0; senders * ring as usize],
            begun: vec![0; senders],
            done: vec![0; senders],
        }
    }

    /// The number of the line that the sender may say now.
    pub(crate) fn begin(&mut self, sender: usize) -> Option<u32> {
        let number = self.begun[sender];
        (number - self.done[sender] < self.most).then(|| {
            let at = self.at(sender, number);
            self.left[at] = self.receivers[sender];
            self.begun[sender] += 1;
            number
        })
    }

    /// Somebody has received a line. True where the sender may say more.
    #[inline]
    pub(crate) fn received(&mut self, said: Said) -> bool {
        let at = self.at(said.sender, said.number);
        let left = &mut self.left[at];
        // A line that comes twice is counted elsewhere.
        *left = left.saturating_sub(1);
        if *left > 0 {
            return false;
        }
        let before = self.done[said.sender];
        while self.done[said.sender] < self.begun[said.sender]
            && self.left[self.at(said.sender, self.done[said.sender])] == 0
        {
            self.done[said.sender] += 1;
        }
        self.done[said.sender] > before
    }

    /// How many lines each sender has begun.
    pub(crate) fn begun(&self) -> &[u32] {
        &self.begun
    }

    #[inline]
    fn at(&self, sender: usize, number: u32) -> usize {
        sender * self.ring as usize + (number & (self.ring - 1)) as usize
    }
}
