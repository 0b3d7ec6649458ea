"""The line in which visitors wait: its words, bounds and order, and what is kept of whom. A small page of its own is served."""

import asyncio
import threading
import time
from types import SimpleNamespace

import gradio as gr
import pytest
from queued import Desk, client, completed, until, visitor
from starlette.middleware import Middleware

from asen_core.ui import busy
from asen_core.ui.server import line
from asen_core.ui.server.line import EACH, MOST, OPEN, PROGRAMS
from asen_core.ui.server.presence import Presence


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (busy.place(1), "Busy: you are 1st in line."),
        (busy.place(4, 5.2), "Busy: you are 4th in line, about 6 s."),
        (busy.place(22, 0.4), "Busy: you are 22nd in line."),
        (busy.full(32, 17.0), "Busy: 32 others are waiting; try again in about 20 s."),
        (busy.full(32, None), "Busy: 32 others are waiting; try again in about 10 s."),
        (busy.full(1, 0.1), "Busy: 1 other is waiting; try again in about 5 s."),
    ],
)
def test_words(said, text):
    assert said == text


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(line, "TIDY", 0.1)
        made = Desk(tmp_path_factory.mktemp("desk"))
        guard = [Middleware(Presence, visits=made.line.visits)]
        made.page.launch(
            prevent_thread_lock=True, quiet=True, _frontend=False, ssr_mode=False, max_threads=10,
            app_kwargs={"middleware": guard},
        )  # fmt: skip
        yield made
        made.page.close(verbose=False)


@pytest.fixture
def desk(served):
    """As new; afterwards all that wait are served."""
    served.gate, served.began = threading.Semaphore(0), []
    yield served
    served.let(1000)
    end = time.monotonic() + 10
    while served.line.get_active_worker_count() or len(served.line):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_place_is_said_and_counts_down(desk):
    async def play():
        async with client(desk) as http, visitor(http, desk, "a") as a, visitor(http, desk, "b") as b:
            for caller, name in ((a, "one"), (b, "two")):
                assert (await caller.join(name)).status_code == 200
            async with visitor(http, desk, "c") as c:
                await c.join("three")
                heard = asyncio.create_task(c.messages())
                await asyncio.sleep(2)
                desk.let(1)
                await asyncio.sleep(2)
                desk.let(2)
                return await heard

    heard = asyncio.run(play())
    said = [m["output"]["data"] for m in heard if m["msg"] == "process_generating"]
    assert "Busy: you are 2nd in line" in said[0][0]
    assert said[0][1:] == [{"__type__": "update"}] * 2
    assert [row[0][0][:2] for row in said[1:]] == [["replace", []]] * (len(said) - 1)
    assert all(row[1:] == [[], []] for row in said[1:])
    told = [row[0][0][2] for row in said[1:]]
    assert "Busy: you are 1st in line" in told[0]
    assert busy.TURN in told[-1]
    assert completed(heard)[0][:2] == ["<div></div>", "slow three"]
    assert desk.began == ["one", "two", "three"]


def test_who_is_served_at_once_is_told_nothing(desk):
    async def play():
        async with client(desk) as http, visitor(http, desk, "a") as a:
            desk.let(1)
            await a.join("one")
            return await a.messages()

    assert [m["msg"] for m in asyncio.run(play()) if m["msg"] == "process_generating"] == []


def test_a_full_line_refuses_with_a_sentence_and_keeps_the_visit(desk):
    async def play():
        async with client(desk) as http, visitor(http, desk, "late") as late:
            desk.let(1)
            await late.join("mine")
            await late.messages()
            callers = [visitor(http, desk, f"v{i}") for i in range(MOST + 1)]
            for number, made in enumerate(callers):
                caller = await made.__aenter__()
                assert (await caller.join(f"n{number}")).status_code == 200
            await until(lambda: len(desk.line) == MOST)
            assert (await late.join("again")).status_code == 200
            refused = completed(await late.messages())
            called = await http.post("gradio_api/call/look", json={"data": ["x"]})
            await late.join("now", "blur")
            quick = completed(await late.messages())
            desk.let(MOST + 1)
            for made in callers:
                await made.__aexit__(None, None, None)
            return refused, called, quick

    refused, called, quick = asyncio.run(play())
    assert f"Busy: {MOST} others are waiting" in refused[0][0]
    assert refused[0][1:] == [{"__type__": "update"}] * 2
    assert called.status_code == 503
    assert called.json()["detail"].startswith(f"Busy: {MOST} others are waiting")
    assert quick[0][1] == "quick now 1"  # passes the line by, and the visit is as it was


