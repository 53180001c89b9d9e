"""Sends real requests, one row each, and says for each as a line of JSON who answered it and whether rightly.

Each row is also appended, with its label, to --record: that is where training finds the newest rows. One connection
a request, so that a Service may hand the next one to another Pod. Lines on stdin steer it: "part N" goes on with
another quarter of the rows, "stop" (or the end of stdin) ends it.
"""

import argparse
import http.client
import json
import random
import sys
import threading
import time
import urllib.parse

import digits
import protocol
import rows

LABELS_AT_ONCE = 10


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="http://host:port of the Service")
    parser.add_argument("--model", default="fuel")
    parser.add_argument("--kind", choices=digits.KINDS, required=True)
    parser.add_argument("--part", type=int, choices=range(digits.PARTS), default=0)
    parser.add_argument("--rows", type=int, default=0, help="end after so many requests; 0: when stdin says so")
    parser.add_argument("--rate", type=float, default=40, help="requests a second")
    parser.add_argument("--seed", type=int, default=0, help="of the order of the rows")
    parser.add_argument("--record", help="the CSV file on the data volume to append labelled rows to")
    parser.add_argument("--feedback", type=int, metavar="N", help="send each answer's label to the Service, N requests later")
    parser.add_argument("--context-header", help="header in which each request says its kind")
    parser.add_argument("--timeout", type=float, default=5, help="seconds for one request")
    return parser.parse_args()


class Rows:
    """All rows of a part in a random order, then again in another one: none comes twice before all came once."""

    def __init__(self, kind, seed):
        self.kind, self.random, self.order = kind, random.Random(seed), []

    def use(self, part):
        self.inputs, self.labels = digits.part(self.kind, part)
        self.order = []

    def next(self):
        if not self.order:
            self.order = list(range(len(self.labels)))
            self.random.shuffle(self.order)
        index = self.order.pop()
        return self.inputs[index], int(self.labels[index])


def ask(url, model, values, timeout, headers):
    """(version, label, request id) of the answer; OSError, HTTPException or ValueError where there is no good one."""
    connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=timeout)
    try:
        body = json.dumps(protocol.request(values.reshape(1, -1)))
        connection.request("POST", f"/v2/models/{model}/infer", body, {"Content-Type": "application/json", "Connection": "close"} | headers)
        response = connection.getresponse()
        text = response.read(1 << 20).decode(errors="replace")
        if response.status != 200:
            raise ValueError(f"HTTP {response.status}: {text[:200]}")
        answer = json.loads(text)
        label = next(tensor["data"][0] for tensor in answer["outputs"] if tensor["name"] == "label")
        return answer["model_version"], label, response.getheader("x-request-id")
    except (KeyError, TypeError, StopIteration, IndexError) as error:
        raise ValueError(f"the answer is no v2 response of this model: {error!r}") from error
    finally:
        connection.close()


def tell(url, labels, timeout):
    """Labels that have come: [(request id, label)]. Any replica takes them."""
    connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=timeout)
    try:
        body = json.dumps([{"id": one, "label": label} for one, label in labels])
        connection.request("POST", "/reprise/feedback", body, {"Content-Type": "application/json", "Connection": "close"})
        response = connection.getresponse()
        if response.status != 200:
            raise ValueError(f"POST /reprise/feedback: HTTP {response.status}: {response.read(200).decode(errors='replace')}")
    finally:
        connection.close()


def listen(commands):
    for text in sys.stdin:
        commands.append(text.split())
    commands.append(["stop"])


def main():
    given = options()
    url = urllib.parse.urlsplit(given.url)
    if url.scheme != "http" or not url.hostname:
        sys.exit(f"traffic: --url is '{given.url}', it must be http://host:port")
    source = Rows(given.kind, given.seed)
    source.use(given.part)
    part, commands = given.part, []
    if given.rows == 0:
        threading.Thread(target=listen, args=(commands,), daemon=True).start()
    headers = {given.context_header: given.kind} if given.context_header else {}
    due, index, labels = time.monotonic(), 0, []
    while given.rows == 0 or index < given.rows:
        while commands:
            command = commands.pop(0)
            if command == ["stop"]:
                return
            if len(command) == 2 and command[0] == "part" and command[1] in map(str, range(digits.PARTS)):
                part = int(command[1])
                source.use(part)
            else:
                sys.exit(f"traffic: '{' '.join(command)}' on stdin is neither 'part 0' to 'part {digits.PARTS - 1}' nor 'stop'")
        time.sleep(max(0.0, due - time.monotonic()))
        due = max(due + 1 / given.rate, time.monotonic() - 1)  # after a long pause no burst of more than a second's rows
        values, label = source.next()
        record = {"index": index, "kind": given.kind, "part": part, "time": round(time.time(), 3)}
        try:
            record["version"], answer, request_id = ask(url, given.model, values, given.timeout, headers)
            record["correct"] = answer == label
            if given.feedback is not None:
                labels.append((request_id, label))
                if len(labels) >= given.feedback + LABELS_AT_ONCE:
                    tell(url, labels[:LABELS_AT_ONCE], given.timeout)
                    del labels[:LABELS_AT_ONCE]
        except (OSError, http.client.HTTPException, ValueError) as error:
            record.update(version=None, correct=False, error=str(error) or type(error).__name__)
        if given.record:
            rows.append(given.record, rows.line(values, label, given.kind))
        print(json.dumps(record), flush=True)
        index += 1


if __name__ == "__main__":
    main()
