"""Places with alternatives, and how many combinations of them there are.

What a point asks for is a list of sites, each of whose options may ask for more sites. Sites that
share nothing multiply, the options of one site add up, and a site met twice is chosen once:

    count(a, b) = count(a) count(b)                             where a and b share no site
    count(s, rest) = sum over options o: count(o's sites, rest with s = o)

The count takes time in the length of the text, not in the number of points.
"""

from collections.abc import Sequence
from functools import cached_property

from lab.spec.records import record
from lab.spec.source import Span


@record(eq=False, slots=False)
class Site:
    """A place with alternatives. `options` are those that ask for something: for each, how many
    alternatives it stands for and the sites that they ask for.

    Always holds: sites with one `key` are one choice, and have as many options.
    """

    key: int
    options: "tuple[tuple[int, Sites], ...]"
    what: str
    span: Span

    @cached_property
    def keys(self) -> frozenset[int]:
        """Its own key and those of all sites inside it."""
        inner = (one.keys for _, sites in self.options for one in sites)
        return frozenset({self.key}).union(*inner)

    @property
    def width(self) -> int:
        """How many alternatives are written here."""
        return sum(number for number, _ in self.options)


Sites = tuple[Site, ...]


def count(sites: Sites) -> int:
    """The number of combinations."""
    total = 1
    for group in _groups(sites):
        total *= _together(group)
    return total


def _together(group: Sequence[Site]) -> int:
    """Combinations of sites that may share some: summed over the options of one of them."""
    pivot = next((one for one in group if _is_shared(one, group)), group[0])
    others = [one for one in group if one is not pivot]
    total = 0
    for i, (number, asked) in enumerate(pivot.options):
        total += number * count((*asked, *given(others, pivot.key, i)))
    return total


def _is_shared(site: Site, group: Sequence[Site]) -> bool:
    return any(site.key in other.keys for other in group if other is not site)


def given(sites: Sequence[Site], key: int, option: int) -> Sites:
    """What sites still ask for once one is decided."""
    return tuple(left for one in sites for left in _given(one, key, option))


def _given(site: Site, key: int, option: int) -> Sites:
    if site.key == key:
        return given(site.options[option][1], key, option)
    if key not in site.keys:
        return (site,)
    options = tuple((number, given(asked, key, option)) for number, asked in site.options)
    return (Site(site.key, options, site.what, site.span),)


def _groups(sites: Sites) -> list[list[Site]]:
    """Sites by what they share: no site of one group has anything to do with another group."""
    groups: list[tuple[frozenset[int], list[Site]]] = []
    for site in sites:
        keys, members = site.keys, [site]
        apart: list[tuple[frozenset[int], list[Site]]] = []
        for known, others in groups:
            if known & keys:
                keys, members = keys | known, [*others, *members]
            else:
                apart.append((known, others))
        groups = [*apart, (keys, members)]
    return [members for _, members in groups]


def widest(sites: Sites) -> Site | None:
    """The site with the most alternatives, wherever it is."""
    found: Site | None = None
    for site in sites:
        inner = [site, *(widest(asked) for _, asked in site.options)]
        for one in inner:
            if one is not None and (found is None or one.width > found.width):
                found = one
    return found
