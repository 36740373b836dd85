"""Counters for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from ovt.serving.server.serving import Serving

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
SIZES = (1, 2, 4, 8, 16, 32, 64)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One server's, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = found = CollectorRegistry()
        self.requests = Counter("ovt_requests", "Requests by route and status.", ["route", "status"], registry=found)
        self.seconds = Histogram("ovt_request_seconds", "Seconds to an answer.", ["route"], buckets=SECONDS,
                                 registry=found)
        self.records = Counter("ovt_records", "Records answered.", registry=found)
        self.problems = Counter("ovt_bad_records", "Records that were none of the schema.", registry=found)
        self.refused = Counter("ovt_refused_requests", "Requests refused because too many wait.", registry=found)
        self.failures = Counter("ovt_failures", "Requests that the model failed on.", registry=found)
        self.together = Histogram("ovt_batch_records", "Records answered together.", buckets=SIZES, registry=found)
        self.waiting = Gauge("ovt_waiting_records", "Records that wait.", registry=found)
        self.logged = Counter("ovt_logged_records", "Records written to the log.", registry=found)
        self.reloads = Counter("ovt_reloads", "Models replaced, and attempts that failed.", ["result"], registry=found)
        self._model = Gauge("ovt_model_info", "What is served: always 1.", ["key", "bundle"], registry=found)

    def serves(self, serving: Serving) -> None:
        """Tell which model is served."""
        self._model.clear()
        self._model.labels(serving.now.key, serving.now.identity).set(1)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)
