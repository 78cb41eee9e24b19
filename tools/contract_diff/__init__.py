"""Tells breaking from compatible changes of the contract, and holds breaking ones to a dated entry.

Breaking is what an old client notices: a request that was accepted before and isn't any more, a response that the old
contract didn't allow, a name that a generated client was made from. The policy is ``docs/contract-changes.md``.
"""
