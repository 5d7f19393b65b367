"""What is sabotaged for the checks of `signatures`."""

from mutations import nothing

MUTATIONS = {
    "signatures.compat_v1_session": ("tensorflow.compat.v1.Session.run", nothing),
    "signatures.set_seed": ("tensorflow.random.set_seed", nothing),
}
