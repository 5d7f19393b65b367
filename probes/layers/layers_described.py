"""What layers say of themselves: weights and their names, attributes, shapes, configurations."""

from attempts import attempts
from harness import behaviour, subject
from synthetic import eager


@behaviour(
    "layers.custom.get_config_missing",
    "What does get_config give for a layer with arguments of its own that doesn't define it?",
    source="Keras guide, making new layers: enabling serialization",
    needs=("tensorflow",),
    light=True,
)
def custom_get_config_missing():
    import tensorflow as tf

    class Scaled(tf.keras.layers.Layer):
        def __init__(self, factor, **kwargs):
            super(Scaled, self).__init__(**kwargs)
            self.factor = factor

        def call(self, inputs):
            return inputs * self.factor

    with subject("Layer.get_config"):
        config = Scaled(3.0, name="mine").get_config()
        return {"factor in it": "factor" in config, "keys": sorted(config)}


@behaviour(
    "layers.custom.weight_order",
    "In which order does a layer list its weights: as made, trainable first, its own before its layers'?",
    source="Keras API, Layer.weights",
    needs=("tensorflow",),
)
def custom_weight_order():
    import tensorflow as tf

    eager(tf)

    class Mixed(tf.keras.layers.Layer):
        def __init__(self):
            super(Mixed, self).__init__()
            self.inner = tf.keras.layers.Dense(2)
            self.normal = tf.keras.layers.BatchNormalization()

        def build(self, input_shape):
            self.frozen = self.add_weight(name="frozen", shape=(2,), trainable=False)
            self.own = self.add_weight(name="own", shape=(2,), trainable=True)
            super(Mixed, self).build(input_shape)

        def call(self, inputs):
            return self.normal(self.inner(inputs)) + self.own

    with subject("Layer.weights"):
        layer = Mixed()
        layer(tf.zeros((1, 3)))
        return [w.name.split("/")[-1].split(":")[0] for w in layer.weights]


@behaviour(
    "layers.custom.weight_names",
    "What are the names of a layer's weights: with the layer's name, with ':0'; is there a path?",
    source="Keras API, Variable (name, path)",
    needs=("tensorflow",),
)
def custom_weight_names():
    import tensorflow as tf

    with subject("Layer.weights"):
        model = tf.keras.Sequential(
            [
                tf.keras.layers.Dense(2, input_shape=(3,), name="first"),
                tf.keras.layers.BatchNormalization(name="second"),
                tf.keras.layers.Reshape((1, 2), name="third"),
                tf.keras.layers.LSTM(2, name="fourth"),
            ],
            name="whole",
        )
        return {"names": [w.name for w in model.weights], "path": getattr(model.weights[0], "path", "none")}


@behaviour(
    "layers.custom.output_shape",
    "What does compute_output_shape return: a TensorShape or a tuple; does it work before build?",
    source="Keras API, Layer.compute_output_shape",
    needs=("tensorflow",),
    light=True,
)
def custom_output_shape():
    import tensorflow as tf

    class Halving(tf.keras.layers.Layer):
        def call(self, inputs):
            return inputs[:, ::2]

    def shape(layer, given):
        result = layer.compute_output_shape(given)
        return [type(result).__name__, [None if n is None else int(n) for n in tuple(result)]]

    layers = tf.keras.layers
    with subject("compute_output_shape"):
        return attempts(
            {
                "Dense": lambda: shape(layers.Dense(2), (None, 3)),
                "Conv2D": lambda: shape(layers.Conv2D(2, 3), (None, 8, 8, 1)),
                "Flatten": lambda: shape(layers.Flatten(), (None, 2, 3)),
                "TensorShape given": lambda: shape(layers.Dense(2), tf.TensorShape([None, 3])),
                "list given": lambda: shape(layers.Dense(2), [None, 3]),
                "custom layer without one": lambda: shape(Halving(), (None, 4)),
            }
        )


@behaviour(
    "layers.custom.attributes",
    "Which attributes has a layer after a functional call: input, output, input_shape, output_shape, shared ones?",
    source="Keras API, Layer (input, output)",
    needs=("tensorflow",),
    light=True,
)
def custom_attributes():
    import tensorflow as tf

    def shape(x):
        return [None if n is None else int(n) for n in tuple(x)]

    with subject("Layer.input, Layer.output"):
        one, two = tf.keras.Input(shape=(3,)), tf.keras.Input(shape=(3,))
        single, shared = tf.keras.layers.Dense(2), tf.keras.layers.Dense(2)
        single(one)
        shared(one)
        shared(two)
        return attempts(
            {
                "input": lambda: shape(single.input.shape),
                "output": lambda: shape(single.output.shape),
                "input_shape": lambda: shape(single.input_shape),
                "output_shape": lambda: shape(single.output_shape),
                "input_spec": lambda: type(single.input_spec).__name__,
                "get_input_at(0)": lambda: shape(single.get_input_at(0).shape),
                "get_output_shape_at(0)": lambda: shape(single.get_output_shape_at(0)),
                "inbound_nodes": lambda: len(single.inbound_nodes),
                "_inbound_nodes": lambda: len(single._inbound_nodes),
                "shared: input": lambda: shape(shared.input.shape),
                "shared: output_shape": lambda: shape(shared.output_shape),
                "shared: get_output_at(1)": lambda: shape(shared.get_output_at(1).shape),
                "before a call: output": lambda: shape(tf.keras.layers.Dense(2).output.shape),
            }
        )
