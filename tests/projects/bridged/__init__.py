"""A shop in two releases: `BRIDGED=one` is the first, `BRIDGED=two` brings what the first cannot live with.

`BRIDGED=five` tightens what the first has.
"""
