"""The topics of the page "Look inside", in the order of its strip.

To add one:

1. What it computes goes into a module of `unet_demo.inside`, which knows no page: a function of the
   `Subject` (a square picture, its truth, the checkpoint's Predictor) and of the topic's settings.
2. A file here, ``NAME.py``, ends with ``TOPIC = Topic("NAME", controls, show)``, see `topic`.
   ``controls()`` makes its components with `slider` or `radio`, or a `gr.Checkbox(…, **named(name))`,
   and returns them by name. A name stands in the address, so that no other page may have it
   (`ui/train/link.py`, `ui/segment/link.py`). A component that an address cannot say, such as a
   `gr.File`, is left out of it. ``show(look)`` returns ``Shown(figures(figure(pixels, caption), …))``;
   its texts come from ``look.say``. All controls are set back to their first values when an address
   that does not name them is opened.
3. A line below.
4. In ``ui/languages/*.json``: ``inside_topic_NAME`` (the strip), ``inside_idea_NAME`` (two or three
   sentences), ``inside_CONTROL`` for each control, and what ``look.say`` is called with.

Nothing else: the strip, the address, its refusals and the page alone follow.
"""

from . import colours, elastic, resampling, sizes, skips, stations, tiles, weights
from .topic import Topic

TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        stations.TOPIC,
        skips.TOPIC,
        tiles.TOPIC,
        weights.TOPIC,
        elastic.TOPIC,
        resampling.TOPIC,
        sizes.TOPIC,
        colours.TOPIC,
    )
}
"""Name in the address → topic."""
