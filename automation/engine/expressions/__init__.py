"""Expressions of rules: their grammar, templates, conditions and operators, and the limits on evaluating them."""
