"""Everything that a person reads on the page: a JSON file a language, found by its name.

A file has "texts" under keys that begin with their page or component; "sentences", under the English
template that `messages.sentence` is called with below the pages; and "cards", under what the bundled
checkpoints' cards and drawings say in English. ``{places}`` are filled in, and stay as they are in every
language. What a language lacks is English.
"""

import json
from pathlib import Path

DEFAULT_LANGUAGE = "en"
"""Of whoever speaks none of ours, and of what is laid out before a visitor comes."""

WORDS: dict[str, dict[str, dict[str, str]]] = {
    file.stem: json.loads(file.read_text(encoding="utf-8"))
    for file in sorted(Path(__file__).parent.glob("*.json"))
}
"""Language tag, as Gradio spells it → "texts", "sentences" and "cards", as they stand in its file."""

ENGLISH = WORDS[DEFAULT_LANGUAGE]["texts"]
"""Key → text: what there is to translate."""

LANGUAGES = {language: {**ENGLISH, **words["texts"]} for language, words in WORDS.items()}
"""Language tag → key → text."""

SENTENCES = {language: words["sentences"] for language, words in WORDS.items()}
"""Language tag → template of a sentence of the modules below → its translation."""

CARDS = {language: words["cards"] for language, words in WORDS.items()}
"""Language tag → what cards and drawings say → its translation."""
