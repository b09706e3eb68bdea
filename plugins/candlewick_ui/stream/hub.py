"""One poller for every listener of this process: it runs while somebody listens, and numbers what it tells.

A number is `<begin>-<count>`. A listener that comes back with the last one it saw gets what it missed, if this process
still has it; otherwise it is told to `resync`. A listener that is too slow for its queue is told the same.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import signal
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from candlewick_ui.database import DatabaseBusy, DatabaseDown, NotBuilt
from candlewick_ui.stream.feed import Feed, Kind, News
from candlewick_ui.told import plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

log = logging.getLogger(__name__)

LOOK_SECONDS, HEARTBEAT_SECONDS, LINGER_SECONDS = 1.0, 15.0, 60.0
# A stream ends after this long, and the browser comes back: a login that is gone is noticed then.
LONGEST_SECONDS = 900.0
REMEMBERED, QUEUE_LENGTH = 10_000, 120
MOST_LISTENERS, MOST_OF_ONE = 1_000, 250
_MISSED = {"detail": "messages were missed; ask for what you show again"}


@dataclass(frozen=True, slots=True)
class Message:
    """A numbered message as it goes over the wire, made once for all listeners."""

    number: int
    kind: Kind
    symbol: str | None
    frame: bytes


@dataclass(eq=False, slots=True)
class Listener:
    """Who listens, and to what."""

    login: str
    symbols: frozenset[str]
    kinds: frozenset[Kind]
    queue: asyncio.Queue[list[Message] | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_LENGTH))
    has_missed: bool = False
    owed: list[Message] = field(default_factory=list)

    def wants(self, message: Message) -> bool:
        """Whether a message is for this listener."""
        if message.kind in (Kind.READY, Kind.RESYNC, Kind.STATUS):
            return True
        if self.kinds and message.kind not in self.kinds:
            return False
        return not self.symbols or message.symbol is None or message.symbol in self.symbols


class Hub:
    """The poller and its listeners; everything but the looks happens in the event loop."""

    def __init__(
        self, feed: Feed, look_seconds: float = LOOK_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._feed, self._look_seconds, self._clock = feed, look_seconds, clock
        self._listeners: set[Listener] = set()
        self._remembered: deque[Message] = deque(maxlen=REMEMBERED)
        self._task: asyncio.Task[None] | None = None
        self._begin, self._count, self._has_begun = "", 0, False
        self._late: News | None = None
        self.looks = 0

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def is_full(self, login: str = "") -> bool:
        """Whether nobody else can listen, or this login cannot once more: nobody takes all streams."""
        of_one = sum(listener.login == login for listener in self._listeners)
        return len(self._listeners) >= MOST_LISTENERS or of_one >= MOST_OF_ONE

    async def listen(
        self, login: str = "", symbols: Iterable[str] = (), kinds: Iterable[Kind] = (), last: str | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the frames of a stream, until its reader goes away, `LONGEST_SECONDS` have passed or the server stops.

        A listener that is owed something sees no new number before it: its connection may break in between.

        Args:
            login: whose stream it is.
            symbols: of candles; none: all.
            kinds: of messages; none: all.
            last: the number of the last message this listener saw.
        """
        listener = self._join(Listener(login, frozenset(symbols), frozenset(kinds)), last)
        until = self._clock() + LONGEST_SECONDS
        try:
            yield self._first(listener)
            told_at = self._clock()
            while (left := until - self._clock()) > 0:
                silence = self._clock() - told_at  # what others hear does not keep this connection alive
                try:
                    messages = await asyncio.wait_for(listener.queue.get(), min(HEARTBEAT_SECONDS - silence, left))
                except TimeoutError:
                    frames = b": heartbeat\n\n"
                else:
                    if messages is None:
                        return
                    frames = self._resync(listener) + _frames(listener, messages)
                if frames:
                    yield frames
                    told_at = self._clock()
        finally:
            self._listeners.discard(listener)

    def _join(self, listener: Listener, last: str | None) -> Listener:
        if self._task is None or self._task.done():
            self._start()
        missed = self._since(last)
        listener.has_missed = missed is None
        listener.owed = [message for message in missed or () if listener.wants(message)]
        self._listeners.add(listener)
        return listener

    def _first(self, listener: Listener) -> bytes:
        """Return what a listener is told at once: how things stand, and what it is owed."""
        owes = listener.has_missed or listener.owed
        ready = self._frame(Kind.READY, {}, None if owes else self._count) if self._has_begun else b""
        owed = self._resync(listener) + _frames(listener, listener.owed)
        # Whoever comes while the warehouse is silent was not there when that was said.
        late = self._frame(self._late.kind, self._late.content, None) if self._late else b""
        listener.owed = []
        return b"retry: 2000\n\n" + ready + owed + late

    def _resync(self, listener: Listener) -> bytes:
        """Return the message to ask again, if that is due: not before what is asked can be followed by what comes."""
        if not (listener.has_missed and self._has_begun):
            return b""
        listener.has_missed = False
        return self._frame(Kind.RESYNC, _MISSED, self._count)

    def publish(self, news: list[News]) -> None:
        """Number news and hand them to every listener."""
        messages = []
        for one in news:
            self._count += 1
            messages.append(Message(self._count, one.kind, one.symbol, self._frame(one.kind, one.content, self._count)))
        self._remembered.extend(messages)
        self._hand_all(messages)

    def _start(self) -> None:
        self._begin, self._count, self._late, self._has_begun = f"{time.time_ns():x}", 0, None, False
        self._remembered.clear()
        # In a context of its own: else all it ever does belongs to the request of whoever came first, in log and traces.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    async def _run(self) -> None:
        """Look once a second while somebody listens, and a while longer, so that one who comes back misses nothing."""
        heard_until = self._clock()
        while not _is_stopping():
            started = self._clock()
            if self._listeners:
                heard_until = started
            elif started - heard_until > LINGER_SECONDS:
                return
            try:
                if not self._has_begun:
                    await asyncio.to_thread(self._feed.begin)
                    self._has_begun = True
                    self._hand_all([self._ready()])  # from here on nothing is missed
                news = await asyncio.to_thread(self._feed.look)
            except (DatabaseBusy, DatabaseDown, NotBuilt) as error:
                self._say_late(str(error))
            except Exception:
                log.exception("the stream could not look at the warehouse; it tries again")
                self._say_late("the warehouse could not be asked; the log of the api-server says why")
            else:
                self.looks += 1
                self._say_live()
                if news:
                    self.publish(news)
            await asyncio.sleep(max(0.0, self._look_seconds - (self._clock() - started)))
        self._hand_all(None)

    def _say_late(self, why: str) -> None:
        if not self._late:
            log.warning("the stream waits for the warehouse: %s", why)
            self._late = News(Kind.STATUS, {"state": "delayed", "detail": why})
            self.publish([self._late])

    def _say_live(self) -> None:
        if self._late:
            self._late = None
            self.publish([News(Kind.STATUS, {"state": "live", "detail": "the warehouse answers again"})])

    def _ready(self) -> Message:
        return Message(self._count, Kind.READY, None, self._frame(Kind.READY, {}, self._count))

    def _hand_all(self, messages: list[Message] | None) -> None:
        for listener in self._listeners:
            self._hand(listener, messages)

    @staticmethod
    def _hand(listener: Listener, messages: list[Message] | None) -> None:
        try:
            listener.queue.put_nowait(messages)
        except asyncio.QueueFull:  # a connection that takes nothing must not hold memory
            while not listener.queue.empty():
                listener.queue.get_nowait()
            listener.has_missed = True
            listener.queue.put_nowait([] if messages is not None else None)

    def _since(self, last: str | None) -> list[Message] | None:
        """Return what came after a number; None: that cannot be told."""
        if last is None:
            return []
        begin, _, count = last.partition("-")
        if begin != self._begin or not count.isdecimal():
            return None
        number = int(count)
        oldest = self._count - len(self._remembered)
        if not oldest <= number <= self._count:
            return None
        return [message for message in self._remembered if message.number > number]

    def _frame(self, kind: str, content: Mapping[str, object], number: int | None) -> bytes:
        """Write a message; without a number its reader keeps the one it has."""
        data = msgspec.json.encode({name: plain(value) for name, value in content.items()})
        id_ = "" if number is None else f"id: {self._begin}-{number}\n"
        return f"{id_}event: {kind}\ndata: ".encode() + data + b"\n\n"


def _frames(listener: Listener, messages: Iterable[Message]) -> bytes:
    return b"".join(message.frame for message in messages if listener.wants(message))


def _is_stopping() -> bool:
    """Whether the web server was told to stop: it waits for open answers, so a stream has to end by itself."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))
