"""Evaluation: numbers by hand, kill and resume, several processes, shared features."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from simsam.cli import main
from simsam.data import load_cutouts, version
from simsam.data.datasets import open_dataset
from simsam.features import extract
from simsam.measuring import metrics
from simsam.measuring.comparisons import compare
from simsam.measuring.rows import measures, soft, unpack
from simsam.measuring.run import evaluate, run_recipes
from simsam.pipeline.recipes import RECIPES, get_recipe
from simsam.pipeline.stages import segment
from simsam.scale.batches import grid_batches
from simsam.scale.cache import extract_kinds
from simsam.scale.journal import Journal, keep_journal
from simsam.weights.sources import FOCUS_SHA256

SMALL = get_recipe("simsam", size=112)
ENOUGH = 900  # seconds a subprocess may take on a busy machine
SECONDS = ("seconds_per_image", "seconds_forward_per_image")


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """Photos of scikit-image with ellipses for masks: three of one shape, one turned, one square."""
    from skimage import data

    root = tmp_path_factory.mktemp("photos")
    (root / "images").mkdir()
    (root / "masks").mkdir()
    photos = {name: getattr(data, name)() for name in ("astronaut", "cat", "coffee", "rocket")}
    photos["mirror"] = photos["cat"][:, ::-1]
    shapes = {"astronaut": (120, 120), "rocket": (130, 90)}
    for name, photo in photos.items():
        height, width = shapes.get(name, (90, 130))
        Image.fromarray(photo).resize((width, height)).save(root / "images" / f"{name}.jpg")
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        mask = (x**2 + y**2 < 0.5).astype(np.uint8) * 255
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
    return root


@pytest.fixture
def dataset(root):
    return open_dataset("folder", root)


@pytest.fixture(scope="session")
def result(root, backbone):
    return evaluate(open_dataset("folder", root), SMALL, backbone)


@pytest.fixture
def forwards(backbone, monkeypatch):
    """How many images each forward pass saw, of `backbone` or of one that a command loaded for itself."""
    seen, model = [], type(backbone.model)
    real = model.forward_intermediates
    watched = lambda self, x, **how: seen.append(len(x)) or real(self, x, **how)  # noqa: E731
    monkeypatch.setattr(model, "forward_intermediates", watched)
    return seen


def steady(result):
    """All but the seconds."""
    return {key: value for key, value in result.items() if key not in SECONDS}


def command(root, file, *more):
    options = ["--root", str(root), "--set", "size=112", "--device", "cpu", "--json", str(file), *more]
    return ["evaluate", "folder", *options]


def spoil(root, tmp_path, name="cat"):
    """A copy of the data set in which one image is cut short."""
    copy = tmp_path / "spoilt"
    for path in sorted(root.rglob("*.*")):
        there = copy / path.relative_to(root)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(path.read_bytes()[: 300 if path.name == f"{name}.jpg" else None])
    return copy


# --- the numbers ------------------------------------------------------------------------------------------


def test_result_is_what_segment_and_sets_of_pixels_give(result, dataset, backbone):
    ious, accuracies = {}, []
    for sample in dataset:
        mask, truth = segment(sample.load_image(), SMALL, backbone).mask, sample.truth
        a, b = ({(i, j) for i, j in np.argwhere(m).tolist()} for m in (mask, truth))
        ious[sample.id] = len(a & b) / len(a | b)
        accuracies.append(1 - len(a ^ b) / truth.size)
    assert result["per_image"] == pytest.approx(ious)
    assert result["miou"] == pytest.approx(sum(ious.values()) / 5)
    assert result["accuracy"] == pytest.approx(sum(accuracies) / 5)
    low, high = result["miou_interval"]
    assert min(ious.values()) <= low < result["miou"] < high <= max(ious.values())


def test_result_says_where_it_comes_from(result, backbone):
    keys = ("dataset", "task", "recipe", "changed", "backbone", "labels", "sha256", "device", "images")
    assert {key: result[key] for key in keys} == {
        "dataset": "folder",
        "task": "object",
        "recipe": "simsam",
        "changed": {"size": 112},
        "backbone": "focus_vits14",
        "labels": "masks, very likely",
        "sha256": FOCUS_SHA256,
        "device": "cpu",
        "images": 5,
    }
    assert result["weights"] == backbone.source
    assert result["version"] == version.code_version()
    assert result["settings"]["kappa"] == SMALL.kappa
    assert result["failed"] == {}
    assert 0 < result["seconds_forward_per_image"] < result["seconds_per_image"]
    assert result["truths"].keys() == result["per_image"].keys()
    assert len(set(result["truths"].values())) == 3  # "mirror", "cat" and "coffee" have one ellipse
    assert json.loads(json.dumps(result)) == result


def test_what_is_transparent_is_no_object_here_either(tmp_path, backbone):
    """A mask that is measured is the one that `segment` gives."""
    image = load_cutouts()[0].image
    rows = np.flatnonzero(segment(image, SMALL, backbone).mask.any(1))
    opacity = np.full(image.shape[:2], 255, np.uint8)
    opacity[: rows.mean().astype(int)] = 127
    for kind, pixels in (("images", np.dstack([image, opacity])), ("masks", opacity)):
        (tmp_path / kind).mkdir()
        Image.fromarray(pixels).save(tmp_path / kind / "1.png")
    (sample,) = dataset = open_dataset("folder", tmp_path)
    mask = segment(sample.path, SMALL, backbone).mask
    assert mask.any()
    assert not mask[opacity < 128].any()
    assert evaluate(dataset, SMALL, backbone)["per_image"] == {"1": metrics.iou(mask, sample.truth)}
    cut, layer = open_dataset("folder", tmp_path, crop=True)[0].load_layers()
    assert cut.shape == (*layer.shape, 3) == (min(image.shape[:2]), min(image.shape[:2]), 3)


def test_two_runs_agree(result, dataset, backbone):
    assert steady(evaluate(dataset, SMALL, backbone)) == steady(result)


def test_void_pixels_count_nowhere():
    """What is there makes no difference, and neither does it count as background that was found."""
    rng = np.random.default_rng(0)
    score = rng.normal(size=(8, 9)).astype(np.float32)
    truth, void = rng.random((8, 9)) > 0.6, np.zeros((8, 9), bool)
    score[0, 0] = 9  # the scale of the F curve's levels
    void[:, 5:] = True
    box = np.array([[0, 0, 8, 9]])
    found = measures(SimpleNamespace(mask=score > 0, score=score), truth, box, void)
    other = np.where(void, -score, score)
    again = measures(SimpleNamespace(mask=other > 0, score=other), truth ^ void, box, void)
    for key in ("iou", "accuracy", "f"):
        assert found[key] == again[key]
    mask, true = (score > 0)[:, :5], truth[:, :5]
    assert found["iou"] == (mask & true).sum() / (mask | true).sum()
    assert found["accuracy"] == (mask == true).mean()
    cut = measures(SimpleNamespace(mask=mask, score=score[:, :5]), true, box)
    assert found["f"] == cut["f"]


def test_measures_by_hand():
    truth = np.zeros((4, 6), bool)
    truth[:, :3] = True  # 12 pixels
    score = np.full((4, 6), -1.0)
    score[:2, :] = 1.0  # 12 pixels, 6 of them hits
    found = measures(SimpleNamespace(mask=score > 0, score=score), truth, None)
    assert found["iou"] == pytest.approx(6 / 18)
    assert found["accuracy"] == pytest.approx(12 / 24)
    # precision and recall are 1/2 at every level but those that take all: F is 1/2 as well
    assert unpack(found["f"]).shape == (255,)
    assert unpack(found["f"]).max() == pytest.approx(0.5)
    assert found["localised"] is False  # boxes 2 x 6 and 4 x 3 share 6 of 18
    assert measures(SimpleNamespace(mask=score > 0, score=score), truth, np.array([[0, 0, 2, 5]]))[
        "localised"
    ]
    assert measures(SimpleNamespace(mask=score > 0, score=score), truth & False, None)["localised"] is None


def test_soft_keeps_the_order_and_the_mask():
    score = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    levels = soft(score)
    assert levels.min() >= 0
    assert levels.max() <= 1
    assert np.array_equal(levels > 0.5, score > 0)
    assert np.array_equal(np.argsort(levels, axis=None), np.argsort(score, axis=None))
    assert np.all(soft(np.zeros((2, 2), np.float32)) == 0.5)


def test_boxes_of_the_data_set_come_first(backbone):
    found = evaluate(open_dataset("cutouts", limit=2), SMALL, backbone)
    assert found["corloc"] in (0, 0.5, 1)


# --- features once ----------------------------------------------------------------------------------------


def test_kinds_of_one_forward_are_those_of_extract(cat, backbone, forwards):
    kinds = [("keys", -1), ("output", 11), ("output", 5), ("values", 5), ("queries", -12)]
    found, seconds = extract_kinds([cat, cat], backbone, kinds, 112)
    assert forwards == [2]
    assert seconds > 0
    for kind in kinds:
        alone = extract([cat, cat], backbone, *kind, 112)
        for name in ("tokens", "cls", "attention"):
            assert getattr(found[kind], name).equal(getattr(alone, name)), (kind, name)
        assert (found[kind].kind, found[kind].block, found[kind].geometry) == (*kind, alone.geometry)


def test_recipes_share_the_forward(dataset, backbone, forwards):
    recipes = [SMALL, replace(RECIPES["dsm"], size=112), replace(SMALL, block=9), replace(SMALL, size=56)]
    together = run_recipes(dataset, recipes, backbone)
    assert sum(forwards) == 2 * len(dataset)  # two sizes
    for recipe, found in zip(recipes, together, strict=True):
        assert steady(found) == steady(evaluate(dataset, recipe, backbone))
    assert [r["recipe"] for r in together] == ["simsam", "dsm", "simsam", "simsam"]


def test_cached_features_give_the_same_result(result, dataset, backbone, forwards, tmp_path):
    fresh = evaluate(dataset, SMALL, backbone, cache=tmp_path)
    assert steady(fresh) == steady(result)
    assert forwards == [1] * 5
    again = evaluate(dataset, SMALL, backbone, cache=tmp_path)
    assert steady(again) == steady(result)
    assert again["seconds_forward_per_image"] == fresh["seconds_forward_per_image"]
    assert len(forwards) == 5
    next(tmp_path.rglob("*.safetensors")).write_bytes(b"cut short")
    assert steady(evaluate(dataset, SMALL, backbone, cache=tmp_path)) == steady(result)
    evaluate(dataset, replace(SMALL, block=9), backbone, cache=tmp_path)
    assert len(forwards) == 5 + 1 + 5


def test_batches_are_of_one_grid_and_largest_first(dataset, backbone):
    batches = grid_batches(dataset, backbone.patch, 112, 2)
    assert [[dataset[i].id for i in batch] for batch in batches] == [
        ["astronaut"], ["cat", "coffee"], ["mirror"], ["rocket"],
    ]  # fmt: skip


def test_batches_change_next_to_nothing(result, dataset, backbone, forwards):
    found = evaluate(dataset, SMALL, backbone, batch=4)
    assert sorted(forwards) == [1, 1, 3]
    assert found["per_image"] == pytest.approx(result["per_image"], abs=0.01)
    assert list(found["per_image"]) == list(result["per_image"])


# --- what can go wrong ------------------------------------------------------------------------------------


def test_a_bad_image_is_left_out_and_told(result, root, tmp_path, capsys):
    file = tmp_path / "a.json"
    assert main(command(spoil(root, tmp_path), file)) == 2
    told = capsys.readouterr()
    assert "cat was left out: " in told.err
    assert "mean IoU" in told.out
    found = json.loads(file.read_text())
    assert found["images"] == 4
    assert list(found["failed"]) == ["cat"]
    assert "cat.jpg" in found["failed"]["cat"]
    assert found["per_image"] == {k: v for k, v in result["per_image"].items() if k != "cat"}


def test_no_image_at_all(root, tmp_path, capsys):
    copy = spoil(root, tmp_path)
    for path in (copy / "images").iterdir():
        path.write_bytes(b"no image")
    assert main(command(copy, tmp_path / "a.json")) == 2
    assert "none of 5 images" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["spoilt"]


def test_an_error_of_the_recipe_stops_at_the_first_image(dataset, backbone, refused, forwards):
    with refused("needs 20 tokens"):
        evaluate(dataset, replace(SMALL, size=56, color="knn", color_weight=1.0), backbone)
    assert forwards == [1]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--recipe", "simsan"], "did you mean 'simsam'"),
        (["--set", "kapa=1"], "did you mean 'kappa'"),
        (["--device", "gpu"], "unknown device"),
        (["--limit", "0"], "limit 0"),
        (["--batch", "0"], "--batch 0"),
        (["--processes", "0"], "0 processes"),
        (["--task", "boxes"], "unknown task"),
        (["--root", "nowhere"], "there is no folder nowhere"),
        (["--json", "/proc/nothing/a.json"], "cannot write"),
    ],
)
def test_bad_options_exit_with_one_sentence(root, tmp_path, capsys, options, part):
    assert main(command(root, tmp_path / "a.json", *options)) == 2
    told = capsys.readouterr().err
    assert told.startswith("simsam: ")
    assert part in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_unknown_data_set(capsys):
    assert main(["evaluate", "ecsd"]) == 2
    assert "did you mean 'ecssd'" in capsys.readouterr().err


def test_the_semantic_task_is_not_measured_here(root, backbone, refused):
    with refused("semantic", "expected the object task"):
        evaluate(open_dataset("cutouts", task="semantic"), SMALL, backbone)


# --- killed, and gone on ----------------------------------------------------------------------------------


def test_a_killed_run_goes_on_where_it_was(result, root, backbone, forwards, tmp_path, capsys):
    file = tmp_path / "out" / "a.json"
    journal = file.with_name("a.json.partial.jsonl")
    process = subprocess.Popen(
        [sys.executable, "-m", "simsam", *command(root, file)], stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + ENOUGH
    while not journal.exists() or journal.read_bytes().count(b"\n") < 3:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not file.exists()
    done = journal.read_bytes().count(b"\n") - 1
    assert 2 <= done < 5
    with journal.open("ab") as stream:
        stream.write(b'{"recipe": 0, "id": "coff')  # a line that the kill cut short

    assert main([*command(root, file), "--recipe", "dsm"]) == 2
    assert "part of another run (simsam (size=112) on 5 images of folder" in capsys.readouterr().err
    assert main(command(root, file)) == 0
    assert len(forwards) == 5 - done
    assert steady(json.loads(file.read_text())) == steady(result)
    assert list(json.loads(file.read_text())) == list(result)
    assert [path.name for path in file.parent.iterdir()] == ["a.json"]


def test_a_batch_that_was_cut_is_done_again(dataset, backbone, forwards, tmp_path, monkeypatch):
    whole = evaluate(dataset, SMALL, backbone, batch=3)
    forwards.clear()
    add = Journal.add

    def die(self, row):
        if row["id"] == "mirror":
            raise KeyboardInterrupt
        add(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", die)
        with pytest.raises(KeyboardInterrupt):
            evaluate(dataset, SMALL, backbone, batch=3, file=tmp_path / "a.json")
    assert forwards == [1, 3]
    assert steady(evaluate(dataset, SMALL, backbone, batch=3, file=tmp_path / "a.json")) == steady(whole)
    assert forwards == [1, 3, 3, 1]


def test_several_recipes_in_one_file(dataset, backbone, tmp_path):
    found = run_recipes(dataset[:2], [SMALL, replace(SMALL, kappa=0.0)], backbone, file=tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == found
    assert found[1]["changed"] == {"size": 112, "kappa": 0.0}


def test_journal_reads_what_other_processes_left(tmp_path, refused):
    file = tmp_path / "a.json"

    def die():
        with keep_journal(file, "a run", {"seed": 1}) as journal:
            journal.add({"id": "x"})
            raise KeyError

    with pytest.raises(KeyError):
        die()
    mine = tmp_path / "a.json.partial.jsonl"
    header = mine.read_text().splitlines()[0]
    (tmp_path / "a.json.partial.7.jsonl").write_text(header + '\n{"id": "y"}\n{"id":')
    (tmp_path / "b.json.partial.jsonl").write_text("another file's")
    with refused("another run (a run; this one is a run)", "with another seed"):
        Journal(file, "a run", {"seed": 2})
    with keep_journal(file, "a run", {"seed": 1}) as journal:
        assert journal.rows() == [{"id": "y"}, {"id": "x"}]
    assert [path.name for path in tmp_path.iterdir()] == ["b.json.partial.jsonl"]
    mine.write_text(header + "\nnonsense\n{}\n")
    with refused("damaged"), keep_journal(file, "a run", {"seed": 1}):
        pass


def test_a_process_without_a_result_leaves_those_of_others(tmp_path):
    other = tmp_path / "a.json.partial.7.jsonl"

    def die():
        with keep_journal(tmp_path / "a.json", "a run", {"seed": 1}):
            other.write_text('{"run": "a run"}\n{"id": "y"}\n')  # meanwhile, another process
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert list(tmp_path.iterdir()) == [other]


# --- several processes ------------------------------------------------------------------------------------


@pytest.fixture
def free(monkeypatch):
    """What `launch` sets for its children goes back after the test."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.mark.slow
