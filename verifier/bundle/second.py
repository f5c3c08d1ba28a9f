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
    """Give what was checked, with the certificates rejected that ACL2 does not verify.

    The sentence says how many it verified, or why it was not asked. Only what our own checker
    accepted is put to it.
    """
    result = list(checked)
    claims = {
        place: Claim(dimacs_of(each.obligation.text), each.obligation.certificate)
        for place, each in enumerate(result)
        if each.certified and each.obligation.certificate is not None
    }
    if not claims:
        return result, "ACL2 was not asked, as there is no certificate"
    if not available():
        return result, f"ACL2 was not asked, as it is not installed (Debian: {PACKAGES})"
    places = list(claims)
    good = 0
    for first in range(0, len(places), AT_ONCE):
        some = places[first : first + AT_ONCE]
        try:
            said = verified([claims[place] for place in some])
        except Acl2Failed as failed:
            return result, f"{failed}; before that it verified {good} of {len(claims)}"
        good += sum(said)
        for place, fine in zip(some, said, strict=True):
            result[place] = replace(result[place], certified=fine)
    return result, f"ACL2: {good} of {len(claims)} certificates verified"
