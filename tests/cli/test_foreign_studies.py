"""Networks made in torch, from a study to numbers that are measured on their files alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import lab, study

NETS = """
from torch import nn


def make(classes, width=8):
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(64 * width, classes),
    )
"""
OWN = """study own
data  images = digits()
model net    = torch("nets.py:make", size: 8 px, channels: 1, mean: 0.5, deviation: 0.5, width: 4)
method dense = train(by: adam(lr: 3e-3), for: 4 epochs, batch: 64)
method eight = dense then quantize(bits: 8)
grid arms { method: dense | eight }
report { table(accuracy, bytes, by: method) }
"""
READER = """study reader
data  texts  = texts("words", length: 8, tokenizer: "net")
model net    = transformers("./net", classes: 2, length: 8)
method start = pretrained()
method tuned = train(by: adam(lr: 3e-3), for: 12 epochs, batch: 16)
method eight = tuned then quantize(bits: 8)
grid arms { method: start | tuned | eight }
report { table(accuracy, by: method) }
"""


def accuracies(path: Path) -> dict[str, float]:
    """The accuracy of every arm of a study that was run."""
    found = lab("results", str(path), "--json")
    assert found.returncode == 0, found.stderr
    points = json.loads(found.stdout)["points"]
    return {point["arm"]: point["metrics"]["accuracy"]["mean"] for point in points}


def test_a_torch_module_of_ones_own_is_trained_quantized_and_measured(tmp_path: Path) -> None:
    path = study(tmp_path, OWN, "own.lab")
    (path.parent / "nets.py").write_text(NETS, "utf-8")
    plan = lab("plan", str(path))
    assert plan.returncode == 0, plan.stderr
    ran = lab("run", str(path), "--jobs", "1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = accuracies(path)
    assert found["dense"] > 0.85
    assert abs(found["dense"] - found["eight"]) < 0.03


def test_what_a_module_is_made_by_is_a_part_of_the_key(tmp_path: Path) -> None:
    path = study(tmp_path, OWN, "own.lab")
    keys = []
    for text in (NETS, NETS.replace("ReLU", "GELU"), NETS):
        (path.parent / "nets.py").write_text(text, "utf-8")
        plan = lab("plan", str(path), "--json")
        assert plan.returncode == 0, plan.stderr
        keys.append(plan.stdout)
    assert keys[0] == keys[2] != keys[1]


def test_a_module_is_not_run_to_plan(tmp_path: Path) -> None:
    path = study(tmp_path, OWN, "own.lab")
    (path.parent / "nets.py").write_text("open('was-run', 'w')\n", "utf-8")
    assert lab("check", str(path), cwd=tmp_path).returncode == 0
    assert lab("plan", str(path), cwd=tmp_path).returncode == 0
    assert not (tmp_path / "was-run").exists()


def words_and_network(folder: Path) -> None:
    """Texts of two classes, and a small DistilBERT in parts, without a head for them."""
    random = np.random.default_rng(41)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "a", "film", "the"]
    for name, word in (("yes", "good"), ("no", "bad")):
        (folder / "words" / name).mkdir(parents=True)
        for place in range(60):
            others = random.choice(["a", "film", "the"], 4)
            text = " ".join([*others[:2], word, *others[2:]])
            (folder / "words" / name / f"{place}.txt").write_text(text, "utf-8")
    (folder / "net").mkdir()
    (folder / "net" / "vocab.txt").write_text("\n".join(vocabulary), "utf-8")
    write_distilbert(folder / "net", len(vocabulary), random)


def write_distilbert(folder: Path, vocabulary: int, random: np.random.Generator) -> None:
    """The folder that `save_pretrained` of the bare network writes, in two parts."""
    import safetensors.numpy

    width, hidden = 16, 32
    config = {
        "model_type": "distilbert",
        "architectures": ["DistilBertModel"],
        "vocab_size": vocabulary,
        "dim": width,
        "hidden_dim": hidden,
        "n_layers": 1,
        "n_heads": 2,
        "max_position_embeddings": 8,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "seq_classif_dropout": 0.0,
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    at = "transformer.layer.0"
    shapes = {
        "embeddings.word_embeddings.weight": (vocabulary, width),
        "embeddings.position_embeddings.weight": (8, width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
        **{f"{at}.attention.{n}_lin.weight": (width, width) for n in ("q", "k", "v", "out")},
        **{f"{at}.attention.{n}_lin.bias": (width,) for n in ("q", "k", "v", "out")},
        f"{at}.sa_layer_norm.weight": (width,),
        f"{at}.sa_layer_norm.bias": (width,),
        f"{at}.ffn.lin1.weight": (hidden, width),
        f"{at}.ffn.lin1.bias": (hidden,),
        f"{at}.ffn.lin2.weight": (width, hidden),
        f"{at}.ffn.lin2.bias": (width,),
        f"{at}.output_layer_norm.weight": (width,),
        f"{at}.output_layer_norm.bias": (width,),
    }
    index = {}
    names = list(shapes)
    for place, part in enumerate((names[:9], names[9:]), 1):
        file = f"model-0000{place}-of-00002.safetensors"
        tensors = {n: (0.3 * random.normal(size=shapes[n])).astype(np.float32) for n in part}
        safetensors.numpy.save_file(tensors, folder / file)
        index |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}), "utf-8")


def test_a_folder_of_transformers_is_trained_on_texts(tmp_path: Path) -> None:
    path = study(tmp_path, READER, "reader.lab")
    words_and_network(path.parent)
    ran = lab("run", str(path), "--jobs", "1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = accuracies(path)
    assert found["tuned"] > 0.9
    assert abs(found["tuned"] - found["eight"]) < 0.05


def test_published_weights_that_are_not_there_are_said_with_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No host answers at this address, whatever the network of this machine."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    text = (
        "study lost\ndata d = cifar10_sample()\n"
        'model m = timm("deit_tiny_patch16_224", pretrained: true)\n'
        "method a = pretrained()\ngrid g { method: a }\n"
    )
    ran = lab("run", str(study(tmp_path, text, "lost.lab")), "--jobs", "1")
    assert ran.returncode != 0
    assert "model.safetensors of timm/deit_tiny_patch16_224.fb_in1k" in ran.stdout + ran.stderr
