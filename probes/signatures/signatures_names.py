"""Modules, functions and classes of TensorFlow and tf.keras that came or went: which names are there?

Each value is {"present": […], "absent": […]} over a fixed list of names that code in the wild uses.
"""

from harness import behaviour, subject
from spelled import presence

BACKEND = (
    "abs argmax backend batch_dot batch_get_value batch_set_value binary_crossentropy cast cast_to_floatx "
    "clear_session clip concatenate constant conv2d ctc_batch_cost ctc_decode dot epsilon eval exp expand_dims "
    "floatx function get_session get_uid get_value gradients image_data_format image_dim_ordering in_train_phase "
    "int_shape is_keras_tensor l2_normalize learning_phase learning_phase_scope log "
    "manual_variable_initialization max mean min name_scope ndim ones_like permute_dimensions placeholder pow "
    "print_tensor random_normal random_uniform relu repeat_elements reset_uids reshape resize_images rnn "
    "set_epsilon set_floatx set_image_data_format set_learning_phase set_session set_value shape sigmoid softmax "
    "sparse_categorical_crossentropy sqrt square squeeze std stop_gradient sum switch tanh tf tile transpose "
    "update update_add update_sub var variable zeros zeros_like"
).split()
"""Functions that the documentation of Keras 2.2 lists, or that code of that time uses."""


@behaviour(
    "signatures.names.backend",
    "Which functions of tf.keras.backend are there?",
    source="seed 004 example 3 (if K.dot is altered or replaced)",
    needs=("tensorflow",),
    light=True,
)
def backend():
    import tensorflow as tf

    with subject("tf.keras.backend"):
        return presence(tf.keras.backend, BACKEND)


@behaviour(
    "signatures.names.keras_modules",
    "Which modules of tf.keras are there: wrappers, experimental, estimator, ops, saving, …?",
    source="TensorFlow 2.16 release notes (Keras 3 by default)",
    needs=("tensorflow",),
    light=True,
)
def keras_modules():
    import tensorflow as tf

    names = (
        "activations", "applications", "backend", "callbacks", "constraints", "datasets", "distribution", "dtensor",
        "dtype_policies", "estimator", "experimental", "export", "initializers", "layers.experimental",
        "layers.experimental.preprocessing", "layers.experimental.RandomFourierFeatures", "legacy", "losses",
        "metrics", "mixed_precision", "mixed_precision.experimental", "models", "ops", "optimizers.experimental",
        "optimizers.legacy", "optimizers.schedules", "premade", "premade_models", "preprocessing", "quantizers",
        "random", "regularizers", "saving", "saving.experimental", "src", "tree", "utils", "utils.experimental",
        "utils.legacy", "visualization", "wrappers", "wrappers.scikit_learn", "__internal__", "_tf_keras",
    )  # fmt: skip
    with subject("tf.keras"):
        return presence(tf.keras, names)


@behaviour(
    "signatures.names.keras_utils",
    "Which functions and classes of tf.keras.utils are there?",
    source="TensorFlow API, tf.keras.utils",
    needs=("tensorflow",),
    light=True,
)
def keras_utils():
    import tensorflow as tf

    names = (
        "CustomObjectScope", "FeatureSpace", "GeneratorEnqueuer", "HDF5Matrix", "OrderedEnqueuer", "Progbar",
        "PyDataset", "Sequence", "SequenceEnqueuer", "SidecarEvaluator", "array_to_img",
        "convert_all_kernels_in_model", "custom_object_scope", "deserialize_keras_object",
        "disable_interactive_logging", "get_custom_objects", "get_file", "get_registered_name", "get_source_inputs",
        "image_dataset_from_directory", "img_to_array", "is_interactive_logging_enabled", "load_img", "model_to_dot",
        "multi_gpu_model", "np_utils", "normalize", "pack_x_y_sample_weight", "pad_sequences", "plot_model",
        "print_summary", "register_keras_serializable", "save_img", "serialize_keras_object", "set_random_seed",
        "split_dataset", "text_dataset_from_directory", "timeseries_dataset_from_array", "to_categorical",
        "to_ordinal", "unpack_x_y_sample_weight", "warmstart_embedding_matrix",
    )  # fmt: skip
    with subject("tf.keras.utils"):
        return presence(tf.keras.utils, names)


