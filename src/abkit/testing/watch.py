"""Being told when a module is imported; it imports nothing of abkit itself."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType


class ImportWatch(MetaPathFinder):
    """Calls a function once a module is imported; at once if it is already.

    Args:
        then: The function for each module, by the module's name.
    """

    def __init__(self, then: Mapping[str, Callable[[], None]]) -> None:
        self._then = dict(then)

    def start(self) -> None:
        """Begin to watch."""
        for name in [*self._then]:
            if name in sys.modules:
                self._then.pop(name)()
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Watch no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - as importlib calls it
        target: ModuleType | None = None,  # noqa: ARG002 - as importlib calls it
    ) -> ModuleSpec | None:
        """As any finder: the module's own specification, with a loader that tells when it has run."""
        then = self._then.pop(fullname, None)
        spec = None if then is None else find_spec(fullname)
        if then is not None and spec is not None and spec.loader is not None:
            spec.loader = _TellingLoader(spec.loader, then)
        return spec


class _TellingLoader(Loader):
    """Loads as another loader does, which it leaves to the module, and tells.

    A loader of its own, because one loader may serve many modules.
    """

    def __init__(self, loader: Loader, then: Callable[[], None]) -> None:
        self._loader = loader
        self._then = then

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._then()
