"""Two IRC libraries that know nothing of Conclave talk with one another through a server.

    conversation.py PORT CA CAROL.pem CAROL.key DAVE.pem DAVE.key

Carol is a client of the library irc, Dave one of pydle. Each step waits for what the other side
must have understood, in its library's own terms, and is named on stdout once it happened.
"""

import asyncio
import os
import ssl
import sys

import irc.client_aio
import pydle

PATIENCE = 30
ROOM = "#library"


async def until(what, holds):
    """Waits for a condition; nothing here waits for a time."""
    async with asyncio.timeout(PATIENCE):
        try:
            while not holds():
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            print(f"in vain: {what}", flush=True)
            raise
    print(what, flush=True)


class Carol:
    """The library irc; what it understood is a list of its events."""

    def __init__(self, port, context):
        self.port, self.context, self.heard = port, context, []
        self.reactor = irc.client_aio.AioReactor(loop=asyncio.get_running_loop())
        self.reactor.add_global_handler("all_events", lambda _, event: self.heard.append(event))
        self.connection = self.reactor.server()

    async def connect(self):
        self.heard.clear()
        factory = irc.connection.AioFactory(ssl=self.context, server_hostname="localhost")
        # The library logs in by SASL PLAIN only: what it sends as a password is the negotiation.
        self.connection.pass_ = lambda _: self.connection.send_items("CAP REQ :sasl")
        address = ("localhost", self.port, "carol")
        await self.connection.connect(*address, "x", "carol@irc", "Carol C.", connect_factory=factory)
        await until("carol may use SASL", lambda: self.has("cap", "ACK"))
        self.connection.send_raw("AUTHENTICATE EXTERNAL")
        await until("carol is asked for nothing more", lambda: self.has("authenticate"))
        self.connection.send_raw("AUTHENTICATE +")
        await until("carol is authenticated", lambda: self.has("saslsuccess") and self.has("loggedin"))
        self.connection.cap("END")
        await until("carol is registered", lambda: self.has("welcome") and self.has("featurelist"))

    def has(self, kind, *words, source=None):
        """Whether such an event came whose arguments hold these words."""
        for event in self.heard:
            told = [str(event.target)] + [str(argument) for argument in event.arguments]
            by = source is None or str(event.source).split("!")[0] == source
            if event.type == kind and by and all(any(word in text for text in told) for word in words):
                return True
        return False


class Dave(pydle.Client):
    """The library pydle, which keeps a model of rooms and people."""

    def __init__(self, **options):
        super().__init__("dave", fallback_nicknames=[], username="dave@pydle", realname="Dave D.", **options)
        self.heard = []

    async def on_message(self, target, by, message):
        await super().on_message(target, by, message)
        self.heard.append((target, by, message))

    async def on_kick(self, channel, target, by, reason=None):
        await super().on_kick(channel, target, by, reason)
        self.heard.append((channel, by, f"kicked {target}: {reason}"))

    async def on_ctcp_action(self, by, target, contents):
        self.heard.append((target, by, f"* {contents}"))

    async def on_invite(self, channel, by):
        self.heard.append((channel, by, "invited"))

    def people(self, room):
        return set(self.channels.get(room, {}).get("users", ()))


