"""What the page's benchmark makes of what the browser tells, and of the figures of several visits."""

import json

import pytest

pytest.importorskip("numpy")

from benchmarks import page
from benchmarks.traffic import QUIET, Traffic

HOST = "127.0.0.1:7860"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def asked(traffic: Traffic, number: str, path: str, kind: str = "Fetch", host: str = HOST) -> None:
    traffic.request_will_be_sent({"requestId": number, "request": {"url": f"http://{host}{path}"}, "type": kind})


def test_bytes_are_counted_by_kind_as_they_travelled():
    traffic = Traffic(HOST, Clock())
    asked(traffic, "1", "/gradio_api/file=/a.webp?small", "Image")
    asked(traffic, "2", "/gradio_api/queue/data?session_hash=x", "EventSource")
    asked(traffic, "3", "/gradio_api/queue/join")
    traffic.data_received({"requestId": "1", "dataLength": 5000, "encodedDataLength": 0})
    traffic.loading_finished({"requestId": "1", "encodedDataLength": 3000.4})
    traffic.data_received({"requestId": "2", "dataLength": 20_000})
    traffic.data_received({"requestId": "2", "dataLength": 500})
    traffic.loading_finished({"requestId": "2", "encodedDataLength": 20_800})
    traffic.loading_finished({"requestId": "3", "encodedDataLength": 400})
    assert traffic.taken() == {"stream": 20_500, "pictures": 3000, "else": 400, "all": 23_900}
    assert traffic.taken() == {"stream": 0, "pictures": 0, "else": 0, "all": 0}
    assert traffic.elsewhere == []


def test_what_lay_in_the_cache_weighs_nothing():
    traffic = Traffic(HOST)
    asked(traffic, "1", "/a.webp", "Image")
    traffic.data_received({"requestId": "1", "dataLength": 5000})
    traffic.loading_finished({"requestId": "1", "encodedDataLength": 0})
    assert traffic.taken()["all"] == 0


@pytest.mark.parametrize(
    ("url", "elsewhere"),
    [
        ("http://127.0.0.1:7860/theme.css", False),
        ("data:image/webp;base64,AAAA", False),
        ("blob:http://127.0.0.1:7860/1", False),
        ("https://fonts.example.org/a.woff2", True),
        ("http://127.0.0.1:9999/", True),
        ("wss://127.0.0.2/", True),
    ],
)
def test_other_hosts_are_noted(url, elsewhere):
    traffic = Traffic(HOST)
    traffic.request_will_be_sent({"requestId": "1", "request": {"url": url}})
    assert traffic.elsewhere == ([url] if elsewhere else [])


def test_it_is_quiet_a_moment_after_the_last_byte():
    clock = Clock()
    traffic = Traffic(HOST, clock)
    clock.now = QUIET + 0.01
    assert traffic.quiet
    asked(traffic, "1", "/a.webp")
    assert not traffic.quiet
    clock.now += QUIET / 2
    traffic.data_received({"requestId": "1", "dataLength": 1})
    clock.now += QUIET / 2 + 0.01
    assert not traffic.quiet
    clock.now += QUIET
    assert traffic.quiet


def test_devtools_events_reach_their_methods():
    heard, told = {}, []

    class Session:
        def on(self, name, call):
            heard[name] = call

        def send(self, name):
            told.append(name)

    traffic = Traffic(HOST)
    traffic.listen(Session())
    assert told == ["Network.enable"]
    assert set(heard) == {"Network.requestWillBeSent", "Network.dataReceived", "Network.loadingFinished"}
    assert heard["Network.loadingFinished"] == traffic.loading_finished


def visit(photo: int, region: int = 100_000, elsewhere: tuple[str, ...] = ()) -> dict:
    def one(seconds: float, total: int) -> dict:
        return {"seconds": seconds, "bytes": {"stream": 20_000, "pictures": total - 21_000, "else": 1000, "all": total}}

    return {
        "photo": [one(0.3, photo)], "attribute": [one(0.1, 60_000), one(0.2, 90_000)], "region": [one(0.2, region)],
        "open": {"all": 400_000}, "again": {"all": 70_000}, "elsewhere": list(elsewhere),
    }  # fmt: skip


STARTS = [{"answer": 3.0, "shown": 4.0, "first_photo": 0.5}, {"answer": 3.2, "shown": 5.5, "first_photo": 0.7}]


def test_the_report_counts_and_judges():
    found = page.report(STARTS, [visit(200_000), visit(250_500)])
    assert found["kilobytes"]["photo"] == {"median": 225.2, "most": 250.5, "stream": 20.0, "pictures": 204.2, "else": 1.0}
    assert found["times"]["attribute"]["count"] == 4
    assert found["times"]["attribute"]["median_ms"] == 150
    assert found["open_kilobytes"] == {"open": 400, "again": 70}
    assert [v["holds"] for v in found["verdicts"]] == [True] * 5


@pytest.mark.parametrize(
    ("starts", "visits", "wrong"),
    [
        ([{**STARTS[0], "shown": 6.01}], [visit(1)], 0),
        (STARTS, [visit(200_000), visit(300_001)], 1),
        (STARTS, [visit(1, region=300_001)], 3),
        (STARTS, [visit(1, elsewhere=("https://example.org/",))], 4),
    ],
)
def test_what_was_not_reached_is_said(starts, visits, wrong):
    found = page.report(starts, visits)
    assert [v["holds"] for v in found["verdicts"]] == [i != wrong for i in range(5)]
    told = {**json.loads(json.dumps(found)), "made_with": {"processor": "p", "cores": 2, "load": 0.1, "commit": "c"}}
    assert page.markdown(told).count("**no**") == 1


def test_the_table_has_all_kinds():
    told = {**page.report(STARTS, [visit(200_000)]), "made_with": {"processor": "p", "cores": 2, "load": 0.1, "commit": "c"}}
    text = page.markdown(told)
    assert all(f"| {said} |" in text for said in page.KINDS.values())
    assert "shown at 4.8 s" in text
    assert "once more 70 kB" in text
