"""The evaluator's answers, for programs and for people."""
