"""REDCap over its web interface: a project's metadata and records, fetched and sent."""

from __future__ import annotations

import csv
import io
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recanal.errors import CohortError

__all__ = ["RedcapProject"]

_MOST_BYTES = 1_000_000_000
_BATCH_ROWS = 500
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class RedcapProject:
    """One project of a REDCap server, reached with a token.

    Parameters
    ----------
    url
        The address of the interface, ending in ``/api/``; https, but for a server on this machine.
    token
        The user's token of 32 hexadecimal digits; never shown.
    timeout_s
        How long one request may take.
    """

    url: str
    token: str = field(repr=False)
    timeout_s: float = 120.0

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise CohortError("The REDCap address is no URL.", hint="It ends in /api/.")
        if parts.scheme == "http" and parts.hostname not in _LOCAL:
            raise CohortError("The REDCap address must begin with https.", hint="The token would travel openly.")
        if len(self.token) not in (32, 64) or not all(sign in "0123456789abcdefABCDEF" for sign in self.token):
            raise CohortError(
                "The REDCap token must be 32 hexadecimal digits.", hint="Copy it from the project's page."
            )

    def version(self) -> str:
        """The version of the server."""
        return self._post({"content": "version"}).decode("utf-8", "replace").strip()

    def metadata(self) -> list[dict[str, str]]:
        """The project's fields."""
        rows = self._json(self._post({"content": "metadata", "format": "json"}))
        return [{str(key): str(value) for key, value in row.items()} for row in rows]

    def repeating(self) -> set[str]:
        """Names of the repeating instruments; empty where the project has none."""
        try:
            rows = self._json(self._post({"content": "repeatingFormsEvents", "format": "json"}))
        except _RefusedError:
            return set()
        return {str(row.get("form_name", "")) for row in rows}

    def export_records(self) -> bytes:
        """All records as CSV with raw codes and raw headers."""
        return self._post(
            {
                "content": "record",
                "action": "export",
                "format": "csv",
                "type": "flat",
                "csvDelimiter": ",",
                "rawOrLabel": "raw",
                "rawOrLabelHeaders": "raw",
                "exportCheckboxLabel": "false",
            }
        )

    def import_records(self, records: str, *, blanks_overwrite: bool = False) -> int:
        """Send records as CSV, some hundred rows at a time; the number of records that the server took is returned.

        Parameters
        ----------
        records
            CSV with raw codes and dates as 2021-03-31.
        blanks_overwrite
            Whether an empty value clears what the server holds.

        Raises
        ------
        CohortError
            Where the server refuses; what it took before stays there.
        """
        rows = list(csv.reader(io.StringIO(records)))
        taken = 0
        for start in range(1, len(rows), _BATCH_ROWS):
            stream = io.StringIO()
            csv.writer(stream).writerows([rows[0], *rows[start : start + _BATCH_ROWS]])
            answer = self._post(
                {
                    "content": "record",
                    "action": "import",
                    "format": "csv",
                    "returnFormat": "json",
                    "type": "flat",
                    "overwriteBehavior": "overwrite" if blanks_overwrite else "normal",
                    "forceAutoNumber": "false",
                    "dateFormat": "YMD",
                    "returnContent": "count",
                    "data": stream.getvalue(),
                }
            )
            taken += int(self._json(answer)["count"])
        return taken

    def _post(self, fields: Mapping[str, str]) -> bytes:
        body = urllib.parse.urlencode({"token": self.token, "returnFormat": "json", **fields}).encode()
        request = urllib.request.Request(self.url, data=body, headers={"Accept": "application/json"})
        context = ssl.create_default_context() if self.url.startswith("https") else None
        opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))
        try:
            with opener.open(request, timeout=self.timeout_s) as answer:
                data: bytes = answer.read(_MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            raise _refused(error.code, error.read(1_000_000)) from None
        except (OSError, ValueError) as error:
            raise CohortError(
                "The REDCap server cannot be reached.", hint="Check the address and the network."
            ) from error
        if len(data) > _MOST_BYTES:
            raise CohortError(f"REDCap sent more than {_MOST_BYTES} bytes.")
        return data

    @staticmethod
    def _json(data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError as error:
            raise CohortError(
                "REDCap sent something that is not JSON.", hint="Does the address end in /api/?"
            ) from error


class _RefusedError(CohortError):
    """The server understood the request and refused it."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token must not follow a redirect to another place."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Refuse."""
        return


def _refused(status: int, body: bytes) -> CohortError:
    """The refusal in words: fields and reasons, never values."""
    if status in (301, 302, 303, 307, 308):
        return CohortError("The REDCap address leads elsewhere.", hint="Give the final https address, ending in /api/.")
    if status == 403:
        return _RefusedError("REDCap refused the token.", hint="Is it valid, and may its user use the API?")
    try:
        text = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return _RefusedError(f"REDCap answered with status {status}.")
    lines = [row for row in csv.reader(io.StringIO(text)) if len(row) >= 4]
    if lines:
        fields = ", ".join(sorted({row[1] for row in lines})[:5])
        return _RefusedError(f"REDCap refused {len(lines)} values of {fields}.", hint="Compare the two dictionaries.")
    return _RefusedError(f"REDCap answered with status {status}.", hint="Does the project hold all fields?")
