"""Puts an article's settings beside ours: both are read from their recipes."""

from ...data.augment import ArticleAugmentation, Flips
from ...networks import count_parameters
from ...training.recipe import Recipe
from ..text import say, say_card

NONE = "–"
"""Stands where a recipe has no such setting."""


def settings(recipe: Recipe, language: str) -> dict[str, str]:
    """Return the name of each setting, the end of a key ``articles_set_…``, → its value in words."""
    fit, data = recipe.fit, recipe.data_note
    return {
        "width": f"{recipe.card.options['width']}",
        "parameters": f"{count_parameters(recipe.card.network, recipe.card.options):,}",
        "weights": weights(recipe, language),
        "data": say_card(data, language),
        "size": size(recipe, language),
        "augmentation": augmentation(recipe, language),
        "loss": loss(recipe, language),
        "optimiser": optimiser(recipe),
        "schedule": schedule(recipe, language),
        "clipping": clipping(recipe, language),
        "batch": f"{recipe.batch}",
        "length": length(recipe, language),
        "ema": f"{fit.ema:g}" if fit.ema else NONE,
    }


def weights(recipe: Recipe, language: str) -> str:
    """Tell what the network begins with."""
    if recipe.start:
        return say("articles_weights_start", language, name=recipe.start)
    return say(f"articles_weights_{recipe.initialisation}", language)


def size(recipe: Recipe, language: str) -> str:
    """Tell the size in px of the pictures that train."""
    if recipe.article_scene:
        sides = [256]
    elif recipe.scenes:
        sides = sorted({scene.size for scene in recipe.scenes})
    elif recipe.growth:
        sides = [side for _, side in recipe.growth]
    elif isinstance(recipe.article_augmentation, ArticleAugmentation):
        sides = [recipe.article_augmentation.crop]
    elif recipe.article_augmentation:
        return say("articles_size_whole", language)
    else:
        sides = [recipe.photo.crop if recipe.card.task.kind != "binary" else recipe.warp.crop]
    return f"{', '.join(f'{side} × {side}' for side in sides)}"


def augmentation(recipe: Recipe, language: str) -> str:
    """Tell how pictures are changed at random."""
    changes = recipe.article_augmentation
    if isinstance(changes, Flips):
        return say("articles_augment_flips", language, probability=f"{changes.probability:g}")
    if isinstance(changes, ArticleAugmentation):
        return say(
            "articles_augment_article", language,
            elastic=f"{changes.elastic:g}", probability=f"{changes.probability:g}",
        )  # fmt: skip
    if recipe.framing or recipe.article_scene:
        return NONE
    if recipe.scenes:
        return say("articles_augment_scenes", language)
    if recipe.card.task.kind == "binary":
        warp = recipe.warp
        return say(
            "articles_augment_warp", language, rotation=f"{warp.rotation:g}",
            least=f"{warp.scale[0]:g}", most=f"{warp.scale[1]:g}", elastic=f"{warp.elastic:g}",
        )  # fmt: skip
    least, most = recipe.photo.scale
    return say("articles_augment_photo", language, least=f"{least:g}", most=f"{most:g}")


def loss(recipe: Recipe, language: str) -> str:
    """Tell what the training makes small."""
    binary = recipe.card.task.kind in ("binary", "colour")
    told = "BCE" if binary else say("train_loss_cross-entropy", language)
    if recipe.fit.loss != "cross-entropy":
        told = f"{told} + Dice"
    if recipe.soft_labels:
        return say("articles_loss_soft", language, loss=told, name=recipe.soft_labels)
    return told


def optimiser(recipe: Recipe) -> str:
    """Name the optimiser with its rate, and momentum and weight decay where it has them."""
    fit = recipe.fit
    told = [f"{fit.optimiser} {fit.rate:g}"]
    if fit.optimiser in ("SGD", "RMSprop"):
        told.append(f"momentum {fit.momentum:g}")
    if fit.weight_decay:
        told.append(f"weight decay {fit.weight_decay:g}")
    return ", ".join(told)


def schedule(recipe: Recipe, language: str) -> str:
    """Tell how the rate changes."""
    if recipe.fit.schedule == "plateau":
        return say("articles_schedule_plateau", language, patience=recipe.fit.patience)
    return say(f"train_schedule_{recipe.fit.schedule}", language)


def clipping(recipe: Recipe, language: str) -> str:
    """Tell how gradients are clipped."""
    for kind, most in (("value", recipe.fit.clip_value), ("norm", recipe.fit.clip_norm)):
        if most:
            return say(f"articles_clip_{kind}", language, most=f"{most:g}")
    return NONE


def length(recipe: Recipe, language: str) -> str:
    """Tell how long the training takes, in epochs or steps."""
    if recipe.epochs:
        return say("articles_epochs", language, count=f"{recipe.epochs:,}")
    return say("articles_steps", language, count=f"{recipe.fit.steps:,}")
