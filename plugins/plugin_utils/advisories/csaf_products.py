# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product tree of a CSAF document, flat: which products it names, and that whatever names one means one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import reading
from .bounds import shown
from .model import Product
from .reading import BadRecordError

Branches = tuple[tuple[str, str], ...]
"""(category, name) of the branches around a product, the outermost first."""


@dataclass(frozen=True)
class Products:
    """All products of a document, and its groups of them."""

    all: tuple[Product, ...]
    names: frozenset[str]
    groups: Mapping[str, tuple[str, ...]]

    def known(self, name: str, where: str) -> str:
        """Return a product's id. Raises BadRecordError for one that the tree does not define (6.1.1)."""
        if name not in self.names:
            raise BadRecordError(f"{where}: {shown(name)} is no product of this document (6.1.1)")
        return name

    def meant(self, one: Mapping[str, Any], where: str) -> tuple[str, ...]:
        """Return the products that `product_ids` and `group_ids` mean together, each once. Raises BadRecordError."""
        found = [self.known(name, f"{where}.product_ids") for name in one.get("product_ids", ())]
        for group in one.get("group_ids", ()):
            if group not in self.groups:
                raise BadRecordError(f"{where}.group_ids: {shown(group)} is no group of this document (6.1.4)")
            found += self.groups[group]
        return tuple(dict.fromkeys(found))


def products(tree: Mapping[str, Any]) -> Products:
    """Return the products of a tree that the schema allows. Raises BadRecordError where ids do not fit (6.1.1-5)."""
    found = [*_branches(tree.get("branches", ()), ())]
    found += [_product(one, ()) for one in tree.get("full_product_names", ())]
    based: dict[str, tuple[str, str]] = {}
    for index, one in enumerate(tree.get("relationships", ())):
        product = _product(one["full_product_name"], ())
        if product.id in (one["product_reference"], one["relates_to_product_reference"]):
            raise BadRecordError(f"product_tree.relationships[{index}]: {shown(product.id)} rests on itself (6.1.3)")
        based[product.id] = (one["product_reference"], one["relates_to_product_reference"])
        found.append(product)
    names = frozenset(one.id for one in found)
    if len(names) != len(found):
        raise BadRecordError("product_tree: one product id is defined twice (6.1.2)")
    groups: dict[str, tuple[str, ...]] = {}
    for group in tree.get("product_groups", ()):
        if group["group_id"] in groups:
            raise BadRecordError(f"product_tree.product_groups: {shown(group['group_id'])} is defined twice (6.1.5)")
        groups[group["group_id"]] = tuple(group["product_ids"])
    whole = Products(tuple(found), names, groups)
    for name, references in based.items():
        for reference in references:
            whole.known(reference, f"product_tree: {shown(name)}")
    for group_id, members in groups.items():
        for member in members:
            whole.known(member, f"product_tree.product_groups: {shown(group_id)}")
    _refuse_circles(based)
    return whole


def _refuse_circles(based: Mapping[str, tuple[str, str]]) -> None:
    """A product made of others rests in the end on plain ones (6.1.3): take away what rests on nothing that is left."""
    resting: dict[str, list[str]] = {}
    open_: dict[str, int] = {}
    for name, references in based.items():
        under = {one for one in references if one in based}
        open_[name] = len(under)
        for one in under:
            resting.setdefault(one, []).append(name)
    ready = [name for name, count in open_.items() if not count]
    done = 0
    while ready:
        done += 1
        for name in resting.get(ready.pop(), ()):
            open_[name] -= 1
            if not open_[name]:
                ready.append(name)
    if done < len(based):
        raise BadRecordError("product_tree.relationships: a product rests on itself through others (6.1.3)")


def _branches(branches: Any, around: Branches) -> Iterator[Product]:
    # As deep as the JSON may be, which was bounded when it was read.
    for branch in branches:
        here = (*around, (branch["category"], branch["name"]))
        if "product" in branch:
            yield _product(branch["product"], here)
        yield from _branches(branch.get("branches", ()), here)


def _product(one: Mapping[str, Any], around: Branches) -> Product:
    def named(category: str) -> str | None:
        return next((reading.words(name, category) for kind, name in reversed(around) if kind == category), None)

    helper = one.get("product_identification_helper", {})
    purl = reading.words(helper.get("purl"), "purl", 500)
    return Product(
        id=reading.text(one["product_id"], "product_id", 300),
        name=reading.words(one["name"], "name", 500) or "",
        vendor=named("vendor"),
        product=named("product_name"),
        version=named("product_version"),
        version_range=named("product_version_range"),
        cpe=reading.words(helper.get("cpe"), "cpe", 500),
        purls=(purl,) if purl else (),
        models=tuple(reading.words(model, "model_numbers") or "" for model in helper.get("model_numbers", ())),
    )
