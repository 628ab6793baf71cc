"""Settings and memory of the pipeline in the page: nothing is kept that a setting has changed."""

from __future__ import annotations

import pytest

SMALL = """
    const M = SIMSAM_PLAYGROUND.modules;
    const draws = M.random.uniform(48 * 12, new M.random.Generator(3));
    const tokens = M.linalg.matrix(48, 12, draws.map((u, i) => u + (i % 12 < 4 && i % 96 < 60 ? 1 : 0)));
    const keys = M.linalg.matrix(48, 12, draws.map((u, i) => Math.sin(9 * u + (i < 240 ? 0 : 1))));
    const attention = Float32Array.from({ length: 48 }, (_, i) => draws[i] + (i % 8 < 5 ? 0 : 1));
    const truth = new Uint8Array(24 * 30).fill(1, 100, 400);
    const photo = { grid: [6, 8], shape: [24, 30], tokens: { output: tokens, keys }, attention, truth };
    const listed = (_, x) => ArrayBuffer.isView(x) ? [...x] : x;
    const told = ({ milliseconds, ...result }) => JSON.stringify(result, listed);
"""
# changes of one setting each, around a run by SGD and the second eigenvector, and one by the vote
FIEDLER = {"head": "sgd", "epochs": 3, "readout": "fiedler", "k": 4, "lr": 0.5}
CHANGES = [
    {"tokens": "keys"},
    {"head": "none"},
    {"head": "untrained"},
    {"head": "closed_form"},
    {"projector": 2},
    {"projector_nonlinear": False},
    {"predictor": 0},
    {"predictor_nonlinear": True},
    {"epochs": 2},
    {"batch": 9},
    {"lr": 0.1},
    {"stop_gradient": False},
    {"view_scale": 0.5},
    {"view_degrees": 90},
    {"view_shear": 1},
    {"view_shift": 0.7},
    {"graph": "binary"},
    {"graph": "cosine"},
    {"offset": "none"},
    {"kappa": 2},
    {"kappa": 0},
    {"semantic_unit": False},
    {"semantic_offset": "none"},
    {"semantic": "constant"},
    {"floor": 0.1},
    {"laplacian": "unnormalized"},
    {"laplacian": "affinity"},
    {"k": 3},
    {"threshold": "otsu"},
    {"sign": "minority"},
    {"sign": "attention"},
    {"component": True},
    {"centroid": 0},
    {"margin": -0.5},
    {"upsample": "nearest"},
    {"seed": 8},
]
# in each pair the first changes what the second acts on
PAIRS = [
    ({"head": "closed_form"}, {"pairs": 3}),
    ({"head": "closed_form"}, {"ridge": 10}),
    ({"graph": "binary"}, {"tau": 0.99}),
    ({"readout": "vote", "k": 7, "head": "none"}, {"seed": 8}),
    ({"readout": "vote", "k": 7}, {"clusters": [2, 6]}),
    ({"readout": "vote", "k": 7}, {"border_ratio": 1.2}),
    ({"readout": "vote", "k": 7}, {"cluster_on": "tokens"}),
]


def test_what_is_remembered_depends_on_every_setting(page) -> None:
    cases = [[FIEDLER, change] for change in CHANGES]
    cases += [[FIEDLER | first, second] for first, second in PAIRS]
    changed = page.evaluate(
        f"""(cases) => {{ {SMALL}
            const warm = M.pipeline.createPipeline();
            const run = (pipeline, settings) => told(pipeline.run(photo, settings, {{ graphs: true }}));
            return cases.map(([base, change]) => {{
                const before = run(warm, base), after = run(warm, {{ ...base, ...change }});
                const fresh = run(M.pipeline.createPipeline(), {{ ...base, ...change }});
                return [after === fresh, after !== before];
            }});
        }}""",
        cases,
    )
    names = [str(change) for _, change in cases]
    assert [name for name, (same, _) in zip(names, changed, strict=True) if not same] == []
    # were a change without effect here, the first check would say nothing of it
    idle = [name for name, (_, moved) in zip(names, changed, strict=True) if not moved]
    assert idle == []


def test_every_setting_was_tried(page) -> None:
    known = page.evaluate("Object.keys(SIMSAM_PLAYGROUND.modules.generated.FIELDS)")
    tried = {name for change in CHANGES for name in change}
    tried |= {name for _, second in PAIRS for name in second}
    assert tried | {"readout"} == set(known)


def test_a_moved_kappa_trains_no_head(page) -> None:
    spent = page.evaluate(
        f"""() => {{ {SMALL}
            const pipeline = M.pipeline.createPipeline();
            return [0.25, 0.5, 0.5].map((kappa) => pipeline.run(photo, {{ kappa }}).milliseconds);
        }}"""
    )
    first, moved, again = spent
    assert first["head"] > 0
    assert moved["head"] == 0
    assert moved["eigenvectors"] > 0
    assert set(again.values()) == {0}


def test_results_cannot_spoil_what_is_remembered(page) -> None:
    assert page.evaluate(
        f"""() => {{ {SMALL}
            const pipeline = M.pipeline.createPipeline();
            const result = pipeline.run(photo), before = told(result);
            Object.values(result).filter(ArrayBuffer.isView).forEach((array) => array.fill(7));
            return told(pipeline.run(photo)) === before;
        }}"""
    )


def test_an_empty_and_a_full_graph_are_told(page) -> None:
    notes = page.evaluate(
        f"""() => {{ {SMALL}
            const run = (settings) => M.pipeline.createPipeline().run(photo, settings).notes;
            const full = {{ graph: "binary", tau: -1 }}, empty = {{ graph: "binary", tau: 0.99, floor: 0 }};
            return [full, empty, {{}}].map(run);
        }}"""
    )
    assert "Every pair" in notes[0][0]
    assert "several pieces" in notes[1][0]
    assert notes[2] == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kapa": 1}, 'Unknown setting "kapa". Known: tokens, '),
        ({"kappa": -1}, "kappa=-1: give a number of 0 or more."),
        ({"kappa": "1"}, 'kappa="1": give a number of 0 or more.'),
        ({"epochs": 2.5}, "epochs=2.5: give a whole number of 0 or more."),
        ({"batch": 0}, "batch=0: give a whole number of 1 or more."),
        ({"head": "best"}, 'head="best": give none, sgd, closed_form, untrained.'),
        ({"stop_gradient": 1}, "stop_gradient=1: give true or false."),
        ({"margin": 2}, "margin=2: give a number from -1 to 1."),
        ({"clusters": []}, "clusters=[]: give one number or several, each from 2 to 64."),
        ({"clusters": [3, 1]}, "clusters=[3,1]: give one number or several, each from 2 to 64."),
        ({"k": 4}, "k=4 eigenvectors are too few for a vote over 3, 4, 5, 6 clusters."),
        ({"offset": "most"}, 'offset "most": give none, mean, max/3 or quantile:q with q from 0 to 1.'),
        ({"tokens": "keys"}, 'This photo has no tokens of the kind "keys": choose another.'),
    ],
    ids=str,
)
def test_a_wrong_setting_is_told_in_a_sentence(page, settings: dict[str, object], told: str) -> None:
    message = page.evaluate(
        f"""(settings) => {{ {SMALL}
            photo.tokens.keys = null;
            try {{ M.pipeline.createPipeline().run(photo, settings); }}
            catch (error) {{ return error.message; }}
        }}""",
        settings,
    )
    assert message.startswith(told), message
