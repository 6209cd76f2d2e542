"""One folder a peer: its versions, and how each work is done with it as its documentation advises.

These modules run in an environment of their own, which has the peer and nothing of ours; so they
import the peer, the standard library and `bench.lane`.
"""
