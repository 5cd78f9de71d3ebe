"""`tsrep info`: what a saved model is, and damage to its files."""

from tsrep import __version__


def test_info_tells_what_a_model_is(shell, model):
    shown = shell("info", model)
    assert "TS2Vec" in shown
    assert "n_components 4" in shown
    assert f"tsrep {__version__}" in shown
    assert "checksum" in shown and "is right" in shown


def test_info_finds_a_damaged_model(shell, model, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in model.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    content = bytearray((damaged / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (damaged / "model.safetensors").write_bytes(content)
    assert "is damaged" in shell("info", damaged, code=1)
