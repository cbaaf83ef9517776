"""impostors: who sends credentials that are not its own (SCM_CREDENTIALS)."""

import weir
from weir import Kind, Table


class Impostors(weir.Script):
    about = {
        "name": "impostors",
        "version": "0.1.0",
        "role": "filter",
        "language": "python",
        "summary": "Keeps calls that send credentials other than the caller's",
        "params": [
            {
                "name": "trusted",
                "type": "string",
                "default": "",
                "help": "processes that may, as in `systemd,dbus-daemon`",
            }
        ],
        "tables": [{"name": "claims", "kind": "counter", "help": "Messages with another's credentials"}],
        "wants": {"calls": ["sendmsg", "sendmmsg"]},
    }

    def start(self, params):
        self.trusted = {name.strip() for name in params["trusted"].split(",")} - {""}
        self.claims = Table(
            Kind.COUNTER,
            "claims",
            labels=["process", "what", "own", "claimed"],
            unit="1",
            help="Messages with another's credentials",
        )

    def event(self, it):
        # Most messages have no control messages at all.
        if not it.is_read(weir.layout.GROUP_CONTROL):
            return False
        claims = [claim for message in it.all_control() for claim in differences(it, message.credentials)]
        if not claims:
            return False
        process = it.comm_text
        if process in self.trusted:
            return False
        for what, own, claimed in claims:
            it.add_attr(f"claims.{what}", str(claimed))
            self.claims.add(1, process, what, str(own), str(claimed))
        return True


def differences(it, claimed):
    """What of the claimed credentials is not the caller's: what, own, claimed."""
    if claimed is None:
        return
    for what in ("pid", "uid", "gid"):
        own = getattr(it, what)
        if getattr(claimed, what) != own:
            yield what, own, getattr(claimed, what)


Guest = weir.guest(Impostors)
