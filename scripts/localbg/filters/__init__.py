"""The filters over pixels that everything is built on: exact, compiled, in threads.

Edges are repeated. Integer images stay integer; nothing wraps around.
"""
