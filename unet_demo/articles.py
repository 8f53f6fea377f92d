"""The five published articles: who wrote what, when and where, and the figures that they printed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """A line of a published log: losses and accuracies (0..1) of training and validation."""

    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float


@dataclass(frozen=True)
class Article:
    """An article as it was published; what its copy does not say is empty.

    ``checkpoints``: names of its recipes, in ``RECIPES`` and ``AS_PUBLISHED``. ``example``: what its
    card shows, "" for what suits the checkpoint.
    """

    name: str
    title: str
    language: str
    """Tag of the language that it is written in."""
    author: str
    """The name under which it was published, or where."""
    date: str
    """YYYY-MM-DD; of articles 1 and 4 that of their pictures' names."""
    link: str
    checkpoints: tuple[str, ...]
    says: str
    """What it says, in our words."""
    prints: str
    """What it prints of its results, and what to make of that."""
    example: str = ""
    subtitle: str = ""
    log: tuple[Epoch, ...] = ()


ARTICLES: tuple[Article, ...] = (
    Article(
        name="isbi",
        title="[Paper] PyTorch로 U-Net 구현하기",
        language="ko",
        author="",
        date="2023-06-14",
        link="",
        checkpoints=("isbi",),
        says=(
            "It builds the U-Net of the 2015 paper layer by layer and trains it on the 30 labelled"
            " electron-microscopy slices of the ISBI 2012 challenge, to find the membranes between"
            " cells. It goes the whole way: it cuts the stack into frames, normalises and flips them,"
            " trains with TensorBoard and a checkpoint an epoch, and writes input, label and output as"
            " PNG and NumPy files."
        ),
        prints=(
            "No score. Its output came out black, and it advises: train for at least 100 epochs;"
            " Colab's resources had lasted for 2. Its threshold did not help: only a logit above 0.5"
            " becomes white, and that asks for a probability above 0.62."
        ),
    ),
    Article(
        name="shapes",
        title="[Pytorch] U-Net 밑바닥부터 구현하기",
        language="ko",
        author="",
        date="2025-01-20",
        link="",
        checkpoints=("shapes",),
        example="article",
        says=(
            "One short script holds the whole network, its training and a picture to train on: a red"
            " disk and a green rectangle on black. In ten steps of Adam the network learns to tell"
            " background, circle and rectangle apart. In the end it names what one may change: more or"
            " fewer channels, dropout, residual blocks, attention, dense skip connections."
        ),
        prints=(
            "The losses of its ten steps. It set no seed; below they stand beside the least and the"
            " greatest loss of the same run with twenty seeds of ours."
        ),
    ),
    Article(
        name="classic",
        title="U-Net이란?",
        language="ko",
        author="왕방개",
        date="2024-02-04",
        link="",
        checkpoints=("isbi-elastic",),
        says=(
            "It explains the U-Net paper: what segmentation is, why a network is fully convolutional,"
            " context against localisation, the contracting and the expanding path, overlapping tiles"
            " with mirrored borders, the weight map that keeps touching cells apart, elastic"
            " deformation. Then it builds the network with bilinear or transposed upsampling and trains"
            " it on ISBI 2012 with augmentation, He's first weights, RMSprop and clipped gradients."
        ),
        prints=(
            "No score. It says that elastic deformation helped much, and that it trained with fewer"
            " channels than it shows, for want of memory."
        ),
    ),
    Article(
        name="voc",
        title="Final Project: Encoder-Decoder implementation",
        subtitle="[Technical Report] : Encorder – Decorder implementation",
        language="ko",
        author="Open Software Project",
        date="",
        link="",
        checkpoints=("voc", "voc-resnet50"),
        says=(
            "A report of a course on two networks that segment the photographs of Pascal VOC 2012: the"
            " original U-Net with bilinear upsampling, and a U-Net whose encoder is built of"
            " ResNet-50's residual blocks. It goes through data, both models, training and evaluation,"
            " and paints its results in VOC's colours. Of the U-Net it describes a second way, in which"
            " upsampling halves the channels."
        ),
        # 0.632 and 0.725: the share of background in what `--quick` draws with seed 0 of VOC 2012 with SBD (4,175
        # photos), resized as the article does, void counted as a class.
        prints=(
            "A log of four epochs of the residual network, 50 photos to train and 10 to validate. Each"
            " epoch has the very same 526,234 of 655,360 pixels right (0.803), while the loss goes up"
            " and down: so answers a network that calls everything background. Which photos they were is"
            " not said; of fifty and ten that are drawn here, such an answer has 0.632 and 0.725 right."
        ),
        log=(
            Epoch(2.165, 0.671, 1.411, 0.803),
            Epoch(1.597, 0.712, 1.318, 0.803),
            Epoch(2.503, 0.677, 1.630, 0.803),
            Epoch(2.111, 0.667, 1.950, 0.803),
        ),
    ),
    Article(
        name="strided",
        title="UNet的pytorch实现",
        language="zh-CN",
        author="Lizi2hua",
        date="2020-10-06",
        link="https://github.com/Lizi2hua/Unet_toy",
        checkpoints=("voc-color",),
        says=(
            "The text beside a small program that departs from the U-Net paper twice: strided"
            " convolutions stand in for max-pooling, which forgets where things were, and transposed"
            " convolutions for interpolation, which makes the network deeper. It learns all 2,913"
            " photos of VOC 2012 by painting their labels' colours, and watches one of them, number 90:"
            " a network that is meant to overfit."
        ),
        prints=(
            "No figure: each epoch it saves the picture that the network paints of photo 90. What"
            " lies between two colours of the palette is a third class's colour; so the masks here are"
            " what one reads off such a painting."
        ),
    ),
)
"""In the order of the networks."""
