"""Counts the statements of a process, and kills the process at any of them.

`KILL_AT=17:after` sends SIGKILL to the process itself right after statement 17 (1-based), `17:before` right before it.
`STOP_AT` lets it stand still there until SIGCONT, so that something can happen to it at a known place. A commit counts
as a statement. `COUNT_TO` names the file to which a line is added for each.
"""
