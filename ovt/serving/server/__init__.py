"""A bundle behind HTTP: JSON records and the Open Inference Protocol v2, in one process.

    app.py        the application: its routes, its errors, its counters
    exchange.py   what every route does with a body
    protocol.py   the Open Inference Protocol: tensors to records, answers to tensors; protocol_routes.py its routes
    batching.py   what waits is answered together; what cannot wait is refused
    serving.py    what is served now, and what replaces it while requests go on
    metrics.py    counters for Prometheus
    record_log.py a sampled, redacted stream of the records that were asked about
    redaction.py  what is taken out of them
    run.py        the process: its socket, its signals

FastAPI gives the routes and their documentation; bodies are read by msgspec
against the model's own schema, since a record's type is not known before a
bundle is loaded, and moves with it.
"""
