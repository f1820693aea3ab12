r"""The Unicode properties that `\p{…}` can name: general categories, scripts, and what Python's strings know.

What none of these tell is not found, and the pattern taken as one that does not compile.

Names are matched loosely, as Rust does: case, blanks, `-`, `_` and a leading `is` do not count.
"""

import re
import unicodedata
from collections.abc import Mapping
from operator import itemgetter

from evaluator.patterns.characters import Predicate, is_enclosed_letter, is_space
from evaluator.patterns.scripts import SCRIPTS

_IGNORED = re.compile(r"[-_\s]+")

_CATEGORIES = {
    "C": "other",
    "Cc": "control cntrl",
    "Cf": "format",
    "Cn": "unassigned",
    "Co": "privateuse",
    "Cs": "surrogate",
    "L": "letter",
    "LC": "casedletter",
    "Ll": "lowercaseletter",
    "Lm": "modifierletter",
    "Lo": "otherletter",
    "Lt": "titlecaseletter",
    "Lu": "uppercaseletter",
    "M": "mark combiningmark",
    "Mc": "spacingmark",
    "Me": "enclosingmark",
    "Mn": "nonspacingmark",
    "N": "number",
    "Nd": "decimalnumber digit",
    "Nl": "letternumber",
    "No": "othernumber",
    "P": "punctuation punct",
    "Pc": "connectorpunctuation",
    "Pd": "dashpunctuation",
    "Pe": "closepunctuation",
    "Pf": "finalpunctuation",
    "Pi": "initialpunctuation",
    "Po": "otherpunctuation",
    "Ps": "openpunctuation",
    "S": "symbol",
    "Sc": "currencysymbol",
    "Sk": "modifiersymbol",
    "Sm": "mathsymbol",
    "So": "othersymbol",
    "Z": "separator",
    "Zl": "lineseparator",
    "Zp": "paragraphseparator",
    "Zs": "spaceseparator",
}


def _is_of(categories: tuple[str, ...]) -> Predicate:
    return lambda character: unicodedata.category(character).startswith(categories)


def _is_assigned(character: str) -> bool:
    return unicodedata.category(character) != "Cn"


def _is_alphabetic(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character) == "Nl" or is_enclosed_letter(character)


def _key_by_each_name(table: Mapping[str, Predicate]) -> dict[str, Predicate]:
    return {name: predicate for names, predicate in table.items() for name in names.split()}


_GENERAL = _key_by_each_name(
    {
        f"{code.lower()} {names}": _is_of(("Lu", "Ll", "Lt") if code == "LC" else (code,))
        for code, names in _CATEGORIES.items()
    }
    | {"any": lambda _: True, "assigned": _is_assigned, "ascii": str.isascii}
)
_BINARY = _key_by_each_name(
    {
        "alphabetic alpha": _is_alphabetic,
        "lowercase lower": str.islower,
        "uppercase upper": str.isupper,
        "whitespace space wspace": is_space,
        "asciihexdigit ahex": "0123456789abcdefABCDEF".__contains__,
        "xidstart xids idstart ids": lambda character: character != "_" and character.isidentifier(),
        "xidcontinue xidc idcontinue idc": lambda character: f"a{character}".isidentifier(),
    }
)
_TABLES = {
    "gc": _GENERAL,
    "generalcategory": _GENERAL,
    "sc": SCRIPTS,
    "script": SCRIPTS,
}


def find_property(name: str) -> Predicate | None:
    r"""Find what the text inside `\p{…}` means: `Lu`, `Greek`, `sc=Greek`; the core takes `!=` for `=`."""
    key, mark, value = next(filter(itemgetter(1), (name.partition(mark) for mark in ("!=", "=", ":"))), (name, "", ""))
    if not mark:
        loose = _loosen(name)
        return _BINARY.get(loose) or _GENERAL.get(loose) or SCRIPTS.get(loose)
    return _TABLES.get(_loosen(key), {}).get(_loosen(value))


def _loosen(name: str) -> str:
    loose = _IGNORED.sub("", name).lower()
    return loose.removeprefix("is")
