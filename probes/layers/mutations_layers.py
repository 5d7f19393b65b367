"""Sabotage for the checks of the group `layers`; what an entry means says `mutations`."""

from mutations import PREDICT, first_argument, nothing, off, zeros

LAYERS = "tensorflow.keras.layers."


def unmasked(original):
    """The call doesn't get its mask: it is all True, or None where there was none."""

    def broken(*args, **kwargs):
        import tensorflow as tf

        if kwargs.get("mask") is not None:
            kwargs["mask"] = tf.ones_like(kwargs["mask"])
        return original(*args, **kwargs)

    return broken


def call(name, way=off):
    """The sabotage of that layer's call."""
    return LAYERS + name + ".call", way


MUTATIONS = {
    "layers.activations.softmax_axis": call("Softmax"),
    "layers.attention.additive": call("AdditiveAttention"),
    "layers.attention.dot": call("Attention"),
    "layers.backend.numbers": ("tensorflow.keras.backend.dot", off),
    "layers.constraint": ("tensorflow.keras.constraints.MaxNorm.__call__", first_argument),
    "layers.conv.causal": call("Conv1D"),
    "layers.conv.depthwise": call("DepthwiseConv2D"),
    "layers.conv.separable": call("SeparableConv2D"),
    "layers.conv.strides_and_dilation": call("Conv2D"),
    "layers.conv.three_dimensions": call("Conv3D"),
    "layers.conv.transposed": call("Conv2DTranspose"),
    "layers.custom.dense_by_hand": ("tensorflow.matmul", off),
    "layers.dense_of_many_dimensions": call("Dense"),
    "layers.embedding.lookup": call("Embedding"),
    "layers.embedding.mask_zero": (LAYERS + "Embedding.compute_mask", nothing),
    "layers.lambda": (PREDICT, off),
    "layers.masking": call("Masking"),
    "layers.merge": call("Dot", zeros),
    "layers.noise_in_inference": call("Dropout", off),
    "layers.normalization.layer": call("LayerNormalization"),
    "layers.padding_and_cropping": call("Cropping1D"),
    "layers.pooling.average": call("AveragePooling2D"),
    "layers.pooling.global": call("GlobalAveragePooling3D"),
    "layers.pooling.masked": call("GlobalAveragePooling1D", unmasked),
    "layers.pooling.max": call("MaxPooling2D"),
    "layers.recurrent.bidirectional": call("Bidirectional"),
    "layers.recurrent.conv_lstm_of_points": call("ConvLSTM2D"),
    "layers.recurrent.custom_cell": call("RNN"),
    "layers.recurrent.gru": call("GRU"),
    "layers.recurrent.lstm": call("LSTM"),
    "layers.recurrent.mask": call("GRU", unmasked),
    "layers.recurrent.simple_rnn": call("SimpleRNN"),
    "layers.recurrent.stacked_cells": call("RNN"),
    "layers.recurrent.stateful": (LAYERS + "LSTM.reset_states", nothing),
    "layers.recurrent.unroll": call("GRU"),
    "layers.reshaping": call("Permute"),
    "layers.time_distributed": call("TimeDistributed"),
}
