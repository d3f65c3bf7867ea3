#!/usr/bin/python3
"""Writes tests/golden/weights/transformers_mobilenet.json: for networks of transformers' MobileNetV2ForImageClassification,
their config.json, the names and shapes of their state, and the logits of images (Debian: python3-torch).

transformers itself is not used. The network is made here in PyTorch from what that library publishes of it: the names of its
modules, its table of channels and strides, TensorFlow's padding, epsilon and rounding of channels. Weights and images are
the formula of tools/golden_models.py, by transformers' names.
"""
import json, os
import torch, torch.nn as nn, torch.nn.functional as F
from _golden_formula import batch_of, fill

CHANNELS = [16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320]
STRIDES = [2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]


def multiple_of_8(channels):
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class Layer(nn.Module):
    """Convolution, batch norm and, unless it is linear, ReLU6."""

    def __init__(self, config, inputs, outputs, kernel=1, stride=1, groups=1, linear=False):
        super().__init__()
        self.same, self.kernel, self.stride, self.linear = config["tf_padding"], kernel, stride, linear
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, 0 if self.same else kernel // 2, groups=groups, bias=False)
        self.normalization = nn.BatchNorm2d(outputs, eps=config["layer_norm_eps"])

    def forward(self, x):
        if self.same:
            # The least padding by which there are ceil(size / stride) outputs, the odd one after the image.
            pads = []
            for size in (x.shape[3], x.shape[2]):
                total = max(0, (-(-size // self.stride) - 1) * self.stride + self.kernel - size)
                pads += [total // 2, total - total // 2]
            x = F.pad(x, pads)
        x = self.normalization(self.convolution(x))
        return x if self.linear else F.relu6(x)


class Block(nn.Module):
    def __init__(self, config, inputs, outputs, stride):
        super().__init__()
        wide = multiple_of_8(6 * inputs)
        self.expand_1x1 = Layer(config, inputs, wide)
        self.conv_3x3 = Layer(config, wide, wide, 3, stride, groups=wide)
        self.reduce_1x1 = Layer(config, wide, outputs, linear=True)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.reduce_1x1(self.conv_3x3(self.expand_1x1(x)))
        return x + y if self.adds else y


class Stem(nn.Module):
    def __init__(self, config, wide, outputs):
        super().__init__()
        self.first_conv = Layer(config, config["num_channels"], wide, 3, 2)
        self.conv_3x3 = Layer(config, wide, wide, 3, groups=wide)
        self.reduce_1x1 = Layer(config, wide, outputs, linear=True)

    def forward(self, x):
        return self.reduce_1x1(self.conv_3x3(self.first_conv(x)))


class Backbone(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["depth_multiplier"]
        scaled = lambda channels: multiple_of_8(round(channels * width))
        channels = [scaled(c) for c in CHANNELS]
        self.conv_stem = Stem(config, scaled(32), channels[0])
        self.layer = nn.Sequential(*(Block(config, i, o, s) for i, o, s in zip(channels, channels[1:], STRIDES)))
        self.conv_1x1 = Layer(config, channels[-1], 1280 if config["finegrained_output"] and width < 1 else scaled(1280))

    def forward(self, x):
        return self.conv_1x1(self.layer(self.conv_stem(x))).mean((2, 3))


class Classifier(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.mobilenet_v2 = Backbone(config)
        self.classifier = nn.Linear(self.mobilenet_v2.conv_1x1.convolution.out_channels, len(config["id2label"]))

    def forward(self, x):
        return self.classifier(self.mobilenet_v2(x))


def config_of(classes, size, **changes):
    return {
        "architectures": ["MobileNetV2ForImageClassification"], "classifier_dropout_prob": 0.8, "depth_divisible_by": 8,
        "depth_multiplier": 1.0, "expand_ratio": 6, "finegrained_output": True, "first_layer_is_expansion": True,
        "hidden_act": "relu6", "id2label": {str(k): "background" if k == 0 else f"class {k}" for k in range(classes)},
        "image_size": size, "initializer_range": 0.02, "layer_norm_eps": 0.001, "min_depth": 8, "model_type": "mobilenet_v2",
        "num_channels": 3, "output_stride": 32, "semantic_loss_ignore_index": 255, "tf_padding": True, **changes,
    }


CASES = {
    "1.0_224": config_of(1001, 224),
    "0.35_96": config_of(11, 96, depth_multiplier=0.35),
    "1.4_65": config_of(11, 65, depth_multiplier=1.4),
    "0.75_97 narrow": config_of(7, 97, depth_multiplier=0.75, finegrained_output=False, layer_norm_eps=0.01),
    "0.5_64 symmetric": config_of(5, 64, depth_multiplier=0.5, tf_padding=False),
}
golden = {}
for name, config in CASES.items():
    net = Classifier(config).double().eval()
    state = {k: v for k, v in net.state_dict().items() if v.dtype != torch.int64}
    net.load_state_dict({k: fill(k, tuple(v.shape)) for k, v in state.items()}, strict=False)
    images = 1 if config["image_size"] > 100 else 2
    with torch.no_grad():
        logits = net(batch_of(name, images, config["image_size"]).double())
    golden[name] = {
        "config": config, "images": images, "tensors": {k: list(v.shape) for k, v in state.items()},
        "logits": [float("%.7g" % v) for v in logits.flatten().tolist()],
    }
    print(name, sum(v.numel() for v in net.parameters()), logits.abs().max().item(), logits.std().item())
path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "weights", "transformers_mobilenet.json")
with open(path, "w") as f:
    json.dump(golden, f, separators=(",", ":"))
