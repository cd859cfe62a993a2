"""nbformat, without an import that takes longer than all of its own.

jsonschema takes rfc3987_syntax where it is installed, and that builds a grammar of IRIs whenever it is imported: 1.6 s of
1.8 s, in every kernel and every command. No schema of nbformat has that format, so it is hidden while nbformat comes in.
"""

import sys
from typing import Final

_IRIS: Final = "rfc3987_syntax"
_hidden = _IRIS not in sys.modules
if _hidden:
    sys.modules[_IRIS] = None  # type: ignore[assignment]  # the import system's own mark for "not there"
try:
    import nbformat
finally:
    if _hidden:
        del sys.modules[_IRIS]

__all__ = ["nbformat"]
