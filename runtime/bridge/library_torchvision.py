"""Networks of torchvision that tell images apart."""

import warnings
from functools import partial

from lab.runtime.bridge import torchvision_schemas
from lab.runtime.bridge.libraries import IMAGENET, Built, of_images, sized
from lab.runtime.foreign.recipes import Recipe

torchvision_schemas.declare()

from torchvision import models  # noqa: E402 - its operators have to be declared before

#: Networks with side branches, which have a loss of their own and are left out.
_BRANCHED = ("googlenet", "inception_v3")
_USUAL_SIZE = 224


def build(recipe: Recipe) -> Built:
    """A network by the name that torchvision has for it."""
    name, options = recipe.name.partition(".")[0], dict(recipe.options)
    if name in _BRANCHED:
        options = {"aux_logits": False, "init_weights": True, **options}
    make = partial(models.get_model, name, weights=None, num_classes=recipe.classes, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = sized(recipe, make, "image_size")
    usual, normalization = _usual(name)
    size = recipe.size or int(options.get("image_size", usual))
    return of_images(module, name="x", size=size, normalization=normalization)


def _usual(name: str) -> tuple[int, tuple[tuple[float, ...], tuple[float, ...]]]:
    """The size and normalization that the published weights were trained with."""
    published = list(models.get_model_weights(name))
    if not published:
        return _USUAL_SIZE, IMAGENET
    transforms = models.get_model_weights(name)["DEFAULT"].transforms()
    return transforms.crop_size[0], (tuple(transforms.mean), tuple(transforms.std))
