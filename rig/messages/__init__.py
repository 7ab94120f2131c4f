"""Every record and message of the rig: the contract, in one place.

`records` is what streams carry and sessions keep, `streams` how a stream describes
itself, `control` what travels between the supervisor and its nodes, `digest` what
vouches for a payload.
"""

from __future__ import annotations

from rig.messages.control import (
    NODE_STATES,
    Heartbeat,
    Hello,
    Message,
    NodeState,
    Reply,
    Request,
    StreamStatus,
)
from rig.messages.digest import payload_digest
from rig.messages.records import (
    BY_HAND,
    EDGE_FALLING,
    EDGE_RISING,
    RECORDS,
    Acknowledgement,
    Block,
    ClockRecord,
    Decision,
    Estimate,
    Event,
    FeatureValue,
    Frame,
    Loss,
    NodeEvent,
    PointsInSpace,
    Pose,
    Record,
    StreamKind,
    cut_text,
    from_row,
    row_dtype,
    to_row,
)
from rig.messages.streams import PayloadSpec, StreamSpec
from rig.messages.version import CONTRACT_VERSION, require_version

__all__ = [
    "BY_HAND",
    "CONTRACT_VERSION",
    "EDGE_FALLING",
    "EDGE_RISING",
    "NODE_STATES",
    "RECORDS",
    "Acknowledgement",
    "Block",
    "ClockRecord",
    "Decision",
    "Estimate",
    "Event",
    "FeatureValue",
    "Frame",
    "Heartbeat",
    "Hello",
    "Loss",
    "Message",
    "NodeEvent",
    "NodeState",
    "PayloadSpec",
    "PointsInSpace",
    "Pose",
    "Record",
    "Reply",
    "Request",
    "StreamKind",
    "StreamSpec",
    "StreamStatus",
    "cut_text",
    "from_row",
    "payload_digest",
    "require_version",
    "row_dtype",
    "to_row",
]
