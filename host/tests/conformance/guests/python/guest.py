"""Says all that it sees: the conformance suite compares it with what the host has."""

import weir
from weir import Kind, Level, Table

import fields

KINDS = [Kind.COUNTER, Kind.HISTOGRAM, Kind.GAUGE, Kind.TOP_K, Kind.DISTINCT, Kind.RATE]
NAMES = ["counter", "histogram", "gauge", "topk", "distinct", "rate"]


class Says(weir.Script):
    about = {
        "name": "conformance",
        "version": "1.2.3",
        "summary": "what a script sees and does",
        "role": "filter",
        "language": "python",
        "state_version": 7,
        "params": [{"name": "greeting", "type": "string", "default": "hello", "help": "is logged"}],
        "tables": [],
        "wants": {"calls": ["sendmsg", "recvmsg"], "payload": 64},
    }

    count = 0

    def start(self, params):
        if params["greeting"] == "refuse":
            raise ValueError("told to refuse: grüße")
        weir.log(Level.INFO, f"greeting: {params['greeting']}")
        if "nothing" in params:
            raise ValueError("there is a parameter that was not declared")
        self.tables = [
            Table(kind, name, labels=["process", "call"], unit="1", help="") for kind, name in zip(KINDS, NAMES)
        ]

    def batch(self, it):
        self.count += it.count
        out = Text()
        fields.header(out, it.header)
        it[0].add_attr("header", out.text)
        weir.emit({"events": self.count})
        weir.log(Level.DEBUG, "process: none" if weir.process(it[0].pid) is None else "process: known")

    def event(self, it):
        out = Text()
        fields.event(out, it)
        it.add_attr("event", out.text)
        it.add_attr("parts", parts(it))
        for kind, table in zip(KINDS, self.tables):
            table.add(it.tid if kind == Kind.DISTINCT else it.bytes, it.comm_text, it.call_name)
        return it.errno == 0

    def tick(self, now_ms):
        weir.log(Level.WARN, f"tick {now_ms}")

    def save(self):
        return f"events={self.count}".encode()

    def restore(self, version, state):
        if version != 7:
            raise ValueError("the state is not of version 7")
        self.count = int(state.removeprefix(b"events="))


class Text:
    text = ""

    def number(self, name, value):
        self.text += f"{name}={value}\n"

    def bytes(self, name, value):
        self.text += f"{name}={value.hex()}\n"


def parts(it):
    read = "".join("01"[it.is_read(group)] for group in range(8))
    lines = [f"at={it.position}", f"call={it.call_name}", f"comm={it.comm_text}", f"errno={it.errno}"]
    lines += [f"error={it.error_name or '-'}", f"read={read}"]
    team = it.find_attr("team")
    lines.append(f"team={'-' if team is None else team}")
    lines += [f"attr={name.decode()}:{value.decode()}" for name, value in it.all_attrs()]
    lines += [f"iov={base}:{size}" for base, size in it.all_iov()]
    for message in it.all_control():
        lines.append(f"control={message.level}:{message.type}:{message.data.hex()}")
        if who := message.credentials:
            lines.append(f"credentials={who.pid}:{who.uid}:{who.gid}")
    lines += [f"file={fd}:{text.decode()}" for fd, text in it.all_files()]
    lines += [f"process={kind}:{part.hex()}" for kind, part in it.all_process()]
    if used := it.kernel_used():
        lines.append(f"kernel={used.bytes}:{used.name.hex()}")
        lines += [f"kernel_control={each.level}:{each.type}:{each.data.hex()}" for each in used.control()]
    return "\n".join(lines) + "\n"


Guest = weir.guest(Says)
