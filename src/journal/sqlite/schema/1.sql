-- The first schema of the journal. Never changed once it was released: what comes after it is
-- another file beside it.
--
-- A position is one integer: its epoch times 2^44, plus its sequence. Names of people compare
-- without ASCII case (NOCASE). Times end in _ms (milliseconds) or _s (seconds) since the epoch.

-- The last committed entry, and the highest number that a room ever had.
CREATE TABLE last (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    position INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    room INTEGER NOT NULL
) STRICT;

-- What makes up the state.

CREATE TABLE accounts (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE
) STRICT;

CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,              -- 0: open, 1: end-to-end encrypted
    visibility INTEGER NOT NULL,        -- 0: since joining, 1: all
    founder TEXT,
    created_s INTEGER NOT NULL,
    topic TEXT,
    topic_by TEXT,
    topic_at_s INTEGER,
    entry_key TEXT,
    member_limit INTEGER
) STRICT;

-- Modes that were ever set or taken away; what the others are is the program's to know.
CREATE TABLE flags (
    room INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    letter TEXT NOT NULL,
    is_on INTEGER NOT NULL,
    PRIMARY KEY (room, letter)
) STRICT, WITHOUT ROWID;

CREATE TABLE lists (
    number INTEGER PRIMARY KEY,         -- in the order of setting
    room INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    letter TEXT NOT NULL,
    mask TEXT NOT NULL COLLATE NOCASE,
    set_by TEXT NOT NULL,
    at_s INTEGER NOT NULL,
    UNIQUE (room, letter, mask)
) STRICT;

CREATE TABLE members (
    number INTEGER PRIMARY KEY,         -- in the order of joining
    room INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    account TEXT NOT NULL COLLATE NOCASE,
    operator INTEGER NOT NULL,
    voiced INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    UNIQUE (room, account)
) STRICT;

CREATE TABLE invited (
    room INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    account TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (room, account)
) STRICT, WITHOUT ROWID;

-- Up to when an account has read, by the name of a room or person in lower case.
CREATE TABLE marks (
    account TEXT NOT NULL COLLATE NOCASE,
    target TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY (account, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE metadata_of_accounts (
    account TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE metadata_of_rooms (
    room INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (room, name)
) STRICT, WITHOUT ROWID;

-- How far each client of each device has read.
CREATE TABLE cursors (
    account TEXT NOT NULL COLLATE NOCASE,
    device BLOB NOT NULL,
    client TEXT NOT NULL,               -- '': it does not say
    position INTEGER NOT NULL,
    PRIMARY KEY (account, device, client)
) STRICT, WITHOUT ROWID;

-- From where to where an account was a member of a room; both ends belong to it.
CREATE TABLE stays (
    account TEXT NOT NULL COLLATE NOCASE,
    room INTEGER NOT NULL,
    joined INTEGER NOT NULL,
    parted INTEGER NOT NULL,            -- 2^63-1: not yet
    PRIMARY KEY (account, room, joined)
) STRICT, WITHOUT ROWID;
CREATE INDEX stays_of_room ON stays (room);

-- Names of sent messages.
CREATE TABLE sent (
    account TEXT NOT NULL COLLATE NOCASE,
    id TEXT NOT NULL,
    digest BLOB NOT NULL,
    message BLOB NOT NULL,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sent_by_time ON sent (time_ms);

-- What was said and what happened.

-- A room (room), two people (one, other; one is first in the alphabet), or neither: what was said
-- in a room that is gone, soon gone too.
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY,
    room INTEGER UNIQUE,
    one TEXT COLLATE NOCASE,
    other TEXT COLLATE NOCASE,
    newest INTEGER NOT NULL,            -- position
    items INTEGER NOT NULL              -- how many
) STRICT;
CREATE UNIQUE INDEX pairs ON conversations (one, other) WHERE one IS NOT NULL;
CREATE INDEX pairs_of_one ON conversations (one, newest) WHERE one IS NOT NULL;
CREATE INDEX pairs_of_other ON conversations (other, newest) WHERE other IS NOT NULL;
CREATE INDEX conversations_gone ON conversations (id) WHERE room IS NULL AND one IS NULL;

-- Who says or does something, and from where. Events have neither device nor client.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    device BLOB NOT NULL,
    client TEXT NOT NULL,
    nick TEXT NOT NULL,
    user TEXT NOT NULL,
    host TEXT NOT NULL,
    bot INTEGER NOT NULL,
    newest INTEGER NOT NULL,            -- the last place where it was used
    UNIQUE (device, client, nick, user, host, bot)
) STRICT;

CREATE TABLE items (
    place INTEGER PRIMARY KEY,          -- grows with the position
    conversation INTEGER NOT NULL REFERENCES conversations,
    form INTEGER NOT NULL,              -- 0: text, 1: tags alone, 2: event, 3: taken back
    position INTEGER NOT NULL,
    id BLOB NOT NULL,
    time_ms INTEGER NOT NULL,
    source INTEGER NOT NULL,            -- in sources
    kind INTEGER NOT NULL,              -- of a message: 0 to 15; of an event: from 16
    audience INTEGER,                   -- of a message: 0 room, 1 account, 2 device
    name TEXT,                          -- the room or person concerned, as it was said
    device BLOB,                        -- the one device that it is for
    other TEXT,                         -- of an event: the second person or name
    relation INTEGER,                   -- 0 reply, 1 reaction, 2 edit, 3 redaction; of an event: another source
    related BLOB,                       -- to the item of this id
    text ANY,                           -- BLOB where the server cannot read it
    joints BLOB,                        -- offsets, two octets each, the lower first
    tags TEXT
) STRICT;
CREATE INDEX items_by_form ON items (conversation, form, position, place, source);
CREATE INDEX items_by_time ON items (conversation, time_ms);
CREATE INDEX items_by_id ON items (id);

-- Runs of what is no longer kept: how many texts of a conversation from one place to another.
CREATE TABLE expired (
    conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    texts INTEGER NOT NULL,
    PRIMARY KEY (conversation, last)
) STRICT, WITHOUT ROWID;

-- The words of texts, as protocol::words has them: a blank between them, nothing else that is no
-- word. Kept as they are, so that they are removed as they were put in, whatever a later version
-- takes for a word. The conversation is a word too, so that a search is limited to those that
-- somebody may read inside the index. Beginnings of two and three letters are looked up: so many
-- words begin so that to gather them would hold up everybody else's questions.
CREATE VIRTUAL TABLE words USING fts5 (text, conversation, columnsize = 0, prefix = '2 3', tokenize = 'ascii');
-- What is removed is overwritten.
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
