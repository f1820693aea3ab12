"""Gatelet beside what a team would use instead, on this machine, under one Viceroy: `make bench`.

The peers are Statsig's own packages for JavaScript on Fastly, built from npm as their documentation says
(`benchmarks/peers/`), with the spec in the linked KV store. Every service answers the same question for the same users
and sends the exposure behind its reply; before anything is timed, each one's answers are compared with those of the
official core. Services take turns of a second in changing order, all but one of them stopped meanwhile, so that
what else the machine does meets all alike. A figure is the median over the rounds; a ratio is the median over the
rounds of two services in the same round. Compare within one run, never across runs.

Page faults, fuel and reads of the store repeat from run to run; times do not. What a verdict is about stands in
`verdicts.py`, what is measured in `plan.py`.
"""
