"""Writes the event file of TensorBoardTest with Python's tensorboard: python tensorboard_golden.py FILE"""

import base64
import sys

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

TIME = 1_700_000_000
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVR4nGP4z8AAQf8BCwgC/gk7H6oAAAAASUVORK5CYII="
)

image = Summary.Image(width=2, height=1, colorspace=3, encoded_image_string=PNG)
with open(sys.argv[1], "wb") as file:
    writer = RecordWriter(file)
    for event in [
        Event(wall_time=TIME, file_version="brain.Event:2"),
        Event(wall_time=TIME, step=300, session_log=SessionLog(status=SessionLog.START)),
        Event(
            wall_time=TIME,
            step=300,
            summary=Summary(value=[Summary.Value(tag="loss", simple_value=0.5)]),
        ),
        Event(
            wall_time=TIME,
            step=300,
            summary=Summary(value=[Summary.Value(tag="größe", image=image)]),
        ),
    ]:
        writer.write(event.SerializeToString())
    writer.flush()
