"""Looks inside a network: what it computes on the way to a mask, and what of it is good for what.

One module a topic of the page "Look inside", over a `subject.Subject`. All is computed by the parts
that segment and train; nothing here knows a page.
"""
