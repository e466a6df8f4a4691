"""Pairs of tiny apps, a directory for each code: `hazard` has it, and `safe` reaches the same end without.

What follows 0001_initial is the plan. Where the safe way by nature ends elsewhere, the directory's `ENDS_ELSEWHERE`
tells why.
"""
