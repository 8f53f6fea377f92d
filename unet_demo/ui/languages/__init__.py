"""Everything that a person reads on the page: one file a language. en.py says which keys there are.

A further language is a further file and a line here.
"""

from .en import ENGLISH
from .ko import KOREAN
from .zh_cn import SIMPLIFIED_CHINESE
from .zh_tw import TRADITIONAL_CHINESE

LANGUAGES: dict[str, dict[str, str]] = {
    "en": ENGLISH,
    "ko": KOREAN,
    "zh-CN": SIMPLIFIED_CHINESE,
    "zh-TW": TRADITIONAL_CHINESE,
}
"""Language tag, as Gradio spells it → key → text."""
