"""Checks that tensorboard reads the run that TensorBoardTest wrote: python read_tensorboard.py RUN"""

import math
import sys

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0}).Reload()

assert set(events.Tags()["scalars"]) == {
    "loss",
    'violation/größer, "quoted"',
    "multiplier/norm",
}, events.Tags()
loss = [(event.step, event.value) for event in events.Scalars("loss")]
# What the first file has beyond the checkpoint is forgotten.
expected = [(step, float(numpy.float32(1 / step))) for step in range(1, 6)]
assert loss == expected + [(step, 100 + step) for step in range(6, 11)], loss
assert [event.value for event in events.Scalars('violation/größer, "quoted"')] == [
    -0.5 * step for step in range(1, 6)
]
multiplier = [event.value for event in events.Scalars("multiplier/norm")]
assert math.isnan(multiplier[2]) and math.isinf(multiplier[3]), multiplier

images = events.Images("weights")
assert [image.step for image in images] == [1, 2, 3, 4, 5], images
assert (images[0].width, images[0].height) == (2, 1)
assert images[0].encoded_image_string.startswith(b"\x89PNG")
