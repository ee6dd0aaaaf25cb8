"""A small real OpenAI-compatible server with a local policy behind it, for tests.

It speaks chat and plain completions, and has every ability that `Manners` does not take away.
In a chat the frame around a message is four tokens, of which the model sees nothing: it is shown
the question, a line break, and what was said, as by `steps.plain_prompt`.
"""

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

from surefoot.policy.local_decode import Decoder, Request, Sampling

FRAME = 4  # tokens of a chat template around a message


@dataclass
class Manners:
    """What the server does. stop: "told", "kept" (in the text), "silent" or "" (ignored).

    faults: for the next completions, before it behaves: (status, body), (status, body, headers),
    "drop", "cut", "slow", "few" or a body (a dict) to send with status 200.
    """

    chat: bool = True
    plain: bool = True
    n: bool = True
    stop: str = "told"
    prefill: str = "as it is"
    keeps_end: bool = True
    logprobs: bool = True
    seed: bool = True
    usage: bool = True
    read_logprobs: bool = True
    context: int = 1024
    key: str | None = None
    limit: str = "max_tokens"
    faults: list[Any] = field(default_factory=list)


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status, body):
        super().__init__(status)
        self.status, self.body = status, body


class SmallServer:
    """asked: the bodies of all completions. written: tokens of each that was answered in full."""

    def __init__(self, policy, manners=None, *, name="small"):
        self.policy, self.manners, self.name = policy, manners or Manners(), name
        self.tokenizer = policy.encoder.tokenizer
        self.lock, self.asked, self.written, self.headers = threading.Lock(), [], [], []
        self.draws = 0

    def models(self):
        return {"data": [{"id": self.name, "max_model_len": self.manners.context}]}

    def completion(self, path, body):
        chat = path.endswith("/chat/completions")
        if not (self.manners.chat if chat else self.manners.plain):
            raise Refusal(404, {"error": {"message": "no such path"}})
        if body["model"] != self.name:
            raise Refusal(404, {"error": {"message": f"no model {body['model']}"}})
        if self.manners.limit not in body:
            message = f"Unsupported parameter: use '{self.manners.limit}' instead"
            raise Refusal(400, {"error": {"message": message}})
        text, frame = self.shown(body) if chat else (body["prompt"], 0)
        prompt = self.ids(text)
        most = self.fits(len(prompt) + frame, body[self.manners.limit])
        count = body.get("n", 1) if self.manners.n else 1
        choices = [self.choice(chat, prompt, body, most, k) for k in range(count)]
        sizes = [choice.pop("size") for choice in choices]
        with self.lock:
            self.written.append(sum(sizes))
        answer = {"id": "x", "object": "completion", "choices": choices}
        if self.manners.usage:
            usage = {"prompt_tokens": len(prompt) + frame, "completion_tokens": sum(sizes)}
            answer["usage"] = usage
        if self.manners.read_logprobs and "prompt_logprobs" in body:
            (answer if chat else choices[0])["prompt_logprobs"] = self.read(prompt)
        return answer

    def shown(self, body):
        """What the model sees of a chat, and how many tokens frames cost."""
        messages, manners = body["messages"], self.manners
        said, frame = "", FRAME
        last = messages[-1]
        continued = (
            last["role"] == "assistant"
            and {
                "as it is": True,
                "continue_final_message": body.get("continue_final_message", False),
                "prefix": last.get("prefix", False),
                "": False,
            }[manners.prefill]
        )
        if continued:
            said = last["content"] if manners.keeps_end else last["content"].rstrip()
            messages = messages[:-1]
        else:
            frame += FRAME * (len(messages) - 1)
        question = "\n".join(message["content"] for message in messages)
        return f"{question}\n{said}", frame

    def fits(self, prompt, most):
        context = self.manners.context
        if prompt + most <= context:
            return most
        message = (
            f"This model's maximum context length is {context} tokens. However, you requested "
            f"{most} output tokens and your prompt contains {prompt} input tokens"
        )
        raise Refusal(400, {"object": "error", "message": message, "code": 400})

    def ids(self, text):
        begin = self.tokenizer.bos_token_id
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return (*([] if begin is None else [begin]), *ids)

    def choice(self, chat, prompt, body, most, k):
        stops = body.get("stop") or [] if self.manners.stop else []
        ids, logprobs, finished = self.draw(prompt, body, most, k, stops)
        shown = [i for i in ids if i not in self.policy.decoder.end_ids]
        text, stopped_by = self.text(shown), None
        for stop in stops:
            if stop in text:
                kept = len(stop) if self.manners.stop == "kept" else 0
                text, stopped_by = text[: text.index(stop) + kept], stop
        reason = "stop" if finished or stopped_by else "length"
        choice = {"index": k, "finish_reason": reason, "size": len(ids)}
        if self.manners.stop == "told":
            choice["stop_reason"] = stopped_by
        pieces = self.pieces(shown) if self.manners.logprobs and "logprobs" in body else None
        if chat:
            content = pieces and [
                {"token": p, "logprob": v} for p, v in zip(pieces, logprobs, strict=False)
            ]
            message = {"role": "assistant", "content": text}
            return {**choice, "message": message, "logprobs": pieces and {"content": content}}
        read = [None, *self.logprobs(prompt)] if body.get("echo") else []
        echoed = self.pieces(prompt) if body.get("echo") else []
        whole = self.text(prompt) + text if body.get("echo") else text
        tokens = pieces and {
            "tokens": echoed + pieces,
            "token_logprobs": read + list(logprobs[: len(pieces)]),
        }
        return {**choice, "text": whole, "logprobs": tokens}

    def draw(self, prompt, body, most, k, stops):
        decoder = self.policy.decoder
        sampling = Sampling(body.get("temperature", 1.0), body.get("top_p", 1.0), most)
        seed = body["seed"] if self.manners.seed and "seed" in body else None

        def ends(ids):
            return any(stop in self.text(ids) for stop in stops)

        with self.lock:
            self.draws += 1
            own = Decoder(
                decoder.model, sampling=sampling, end_ids=decoder.end_ids, ends_step=ends, slots=16
            )
            number = 1000 * seed + k if seed is not None else self.draws
            request = Request(prompt, number, "step" if stops else "end")
            [reply] = own.complete([request])
        return reply.ids, reply.logprobs, reply.finished

    def text(self, ids):
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def pieces(self, ids):
        """The text that each token adds."""
        texts = [self.text(ids[:stop]) for stop in range(len(ids) + 1)]
        return [b[len(a) :] for a, b in pairwise(texts)]

    def logprobs(self, ids):
        """log P of each token but the first."""
        import torch

        with self.lock, torch.inference_mode():
            logits = self.policy.decoder.model(torch.tensor([ids])).logits[0]
        values = logits.float().log_softmax(-1)[:-1]
        return values.gather(1, torch.tensor(ids[1:])[:, None])[:, 0].tolist()

    def read(self, ids):
        rows = zip(ids[1:], self.logprobs(ids), self.pieces(ids)[1:], strict=True)
        return [None, *({str(i): {"logprob": v, "decoded_token": p}} for i, v, p in rows)]