async def main():
    port, authority = int(sys.argv[1]), sys.argv[2]
    # pydle trusts what the system trusts.
    os.environ["SSL_CERT_FILE"] = authority
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(sys.argv[3], sys.argv[4])

    carol = Carol(port, context)
    await carol.connect()
    dave = Dave(tls_client_cert=sys.argv[5], tls_client_cert_key=sys.argv[6], sasl_mechanism="EXTERNAL")
    await dave.connect("localhost", port, tls=True, tls_verify=True)
    await until("dave is registered", lambda: dave.registered and dave.nickname == "dave")

    # Into a room: who makes it is its operator.
    carol.connection.join(ROOM)
    await until("carol is in the room", lambda: carol.has("endofnames", ROOM))
    await dave.join(ROOM)
    await until("dave sees both of them", lambda: dave.people(ROOM) == {"carol", "dave"})
    await until("dave knows the operator", lambda: "carol" in dave.channels[ROOM]["modes"].get("o", ()))
    await until("carol sees dave come", lambda: carol.has("join", source="dave"))

    # Talk, in the room and alone, and an action.
    text = "größer \N{GRINNING FACE} :-)"
    carol.connection.privmsg(ROOM, text)
    await until("dave hears carol", lambda: (ROOM, "carol", text) in dave.heard)
    await dave.message(ROOM, f"back: {text}")
    await until("carol hears dave", lambda: carol.has("pubmsg", ROOM, f"back: {text}", source="dave"))
    await dave.message("carol", "only you")
    await until("carol hears dave alone", lambda: carol.has("privmsg", "carol", "only you", source="dave"))
    carol.connection.privmsg("dave", "and you")
    await until("dave hears carol alone", lambda: ("dave", "carol", "and you") in dave.heard)
    carol.connection.action(ROOM, "waves")
    await until("dave sees carol wave", lambda: (ROOM, "carol", "* waves") in dave.heard)

    # Questions about people.
    carol.connection.names([ROOM])
    await until("carol reads the names", lambda: carol.has("namreply", ROOM, "dave"))
    carol.connection.whois(["dave"])
    await until("carol reads who dave is", lambda: carol.has("whoisuser", "dave", "Dave D.") and carol.has("endofwhois"))
    about = await asyncio.wait_for(dave.whois("carol"), PATIENCE)
    assert about["realname"] == "Carol C." and about["secure"], about
    print("dave reads who carol is", flush=True)

    # The topic, and who may set it.
    carol.connection.topic(ROOM, "books & quiet")
    await until("dave sees the topic", lambda: dave.channels[ROOM].get("topic") == "books & quiet")
    await dave.set_topic(ROOM, "shouting")
    await dave.message(ROOM, "I tried")
    await until("carol hears that dave tried", lambda: carol.has("pubmsg", ROOM, "I tried", source="dave"))
    assert not carol.has("topic", "shouting") and not carol.has("currenttopic", "shouting")
    carol.connection.mode(ROOM, "+o dave")
    await until("dave is an operator", lambda: "dave" in dave.channels[ROOM]["modes"].get("o", ()))
    await dave.set_topic(ROOM, "noise")
    await until("carol sees the new topic", lambda: carol.has("currenttopic", "noise") or carol.has("topic", "noise"))

    # Away.
    await dave.away("lunch")
    carol.heard.clear()
    carol.connection.privmsg("dave", "are you there?")
    await until("carol is told that dave is away", lambda: carol.has("away", "dave", "lunch"))
    await dave.back()

    # Out, and back in by an invitation only.
    carol.connection.mode(ROOM, "+i")
    carol.connection.kick(ROOM, "dave", "too loud")
    await until("dave is kicked", lambda: (ROOM, "carol", "kicked dave: too loud") in dave.heard)
    await until("dave is out", lambda: not dave.in_channel(ROOM))
    await dave.rawmsg("JOIN", ROOM)
    carol.connection.invite("dave", ROOM)
    await until("dave is invited", lambda: (ROOM, "carol", "invited") in dave.heard)
    assert not dave.in_channel(ROOM)
    await dave.join(ROOM)
    await until("dave is back", lambda: dave.people(ROOM) == {"carol", "dave"})

    # Gone without a word, and back: the room is still there, with all that is his.
    carol.connection.transport.abort()
    await until("carol's link is lost", lambda: not carol.connection.connected or carol.has("disconnect"))
    await carol.connect()
    await until("carol is back in the room", lambda: carol.has("join", source="carol"))
    await until("carol reads its topic", lambda: carol.has("currenttopic", "noise"))
    await until("carol reads its names", lambda: carol.has("namreply", ROOM, "dave"))
    await dave.message(ROOM, "welcome back")
    await until("carol hears dave again", lambda: carol.has("pubmsg", ROOM, "welcome back", source="dave"))

    carol.connection.quit("done")
    await until("dave sees carol go", lambda: "carol" not in dave.people(ROOM))
    await dave.quit("done too")
    await until("dave is gone", lambda: not dave.connected)
    print("all is well", flush=True)


asyncio.run(main())
