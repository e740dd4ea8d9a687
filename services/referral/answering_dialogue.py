"""One CareCommunication on its way to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.referral import answers
from services.referral.arrival import Readable
from services.referral.replying import Reply

if TYPE_CHECKING:
    from shared.handling import Outcome


class DialogueReply(Reply):
    """One message on its way to its answer: it is not taken yet, and its sender hears so."""

    def _decided(self, document: Readable) -> Outcome:
        return self._refused((answers.refused(document.format, answers.NO_DIALOGUE),))