def test_one_visitor_has_few_places_and_the_newest_replaces(desk):
    async def play():
        async with client(desk) as http, visitor(http, desk, "a") as a, visitor(http, desk, "b") as b:
            await b.join("first")
            for number in range(EACH + 2):
                assert (await a.join(f"n{number}")).status_code == 200
            await until(lambda: len(desk.line) == EACH)
            desk.let(EACH + 1)
            return await a.messages()

    heard = asyncio.run(play())
    assert sum(busy.replaced(EACH) in data[0] for data in completed(heard)) == 2
    assert desk.began == ["first", "n2", "n3", "n4"]


def test_programs_leave_room_for_visitors(desk):
    async def play():
        async with client(desk) as http:
            codes = [
                (await http.post("gradio_api/call/look", json={"data": [str(i)]})).status_code for i in range(PROGRAMS + 3)
            ]
            async with visitor(http, desk, "a") as a:
                joined = await a.join("mine")
                desk.let(PROGRAMS + 5)
                return codes, joined.status_code, completed(await a.messages())

    codes, joined, shown = asyncio.run(play())
    assert codes.count(200) in (PROGRAMS, PROGRAMS + 1)  # the first may be under way already
    assert set(codes) == {200, 503}
    assert joined == 200
    assert shown[0][1] == "slow mine"


def test_a_program_has_to_wait_for_its_answers_and_to_read_them(desk, monkeypatch):
    async def play():
        index = next(i for i, fn in desk.page.fns.items() if fn.api_name == "look")
        async with client(desk) as http:

            async def call(session):
                body = {"data": ["x"], "fn_index": index, "session_hash": session}
                return await http.post("gradio_api/queue/join", json=body)

            await call("first")
            await until(lambda: desk.began)
            said = [(await call("program")) for _ in range(EACH + 1)]
            monkeypatch.setattr(line, "UNREAD", 1)
            desk.let(EACH + 1)
            await until(lambda: not len(desk.line))
            return said, await call("program")

    said, unread = asyncio.run(play())
    assert [answer.status_code for answer in said] == [200] * EACH + [503]
    assert said[-1].json()["detail"] == busy.held(EACH)
    assert (unread.status_code, unread.json()["detail"]) == (503, busy.UNREAD)


def test_a_visitor_has_few_questions_open_in_all_lines(desk, monkeypatch):
    async def play():
        monkeypatch.setattr(line, "OPEN", 1)
        async with client(desk) as http, visitor(http, desk, "a") as a:
            await a.join("slow")
            await until(lambda: desk.began)
            await a.join("more", "blur")
            desk.let(1)
            return await a.messages()

    shown = completed(asyncio.run(play()))
    assert busy.held(1) in shown[0][0]
    assert shown[1][1] == "slow slow"


def test_a_call_of_nothing_is_refused(desk):
    async def play():
        async with client(desk) as http:
            body = {"data": [], "fn_index": 999, "session_hash": "a"}
            return await http.post("gradio_api/queue/join", json=body)

    answer = asyncio.run(play())
    assert (answer.status_code, answer.json()["detail"]) == (400, "There is no such call here; reload the page.")


def test_a_visit_ends_some_time_after_its_page_closed(desk):
    async def play():
        async with client(desk) as http:
            async with visitor(http, desk, "a") as a:
                desk.let(1)
                await a.join("one")
                await a.messages()
                await asyncio.sleep(0.5)
                assert "a" in desk.line.visits
            await until(lambda: "a" not in desk.line.visits)

    asyncio.run(play())
    assert "a" not in desk.line.pending_messages_per_session
    assert "a" not in desk.line.pending_event_ids_session


