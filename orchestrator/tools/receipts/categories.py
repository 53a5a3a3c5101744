"""What goods are for, by the words in their names: a handful of categories, English and German.

A model knows more names than a list of words, so one is asked first where there is one; what it leaves open, and all
without it, is told by the words.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache

from orchestrator.tools.builtin.receipts import Item
from orchestrator.tools.functions import Registered, tool
from orchestrator.words import say

OTHER = "other"
STEMS = {
    "drinks": "water wasser mineral cola lemonade limonade juice saft beer bier wine wein coffee kaffee espresso "
    "cappuccino latte tea tee milkshake smoothie soda spezi schorle sekt kakao",
    "meals": "sandwich salad salat burger pizza pasta soup suppe pie croissant menu menü breakfast frühstück lunch "
    "dinner schnitzel döner fries pommes kebab curry sushi steak tip trinkgeld gratuity service dessert "
    "cake kuchen",
    "groceries": "milk milch bread brot roll brötchen butter cheese käse yogurt yoghurt joghurt egg eier apple apfel "
    "äpfel banan tomat potato kartoffel onion zwiebel rice reis flour mehl sugar zucker meat fleisch "
    "chicken hähnchen ham schinken wurst fish fisch chocolate schoko cereal müsli noodle nudel oil öl "
    "salt salz pfand deposit obst gemüse fruit vegetable cookie keks chips honey honig jam marmelade "
    "quark sahne cream",
    "care": "toothpaste zahnpasta zahnbürste toothbrush shampoo soap seife duschgel deo lotion creme plaster "
    "pflaster ibuprofen paracetamol aspirin tablet vitamin razor rasier tampon windel diaper nappies "
    "sunscreen",
    "household": "detergent spülmittel spuelmittel spulmittel waschmittel cleaner reiniger toilet toiletten paper "
    "küchenrolle tissue taschentuch sponge schwamm bin müllbeutel foil folie candle kerze batter bulb "
    "glühbirne",
    "home and garden": "hammer screw schraube nail nägel paint farbe roller pinsel brush drill bohr flower blume pot "
    "topf plant pflanze soil erde seed samen tape klebeband wood holz garden garten tool werkzeug",
    "office": "notebook notizbuch heft pen pencil stift kugelschreiber ballpoint envelope umschlag stapler ordner "
    "folder newspaper zeitung magazine zeitschrift book buch stamp briefmarke toner",
    "clothing": "shirt hemd trousers hose jeans jacket jacke sock socken shoe schuh dress kleid skirt rock coat "
    "mantel scarf schal glove handschuh hat mütze",
    "electronics": "cable kabel charger ladegerät usb hdmi headphone kopfhörer phone handy adapter mouse maus keyboard "
    "tastatur monitor laptop",
    "travel": "ticket fahrkarte train bahn bus taxi fuel benzin diesel super parking parken toll maut hotel flight "
    "flug",
}
CATEGORIES = (*STEMS, OTHER)
SHORT = 4  # letters up to which a stem must be a word's end, behind three others or none: "tea" is not in "steak"

Sort = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""A model's categories of these names, in their order; empty where it does not answer. What is no category is none."""


def categorizer(sort: Sort | None = None) -> Registered:
    """The tool `expense_categorizer`; with a model behind `sort`, where there is one."""

    @tool(read_only=True)
    async def expense_categorizer(items: Sequence[Item]) -> list[Item]:
        """Sort the line items of a receipt into categories of expenses, such as groceries, drinks or household.

        Args:
            items: The line items.
        """
        names = [item.name for item in items]
        told = await sort(names) if sort and names else ()
        by_words = map(category_of, names)
        categories = told if len(told) == len(names) else [OTHER] * len(names)
        return [
            item.model_copy(update={"category": first if first in CATEGORIES and first != OTHER else second})
            for item, first, second in zip(items, categories, by_words, strict=True)
        ]

    return expense_categorizer


def category_of(name: str) -> str:
    """The category whose words stand in a name: of several, the one whose word stands last, as in "apple juice"."""
    found = [(hit.end(), len(hit[0]), category) for category in STEMS for hit in _pattern(category).finditer(name)]
    return max(found)[2] if found else OTHER


def shown(category: str) -> str:
    """A category in the language of the person who reads it."""
    names = {
        "drinks": say("drinks"),
        "meals": say("meals"),
        "groceries": say("groceries"),
        "care": say("care"),
        "household": say("household"),
        "home and garden": say("home and garden"),
        "office": say("office"),
        "clothing": say("clothing"),
        "electronics": say("electronics"),
        "travel": say("travel"),
        OTHER: say("other"),
    }
    return names.get(category, category)


@cache
def _pattern(category: str) -> re.Pattern[str]:
    """The words of a category. German puts words together: a long one may stand anywhere, a short one ends them."""
    short = "|".join(stem for stem in STEMS[category].split() if len(stem) <= SHORT)
    long = "|".join(stem for stem in STEMS[category].split() if len(stem) > SHORT)
    return re.compile(rf"\b(?:\w{{3,}})?(?:{short})(?:s|es|e|n)?\b|(?:{long})\w*", re.IGNORECASE)