@behaviour(
    "signatures.names.keras_preprocessing",
    "Which parts of tf.keras.preprocessing are there: text.Tokenizer, sequence, image?",
    source="TensorFlow 2.16 release notes (Keras 3 by default)",
    needs=("tensorflow",),
    light=True,
)
def keras_preprocessing():
    import tensorflow as tf

    names = (
        "image", "image.ImageDataGenerator", "image.DirectoryIterator", "image.Iterator", "image.NumpyArrayIterator",
        "image.apply_affine_transform", "image.apply_brightness_shift", "image.array_to_img", "image.img_to_array",
        "image.list_pictures", "image.load_img", "image.random_rotation", "image.random_zoom", "image.save_img",
        "image.smart_resize", "image_dataset_from_directory", "sequence", "sequence.TimeseriesGenerator",
        "sequence.make_sampling_table", "sequence.pad_sequences", "sequence.skipgrams", "text", "text.Tokenizer",
        "text.hashing_trick", "text.one_hot", "text.text_to_word_sequence", "text.tokenizer_from_json",
        "text_dataset_from_directory", "timeseries_dataset_from_array",
    )  # fmt: skip
    with subject("tf.keras.preprocessing"):
        return presence(tf.keras.preprocessing, names)


@behaviour(
    "signatures.names.layers",
    "Which layers of tf.keras.layers came or went?",
    source="seed 002 (layer inconsistencies), keras-team/keras issue 18467 (Keras 3 differences)",
    needs=("tensorflow",),
    light=True,
)
def layers():
    import tensorflow as tf

    names = (
        "AbstractRNNCell", "AlphaDropout", "AutoContrast", "CategoryEncoding", "CenterCrop", "Convolution2D",
        "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "CuDNNGRU", "CuDNNLSTM", "CutMix", "DenseFeatures",
        "DepthwiseConv1D", "Discretization", "EinsumDense", "GroupNormalization", "GroupQueryAttention",
        "HashedCrossing", "Hashing", "Identity", "IntegerLookup", "LayerNormalization", "LocallyConnected1D",
        "LocallyConnected2D", "MaxPool2D", "MaxoutDense", "MelSpectrogram", "MultiHeadAttention", "Normalization",
        "Pipeline", "RMSNormalization", "RandomContrast", "RandomFlip", "RandomRotation", "RandomZoom", "Rescaling",
        "Resizing", "RNN", "Solarization", "SpectralNormalization", "StackedRNNCells", "StringLookup",
        "SyncBatchNormalization", "TFSMLayer", "TextVectorization", "ThresholdedReLU", "TimeDistributed",
        "TorchModuleWrapper", "UnitNormalization", "Wrapper", "add", "concatenate", "dot", "serialize",
        "deserialize",
    )  # fmt: skip
    with subject("tf.keras.layers"):
        return presence(tf.keras.layers, names)


@behaviour(
    "signatures.names.preprocessing_layers",
    "Which preprocessing layers are in layers.experimental.preprocessing?",
    source="TensorFlow 2.6 release notes (preprocessing layers out of experimental)",
    needs=("tensorflow",),
    light=True,
)
def preprocessing_layers():
    import tensorflow as tf

    names = (
        "CategoryCrossing", "CategoryEncoding", "CenterCrop", "Discretization", "Hashing", "IntegerLookup",
        "Normalization", "PreprocessingLayer", "RandomContrast", "RandomCrop", "RandomFlip", "RandomHeight",
        "RandomRotation", "RandomTranslation", "RandomWidth", "RandomZoom", "Rescaling", "Resizing", "StringLookup",
        "TextVectorization",
    )  # fmt: skip
    with subject("layers.experimental.preprocessing"):
        return presence(tf.keras.layers.experimental.preprocessing, names)