def test_what_a_visitor_changes_is_changed_one_after_another(desk):
    async def play():
        async with client(desk) as http, visitor(http, desk, "a") as a, visitor(http, desk, "b") as b:
            await a.join("one")
            await until(lambda: desk.began)
            await a.join("two", "blur")
            await b.join("three", "blur")
            other = completed(await b.messages())
            desk.let(1)
            return other, completed(await a.messages())

    other, mine = asyncio.run(play())
    assert [data[1] for data in other] == ["quick three None"]  # others go on
    assert [data[1] for data in mine] == ["slow one", "quick two 1"]  # not the visit as it was before


@pytest.mark.parametrize(
    ("under_way", "queue", "first"),
    [
        ("", "", None),
        ("", "ab", 0),
        ("b", "ab", 0),
        ("a", "ab", 1),
        ("a", "aab", 2),
        ("ab", "ab", None),
        ("A", "ab", 0),  # writes nothing
        ("a", "Ab", 0),
        ("a", "aAb", 2),  # each visitor's own order stays
    ],
)
def test_who_is_served_next(under_way, queue, first):
    with gr.Blocks():
        state = gr.State(None)

    def event(name):
        return SimpleNamespace(session_hash=name.lower(), fn=SimpleNamespace(outputs=[] if name.isupper() else [state]))

    waiting = [event(name) for name in queue]
    assert line._head(waiting, [event(name) for name in under_way]) is (None if first is None else waiting[first])


def test_nothing_is_said_to_one_who_is_not_known_any_more(desk, monkeypatch):
    async def play():
        async with client(desk) as http, visitor(http, desk, "a") as a, visitor(http, desk, "b") as b:
            await a.join("one")
            await until(lambda: desk.began)
            await b.join("two")
            del desk.line.pending_messages_per_session["b"]
            monkeypatch.setattr(line, "PATIENCE", 0)
            desk.line.broadcast_estimations("model")
            desk.let(2)
            await until(lambda: len(desk.began) == 2)

    asyncio.run(play())


def test_nothing_is_kept_of_who_cancelled_while_waiting(desk):
    async def play():
        index = next(i for i, fn in desk.page.fns.items() if fn.api_name == "look")
        async with client(desk) as http, visitor(http, desk, "a") as a:
            await a.join("one")
            await until(lambda: desk.began)
            body = {"data": ["x"], "fn_index": index, "session_hash": "program"}
            joined = (await http.post("gradio_api/queue/join", json=body)).json()
            del desk.line.visits.session_data["program"]  # else it ends with its visit
            await asyncio.sleep(0.5)
            assert "program" in desk.line.pending_messages_per_session  # it waits
            body = {"session_hash": "program", "fn_index": index, "event_id": joined["event_id"]}
            await http.post("gradio_api/cancel", json=body)
            known = desk.line.pending_messages_per_session, desk.line.pending_event_ids_session
            await until(lambda: not any("program" in kept for kept in known))
            assert all("a" in kept for kept in known)

    asyncio.run(play())


def test_all_go_on_while_a_visit_ends(desk, monkeypatch):
    began, go_on = threading.Event(), threading.Event()
    state = next(part for part in desk.page.blocks.values() if isinstance(part, gr.State))
    monkeypatch.setattr(state, "delete_callback", lambda value: (began.set(), go_on.wait(10)))

    async def play():
        async with client(desk) as http:
            async with visitor(http, desk, "a") as a:
                await a.join("one", "blur")
                await a.messages()
            await until(began.is_set)
            assert "a" not in desk.line.visits
            async with visitor(http, desk, "b") as b:
                await b.join("two", "blur")
                shown = completed(await b.messages())
            go_on.set()
            return shown

    assert asyncio.run(play())[0][1] == "quick two None"
    monkeypatch.undo()


def test_open_questions_have_a_bound():
    assert EACH < OPEN < MOST
    assert PROGRAMS <= MOST // 2