@contextmanager
def serving(server):
    """The API's address, while the server runs on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.answer(200, server.models())

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            manners = server.manners
            with server.lock:
                server.asked.append(body)
                server.headers.append(dict(self.headers))
                fault = manners.faults.pop(0) if manners.faults else None
            if manners.key and self.headers["Authorization"] != f"Bearer {manners.key}":
                given = self.headers["Authorization"]
                self.answer(401, {"error": {"message": f"Incorrect API key provided: {given}"}})
            elif isinstance(fault, tuple):
                self.answer(*fault)
            elif isinstance(fault, dict | list):
                self.answer(200, fault)
            elif fault == "drop":
                self.close_connection = True
                self.connection.close()
            else:
                self.behave(body, fault)

        def behave(self, body, fault):
            try:
                answer = server.completion(self.path, body)
            except Refusal as refusal:
                self.answer(refusal.status, refusal.body)
                return
            if fault == "few":
                answer["choices"] = answer["choices"][:-1]
            self.answer(200, answer, how=fault)

        def answer(self, status, body, headers=(), how=None):
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in dict(headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if how == "cut":
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
            elif how == "slow":
                self.trickle(data)
            else:
                self.wfile.write(data)

        def trickle(self, data):
            """A byte at a time, for ever as far as the client is concerned."""
            try:
                for byte in data:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                self.close_connection = True

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/v1"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
