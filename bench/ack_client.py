"""The closed loop of `bench.ack`: each connection sends its next delivery when the one before was answered 202."""

import asyncio
import json
import sys
import time

from bench.ack_load import push_body, signed_request


async def connection(port: int, requests: list[bytes], seconds: list[float]) -> None:
    """Send the requests one after another over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 202 "), head
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        seconds.append(time.perf_counter() - start)
    writer.close()


async def load(port: int, connections: int, count: int) -> dict[str, float]:
    """Requests per second and the 99th percentile in ms; requests are signed before the clock starts."""
    body = push_body()
    shares = [[signed_request(body) for _ in range(count // connections)] for _ in range(connections)]
    seconds: list[float] = []
    start = time.perf_counter()
    await asyncio.gather(*(connection(port, share, seconds) for share in shares))
    took = time.perf_counter() - start
    return {"rate": len(seconds) / took, "p99_ms": sorted(seconds)[int(len(seconds) * 0.99)] * 1000}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(*(int(argument) for argument in sys.argv[1:])))))
