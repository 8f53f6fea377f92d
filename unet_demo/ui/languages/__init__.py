"""Everything that a person reads on the page: two files a language, one for what the rooms below say.

en.py says which keys the first has; the second's are the English templates that sentence() is called
with. A further language is two further files and two lines here.
"""

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
