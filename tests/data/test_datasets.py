"""Every reader on a miniature tree in the set's own layout, its errors, and the real sets where they are."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from simsam.data.datasets import DATASETS, open_dataset
from simsam.data.masks import VOID
from simsam.data.samples import natural
from simsam.errors import SimsamError

H, W = 6, 10


def write_image(path, shape=(H, W), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, size=(*shape, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write_mask(path, values, mode="L"):
    """A mask file of `values`: an array (H, W), or one number for all pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.broadcast_to(np.asarray(values, np.uint8), (H, W)).copy())
    if mode == "P":
        image.putpalette([(37 * i) % 256 for i in range(768)])
    (image.convert(mode) if mode in ("1", "RGB", "LA") else image).save(path)


def half(value=255):
    """Left half `value`, right half 0."""
    values = np.zeros((H, W), np.uint8)
    values[:, : W // 2] = value
    return values


def pair(root, images="images", masks="masks", ids=("1", "2", "10"), suffix=".jpg", values=None):
    for seed, name in enumerate(ids):
        write_image(root / images / f"{name}{suffix}", seed=seed)
        write_mask(root / masks / f"{name}.png", half() if values is None else values)


def check(dataset, ids):
    """The dataset has these ids, and all that it promises of image, truth and boxes."""
    assert [sample.id for sample in dataset] == list(ids)
    for sample in pickle.loads(pickle.dumps(dataset)):
        image, truth, boxes = sample.load_image(), sample.truth, sample.boxes
        assert (image.dtype, image.ndim, image.shape[2]) == (np.uint8, 3, 3)
        assert image.shape[:2] == truth.shape
        if dataset.task == "object":
            assert truth.dtype == bool
        else:
            assert truth.dtype == np.uint8
            assert set(np.unique(truth)) <= {*range(len(dataset.classes)), VOID}
        assert sample.path.is_file()
        if boxes is not None:
            assert boxes.shape == (len(boxes), 4)
            assert (boxes >= 0).all()
            assert (boxes[:, 2:] <= truth.shape).all()


# --- the layouts ---


@pytest.mark.parametrize(
    ("name", "home", "images", "masks", "split"),
    [
        ("ecssd", "", "images", "ground_truth_mask", None),
        ("ecssd", "ECSSD", "images", "ground_truth_mask", None),
        ("duts", "DUTS-TE", "DUTS-TE-Image", "DUTS-TE-Mask", None),
        ("duts", "DUTS/DUTS-TE", "DUTS-TE-Image", "DUTS-TE-Mask", "test"),
        ("duts", "DUTS-TR", "DUTS-TR-Image", "DUTS-TR-Mask", "train"),
        ("dut-omron", "", "DUT-OMRON-image", "pixelwiseGT-new-PNG", None),
        ("dut-omron", "DUT-OMRON", "DUT-OMRON-image", "pixelwiseGT-new-PNG", None),
        *[
            (name, "", "images", "masks", None)
            for name in ("ecssd", "duts", "dut-omron", "cub", "voc2012", "folder")
        ],
    ],
)
def test_object_sets(tmp_path, name, home, images, masks, split):
    values = half(15 if name == "voc2012" else 255)
    pair(tmp_path / home, images, masks, values=values)
    dataset = open_dataset(name, tmp_path, split=split, crop=False)
    check(dataset, ["1", "2", "10"])
    assert dataset.classes == ("background", "object")
    np.testing.assert_array_equal(dataset[0].truth, half() > 0)
    assert dataset[0].boxes is None


def test_dut_omron_passes_over_the_four_images_without_truth(tmp_path):
    pair(tmp_path, "DUT-OMRON-image", "pixelwiseGT-new-PNG")
    write_image(tmp_path / "DUT-OMRON-image" / "img_561715398.jpg")
    check(open_dataset("dut-omron", tmp_path), ["1", "2", "10"])


@pytest.fixture
def cub(tmp_path):
    """Three birds, of which 2 and 10 are in the test split."""
    home = tmp_path / "CUB_200_2011"
    names = {"1": "001.Auk/Auk_7.jpg", "2": "001.Auk/Auk_8.jpg", "10": "002.Owl/Owl_9.jpg"}
    for key, name in names.items():
        write_image(home / "images" / name, seed=int(key))
        write_mask((tmp_path / "segmentations" / name).with_suffix(".png"), half(153))  # 3 of 5 annotators
    lines = {
        "images.txt": names,
        "train_test_split.txt": {"1": 1, "2": 0, "10": 0},
        "bounding_boxes.txt": dict.fromkeys(names, "1.0 2.0 5.0 3.0"),
    }
    for file, table in lines.items():
        (home / file).write_text("".join(f"{key} {value}\n" for key, value in table.items()))
    return tmp_path


def test_cub(cub):
    full = open_dataset("cub", cub, crop=False)
    check(full, ["2", "10"])
    assert full[0].path.name == "Auk_8.jpg"
    np.testing.assert_array_equal(full[0].truth, half() > 0)
    np.testing.assert_array_equal(full[0].boxes, [[2, 1, 5, 6]])  # x 1, y 2, width 5, height 3
    check(open_dataset("cub", cub / "CUB_200_2011", split="train"), ["1"])
    (cub / "segmentations").rename(cub / "CUB_200_2011" / "segmentations")
    check(open_dataset("cub", cub), ["2", "10"])


def test_cub_is_cropped_to_the_central_square(cub):
    full, square = open_dataset("cub", cub, crop=False)[0], open_dataset("cub", cub)[0]
    np.testing.assert_array_equal(square.load_image(), full.load_image()[:, 2:8])
    np.testing.assert_array_equal(square.truth, full.truth[:, 2:8])
    np.testing.assert_array_equal(square.boxes, [[2, 0, 5, 4]])


def test_crop_leaves_out_a_box_outside_it(cub):
    (cub / "CUB_200_2011" / "bounding_boxes.txt").write_text("1 0 0 1 1\n2 0 0 2 3\n10 8 0 2 3\n")
    assert [len(sample.boxes) for sample in open_dataset("cub", cub)] == [0, 0]
    check(open_dataset("cub", cub), ["2", "10"])


def test_cub_errors(cub):
    home = cub / "CUB_200_2011"
    (home / "images" / "002.Owl" / "Owl_9.jpg").unlink()
    with pytest.raises(SimsamError, match=r"Owl_9.jpg is missing, one of 1 that .*images.txt lists"):
        open_dataset("cub", cub)
    (home / "bounding_boxes.txt").write_text("1 2 3\n")
    with pytest.raises(SimsamError, match="expected 4 values"):
        open_dataset("cub", cub)
    (home / "bounding_boxes.txt").unlink()
    with pytest.raises(SimsamError, match=r"bounding_boxes\.txt: No such file"):
        open_dataset("cub", cub)
    (cub / "segmentations").rename(cub / "elsewhere")
    with pytest.raises(SimsamError, match="segmentations"):
        open_dataset("cub", cub)


ANNOTATION = """<annotation><size><width>10</width><height>6</height><depth>3</depth></size>
<object><name>dog</name><difficult>0</difficult>
  <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>6</ymax></bndbox></object>
<object><name>cat</name><difficult>1</difficult>
  <part><name>head</name><bndbox><xmin>7</xmin><ymin>1</ymin><xmax>7</xmax><ymax>1</ymax></bndbox></part>
  <bndbox><ymax>2</ymax><ymin>1</ymin><xmax>10.0</xmax><xmin>7</xmin></bndbox></object>
</annotation>"""


@pytest.fixture
def voc(tmp_path):
    """Two images in the val list, one outside it: a dog left, a void column, background right."""
    home = tmp_path / "VOCdevkit" / "VOC2012"
    values = half(12)
    values[:, W // 2] = VOID
    for name in ("2007_000033", "2007_000042", "2008_000001"):
        write_image(home / "JPEGImages" / f"{name}.jpg")
        write_mask(home / "SegmentationClass" / f"{name}.png", values, mode="P")
        (home / "Annotations").mkdir(exist_ok=True)
        (home / "Annotations" / f"{name}.xml").write_text(ANNOTATION)
    lists = home / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("2007_000042\n2007_000033\n\n")
    (lists / "train.txt").write_text("2008_000001\n")
    return tmp_path


@pytest.mark.parametrize("home", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_voc2012(voc, home):
    semantic = open_dataset("voc2012", voc / home, "semantic")
    check(semantic, ["2007_000033", "2007_000042"])
    assert len(semantic.classes) == 21
    truth = semantic[0].truth
    assert semantic.classes[truth[0, 0]] == "dog"
    assert (truth[0, W // 2], truth[0, -1]) == (VOID, 0)
    found = open_dataset("voc2012", voc / home)
    check(found, ["2007_000033", "2007_000042"])
    np.testing.assert_array_equal(found[0].truth, half() > 0)  # void is no object
    np.testing.assert_array_equal(np.unique(np.nonzero(found[0].void)[1]), [W // 2])  # and counts nowhere
    assert semantic[0].void is None
    np.testing.assert_array_equal(
        found[0].boxes, [[1, 0, 6, 5], [0, 6, 2, 10]]
    )  # from 1, inclusive; no parts
    check(open_dataset("voc2012", voc / home, split="train"), ["2008_000001"])


def test_an_image_that_is_void_all_over(voc):
    mask = voc / "VOCdevkit" / "VOC2012" / "SegmentationClass" / "2007_000033.png"
    write_mask(mask, np.full((H, W), VOID, np.uint8), mode="P")
    with pytest.raises(SimsamError, match=r"2007_000033.jpg is void all over"):
        _ = open_dataset("voc2012", voc)[0].void


def test_voc2012_errors(voc):
    home = voc / "VOCdevkit" / "VOC2012"
    with pytest.raises(SimsamError, match=r"cannot read .*trainval.txt"):
        open_dataset("voc2012", voc, split="trainval")
    (home / "Annotations" / "2007_000033.xml").write_text(
        "<annotation><object><bndbox/></object></annotation>"
    )
    with pytest.raises(SimsamError, match=r"cannot read the boxes of .*33.xml"):
        _ = open_dataset("voc2012", voc)[0].boxes
    (home / "SegmentationClass" / "2007_000033.png").unlink()
    with pytest.raises(SimsamError, match=r"33.png is missing, one of 1 that .*val.txt lists"):
        open_dataset("voc2012", voc)
    (home / "ImageSets" / "Segmentation" / "val.txt").write_text("\n")
    with pytest.raises(SimsamError, match="lists no image"):
        open_dataset("voc2012", voc)


@pytest.mark.parametrize(
    ("images", "masks", "split"),
    [("CamVid/val", "CamVid/valannot", None), ("test", "testannot", "test"), ("images", "masks", None)],
)
def test_camvid(tmp_path, images, masks, split):
    pair(tmp_path, images, masks, suffix=".png", values=half(11) + 3 * (half() == 0))
    dataset = open_dataset("camvid", tmp_path, "semantic", split=split)
    check(dataset, ["1", "2", "10"])
    assert len(dataset.classes) == 11
    truth = dataset[0].truth
    assert truth[0, 0] == VOID
    assert dataset.classes[truth[0, -1]] == "road"


def test_folder_of_label_maps(tmp_path):
    pair(tmp_path, values=half(2))
    dataset = open_dataset("folder", tmp_path, "semantic")
    check(dataset, ["1", "2", "10"])
    assert dataset.classes == ("class 0", "class 1", "class 2")
    (tmp_path / "classes.txt").write_text("wall\ndoor\nwindow\nfloor\n")
    assert open_dataset("folder", tmp_path, "semantic").classes == ("wall", "door", "window", "floor")
    (tmp_path / "classes.txt").write_text("wall\ndoor\n")
    with pytest.raises(SimsamError, match="holds 2: expected 0 to 1"):
        _ = open_dataset("folder", tmp_path, "semantic")[0].truth


@pytest.mark.parametrize("mask", ["{}_mask.png", "{}_mask.jpg", "{}.png"])
def test_folder_of_images_beside_masks(tmp_path, mask):
    for name in ("2", "10"):
        write_image(tmp_path / f"{name}.jpg")
        write_mask(tmp_path / mask.format(name), half())
    check(open_dataset("folder", tmp_path), ["2", "10"])
    write_image(tmp_path / "3.jpg")
    with pytest.raises(SimsamError, match=r"1 of 3 images have no mask in .*, first 3.jpg"):
        open_dataset("folder", tmp_path)


def test_a_picture_beside_the_folders_is_not_one_of_the_set(tmp_path):
    pair(tmp_path)
    write_image(tmp_path / "preview.jpg")
    check(open_dataset("folder", tmp_path), ["1", "2", "10"])


def test_a_bad_label_map_stops_no_other(tmp_path):
    pair(tmp_path, values=half(2))
    (tmp_path / "masks" / "2.png").write_bytes(b"not an image")
    dataset = open_dataset("folder", tmp_path, "semantic")
    assert dataset.classes == ("class 0", "class 1", "class 2")
    with pytest.raises(SimsamError, match=r"the mask .*2.png is not an image"):
        _ = dataset[1].truth
    for path in (tmp_path / "masks").iterdir():
        path.write_bytes(b"not an image")
    with pytest.raises(SimsamError, match=r"the mask .*1.png is not an image"):
        open_dataset("folder", tmp_path, "semantic")


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    def locked(path):
        raise PermissionError(13, "Permission denied", str(path))

    for method in ("is_dir", "iterdir"):
        with monkeypatch.context() as patch:
            patch.setattr(f"pathlib.Path.{method}", locked)
            with pytest.raises(SimsamError, match=r"cannot read .*Permission denied.*can be read"):
                open_dataset("folder", tmp_path)


@pytest.mark.parametrize("task", ["object", "semantic"])
def test_cutouts(task):
    dataset = open_dataset("cutouts", task=task)
    assert len(dataset) > 20
    check(dataset, sorted((sample.id for sample in dataset), key=natural))
    for sample in dataset[:5]:
        truth = sample.truth > 0
        for top, left, bottom, right in sample.boxes.astype(int):
            assert truth[top:bottom, left:right].any()
        outside = truth.copy()
        for top, left, bottom, right in sample.boxes.astype(int):
            outside[top:bottom, left:right] = False
        assert not outside.any()
    sample = dataset[0]
    sample.load_image()[:] = 0
    assert sample.load_image().any()  # nobody else sees a caller's change


# --- reading masks ---


@pytest.mark.parametrize(
    ("value", "mode"), [(255, "L"), (1, "L"), (128, "L"), (255, "1"), (3, "P"), (255, "RGB"), (255, "LA")]
)
def test_kinds_of_masks(tmp_path, value, mode):
    pair(tmp_path, ids=["1"])
    write_mask(tmp_path / "masks" / "1.png", half(value), mode)
    np.testing.assert_array_equal(open_dataset("folder", tmp_path)[0].truth, half() > 0)


def test_soft_edges_are_cut_at_half(tmp_path):
    pair(tmp_path, ids=["1"])
    values = half()
    values[0, :3] = [127, 128, 51]
    write_mask(tmp_path / "masks" / "1.png", values)
    truth = open_dataset("folder", tmp_path)[0].truth
    np.testing.assert_array_equal(truth[0, :4], [False, True, False, True])


def test_empty_mask_is_empty(tmp_path):
    pair(tmp_path, ids=["1"], values=0)
    assert not open_dataset("folder", tmp_path)[0].truth.any()


def test_bad_masks(tmp_path):
    pair(tmp_path, ids=["1"])
    mask = tmp_path / "masks" / "1.png"
    write_mask(mask, half(20))
    with pytest.raises(SimsamError, match="values up to 20: expected 0 and 255"):
        _ = open_dataset("folder", tmp_path)[0].truth
    Image.fromarray(np.zeros((W, H), np.uint8)).save(mask)
    with pytest.raises(SimsamError, match=r"is \(10, 6\) but its image \(6, 10\)"):
        _ = open_dataset("folder", tmp_path)[0].truth
    Image.fromarray(np.zeros((H, W), np.uint16)).save(mask)
    with pytest.raises(SimsamError, match="mode I;16: expected a black-and-white image"):
        _ = open_dataset("folder", tmp_path)[0].truth
    write_mask(mask, half(), mode="RGB")
    with pytest.raises(SimsamError, match="mode RGB: expected a gray or palette image of labels"):
        _ = open_dataset("voc2012", tmp_path, "semantic")[0].truth
    write_mask(mask, half(21))
    with pytest.raises(SimsamError, match="holds 21: expected 0 to 20, or 255 for void"):
        _ = open_dataset("voc2012", tmp_path, "semantic")[0].truth
    with pytest.raises(SimsamError, match="holds 21: expected 0 to 10, or 11 for void"):
        _ = open_dataset("camvid", tmp_path, "semantic")[0].truth
    mask.write_bytes(b"not an image")
    with pytest.raises(SimsamError, match=r"the mask .*1.png is not an image"):
        _ = open_dataset("folder", tmp_path)[0].truth


def test_masks_and_images_of_too_many_pixels(tmp_path, monkeypatch):
    pair(tmp_path, ids=["1"])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", H * W // 4)
    with pytest.raises(SimsamError, match=r"the mask .*1.png has too many pixels .* exceeds limit"):
        _ = open_dataset("folder", tmp_path)[0].truth
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", H * W)
    write_image(tmp_path / "images" / "1.jpg", (2 * H, 2 * W))
    with pytest.raises(SimsamError, match=r"images/1.jpg has too many pixels .* exceeds limit"):
        _ = open_dataset("folder", tmp_path)[0].truth


@pytest.mark.parametrize("orientation", [9, 77])
def test_an_orientation_that_there_is_not_turns_nothing(tmp_path, orientation):
    pair(tmp_path, ids=["1"])
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (W, H)).save(tmp_path / "images" / "1.jpg", exif=exif)
    check(open_dataset("folder", tmp_path), ["1"])


def test_an_image_on_its_side_has_its_mask_upright(tmp_path):
    (tmp_path / "images").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.fromarray(np.zeros((W, H, 3), np.uint8)).save(tmp_path / "images" / "1.jpg", exif=exif)
    write_mask(tmp_path / "masks" / "1.png", half())
    check(open_dataset("folder", tmp_path), ["1"])


# --- errors that help ---


@pytest.mark.parametrize("name", sorted(set(DATASETS) - {"cutouts"}))
def test_a_missing_set_says_what_was_expected_and_where_it_is(tmp_path, name):
    task = DATASETS[name].tasks[0]
    for root, what in ((tmp_path / "nowhere", "no folder"), (tmp_path, "does not hold"), (None, "no root")):
        with pytest.raises(SimsamError) as error:
            open_dataset(name, root, task)
        assert what in str(error.value)
        assert DATASETS[name].expected in str(error.value)
        assert DATASETS[name].url in str(error.value)
        assert "\n" not in str(error.value)


def test_a_split_is_never_read_from_a_layout_without_splits(tmp_path):
    pair(tmp_path, values=3)
    for name, split in (("camvid", "test"), ("voc2012", "train"), ("cub", "train"), ("duts", "train")):
        with pytest.raises(SimsamError, match=f"does not hold the split '{split}' of {name}"):
            open_dataset(name, tmp_path, DATASETS[name].tasks[-1], split=split)


def test_unknown_names():
    with pytest.raises(SimsamError, match="did you mean 'ecssd'"):
        open_dataset("ecsd", ".")
    with pytest.raises(SimsamError, match="did you mean 'semantic'"):
        open_dataset("voc2012", ".", "semantics")
    with pytest.raises(SimsamError, match=r"camvid has no object task, only semantic: .*ecssd"):
        open_dataset("camvid", ".")
    with pytest.raises(SimsamError, match=r"ecssd has no semantic task, only object: .*camvid"):
        open_dataset("ecssd", ".", "semantic")
    with pytest.raises(SimsamError, match="did you mean 'train'"):
        open_dataset("voc2012", ".", split="trian")
    with pytest.raises(SimsamError, match="ecssd has no splits"):
        open_dataset("ecssd", ".", split="test")


def test_images_and_masks_must_pair(tmp_path):
    pair(tmp_path)
    (tmp_path / "masks" / ".DS_Store").write_text("")
    (tmp_path / "masks" / "Thumbs.db").write_text("")
    check(open_dataset("ecssd", tmp_path), ["1", "2", "10"])
    write_image(tmp_path / "images" / "5.jpg")
    with pytest.raises(SimsamError, match=r"1 of 4 images have no mask in .*masks, first 5.jpg"):
        open_dataset("ecssd", tmp_path)
    (tmp_path / "images" / "5.jpg").unlink()
    (tmp_path / "images" / "2.jpg").unlink()
    with pytest.raises(SimsamError, match=r"1 of 3 masks have no image in .*images, first 2.png"):
        open_dataset("ecssd", tmp_path)
    write_image(tmp_path / "images" / "1.png")
    with pytest.raises(SimsamError, match=r"holds both 1.jpg and 1.png"):
        open_dataset("ecssd", tmp_path)


def test_empty_set(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(SimsamError, match="holds no image"):
        open_dataset("ecssd", tmp_path)


# --- which samples ---


def test_select_and_limit(tmp_path):
    pair(tmp_path, ids=[f"{i:04d}" for i in range(1, 20, 2)])

    def ids(**settings):
        return [int(sample.id) for sample in open_dataset("ecssd", tmp_path, **settings)]

    assert ids(select="1/4") == [1, 5, 9, 13, 17]
    assert ids(select="3/4") == [3, 7, 11, 15, 19]
    assert ids(limit=3) == [1, 3, 5]
    assert ids(select="3/4", limit=2) == [3, 7]
    assert ids(limit=99) == list(range(1, 20, 2))
    for select in ("4/4", "1", "a/b", "1/0", "-1/4", "1/4 "):
        with pytest.raises(SimsamError, match="expected 'R/M' with R < M"):
            ids(select=select)
    with pytest.raises(SimsamError, match="no image of 10 is left by select '0/2'"):
        ids(select="0/2")
    with pytest.raises(SimsamError, match="limit 0"):
        ids(limit=0)


def test_select_needs_numbers(voc):
    with pytest.raises(SimsamError, match="2007_000033"):
        open_dataset("voc2012", voc, select="1/2")


def test_dataset_is_a_sequence(tmp_path):
    pair(tmp_path)
    dataset = open_dataset("ecssd", tmp_path)
    assert len(dataset) == 3
    assert dataset[-1].id == "10"
    part = dataset[1:]
    assert (type(part), part.name, [sample.id for sample in part]) == (type(dataset), "ecssd", ["2", "10"])


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_natural_order_is_the_order_of_numbers(numbers):
    names = [f"img_{number}a" for number in numbers]
    assert sorted(names, key=natural) == [f"img_{number}a" for number in sorted(numbers)]


@given(st.lists(st.text("a1²٣_", max_size=4)))
def test_natural_order_takes_any_name(names):
    assert sorted(sorted(names, key=natural, reverse=True), key=natural) == sorted(names, key=natural)


# --- the real sets ---


def test_real_ecssd(shared_data):
    root = shared_data / "ecssd_dev"
    assert len(open_dataset("ecssd", root)) == 500
    tune, report = (open_dataset("ecssd", root, select=select) for select in ("1/4", "3/4"))
    assert (len(tune), len(report)) == (250, 250)
    check(report[:5], ["0003", "0007", "0011", "0015", "0019"])
    assert all(0 < sample.truth.mean() < 1 for sample in report[:20])


def test_real_camvid(shared_data):
    dataset = open_dataset("camvid", shared_data / "camvid_val", "semantic")
    assert len(dataset) == 101
    check(dataset[:3], [sample.id for sample in dataset[:3]])
    seen = np.unique(np.stack([sample.truth for sample in dataset[::20]]))
    np.testing.assert_array_equal(seen, [*range(11), VOID])


@pytest.mark.parametrize("task", ["object", "semantic"])
def test_real_voc2012(shared_data, task):
    dataset = open_dataset("voc2012", shared_data / "voc2012_sample", task)
    assert len(dataset) == 10
    check(dataset, sorted((sample.id for sample in dataset), key=natural))
    assert all((sample.truth > 0).any() for sample in dataset)
