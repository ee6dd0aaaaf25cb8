"""A small real server that speaks vLLM's pooling protocol, with a token classifier behind it."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch


class Pooling:
    """What the server does; a test sets it up and looks at `asked` afterwards.

    tag: step tag id of STEP pooling; None gives a row for every token.
    faults: answers to the next POSTs, before it behaves: (status, headers, body), or "drop".
    """

    def __init__(self, model, *, name="prm", context=256, tag=None):
        self.model, self.name, self.context, self.tag = model, name, context, tag
        self.activation, self.shuffle, self.lists_models = True, False, True
        self.faults, self.asked, self.keys = [], [], []

    def models(self):
        return {"data": [{"id": self.name, "max_model_len": self.context}]}

    def pool(self, body):
        """(status, answer)."""
        ids_N = body["input"]
        longest = max(map(len, ids_N))
        if longest > self.context:
            message = f"This model's maximum context length is {self.context} tokens, got {longest}"
            return 400, {"error": {"message": message, "code": 400}}
        entries = [
            {"index": n, "object": "pooling", "data": self.rows(ids)} for n, ids in enumerate(ids_N)
        ]
        usage = {"prompt_tokens": sum(map(len, ids_N))}
        return 200, {"data": entries[::-1] if self.shuffle else entries, "usage": usage}

    @torch.inference_mode()
    def rows(self, ids):
        logits = self.model(torch.tensor([ids])).logits[0].float()
        rows = logits.softmax(-1) if self.activation else logits
        keep = [i for i, token in enumerate(ids) if self.tag is None or token == self.tag]
        return rows[keep].tolist()


@contextmanager
def serving(pooling):
    """The address of the server, while it runs on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.path == "/v1/models" and pooling.lists_models
            self.answer(200 if known else 404, pooling.models() if known else {"error": "no"})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            pooling.asked.append(body)
            pooling.keys.append(self.headers["Authorization"])
            fault = pooling.faults.pop(0) if pooling.faults else None
            if fault == "drop":
                self.connection.close()
            elif fault is not None:
                self.answer(*fault)
            elif self.path != "/pooling":
                self.answer(404, {"error": "no such path"})
            else:
                self.answer(*pooling.pool(body))

        def answer(self, status, body, headers=()):
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in dict(headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
