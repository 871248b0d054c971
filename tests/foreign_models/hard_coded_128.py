"""No constructor arguments, 3 classes and 128 px written into the file, `.view` in forward."""

from torch import nn

NUM_CLASSES = 3


class skipConnection(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.net = nn.Sequential(*layers)

    def forward(self, x):
        return self.net(x) + x


class Net19(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(4),
            skipConnection(nn.Conv2d(8, 8, kernel_size=3, padding=1), nn.ReLU(True)),
            nn.MaxPool2d(4),
        )
        self.classifier = nn.Sequential(nn.Linear(512, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, NUM_CLASSES))

    def forward(self, x):
        x = self.layers(x)
        x = x.view(x.size()[0], -1)
        return self.classifier(x)
