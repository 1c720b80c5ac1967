"""What becomes of messages on their way, when a test has ordered so."""

from __future__ import annotations

from awslab.faults import StreamFaults
from awslab.sessions.message import ACKNOWLEDGE


class FaultyLine:
    """One direction of a data channel: some messages are lost, some come twice, some after the next one."""

    def __init__(self) -> None:
        self._count = 0
        self._held: bytes | None = None

    def pass_on(self, data: bytes, lose: int, faults: StreamFaults) -> list[bytes]:
        """What arrives now, in this order, when `data` is sent; `lose` counts for this direction."""
        is_acknowledgement = data[4:36].startswith(ACKNOWLEDGE.encode())
        if is_acknowledgement and not faults.lose_acknowledgements:
            return [data]
        self._count += 1
        arrived = []
        if lose == 0 or self._count % lose != 0:
            arrived.append(data)
            if faults.duplicate and self._count % faults.duplicate == 0:
                arrived.append(data)
        if faults.reorder and self._count % faults.reorder == 0 and self._held is None and arrived:
            self._held = arrived.pop(0)
        elif self._held is not None:
            arrived.append(self._held)
            self._held = None
        return arrived
