"""Prometheus of the lab is a process of the host that listens on loopback: this lets the lab's pods ask it."""

import asyncio
import os


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what is read, until nothing more comes."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection of a pod, to Prometheus and back."""
    inward, outward = await asyncio.open_connection("127.0.0.1", 9090)
    await asyncio.gather(carry(reader, outward), carry(inward, writer), return_exceptions=True)


async def main() -> None:
    """Listen on the lab's own bridge, where pods are and nobody else."""
    server = await asyncio.start_server(serve, os.environ["BRIDGE"], 9091)
    await server.serve_forever()


asyncio.run(main())
