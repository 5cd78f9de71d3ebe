"""Saved folders: what comes back, and what every kind of damage leads to."""

import json
import os
import stat
from contextlib import suppress

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsrep.train.checkpoint import ModelFileError, holds_model, read_folder, write_folder

TENSORS = {"model": {"weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(3)}, "training": {}}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "saved"
    write_folder(path, {"class": "Some", "n": 3}, TENSORS)
    return path


def test_what_was_written_comes_back(folder):
    config, tensors = read_folder(folder)
    assert config["class"] == "Some"
    assert config["n"] == 3
    assert torch.equal(tensors["model"]["weight"], TENSORS["model"]["weight"])
    assert tensors["model"]["count"] == 3
    assert tensors["training"] == {}
    assert {file.name for file in folder.parent.iterdir()} == {"saved"}  # nothing half-written stays behind


def test_tensors_that_share_memory_or_are_views_are_stored(tmp_path):
    base = torch.arange(6.0).reshape(2, 3)
    write_folder(tmp_path / "m", {}, {"model": {"a": base, "b": base.T}})
    assert torch.equal(read_folder(tmp_path / "m")[1]["model"]["b"], base.T)


def test_a_saved_model_is_replaced_and_nothing_else_is(folder, tmp_path):
    write_folder(folder, {"n": 4}, {"model": {}})
    assert read_folder(folder)[0]["n"] == 4
    assert not (folder / "training.safetensors").exists()
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("years")
    with pytest.raises(FileExistsError, match="thesis.tex"):
        write_folder(tmp_path / "work", {}, {})
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="notes.txt"):
        write_folder(folder, {}, {})
    with pytest.raises(FileExistsError, match="is a file"):
        write_folder(folder / "notes.txt", {}, {})
    assert (tmp_path / "work" / "thesis.tex").read_text() == "years"


def test_a_write_that_died_between_its_two_renames_leaves_the_old_model(folder):
    folder.rename(folder.with_name(".saved.previous"))
    assert holds_model(folder)
    assert read_folder(folder)[0]["n"] == 3


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_or_lost_byte_gives_one_kind_of_error_or_changes_nothing(folder, data):
    written = read_folder(folder)[0]
    file = folder / data.draw(st.sampled_from(["model.safetensors", "config.json"]))
    whole = file.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        damaged = whole[:place]
    else:
        damaged = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    file.write_bytes(damaged)
    try:
        if file.name == "model.safetensors":
            with pytest.raises(ModelFileError, match="damaged"):
                read_folder(folder)
        else:
            with suppress(ModelFileError):
                assert read_folder(folder)[0] == written
    finally:
        file.write_bytes(whole)


def test_a_changed_parameter_is_noticed_and_another_layout_is_not(tmp_path):
    path, parameters = (
        tmp_path / "m",
        {"rate": 1e-3, "limit": float("inf"), "name": "é", "sizes": {1: [2, None]}},
    )
    write_folder(path, {"parameters": parameters}, TENSORS)
    file = path / "config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(dict(reversed(config.items())), indent=4))
    assert read_folder(path)[0]["parameters"]["sizes"] == {"1": [2, None]}
    config["parameters"]["rate"] = 1e-2
    file.write_text(json.dumps(config))
    with pytest.raises(ModelFileError, match=r"config.json is damaged: its SHA-256"):
        read_folder(path)
    del config["sha256"]["config.json"]  # as folders of version 0.1 are
    file.write_text(json.dumps(config))
    assert read_folder(path)[0]["parameters"]["rate"] == 1e-2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "damaged"),
        ("[]", "not written by"),
        ('{"format": "other"}', "not written by"),
        ("[" * 100_000, "damaged"),
    ],
)
def test_foreign_and_empty_configs(folder, content, says):
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelFileError, match=says):
        read_folder(folder)


@pytest.mark.parametrize("name", ["../secret.safetensors", "nothing\0.safetensors"])
def test_a_config_names_files_of_its_folder_only(folder, name):
    config = json.loads((folder / "config.json").read_text())
    config["sha256"] = {name: "0"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFileError):
        read_folder(folder)


def test_missing_folders_and_files(folder, tmp_path):
    with pytest.raises(ModelFileError, match="not a saved model"):
        read_folder(tmp_path / "nowhere")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_folder(folder)


def test_the_folder_has_the_permissions_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_folder(tmp_path / "model", {}, {"model": {"x": torch.zeros(1)}})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "model" / "config.json").stat().st_mode) == 0o640
