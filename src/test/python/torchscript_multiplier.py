"""Writes src/test/resources/torchscript/multiplier.pt: a module that TorchScript saved."""

import io
import pathlib
import zipfile

import torch

OUT = pathlib.Path(__file__).parents[1] / "resources/torchscript/multiplier.pt"


class Multiplier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 1)
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, features):
        return torch.relu(self.linear(features).flatten() * self.scale)


if __name__ == "__main__":
    module = Multiplier()
    with torch.no_grad():
        module.linear.weight.copy_(torch.tensor([[0.5, -1.0]]))
        module.linear.bias.fill_(0.25)
    OUT.parent.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module), buffer)
    with zipfile.ZipFile(buffer) as full, zipfile.ZipFile(OUT, "w") as slim:
        for record in full.infolist():
            # Debug files name folders of this machine.
            if not record.filename.endswith(".debug_pkl"):
                slim.writestr(record, full.read(record))
