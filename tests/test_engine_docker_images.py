from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.engine import docker_images

MOMENT = datetime(2026, 11, 20, 12, 0, 1, tzinfo=UTC)


def image(*layers: str, **more):
    return {"RootFS": {"Layers": list(layers)}, "Size": 100, **more}


def test_a_layer_is_another_on_another_ground():
    one = docker_images.layer_sizes(image("a", "b"), [{"Size": 2}, {"Size": 0}, {"Size": 1}])
    two = docker_images.layer_sizes(image("c", "b"), [{"Size": 2}, {"Size": 1}])
    assert list(one.values()) == [1, 2]
    assert not one.keys() & two.keys()
    assert docker_images.layer_sizes(image("a", "z"), [{"Size": 9}, {"Size": 1}]).keys() & one.keys()


def test_bytes_that_cant_be_told_apart_are_not_lost():
    assert sum(docker_images.layer_sizes(image("a", "b"), [{"Size": 9}]).values()) == 100


def test_an_image_was_last_used_when_it_was_last_tagged_else_when_it_was_made():
    tagged = image(Metadata={"LastTagTime": "2026-11-20T12:00:01.123456789Z"}, Created="2020-01-01T00:00:00Z")
    never = image(Metadata={"LastTagTime": "0001-01-01T00:00:00Z"}, Created="2026-11-20T12:00:01.5Z")
    assert docker_images.last_used(tagged) == MOMENT.replace(microsecond=123456)
    assert docker_images.last_used(never) == MOMENT.replace(microsecond=500000)
    elsewhere = image(Metadata={"LastTagTime": "2026-11-20T14:00:01+02:00"})
    assert docker_images.last_used(elsewhere) == MOMENT
