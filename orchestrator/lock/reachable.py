"""Whether a package index answers as every command wants it."""

from __future__ import annotations

import time
from contextlib import suppress

from orchestrator.model.host import Reply, Response

SECONDS = (3.0, 4.0)
"""To connect, between bytes."""


def ask_index(root: str, bundle: str | None, seconds: tuple[float, float] = SECONDS) -> Response:
    """Asks the index at `root` for the files of a package that any index has. `bundle`: certificates to trust."""
    from pypi_simple import NoSuchProjectError, PyPISimple, UnsupportedContentTypeError, UnsupportedRepoVersionError
    from requests import RequestException, Timeout

    from orchestrator.lock.index import KNOWN, session_for

    began = time.monotonic()
    try:
        with PyPISimple(root, session=session_for(bundle)) as client:
            for name in KNOWN:
                with suppress(NoSuchProjectError):
                    if client.get_project_page(name, timeout=seconds).packages:
                        return Response(reply=Reply.ANSWERED, seconds=time.monotonic() - began)
    except Timeout:
        return Response(reply=Reply.SILENT, seconds=time.monotonic() - began)
    except RequestException as error:
        # without the address it was about, which may carry a password
        status = f"HTTP {error.response.status_code}" if error.response is not None else type(error).__name__
        return Response(reply=Reply.FAILED, said=status)
    except (UnsupportedContentTypeError, UnsupportedRepoVersionError, ValueError, OSError) as error:
        return Response(reply=Reply.UNREADABLE, said=type(error).__name__)
    return Response(reply=Reply.FAILED, said=f"it has neither {' nor '.join(KNOWN)}")
