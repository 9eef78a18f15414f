"""What modelers add to BPMN of their own (Camunda's properties, Signavio's metadata ...), kept as it was.

It says nothing about the order of work; who opens the file in that modeler again finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, canonicalize, fromstring, register_namespace, tostring

from mkmine.errors import DataError

__all__ = ["add_extensions", "attributes_of", "extensions_of", "properties_of", "register_vendors"]

_MODEL: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
# By the prefixes that people know them by; others get a number.
_VENDORS: Final = {
    "camunda": "http://camunda.org/schema/1.0/bpmn",
    "zeebe": "http://camunda.org/schema/zeebe/1.0",
    "modeler": "http://camunda.org/schema/modeler/1.0",
    "signavio": "http://www.signavio.com",
    "bizagi": "http://www.bizagi.com/bpmn20",
    "color": "http://www.omg.org/spec/BPMN/non-normative/color/1.0",
    "bioc": "http://bpmn.io/schema/bpmn/biocolor/1.0",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_NAMES: Final = (("name", "value"), ("metaKey", "metaValue"), ("key", "value"))


def register_vendors() -> None:
    """Let known vendors keep their prefixes in what is written."""
    for prefix, namespace in _VENDORS.items():
        register_namespace(prefix, namespace)


def extensions_of(element: Element, source: str) -> tuple[str, ...]:
    """Return the extension elements of a BPMN element, each as canonical XML.

    Raises `DataError` if they are nested deeper than Python can follow.
    """
    # The same prefixes in every file, or equal extensions would differ as text.
    register_vendors()
    try:
        return tuple(
            canonicalize(tostring(_alone(child), encoding="unicode"), strip_text=True)
            for group in element.iterfind(f"{{{_MODEL}}}extensionElements")
            for child in group
            if isinstance(child.tag, str)
        )
    except RecursionError:
        name = element.get("id", "without id")
        raise DataError(f"{source}: the extensions of element {name} are nested too deep; remove them") from None


def attributes_of(element: Element) -> tuple[tuple[str, str], ...]:
    """Return the attributes of a BPMN element that are not BPMN's own, as ("{namespace}name", value)."""
    return tuple(sorted((key, value) for key, value in element.attrib.items() if key.startswith("{")))


def add_extensions(element: Element, extensions: Iterable[str], attributes: Iterable[tuple[str, str]]) -> None:
    """Give a BPMN element the extensions and attributes that it was read with."""
    for key, value in attributes:
        element.set(key, value)
    kept = [fromstring(one) for one in extensions]
    if kept:
        SubElement(element, f"{{{_MODEL}}}extensionElements").extend(kept)


def properties_of(extensions: Iterable[str]) -> Mapping[str, str]:
    """Return the pairs of name and value in extensions, as modelers show them to people in a table."""
    return dict(pair for one in extensions for part in fromstring(one).iter() for pair in _pairs(part.attrib))


def _pairs(attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in _NAMES:
        if key in attributes and value in attributes:
            yield str(attributes[key]), str(attributes[value])


def _alone(element: Element) -> Element:
    """Return the element without the white space behind it."""
    alone = Element(element.tag, element.attrib)
    alone.text = element.text
    alone.extend(list(element))
    return alone