def test_two_processes_of_torchrun_give_the_result_of_one(result, root, tmp_path):
    file = tmp_path / "a.json"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    run = subprocess.run(
        [*torchrun, "simsam", *command(root, file)], capture_output=True, text=True, timeout=ENOUGH
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("mean IoU") == 1
    assert steady(json.loads(file.read_text())) == steady(result)
    assert list(json.loads(file.read_text())["per_image"]) == list(result["per_image"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.slow
@pytest.mark.usefixtures("free")
def test_two_processes_of_its_own_and_a_bad_image(result, root, tmp_path, capfd):
    file = tmp_path / "a.json"
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main([*command(spoil(root, tmp_path), file), "--processes", "2"]) == 2
    told = capfd.readouterr()
    assert told.out.count("mean IoU") == 1
    assert told.err.count("cat was left out") == 1
    found = json.loads(file.read_text())
    assert list(found["failed"]) == ["cat"]
    assert found["per_image"] == {k: v for k, v in result["per_image"].items() if k != "cat"}
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


@pytest.mark.slow
@pytest.mark.usefixtures("free")
def test_processes_hand_back_what_went_wrong(root, tmp_path, capfd):
    assert main([*command(root, tmp_path / "a.json", "--recipe", "simsan"), "--processes", "2"]) == 2
    assert re.fullmatch(r"simsam: unknown recipe .*\n", capfd.readouterr().err)


def test_processes_within_processes(root, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "here")
    assert main(command(root, tmp_path / "a.json", "--processes", "2")) == 2
    assert "torchrun has started processes" in capsys.readouterr().err


# --- the semantic task ---------------------------------------------------------------------------------


def test_the_semantic_task_on_the_command_line(tmp_path, capsys):
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    options = ["--task", "semantic", "--limit", "6", "--set", "size=112", "--classes", "3", "--device", "cpu"]
    for file, recipe in zip(files, ([], ["--recipe", "tokens"]), strict=True):
        assert main(["evaluate", "cutouts", *options, *recipe, "--json", str(file)]) == 0
    a, b = (json.loads(file.read_text()) for file in files)
    assert (a["recipe"], b["recipe"], a["task"]) == ("objects", "tokens", "semantic")
    assert f"mean IoU          {100 * a['miou']:6.2f} %" in capsys.readouterr().out
    assert main(["compare", *map(str, files)]) == 0
    assert "A - B" in capsys.readouterr().out
    found = compare(a, b)
    assert found["difference"] == pytest.approx(a["miou"] - b["miou"])
    assert found["largest"][0]["id"] in a["per_image"]
    with_void = a | {"per_image": a["per_image"] | {found["largest"][0]["id"]: None}}
    assert compare(with_void, b)["largest"][0]["id"] != found["largest"][0]["id"]


def test_each_set_has_its_own_semantic_recipe(tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr("simsam.cli.evaluate.load_backbone", lambda *_: None)

    def watched(dataset, recipe, backbone, **options):
        asked.append((dataset.name, recipe.name))
        about = {
            "dataset": dataset.name,
            "recipe": recipe.name,
            "changed": {},
            "backbone": "b",
            "labels": "none",
        }
        about |= {"weights": "made", "version": "0", "device": "cpu", "images": 1, "failed": {}}
        return about | {"miou": 0.5, "miou_interval": [0, 1], "seconds_per_image": 1.0}

    monkeypatch.setattr("simsam.cli.evaluate.evaluate_semantic", watched)
    for name, folders in (
        ("camvid", ("val", "valannot")),
        ("voc2012", ("images", "masks")),
        ("folder", ("images", "masks")),
    ):
        for folder in folders:
            (tmp_path / name / folder).mkdir(parents=True)
            Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / name / folder / "1.png")
        assert main(["evaluate", name, "--root", str(tmp_path / name), "--task", "semantic"]) == 0
        recipe = "scenes" if name == "camvid" else "objects"
        assert f"{recipe} (the set's default) on 1 images of {name}" in capsys.readouterr().out
    command = ["evaluate", "camvid", "--root", str(tmp_path / "camvid"), "--task", "semantic"]
    assert main([*command, "--recipe", "objects"]) == 0
    assert "objects on 1 images of camvid" in capsys.readouterr().out
    assert main(["evaluate", "cutouts", "--task", "semantic"]) == 0
    expected = [("camvid", "scenes"), ("voc2012", "objects"), ("folder", "objects")]
    assert asked == [*expected, ("camvid", "objects"), ("cutouts", "objects")]


# --- the version ------------------------------------------------------------------------------------------


def test_code_version(tmp_path, monkeypatch):
    assert re.fullmatch(r"\d+\.\d+\.\d+(\+[0-9a-f]{12}(\.modified)?)?", version.code_version())
    monkeypatch.setattr(version, "FOLDER", tmp_path)
    assert version.code_version.__wrapped__() == version.__version__
