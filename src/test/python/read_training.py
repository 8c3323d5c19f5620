"""Reads a checkpoint of a training, as ResumeTest makes it, with the stock loader."""
import sys

import torch

state = torch.load(sys.argv[1], weights_only=True)
assert (state["epoch"], state["step"], state["batch"]) == (1, 8, 2), state

model = torch.nn.ModuleDict({"first": torch.nn.Linear(3, 8), "last": torch.nn.Linear(8, 1)})
model.load_state_dict(state["model_state_dict"])
torch.optim.Adam(model.parameters()).load_state_dict(
    state["cooper_optimizer_state_dict"]["primal_optimizer_states"][0]
)
torch.set_rng_state(state["rng_state"])
generator = torch.Generator()
generator.set_state(state["loader_state_dict"]["generator_state"])
assert state["loader_state_dict"]["batches"] == 2

history = state["listeners"]["History_1"]["loss"]
assert history["step"].tolist() == list(range(1, 9)), history
assert history["value"].dtype == torch.float64
