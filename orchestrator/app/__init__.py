"""Use cases: what the command can be asked for, each in terms of the rooms below. `services` puts them together."""
