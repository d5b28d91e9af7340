"""Write one line of JSON for each response: what was fetched, and the hashes of its bytes.

    mitmdump -s mitmproxy_hashes.py --set hashes_file=/var/log/hashes.jsonl

Bodies must not be streamed (no --set stream_large_bodies), and the agent has to trust
mitmproxy's certificate authority. "tripline lockcheck --proxylog hashes.jsonl" reads it.
"""

import base64
import hashlib
import io
import json
import time
import zipfile

from mitmproxy import ctx


def h1(body):
    """The hash that go.sum has of a module's zip: of the names and hashes of its files."""
    lines = []
    with zipfile.ZipFile(io.BytesIO(body)) as z:
        if sum(i.file_size for i in z.infolist()) > 1 << 30:
            return None
        for name in sorted(z.namelist(), key=lambda n: n.encode()):
            lines.append("%s  %s\n" % (hashlib.sha256(z.read(name)).hexdigest(), name))
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()


def go_mod(body):
    """Likewise of a go.mod alone."""
    line = "%s  go.mod\n" % hashlib.sha256(body).hexdigest()
    return "h1:" + base64.b64encode(hashlib.sha256(line.encode()).digest()).decode()


class Hashes:
    def load(self, loader):
        loader.add_option("hashes_file", str, "hashes.jsonl", "Where the lines are written.")

    def response(self, flow):
        body = flow.response.raw_content
        peer = flow.client_conn.peername
        line = {
            "ts": time.time(),
            "client": peer[0] if peer else "",
            "method": flow.request.method,
            "url": flow.request.pretty_url,
            "status": flow.response.status_code,
            "len": len(body) if body is not None else -1,
        }
        if body is not None and flow.response.status_code == 200:
            line["sha256"] = hashlib.sha256(body).hexdigest()
            line["sha512"] = hashlib.sha512(body).hexdigest()
            line["blake2b_256"] = hashlib.blake2b(body, digest_size=32).hexdigest()
            path = flow.request.path.split("?")[0]
            try:
                if "/@v/" in path and path.endswith(".zip"):
                    line["h1"] = h1(body)
                elif "/@v/" in path and path.endswith(".mod"):
                    line["h1"] = go_mod(body)
            except Exception as e:  # a broken zip is still a line
                ctx.log.warn("h1 of %s: %s" % (path, e))
        with open(ctx.options.hashes_file, "a", encoding="ascii") as f:
            f.write(json.dumps({k: v for k, v in line.items() if v is not None}) + "\n")


addons = [Hashes()]
