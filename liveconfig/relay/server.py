"""The server: takes connections, lets pods in, looks after those that are in, and drains on its end."""

import asyncio
import logging
import socket
import ssl
from contextlib import suppress

from liveconfig.errors import StoreAway
from liveconfig.protocol import LEAVE, SILENCE_SECONDS, Hello
from liveconfig.relay.gate import Gate, Refused
from liveconfig.relay.hub import Hub
from liveconfig.relay.pod import Pod
from liveconfig.relay.settings import Settings

log = logging.getLogger("relay")
_AT_A_TIME = 64  # connections taken before anything else gets its turn


class Server:
    """Serves pods until `stop` is set, then lets them go elsewhere."""

    def __init__(self, settings: Settings, hub: Hub, gate: Gate) -> None:
        self._settings, self._hub, self._gate = settings, hub, gate
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.num_tickets = 0  # pods stay; a ticket to come back sooner would be written for nothing
        self._certified = 0.0
        self._connections: set[Pod] = set()
        self._certify()

    async def serve(self, stop: asyncio.Event) -> None:
        """Listen, follow and look after the pods. Raise OSError if the address cannot be had."""
        listening = await self._listen()
        try:
            async with asyncio.TaskGroup() as group:
                work = [group.create_task(self._hub.follower.run()), group.create_task(self._look_after())]
                await stop.wait()
                self._close(listening)
                await self._drain()
                for task in work:
                    task.cancel()
        finally:
            self._close(listening)
            for pod in list(self._connections):
                pod.end("the relay ends")

    async def _listen(self) -> socket.socket:
        loop, address = asyncio.get_running_loop(), self._settings.listen
        family, *_, where = (await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM))[0]
        listening = socket.create_server(where[:2], family=family, backlog=1024)
        listening.setblocking(False)
        loop.add_reader(listening, self._accept, listening)
        log.info("serving pods on %s:%s", *listening.getsockname()[:2])
        return listening

    @staticmethod
    def _close(listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_A_TIME):
            try:
                sock, address = listening.accept()
            except OSError:  # nobody waits, or no descriptor is left for whoever does
                return
            if len(self._connections) >= self._settings.connections:
                self._connections = {pod for pod in self._connections if pod.open}
            if len(self._connections) >= self._settings.connections:
                self._hub.metrics.ended.labels("too many connections").inc()
                sock.close()
                continue
            sock.setblocking(False)
            with suppress(OSError):  # it is gone already
                self._connections.add(Pod(sock, address[0], self._context, self._hub, self._admit))

    async def _admit(self, pod: Pod, hello: Hello) -> None:
        try:
            credential = await self._gate.enter(hello, pod.address)
        except Refused as error:
            log.warning("refused a pod of organization %d from %s: %s", hello.organization, pod.address, error)
            pod.end("refused", str(error))
        except StoreAway:
            pod.end("credentials cannot be read", "credentials cannot be read now; try again")
        else:
            if pod.open:
                pod.came_in(credential)
                self._hub.join(pod, hello)

    async def _look_after(self) -> None:
        """Close what is silent or no longer entitled, follow only whom pods need, and keep the numbers."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._settings.credential_seconds / 2)
            for pod in self._hub.all():
                if now() > pod.heard + SILENCE_SECONDS:
                    pod.end("silent")
            self._hub.forget()
            self._connections = {pod for pod in self._connections if pod.open}
            with suppress(StoreAway):  # whoever came in stays while that cannot be told
                await self._close_the_ended()
            self._certify()
            self._count()

    async def _close_the_ended(self) -> None:
        organizations = self._hub.organizations
        valid = await self._gate.read_again(organizations)
        for org in organizations:
            for pod in self._hub.all(org):
                if pod.credential != valid.get(org):
                    pod.end("credential ended", "the credential has ended")

    def _certify(self) -> None:
        """Take the certificate again if its file changed; an unreadable one leaves the one in use."""
        try:
            changed = self._settings.certificate.stat().st_mtime
            if changed != self._certified:
                self._context.load_cert_chain(self._settings.certificate, self._settings.key)
                self._certified = changed
        except OSError as error:
            if not self._certified:
                raise
            log.error("the certificate in use stays: %s", error)

    def _count(self) -> None:
        follower, metrics = self._hub.follower, self._hub.metrics
        metrics.organizations.set(len(follower.layers.by_org))
        metrics.queries.set(follower.queries)
        metrics.passed_by.set(follower.passed_by)

    async def _drain(self) -> None:
        log.info("leaving %d pods to others", len(self._hub.all()))
        for pod in self._hub.all():
            pod.tell(LEAVE)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_seconds):
                await self._hub.empty.wait()
