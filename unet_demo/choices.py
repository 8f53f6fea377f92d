"""What a network and its training can be asked for. Light: a page offers it before torch is there."""

NETWORK_NAMES = (
    "IsbiUNet",
    "ShapesUNet",
    "ClassicUNet",
    "VocUNet",
    "ResNetUNet",
    "StridedUNet",
)

OPTIMISERS = ("Adam", "AdamW", "RMSprop", "SGD")
SCHEDULES = ("constant", "cosine", "step", "plateau")
PRECISIONS = ("float32", "bfloat16", "fastest")
INITIALISATIONS = ("torch", "He")
LOSSES = ("cross-entropy", "dice", "both")

DEVICE_VARIABLE = "UNET_DEMO_DEVICE"
"""Environment variable: where to compute, if a command does not say it."""

DEVICE_TYPES = ("cpu", "cuda")

SPACE_VARIABLE = "SPACE_ID"
"""Environment variable that a Hugging Face Space sets: many people share that machine."""

GRID = 16
"""Four halvings: the walk of a U needs a height and a width that 16 divides."""

VALIDATION_SEED = 1_000_003
"""Seed of the scenes that training looks at between epochs; the final score uses other ones."""
