"""A small real OpenAI-compatible server for tests, with a local policy or a script behind it.

It speaks chat and plain completions, and has every ability that `Manners` does not take away.
In a chat the frame around a message is four tokens, of which the model sees nothing: it is shown
the question, a line break, and what was said, as by `steps.plain_prompt`.
"""

import itertools
import json
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from surefoot.tasks import trails

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


class Local:
    """A policy of this process as the server's model."""

    def __init__(self, policy):
        self.policy, self.tokenizer, self.lock = policy, policy.encoder.tokenizer, threading.Lock()

    def pieces(self, text):
        """The tokens of a text, as the text that each adds; what begins a text adds nothing."""
        return self.spelt(self.ids(text))

    def write(self, text, *, seed, temperature, most, stop):
        """(tokens, their log-probabilities, did it end?), up to the token that completes `stop`."""
        from surefoot.policy.local_decode import Decoder, Request, Sampling

        own = self.policy.decoder
        decoder = Decoder(
            own.model,
            sampling=Sampling(temperature, max_tokens=most),
            end_ids=own.end_ids,
            ends_step=lambda ids: bool(stop) and stop in self.text(ids),
            slots=16,
        )
        with self.lock:
            [reply] = decoder.complete([Request(self.ids(text), seed, "step")])
        return self.spelt(reply.ids), list(reply.logprobs), reply.finished

    def read(self, text):
        """log P of each token but the first."""
        import torch

        ids = self.ids(text)
        with self.lock, torch.inference_mode():
            logits = self.policy.decoder.model(torch.tensor([ids])).logits[0]
        values = logits.float().log_softmax(-1)[:-1]
        return values.gather(1, torch.tensor(ids[1:])[:, None])[:, 0].tolist()

    def ids(self, text):
        begin = self.tokenizer.bos_token_id
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return (*([] if begin is None else [begin]), *ids)

    def text(self, ids):
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def spelt(self, ids):
        texts = [self.text(ids[:stop]) for stop in range(len(ids) + 1)]
        return [b[len(a) :] for a, b in itertools.pairwise(texts)]


class Script:
    """Knows the solutions of some problems of trails; at a temperature above 0 it writes too much
    for odd seeds. A word is a token, and so is a line break. It takes no time."""

    def __init__(self, problems):
        self.solutions = {p.text: "\n".join(trails.solve(trails.read(p.text))) for p in problems}

    def pieces(self, text):
        return re.findall(r"\n|[^\S\n]*\S+|[^\S\n]+", text)

    def write(self, text, *, seed, temperature, most, stop):
        question = next((known for known in self.solutions if known in text), None)
        solution = "four five six seven eight" if question is None else self.solutions[question]
        said = "" if question is None else text.partition(question)[2].removeprefix("\n")
        solution += f" or {seed}" if temperature and seed % 2 else ""
        left = solution.removeprefix(said) if solution.startswith(said) else ""
        if stop and stop in left:
            left = left[: left.index(stop) + len(stop)]
            pieces = self.pieces(left)
            return pieces[:most], [-0.5] * len(pieces[:most]), False
        pieces = [*self.pieces(left), ""]  # its end
        return pieces[:most], [-0.5] * len(pieces[:most]), len(pieces) <= most

    def read(self, text):
        return [-0.25] * (len(self.pieces(text)) - 1)


class SmallServer:
    """asked: the bodies of all completions. written: tokens of each that was answered in full."""

    def __init__(self, model, manners=None, *, name="small"):
        self.model, self.manners, self.name = model, manners or Manners(), name
        self.lock, self.asked, self.written, self.headers = threading.Lock(), [], [], []
        self.unseeded = itertools.count()

    def models(self):
        return {"data": [{"id": self.name, "max_model_len": self.manners.context}]}

    def completion(self, path, body):
        manners, chat = self.manners, path.endswith("/chat/completions")
        self.refuse(body, manners.chat if chat else manners.plain)
        text, frame = self.shown(body) if chat else (body["prompt"], 0)
        read = len(self.model.pieces(text)) + frame
        most = self.fits(read, body[manners.limit])
        count = body.get("n", 1) if manners.n else 1
        choices = [self.choice(chat, text, body, most, k) for k in range(count)]
        written = sum(choice.pop("size") for choice in choices)
        with self.lock:
            self.written.append(written)
        answer = {"id": "x", "object": "completion", "choices": choices}
        if manners.usage:
            answer["usage"] = {"prompt_tokens": read, "completion_tokens": written}
        if manners.read_logprobs and "prompt_logprobs" in body:
            rows = zip(self.model.pieces(text)[1:], self.model.read(text), strict=True)
            entries = [{"7": {"logprob": value, "decoded_token": p}} for p, value in rows]
            (answer if chat else choices[0])["prompt_logprobs"] = [None, *entries]
        return answer

    def refuse(self, body, here):
        if not here:
            raise Refusal(404, {"error": {"message": "no such path"}})
        if body["model"] != self.name:
            raise Refusal(404, {"error": {"message": f"no model {body['model']}"}})
        if self.manners.limit not in body:
            message = f"Unsupported parameter: use '{self.manners.limit}' instead"
            raise Refusal(400, {"error": {"message": message}})

    def shown(self, body):
        """What the model sees of a chat, and how many tokens frames cost."""
        messages, manners = body["messages"], self.manners
        last, said, frame = messages[-1], "", FRAME
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

    def choice(self, chat, prompt, body, most, k):
        stop = (body.get("stop") or [""])[0] if self.manners.stop else ""
        seeded = self.manners.seed and "seed" in body
        pieces, logprobs, finished = self.model.write(
            prompt,
            seed=body["seed"] + k if seeded else 2 * next(self.unseeded) + 1,
            temperature=body.get("temperature", 1.0),
            most=most,
            stop=stop,
        )
        text = "".join(pieces)
        stopped = bool(stop) and stop in text
        if stopped:
            text = text[: text.index(stop) + (len(stop) if self.manners.stop == "kept" else 0)]
        reason = "stop" if finished or stopped else "length"
        choice = {"index": k, "finish_reason": reason, "size": len(pieces)}
        if self.manners.stop == "told":
            choice["stop_reason"] = stop if stopped else None
        shown = self.manners.logprobs and "logprobs" in body
        if chat:
            rows = zip(pieces, logprobs, strict=True)
            content = [{"token": piece, "logprob": value} for piece, value in rows]
            message = {"role": "assistant", "content": text}
            return {
                **choice,
                "message": message,
                "logprobs": {"content": content} if shown else None,
            }
        if body.get("echo"):
            pieces = self.model.pieces(prompt) + pieces
            logprobs, text = [None, *self.model.read(prompt), *logprobs], prompt + text
        tokens = {"tokens": pieces, "token_logprobs": logprobs} if shown else None
        return {**choice, "text": text, "logprobs": tokens}


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
