"""The steps of a method, each once: what single jobs and the chain in memory both call.

A module for each, so that a job depends on its own step only. Parameters are those of the plan for
one image: multiples of the spot radius are pixels by then, sizes in µm still text.
"""
