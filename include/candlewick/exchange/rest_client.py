"""Asks a question over HTTP until it is answered or not worth another try, in step with all other processes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import requests
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from candlewick.exchange.binance_answers import server_time_ms
from candlewick.exchange.breaker import Breaker
from candlewick.exchange.budget import Counted, WeightBudget
from candlewick.exchange.clock import Clock, ExchangeClock
from candlewick.exchange.deadline import AnswerTooLate, DeadlineAdapter
from candlewick.exchange.errors import ExchangeError, HostRefused, NoHostLeft, RateLimited, Unavailable
from candlewick.exchange.hosts import Admission, Host, Hosts, Route, Rules
from candlewick.exchange.port import Answer
from candlewick.exchange.refusals import Refusal
from candlewick.market import MILLISECONDS_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from candlewick.exchange.state import HostStates
    from candlewick.settings import Settings

T = TypeVar("T")
USED_WEIGHT = "X-MBX-USED-WEIGHT-1M"


@dataclass(frozen=True, slots=True)
class Question:
    """A GET request and the weight the exchange counts for it."""

    path: str
    weight: int
    parameters: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a host sent back, whole; ``asked_at`` and ``received_at`` are seconds of the monotonic clock."""

    host: Host
    status: int
    headers: Mapping[str, str]
    body: bytes
    asked_at: float
    received_at: float
    captured_at_ms: int


@dataclass(frozen=True, slots=True)
class _Sent:
    question: Question
    admission: Admission
    asked_at: float


SERVER_TIME = Question("/api/v3/time", weight=1, parameters={})


class RestClient:
    """Pooled, kept-alive connections to the hosts of one exchange; safe to use from many threads."""

    def __init__(
        self,
        hosts: Sequence[Host],
        states: HostStates,
        settings: Settings,
        clock: Clock,
        session: requests.Session | None,
    ) -> None:
        self._settings, self._clock, self._states = settings, clock, states
        self._session = session or _pooled_session(len(hosts), settings)
        self.time, self._time_lock = ExchangeClock(clock), threading.Lock()
        breaker = Breaker(settings.breaker_failures, int(settings.breaker_reset_seconds * 1000))
        rules = Rules(WeightBudget(settings.weight_share), breaker)
        self.hosts = Hosts(hosts, states, rules, self.time, clock.sleep)

    def ask(self, question: Question, read: Callable[[Reply], T]) -> T:
        """Ask, and return what ``read`` makes of a 200; when it raises Unavailable the question is tried again."""
        self.read_time()
        return self._retried(question, read)

    def answer(self, question: Question) -> Answer:
        """Ask, and return the answer as received."""
        return self.ask(question, lambda reply: self._as_answer(reply, question.weight))

    def read_time(self) -> None:
        """Ask the exchange for its time, unless its clock is known well enough."""
        with self._time_lock:
            if not self.time.is_fresh:
                self._retried(SERVER_TIME, self._take_time)

    def close(self) -> None:
        """Give the connections to the exchange and to the shared state back."""
        self._session.close()
        self._states.close()

    def _retried(self, question: Question, read: Callable[[Reply], T]) -> T:
        route = Route(self._settings.retry_after_max_seconds)

        def is_worth_another_try(error: BaseException) -> bool:
            if isinstance(error, RateLimited):
                return route.covers(error.retry_after_seconds)
            return isinstance(error, Unavailable) and not isinstance(error, NoHostLeft)

        retrying = Retrying(
            stop=stop_after_attempt(self._settings.retry_attempts),
            wait=wait_random_exponential(self._settings.retry_initial_seconds, self._settings.retry_max_seconds),
            retry=retry_if_exception(is_worth_another_try),
            sleep=self._clock.sleep,
            reraise=True,
        )
        result: T = retrying(self._try_hosts, question, read, route)
        return result

    def _try_hosts(self, question: Question, read: Callable[[Reply], T], route: Route) -> T:
        while True:
            admission = self.hosts.admit(question.weight, route)
            try:
                return self._try(admission, question, read, route)
            except HostRefused:
                continue  # the route remembers who refused; after the last host admit() raises NoHostLeft

    def _try(self, admission: Admission, question: Question, read: Callable[[Reply], T], route: Route) -> T:
        host, sent, counter = admission.host, _Sent(question, admission, self._clock.monotonic()), None
        try:
            reply = self._get(sent)
            counter = reply.headers.get(USED_WEIGHT)
            result = self._read(reply, read)
        except ExchangeError as error:
            self.hosts.answered(host, route, self._counted(sent, counter), error.at(host.name))
            raise
        self.hosts.answered(host, route, self._counted(sent, counter), None)
        return result

    def _get(self, sent: _Sent) -> Reply:
        host = sent.admission.host
        try:
            response = self._session.get(
                host.url + sent.question.path,
                params=sent.question.parameters,
                timeout=(self._settings.connect_timeout_seconds, self._settings.read_timeout_seconds),
                allow_redirects=False,
            )
        except (requests.RequestException, AnswerTooLate) as error:  # the former also when a body was cut short
            raise Unavailable(
                f"expected a whole answer of {host.name} to {sent.question.path}, got none ({error}); try again"
            ) from error
        return Reply(
            host=host,
            status=response.status_code,
            headers=response.headers,
            body=response.content,
            asked_at=sent.asked_at,
            received_at=self._clock.monotonic(),
            captured_at_ms=self._clock.time_ms(),
        )

    def _read(self, reply: Reply, read: Callable[[Reply], T]) -> T:
        if reply.status != requests.codes.ok:
            raise Refusal(reply.host.name, reply.status, reply.headers, reply.body, self.time.latest_ms()).error()
        return read(reply)

    def _counted(self, sent: _Sent, counter: str | None) -> Counted | None:
        """Return the minutes in which the exchange may have counted a request that was just answered."""
        if not self.time.is_known:
            return None
        return Counted(
            weight=sent.question.weight,
            reserved_in=sent.admission.minute,
            first_minute=self.time.earliest_ms(sent.asked_at) // MILLISECONDS_PER_MINUTE,
            last_minute=self.time.latest_ms() // MILLISECONDS_PER_MINUTE,
            used_weight=int(counter) if counter is not None and counter.isdecimal() else None,
        )

    def _take_time(self, reply: Reply) -> None:
        self.time.read(server_time_ms(reply.body, reply.host.name), reply.asked_at, reply.received_at)

    def _as_answer(self, reply: Reply, weight: int) -> Answer:
        return Answer(
            body=reply.body,
            host=reply.host.name,
            http_status=reply.status,
            captured_at_ms=reply.captured_at_ms,
            exchange_time_ms=self.time.earliest_ms(reply.asked_at),
            latency_ms=round((reply.received_at - reply.asked_at) * 1000),
            weight=weight,
        )


def _pooled_session(hosts: int, settings: Settings) -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        adapter = DeadlineAdapter(
            settings.answer_timeout_seconds, hosts=hosts, connections_per_host=settings.request_concurrency
        )
        session.mount(scheme, adapter)
    return session
