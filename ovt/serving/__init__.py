"""A version outside its repository: one folder (a bundle) that answers JSON with JSON, without torch.

    from ovt.serving.loading import load          # also `ovt.load(DIR)`

    model = load("DIR")                           # MissingError: no bundle, or damaged
    model.signature                               # dict, `signature.json`
    model.manifest                                # dict, `bundle.json`: key, digest, files
    model.predict(records)                        # Iterable[Mapping] -> list[dict]; ProjectError names the record
    model.predict_json(lines)                     # Sequence[bytes] -> list[bytes | Problem], in order, never raises

An answer has the ids and tasks of the record, in the words of a record:

    {"id": "q-17", "tasks": {"Intent": {"label": "height", "confidence": 0.93},
                             "POS": {"label": ["ADV", "ADJ"], "confidence": [0.99, 0.97]},
                             "IntentArg": {"label": 1, "confidence": 0.8, "id": "Height"}}}

`label` is what the record format calls a label (a class, a list of classes, a
candidate's position), so with the id, the task and a source's name it is a line
of `supervision/`. `made` holds sequences that ovt made from a text. A record
without an id is answered without one, but for `model.twin(identify=True)`,
which gives the hash that compiling gives.

A `Model` may be used by one thread at a time (it remembers words); `model.twin()`
gives another that shares the network, for another thread. The torch half is
`ovt.serving.export*` and `ovt.serving.bundle`; everything else needs
onnxruntime, numpy and msgspec alone.
"""
