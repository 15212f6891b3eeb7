"""Lints HTTP responses with httplint: reads messages as JSON, tells what is wrong with each as JSON."""

import json
import sys

from httplint.message import HttpRequestLinter, HttpResponseLinter
from httplint.note import levels

FINDINGS = (levels.WARN, levels.BAD)


def notes(all_notes):
    for note in all_notes:
        yield note
        yield from notes(note.subnotes)


def lint(message):
    request = HttpRequestLinter()
    request.process_request_topline(message["method"].encode(), message["url"].encode(), b"1.1")
    request.process_headers([(name.encode(), value.encode()) for name, value in message["asked"]])
    request.finish_content(True)
    response = HttpResponseLinter(start_time=message["at"], no_content=message["method"] == "HEAD", _related=request)
    response.process_response_topline(b"1.1", str(message["status"]).encode(), message["reason"].encode())
    response.process_headers([(name.encode("latin-1"), value.encode("latin-1")) for name, value in message["headers"]])
    response.feed_content(bytes.fromhex(message["body"]))
    response.finish_content(True)
    return [
        {"code": type(note).__name__, "level": note.level.name, "summary": note.summary, "detail": note.detail}
        for note in notes(response.notes)
        if note.level in FINDINGS
    ]


json.dump([lint(message) for message in json.load(sys.stdin)], sys.stdout)