@behaviour(
    "signatures.names.aliases",
    "Which lower-case, abbreviated and class spellings of initializers, losses and regularizers are there?",
    source="TensorFlow API, tf.keras.initializers, tf.keras.losses",
    needs=("tensorflow",),
    light=True,
)
def aliases():
    import tensorflow as tf

    names = (
        "initializers.Constant", "initializers.GlorotUniform", "initializers.Initializer", "initializers.constant",
        "initializers.get", "initializers.glorot_normal", "initializers.glorot_uniform", "initializers.he_normal",
        "initializers.he_uniform", "initializers.lecun_normal", "initializers.normal", "initializers.ones",
        "initializers.orthogonal", "initializers.random_normal", "initializers.uniform",
        "initializers.variance_scaling", "initializers.zeros", "losses.KLD", "losses.MSE", "losses.Reduction",
        "losses.cosine", "losses.cosine_similarity", "losses.kld", "losses.kullback_leibler_divergence",
        "losses.mean_squared_error", "losses.mse", "metrics.MSE", "metrics.accuracy", "metrics.binary_accuracy",
        "metrics.categorical_accuracy", "metrics.mean_squared_error", "metrics.mse", "regularizers.L1L2",
        "regularizers.l1", "regularizers.l1_l2", "regularizers.l2", "constraints.MaxNorm", "constraints.max_norm",
        "constraints.maxnorm", "activations.swish", "activations.silu", "activations.gelu", "activations.mish",
        "models.model_from_yaml", "models.model_from_json", "models.model_from_config", "models.save_model",
    )  # fmt: skip
    with subject("tf.keras"):
        return presence(tf.keras, names)


@behaviour(
    "signatures.names.optimizers",
    "Which optimizers are there, and which of them in optimizers.legacy and optimizers.experimental?",
    source="TensorFlow 2.11 release notes (new Keras optimizers)",
    needs=("tensorflow",),
    light=True,
)
def optimizers():
    import tensorflow as tf

    names = (
        "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
        "Muon", "Nadam", "Optimizer", "RMSprop", "SGD", "TFOptimizer", "adam_v2", "get", "legacy.Adam",
        "legacy.Optimizer", "legacy.SGD", "experimental.Adam", "experimental.AdamW", "experimental.Optimizer",
        "schedules.CosineDecay", "schedules.CosineDecayRestarts", "schedules.ExponentialDecay",
        "schedules.LearningRateSchedule", "schedules.PolynomialDecay",
    )  # fmt: skip
    with subject("tf.keras.optimizers"):
        return presence(tf.keras.optimizers, names)


@behaviour(
    "signatures.names.tensorflow1",
    "Which names of TensorFlow 1 (Session, placeholder, contrib, …) are still in tf itself?",
    source="TensorFlow guide, migrate to TensorFlow 2",
    needs=("tensorflow",),
    light=True,
)
def tensorflow1():
    import tensorflow as tf

    names = (
        "AUTO_REUSE", "ConfigProto", "GPUOptions", "GraphKeys", "InteractiveSession", "Session", "app", "assign",
        "contrib", "count_nonzero", "disable_v2_behavior", "div", "enable_eager_execution", "flags",
        "get_default_graph", "get_variable", "gfile", "global_variables_initializer", "layers", "log", "logging",
        "losses", "matrix_inverse", "metrics", "placeholder", "random_normal", "random_uniform",
        "reset_default_graph", "set_random_seed", "summary.FileWriter", "summary.scalar", "to_float", "to_int32",
        "train.AdamOptimizer", "train.Saver", "truncated_normal", "variable_scope", "variables_initializer",
    )  # fmt: skip
    with subject("tf"):
        return presence(tf, names)


@behaviour(
    "signatures.names.compat_v1",
    "Which names of TensorFlow 1 are in tf.compat.v1?",
    source="TensorFlow guide, migrate to TensorFlow 2",
    needs=("tensorflow",),
    light=True,
)
def compat_v1():
    import tensorflow as tf

    names = (
        "AUTO_REUSE", "ConfigProto", "GPUOptions", "GraphKeys", "InteractiveSession", "Session", "app.run", "assign",
        "disable_eager_execution", "disable_v2_behavior", "enable_eager_execution", "enable_v2_behavior",
        "estimator", "executing_eagerly_outside_functions", "feature_column", "flags", "get_default_graph",
        "get_variable", "gfile", "global_variables_initializer", "keras.layers.CuDNNLSTM",
        "keras.backend.get_session", "keras.backend.set_session", "keras.utils.track_tf1_style_variables",
        "layers.dense", "layers.conv2d", "logging", "losses.softmax_cross_entropy", "metrics.accuracy",
        "nn.rnn_cell.LSTMCell", "nn.static_rnn", "placeholder", "reset_default_graph", "saved_model.simple_save",
        "set_random_seed", "test.get_temp_dir", "to_float", "train.AdamOptimizer", "train.Saver", "truncated_normal",
        "variable_scope", "wrap_function",
    )  # fmt: skip
    with subject("tf.compat.v1"):
        return presence(tf.compat.v1, names)


