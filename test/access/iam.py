"""As much of IAM's evaluation as the documents of `components/api-rights.ts` use."""

import json
import re

_KNOWN = {"Sid", "Effect", "Action", "Resource"}


def allows(document: str, action: str, resource: str) -> bool:
    """Denied where a statement denies it, or where none allows it."""
    statements = json.loads(document)["Statement"]
    for statement in statements:
        # A condition that is left out here would be taken for fulfilled.
        unknown = set(statement) - _KNOWN
        if unknown:
            raise NotImplementedError(f"the simulator knows nothing of {', '.join(unknown)}")
    effects = {
        statement["Effect"]
        for statement in statements
        if _matches(statement["Action"], action, ignore_case=True)
        and _matches(statement["Resource"], resource)
    }
    return effects == {"Allow"}


def _matches(patterns: str | list[str], text: str, *, ignore_case: bool = False) -> bool:
    """`*` stands for any characters, slashes too, and `?` for one."""
    flags = re.IGNORECASE if ignore_case else 0
    return any(
        re.fullmatch(
            re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, flags | re.DOTALL
        )
        for pattern in ([patterns] if isinstance(patterns, str) else patterns)
    )
