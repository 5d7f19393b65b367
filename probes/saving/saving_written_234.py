"""Model files that TensorFlow 2.3.4 wrote: do they load, answer as they did, and train on?"""

from harness import behaviour, check
from written_models import (
    read_architecture_json,
    read_checkpoint,
    read_compiled_h5,
    read_compiled_h5_state,
    read_compiled_signature,
    read_conv_h5,
    read_dense_h5,
    read_depthwise_h5,
    read_folder,
    read_folder_layer,
    read_gru_h5,
    read_lambda_h5,
    read_lambda_h5_unsafe,
    read_lstm_h5,
    read_operators_h5,
    read_optimizer_checkpoint,
    read_saved_model_signature,
    read_scaled_h5,
    read_weights_h5,
    read_weights_tf,
    read_whole_file_weights,
)

WRITER = "2.3.4"
READS = ("written/2.3.4/models.zip", "written/2.3.4/expected.json")
SOURCE = "seed 003 example 2 (a model saved by TensorFlow 2.8 and loaded by a later one)"


@check(
    "saving.written_234.dense_h5",
    "Does a Sequential .h5 file of TensorFlow 2.3.4 load with compile=False and answer as it did?",
    source=SOURCE,
    needs=("tensorflow",),
)
def dense_h5():
    return read_dense_h5(WRITER)


@check(
    "saving.written_234.weights_h5",
    "Do weights that TensorFlow 2.3.4 saved as .h5 load into the same model made anew?",
    source=SOURCE,
    needs=("tensorflow",),
)
def weights_h5():
    return read_weights_h5(WRITER)


@check(
    "saving.written_234.whole_file_weights",
    "Do the weights in a whole-model .h5 file of TensorFlow 2.3.4 load into the model made anew?",
    source=SOURCE,
    needs=("tensorflow",),
)
def whole_file_weights():
    return read_whole_file_weights(WRITER)


@check(
    "saving.written_234.checkpoint",
    "Does a tf.train.Checkpoint of TensorFlow 2.3.4 bring back the weights of a Sequential model?",
    source=SOURCE,
    needs=("tensorflow",),
)
def checkpoint():
    return read_checkpoint(WRITER)


@check(
    "saving.written_234.saved_model_signature",
    "Does tf.saved_model.load serve a folder that TensorFlow 2.3.4 wrote, with the same answers?",
    source=SOURCE,
    needs=("tensorflow",),
)
def saved_model_signature():
    return read_saved_model_signature(WRITER)


@behaviour(
    "saving.written_234.compiled_signature",
    "Does tf.saved_model.load serve a folder of a compiled model that TensorFlow 2.3.4 wrote?",
    source=SOURCE,
    needs=("tensorflow",),
)
def compiled_signature():
    return read_compiled_signature(WRITER)


@behaviour(
    "saving.written_234.conv_h5",
    "Is an .h5 file of TensorFlow 2.3.4 with a Functional CNN with BatchNormalization still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def conv_h5():
    return read_conv_h5(WRITER)


@behaviour(
    "saving.written_234.depthwise_h5",
    "Is an .h5 file of TensorFlow 2.3.4 with depthwise, separable and transposed convolutions still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def depthwise_h5():
    return read_depthwise_h5(WRITER)


@behaviour(
    "saving.written_234.lstm_h5",
    "Is an .h5 file of TensorFlow 2.3.4 with a Sequential model with an LSTM still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def lstm_h5():
    return read_lstm_h5(WRITER)


@behaviour(
    "saving.written_234.gru_h5",
    "Is an .h5 file of TensorFlow 2.3.4 with a Bidirectional GRU and a SimpleRNN still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def gru_h5():
    return read_gru_h5(WRITER)


@behaviour(
    "saving.written_234.operators_h5",
    "Is an .h5 file of TensorFlow 2.3.4 with a model made with plain operators (x * 2 + 1) still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def operators_h5():
    return read_operators_h5(WRITER)


@behaviour(
    "saving.written_234.scaled_h5",
    "Is an .h5 file of TensorFlow 2.3.4 with a custom layer (custom_objects=) still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def scaled_h5():
    return read_scaled_h5(WRITER)


@behaviour(
    "saving.written_234.lambda_h5",
    "Is an .h5 file of TensorFlow 2.3.4 with a Lambda layer still of use, loaded as it always was?",
    source=SOURCE,
    needs=("tensorflow",),
)
def lambda_h5():
    return read_lambda_h5(WRITER)


@behaviour(
    "saving.written_234.lambda_h5_unsafe",
    "Is an .h5 file of TensorFlow 2.3.4 with a Lambda layer of use with safe_mode=False?",
    source=SOURCE,
    needs=("tensorflow",),
)
def lambda_h5_unsafe():
    return read_lambda_h5_unsafe(WRITER)


@behaviour(
    "saving.written_234.compiled_h5",
    "Does a compiled .h5 file (loss 'mse', metric 'mae') of TensorFlow 2.3.4 load compiled?",
    source=SOURCE,
    needs=("tensorflow",),
)
def compiled_h5():
    return read_compiled_h5(WRITER)


@behaviour(
    "saving.written_234.compiled_h5_state",
    "Which step is the optimizer at that comes with a compiled .h5 file of TensorFlow 2.3.4 (saved at 2)?",
    source=SOURCE,
    needs=("tensorflow",),
)
def compiled_h5_state():
    return read_compiled_h5_state(WRITER)


@behaviour(
    "saving.written_234.folder",
    "Is a folder that model.save of TensorFlow 2.3.4 wrote still of use to load_model?",
    source=SOURCE,
    needs=("tensorflow",),
)
def folder():
    return read_folder(WRITER)


@behaviour(
    "saving.written_234.folder_layer",
    "Does TFSMLayer take a folder that model.save of TensorFlow 2.3.4 wrote, with the same answers?",
    source=SOURCE,
    needs=("tensorflow",),
)
def folder_layer():
    return read_folder_layer(WRITER)


@behaviour(
    "saving.written_234.weights_tf",
    "Do weights in the TensorFlow format of TensorFlow 2.3.4 load by model.load_weights?",
    source=SOURCE,
    needs=("tensorflow",),
)
def weights_tf():
    return read_weights_tf(WRITER)


@behaviour(
    "saving.written_234.optimizer_checkpoint",
    "Does a tf.train.Checkpoint of TensorFlow 2.3.4 bring back the step of Adam it was saved at (2)?",
    source=SOURCE,
    needs=("tensorflow",),
)
def optimizer_checkpoint():
    return read_optimizer_checkpoint(WRITER)


@behaviour(
    "saving.written_234.architecture_json",
    "Does model_from_json still rebuild the architecture that TensorFlow 2.3.4 wrote as JSON?",
    source=SOURCE,
    needs=("tensorflow",),
)
def architecture_json():
    return read_architecture_json(WRITER)
