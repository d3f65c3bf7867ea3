"""The networks for CIFAR of He et al. 2015, which torchvision lacks."""
import torch.nn as nn
from torchvision.models.resnet import BasicBlock, ResNet


class CifarResNet(ResNet):
    """He et al. 2015, section 4.2, with projection shortcuts, of torchvision's own blocks."""

    def __init__(self, depth, classes):
        nn.Module.__init__(self)
        self._norm_layer, self.inplanes, self.dilation, self.groups, self.base_width = nn.BatchNorm2d, 16, 1, 1, 64
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.relu, self.maxpool, self.avgpool = nn.ReLU(), nn.Identity(), nn.AdaptiveAvgPool2d(1)
        n = (depth - 2) // 6
        self.layer1 = self._make_layer(BasicBlock, 16, n)
        self.layer2 = self._make_layer(BasicBlock, 32, n, stride=2)
        self.layer3 = self._make_layer(BasicBlock, 64, n, stride=2)
        self.layer4 = nn.Identity()
        self.fc = nn.Linear(64, classes)
