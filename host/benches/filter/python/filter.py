"""Keeps what failed: the benchmark's filter."""

import weir


class Filter(weir.Script):
    about = {"name": "filter", "version": "0.1.0", "role": "filter", "language": "python"}

    def event(self, it):
        return it.errno != 0


Guest = weir.guest(Filter)