@behaviour(
    "signatures.names.tensorflow",
    "Which modules and functions of TensorFlow 2 that came, moved or went are there?",
    source="TensorFlow API, all symbols",
    needs=("tensorflow",),
    light=True,
)
def tensorflow():
    import tensorflow as tf

    names = (
        "compat.v2", "config.experimental.enable_tensor_float_32_execution",
        "config.experimental.list_physical_devices", "config.experimental.set_memory_growth",
        "config.experimental.set_virtual_device_configuration", "config.experimental_run_functions_eagerly",
        "config.list_logical_devices", "config.list_physical_devices", "config.run_functions_eagerly",
        "config.set_logical_device_configuration", "config.set_visible_devices", "data.AUTOTUNE",
        "data.Dataset.load", "data.Dataset.ragged_batch", "data.Dataset.rebatch", "data.Dataset.save",
        "data.experimental.AUTOTUNE", "data.experimental.CsvDataset", "data.experimental.load",
        "data.experimental.save", "data.experimental.snapshot", "debugging.disable_traceback_filtering",
        "distribute.MirroredStrategy", "distribute.MultiWorkerMirroredStrategy", "distribute.TPUStrategy",
        "distribute.experimental.TPUStrategy", "distribute.experimental.CentralStorageStrategy", "estimator",
        "experimental.dtensor", "experimental.numpy", "experimental.register_filesystem_plugin", "feature_column",
        "io.gfile", "keras", "linalg", "lite", "math.reduce_std", "mlir", "nest", "quantization", "random.Generator",
        "random.experimental.Generator", "random.set_seed", "random.stateless_uniform", "raw_ops",
        "summary.create_file_writer", "tpu", "train.experimental.enable_mixed_precision_graph_rewrite",
        "types.experimental", "version", "vectorized_map",
    )  # fmt: skip
    with subject("tf"):
        return presence(tf, names)


@behaviour(
    "signatures.names.mixed_precision",
    "By which names can mixed precision be switched on?",
    source="TensorFlow 2.4 release notes (mixed precision API out of experimental)",
    needs=("tensorflow",),
    light=True,
)
def mixed_precision():
    import tensorflow as tf

    names = (
        "Policy", "LossScaleOptimizer", "global_policy", "set_global_policy", "set_dtype_policy", "dtype_policy",
        "DTypePolicy", "experimental.Policy", "experimental.set_policy", "experimental.global_policy",
        "experimental.LossScaleOptimizer",
    )  # fmt: skip
    with subject("tf.keras.mixed_precision"):
        return presence(tf.keras.mixed_precision, names)


@behaviour(
    "signatures.names.callbacks",
    "Which callbacks are there, and which hooks does Callback offer?",
    source="TensorFlow API, tf.keras.callbacks",
    needs=("tensorflow",),
    light=True,
)
def callbacks():
    import tensorflow as tf

    names = (
        "BackupAndRestore", "BaseLogger", "CallbackList", "History", "LambdaCallback", "OrbaxCheckpoint",
        "ProgbarLogger", "RemoteMonitor", "SwapEMAWeights", "TensorBoard", "TerminateOnNaN",
        "experimental.BackupAndRestore", "Callback.on_batch_end", "Callback.on_train_batch_end",
        "Callback.on_test_batch_end", "Callback.on_predict_batch_end", "Callback.on_epoch_end", "Callback.set_model",
        "Callback.set_params", "Callback._implements_train_batch_hooks",
    )  # fmt: skip
    with subject("tf.keras.callbacks"):
        return presence(tf.keras.callbacks, names)
