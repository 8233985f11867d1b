"""OpenTelemetry spans of requests, saga steps and database transactions; sent only if an endpoint is configured."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Tracer

from database.pool import Connection, Database

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def provider(environment: Mapping[str, str], replica: str) -> TracerProvider | None:
    """What makes and sends spans; None if nobody wants them. Shut it down at the end."""
    if not environment.get(ENDPOINT):
        return None
    resource = Resource.create({"service.name": "agent-ready-api", "service.instance.id": replica})
    made = TracerProvider(resource=resource)
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


class TracedDatabase(Database):
    """A database each of whose transactions and statements is a span."""

    def __init__(self, url: str, tracer: Tracer, *, size: int = 8) -> None:
        super().__init__(url, size=size)
        self._tracer = tracer

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Connection]:
        with self._tracer.start_as_current_span("database statement", kind=SpanKind.CLIENT):
            async with super().statement() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(
        self, *, org_id: int | None = None, actor: str = "", reason: str = "", request_id: str = ""
    ) -> AsyncIterator[Connection]:
        with self._tracer.start_as_current_span("database transaction", kind=SpanKind.CLIENT):
            async with super().transaction(
                org_id=org_id, actor=actor, reason=reason, request_id=request_id
            ) as connection:
                yield connection
