"""Flags as sentences: what the readers of files mark in short, said in words."""

from __future__ import annotations

import re

from recanal.core.quality import LEVELS

__all__ = ["flag_sentence", "flag_words", "without_rules"]

_PLAIN = {
    "lossy-compression": "The pictures were compressed with loss: fine borders and Hounsfield units may have changed",
    "perhaps-lossy-compression": "The pictures may have been compressed with loss: the header does not say",
    "burned-in-annotation": "The header says that writing is burned into the pictures",
    "uid-leading-zero": "An identifier of the series is not well formed",
    "series-uid-missing": "The series has no identifier",
    "sop-uid-missing": "Some images have no identifier",
    "tube-voltage-implausible": "The tube voltage in the header is not plausible and was left out",
    "links-skipped": "Links within the folder were skipped",
    "qform-differs-from-sform": "The two orientations in the NIfTI header differ; the sform was taken",
}
_COUNTED = {
    "better-series-unreadable": "Series that were better but could not be read: {}; see the choice of series",
    "missing-slices-interpolated": "Missing slices filled in between their neighbours: {}",
    "copies-dropped": "Images that came twice and were left out: {}",
    "duplicates-dropped": "Slices that came twice and were left out: {}",
    "phases-in-one-series": "The series holds {} phases of the heart; one was taken",
    "gantry-tilt-corrected": "Gantry tilt of {} corrected",
    "nested-archives-skipped": "Archives within the archive that were not opened: {}",
    "rescale-type": "The header gives the values as {} and not as Hounsfield units",
}
_RULE = re.compile(r"(?:^[^\s:]+: )?\[[a-z][a-z-]*\] ")


def flag_sentence(flag: str) -> str:
    """A flag as a sentence.

    >>> flag_sentence("missing-slices-interpolated:1"), flag_sentence("adequate: noise of 40 HU")
    ('Missing slices filled in between their neighbours: 1.', 'The picture is no better than adequate: noise of 40 HU.')
    """
    words = flag_words(flag)
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '?', '!')) else '.'}"


def flag_words(flag: str) -> str:
    """A flag in words, within a sentence.

    >>> flag_words("not usable: noise of 55 HU")
    'the picture is not usable: noise of 55 HU'
    """
    name, _, rest = flag.partition(":")
    if name in LEVELS:
        better = "" if name == LEVELS[-1] else "no better than "
        return f"the picture is {better}{name}:{rest.replace(' mm3', ' mm³')}"
    if flag in _PLAIN:
        return _PLAIN[flag]
    if name in _COUNTED:
        return _COUNTED[name].format(re.sub(r"(?<=\d)deg$", "°", rest))
    left_out = re.fullmatch(r"([a-z-]+)-left-out", name)
    if left_out:
        return f"Images of the series that were left out ({left_out[1].replace('-', ' ')}): {rest}"
    return flag


def without_rules(words: str) -> str:
    """The words without the name of a file and of the rule it breaks, which programs read.

    >>> without_rules("IM000044: [not-ct] The series holds no CT slices.")
    'The series holds no CT slices.'
    """
    return _RULE.sub("", words)
