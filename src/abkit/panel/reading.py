"""What is known of the answer to a question."""

from datetime import datetime, timedelta

from attrs import field, frozen

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.panel.glance import Glance


@frozen(kw_only=True)
class Reading:
    """What is known of the answer to a question.

    Attributes:
        glance: What the sums say by their plan, in a few words; None while nothing was read.
        made: When the sums were read, UTC; None while none were.
        problem: Why they could not be read the last time; empty if they could.
        nobody: Whether that was because there is no exposure, of the experiment or at all.
        progress: What is being read now: what, as which step, of about how many; None: nothing is.
        tried: When somebody last tried to read them, or saw that nothing had changed, UTC.
        state: Of the events that were read; empty if it is not known.
        took: How long they were read.
    """

    glance: Glance | None = None
    made: datetime | None = None
    problem: str = ""
    nobody: bool = False
    progress: tuple[str, int, int] | None = None
    tried: datetime | None = None
    state: str = ""
    took: timedelta = timedelta(0)


@frozen
class Looked:
    """What is known now.

    Attributes:
        reading: What is known of the answer.
        sums: The sums; None while they were not read, or if they cannot be.
    """

    reading: Reading = field(factory=Reading)
    sums: ExperimentSums | None = None
