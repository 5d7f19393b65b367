"""Kinds of axes: what the choices on an axis are, in one file per kind; `registry` lists them.

Whatever depends on the kind of an axis is stated in that kind's file and asked of it through `registry.kind_of`. What a
choice does to a cell stands in the choice's own fields, which a kind fills in when it reads one: variables of the probe
process, requirements, stand-ins, libraries. So stored evidence can be read without the kind that it was made with.
"""
