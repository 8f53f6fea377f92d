"""Everything that a person reads on the page, in three files a language.

en.py says which keys the first has. The keys of the other two are English: the templates that
sentence() is called with in the rooms below, and what the bundled checkpoints' cards say. A further
language is three further files and three lines here.
"""

from .cards_ko import KOREAN_CARDS
from .cards_zh_cn import SIMPLIFIED_CHINESE_CARDS
from .cards_zh_tw import TRADITIONAL_CHINESE_CARDS
from .en import ENGLISH
from .ko import KOREAN
from .sentences_ko import KOREAN_SENTENCES
from .sentences_zh_cn import SIMPLIFIED_CHINESE_SENTENCES
from .sentences_zh_tw import TRADITIONAL_CHINESE_SENTENCES
from .zh_cn import SIMPLIFIED_CHINESE
from .zh_tw import TRADITIONAL_CHINESE

LANGUAGES: dict[str, dict[str, str]] = {
    "en": ENGLISH,
    "ko": KOREAN,
    "zh-CN": SIMPLIFIED_CHINESE,
    "zh-TW": TRADITIONAL_CHINESE,
}
"""Language tag, as Gradio spells it → key → text."""

SENTENCES: dict[str, dict[str, str]] = {
    "en": {},
    "ko": KOREAN_SENTENCES,
    "zh-CN": SIMPLIFIED_CHINESE_SENTENCES,
    "zh-TW": TRADITIONAL_CHINESE_SENTENCES,
}
"""Language tag → template of a sentence of the rooms below → its translation. English is as it is said."""

CARDS: dict[str, dict[str, str]] = {
    "en": {},
    "ko": KOREAN_CARDS,
    "zh-CN": SIMPLIFIED_CHINESE_CARDS,
    "zh-TW": TRADITIONAL_CHINESE_CARDS,
}
"""Language tag → what the cards and the drawings of bundled checkpoints say → its translation."""
