"""Sabotage for the checks of data pipelines and inputs."""

from mutations import FIT, doubled, itself, undone, without

DATASET = "tensorflow.data.Dataset."


def first_only(original):
    """The dataset that the call returns holds its first element only."""
    return lambda *args, **kwargs: original(*args, **kwargs).take(1)


def reversed_list(original):
    """The dataset that the call returns has its elements of this pass off by one element."""
    return lambda *args, **kwargs: original(*args, **kwargs).skip(1)


MUTATIONS = {
    "data.cache_and_prefetch": (DATASET + "cache", itself),
    "data.dictionaries_into_fit": (FIT, undone),
    "data.from_generator": (DATASET + "from_generator", first_only),
    "data.interleave_zip_window": (DATASET + "window", doubled),
    "data.map_in_parallel": (DATASET + "map", itself),
    "data.padded_batch_unbatch": (DATASET + "unbatch", itself),
    "data.validation_split": (FIT, without("validation_split")),
    "data.text_and_csv_files": ("tensorflow.data.TextLineDataset.skip", itself),
    "data.tfrecord": ("tensorflow.io.TFRecordWriter.write", lambda original: lambda *args: None),
}
