"""Puts the certificates of a bundle to ACL2's proved checker, where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from verifier.certificate.acl2 import PACKAGES, Acl2Failed, Claim, available, verified
from verifier.certificate.checking import dimacs_of

if TYPE_CHECKING:
    from verifier.bundle.recheck import Checked

AT_ONCE = 500


def put_to_acl2(checked: Sequence[Checked]) -> tuple[list[Checked], str]:
    """Give what was checked with ACL2's word on each certificate that our own checker accepts.

    The sentence says why some or all were not put to it, empty where it judged each.
    """
    result = list(checked)
    claims = {
        place: Claim(dimacs_of(each.obligation.text), each.obligation.certificate)
        for place, each in enumerate(result)
        if each.certified and each.obligation.certificate is not None
    }
    if not claims:
        return result, "there is no certificate to put to it"
    if not available():
        return result, f"it is not installed (Debian: {PACKAGES})"
    places = list(claims)
    for first in range(0, len(places), AT_ONCE):
        some = places[first : first + AT_ONCE]
        try:
            said = verified([claims[place] for place in some])
        except Acl2Failed as failed:
            return result, str(failed)
        for place, fine in zip(some, said, strict=True):
            result[place] = replace(result[place], acl2=fine)
    return result, ""
