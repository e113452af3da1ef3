"""A deterministic simulation of the whole path: the real delivery code, a model of SQS, a simulated org and clock.

One seed is one run. Hours pass in seconds, several workers interleave, and everything that can go wrong does.
"""
