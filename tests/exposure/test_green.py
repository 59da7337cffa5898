"""Programs that gevent or eventlet patches, early or late: nothing is lost, nothing waits for ever."""

import os
from collections.abc import Iterator

import pytest

from .programs import run, units
from .webhook import Destination

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

PATCH = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}
# A second greenlet of the program: it must go on whatever the delivery waits for.
SPAWN = {
    "gevent": "from gevent import spawn",
    "eventlet": "from eventlet import spawn",
}


@pytest.fixture
def destination() -> Iterator[Destination]:
    with Destination() as destination:
        yield destination


@pytest.mark.parametrize("library", PATCH)
class TestPatched:
    @pytest.mark.parametrize("before", [0, 250])
    @pytest.mark.parametrize("ending", ["", "os._exit(0)", "assert logger.close()"])
    def test_after_the_logger_was_made_and_perhaps_used(
        self, destination: Destination, library: str, before: int, ending: str
    ) -> None:
        program = f"""
        produce(logger, "u", {before})
        {PATCH[library]}
        {SPAWN[library]}
        done = []
        def serve(number):
            for unit in range(number, 500, 5):
                produce(logger, "u", 1, first=unit)
                time.sleep(0.001)
            done.append(number)
        for number in range(5):
            spawn(serve, number)
        while len(done) < 5:
            time.sleep(0.01)
        assert logger.flush()
        produce(logger, "v", 500)
        {ending}
        """
        run(program, destination)
        if before:  # The first units are dealt out again below, and are no news.
            assert destination.units.keys() >= units("u", before).keys()
        assert destination.units == units("u") | units("v")

    def test_while_an_idle_delivery_waits_the_others_go_on(
        self, destination: Destination, library: str
    ) -> None:
        program = f"""
        {PATCH[library]}
        from webhook import WebhookSink
        logger = ExposureLogger(WebhookSink(sys.argv[1]), limits=BatchLimits(age=30))
        produce(logger, "u", 500)
        for _ in range(20):
            time.sleep(0.01)
        assert logger.flush()
        """
        run(program, destination)
        assert destination.units == units("u")

    def test_a_forked_child_sends_nothing_of_its_parent(
        self, destination: Destination, library: str
    ) -> None:
        """The greenlets of the parent live on in the child."""
        program = f"""
        {PATCH[library]}
        logger = ExposureLogger(WebhookSink(sys.argv[1]), limits=BatchLimits(age=0.2))
        produce(logger, "parent", 500)
        time.sleep(0.05)
        pid = os.fork()
        if pid == 0:
            time.sleep(0.5)
            produce(logger, "child", 500)
            assert logger.close()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """
        run(program, destination)
        assert destination.units == units("parent") | units("child")
