"""Attacks a real server, and prints what it cost the others: `make soak`, or with how much, see --help.

Each line of the table is one attack: what was done, and what was seen. A fault is an answer that is
neither a result nor one of the program's own sentences.
"""

import argparse
import atexit
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from serving import Page  # noqa: E402

API = "/gradio_api"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Server:
    """A server of its own process, and what went wrong with its answers."""

    port: int
    process: subprocess.Popen
    faults: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def web(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.address, timeout=300)

    def megabytes(self) -> float:
        """Memory that the process holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * PAGE_BYTES / 2**20

    def call(self, web: httpx2.Client, name: str, **parameters: object) -> bool:
        """Call an endpoint and read its answer to the end; tells whether it gave a result."""
        asked = web.post(f"{API}/call/v2/{name}", json=parameters)
        if asked.status_code == 429 and "try again" in asked.text:
            return False
        if asked.status_code != 200:
            self.faults.append(f"{name}: {asked.status_code} {asked.text[:200]}")
            return False
        answer = web.get(f"{API}/call/{name}/{asked.json()['event_id']}").text
        if "event: complete" not in answer:
            self.faults.append(f"{name}: {answer[-200:]}")
        return "event: complete" in answer

    def uploaded(self, web: httpx2.Client, side: int = 256) -> dict[str, object]:
        file = io.BytesIO()
        Image.linear_gradient("L").resize((side, side)).save(file, "PNG")
        (path,) = web.post(f"{API}/upload", files={"files": file.getvalue()}).json()
        return {"path": path, "meta": {"_type": "gradio.FileData"}}


@contextmanager
def served(port: int) -> Iterator[Server]:
    """Run the program until the block ends, then end it as `docker stop` does."""
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    command = [sys.executable, "app.py"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet)
    server = Server(port, process)
    try:
        with server.web() as web:
            until(lambda: reachable(web) or process.poll() is not None)
            if process.poll() is not None:
                raise SystemExit(f"The server ended by itself; is port {port} taken? See --port.")
            server.call(web, "segment", picture=server.uploaded(web))
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(60)


def reachable(web: httpx2.Client) -> bool:
    try:
        return web.get("/health").status_code == 200
    except httpx2.TransportError:
        return False


def until(happened: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.1)


def seconds_of(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def first_segmentation(server: Server) -> float:
    """Seconds until a visitor who comes anew has a mask."""
    with server.web() as web:
        picture = server.uploaded(web)
        return seconds_of(lambda: server.call(web, "segment", picture=picture))


def flood(server: Server, calls: int) -> tuple[str, str]:
    """Ask for trainings and never read; segment meanwhile."""
    alone = min(first_segmentation(server) for _ in range(5))
    with server.web() as web:
        asked = [web.post(f"{API}/call/v2/train", json={"steps": 1000}) for _ in range(calls)]
    refused = sum(one.status_code == 429 for one in asked)
    meanwhile = sorted(first_segmentation(server) for _ in range(5))[2]
    return (
        f"{calls} trainings asked for and never read",
        f"{refused} refused; a segmentation takes {meanwhile:.2f} s, alone {alone:.2f} s",
    )


def many_calls(server: Server, calls: int) -> tuple[str, str]:
    """Segment one after the other, and watch the memory."""
    with server.web() as web:
        picture = server.uploaded(web, side=64)
        for _ in range(calls // 5):
            server.call(web, "segment", picture=picture)
        before = server.megabytes()
        done = sum(server.call(web, "segment", picture=picture) for _ in range(calls))
    after = server.megabytes()
    return (
        f"{calls} segmentations in sequence",
        f"{done} done; memory {before:.0f} to {after:.0f} MB ({after / before - 1:+.1%})",
    )


def load(server: Server, minutes: float) -> tuple[str, str]:
    """32 clients segment and 6 train, for some minutes; of five, the memory of minutes 2 to 5 counts."""
    begun = time.monotonic()
    end = begun + 60 * minutes
    memory: dict[float, float] = {}

    def client(name: str, parameters: dict[str, object]) -> int:
        done = 0
        with server.web() as web:
            if name == "segment":
                parameters = {"picture": server.uploaded(web)}
            while time.monotonic() < end:
                done += server.call(web, name, **parameters)
        return done

    def watch() -> None:
        while time.monotonic() < end:
            memory[(time.monotonic() - begun) / (end - begun)] = server.megabytes()
            time.sleep(6)

    threading.Thread(target=watch, daemon=True).start()
    with ThreadPoolExecutor(38) as clients:
        segmenting = [clients.submit(client, "segment", {}) for _ in range(32)]
        training = [clients.submit(client, "train", {"width": 8, "steps": 5}) for _ in range(6)]
        counts = [one.result() for one in segmenting], [one.result() for one in training]
    later = [megabytes for share, megabytes in memory.items() if share >= 0.4]
    first, last = later[0], later[-1]
    return (
        f"32 clients segment, 6 train, {minutes:g} min",
        f"{sum(counts[0])} and {sum(counts[1])} done, the least served {min(counts[0])} and"
        f" {min(counts[1])}; memory in minutes {0.4 * minutes:g} to {minutes:g}"
        f" {first:.0f} to {last:.0f} MB ({last / first - 1:+.1%})",
    )


def resting(server: Server, visitors: int) -> tuple[str, str]:
    """Have visitors train the widest network for a step, and leave it paused."""
    before, most = server.megabytes(), 0.0
    with server.web() as web:
        pages = [Page(web) for _ in range(visitors)]
        for page in pages:
            if '"success":true' not in page.at("on_step", width=64, size=64, batch=1):
                server.faults.append("a training was refused")
            most = max(most, server.megabytes())
        lost = sum("put away" in page.at("train-download-losses") for page in pages)
    return (
        f"{visitors} trainings of width 64, each paused after a step",
        f"memory {before:.0f} to {most:.0f} MB at most; {lost} were put away, and it was said",
    )


def heartbeats(server: Server, count: int) -> tuple[str, str]:
    """Open pages' heartbeats and close them at once; ask after the server's health meanwhile."""
    waits = [0.0]
    over = threading.Event()

    def ask() -> None:
        with server.web() as web:
            while not over.is_set():
                waits.append(seconds_of(lambda: web.get("/health")))
                time.sleep(0.05)

    def beat(_: int) -> int:
        with server.web() as web, web.stream("GET", f"{API}/heartbeat/{uuid.uuid4().hex}") as one:
            return one.status_code

    asking = threading.Thread(target=ask)
    asking.start()
    with ThreadPoolExecutor(50) as pages:
        took = seconds_of(lambda: list(pages.map(beat, range(count))))
    until(lambda: waits[-1] < 1)
    over.set()
    asking.join()
    return (
        f"{count} heartbeats opened and closed",
        f"in {took:.0f} s; the longest that /health took {max(waits):.1f} s",
    )


def invented(server: Server, count: int) -> tuple[str, str]:
    """Call the page's functions under invented names, and watch the memory."""
    with server.web() as web:
        functions = [
            one["id"] for one in web.get("/config").json()["dependencies"] if not one["queue"]
        ]

        def ask(number: int) -> None:
            function = functions[number % len(functions)]
            body = {"fn_index": function, "session_hash": uuid.uuid4().hex, "data": []}
            web.post(f"{API}/run/predict", json=body)

        for number in range(count // 5):
            ask(number)
        before = server.megabytes()
        for number in range(count):
            ask(number)
        after = server.megabytes()
    return (
        f"{count} calls under invented names",
        f"memory {before:.0f} to {after:.0f} MB ({after / before - 1:+.1%})",
    )


def nonsense(server: Server, megabytes: int) -> tuple[str, str]:
    """Send a list of so many megabytes for a preset."""
    body = json.dumps({"preset": ["x" * 10] * (megabytes * 80_000)})
    with server.web() as web:
        headers = {"content-type": "application/json"}
        answers: list[httpx2.Response] = []
        took = seconds_of(
            lambda: answers.append(web.post(f"{API}/call/v2/train", content=body, headers=headers))
        )
    return f"a body of {megabytes} MB", f"refused ({answers[0].status_code}) in {took:.2f} s"


def kills(port: int, times: int) -> tuple[str, str]:
    """Kill a server while it segments, again and again; then look at what is left of it."""
    for _ in range(times):
        with served(port) as server, server.web() as web:
            picture = server.uploaded(web)
            web.post(f"{API}/call/v2/segment", json={"picture": picture})
            server.process.kill()
    with served(port):
        left = len(list(Path(tempfile.gettempdir()).glob("unet_demo_server_*")))
    return (
        f"{times} kills of a server at work",
        f"it starts again; of its places {left - 1} are left",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--resting", type=int, default=10)
    parser.add_argument("--port", type=int, default=7999)
    asked = parser.parse_args()
    attacks: tuple[tuple[Callable[[Server], tuple[str, str]], ...], ...] = (
        (
            lambda server: flood(server, 70),
            lambda server: nonsense(server, 20),
            lambda server: heartbeats(server, max(1, asked.calls * 3 // 2)),
        ),
        (
            lambda server: many_calls(server, asked.calls),
            lambda server: invented(server, asked.calls),
        ),
        (lambda server: load(server, asked.minutes),),
        (lambda server: resting(server, asked.resting),),
    )
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="soak_")
    atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)
    print("| attack | seen | faults |\n|---|---|---:|")
    for on_one_server in attacks:
        with served(asked.port) as server:
            for attack in on_one_server:
                server.faults.clear()
                done, seen = attack(server)
                print(f"| {done} | {seen} | {len(server.faults)} |", flush=True)
                for fault in server.faults[:3]:
                    print(fault, file=sys.stderr)
    done, seen = kills(asked.port, 3)
    print(f"| {done} | {seen} | 0 |", flush=True)


if __name__ == "__main__":
    main()
