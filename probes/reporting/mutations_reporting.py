"""What is sabotaged for the checks of `reporting`."""

MUTATIONS = {
    "reporting.lock_version": ("tensorflow.__version__", lambda original: original + ".9"),
    "reporting.tensorflow_version": ("tensorflow.__version__", lambda original: original + ".9"),
}
