from __future__ import annotations

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from orchestrator.errors import UserError
from orchestrator.lock import settings


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A host without any configuration."""
    monkeypatch.setattr(settings, "uv_files", lambda env: (tmp_path / "uv.toml",))
    monkeypatch.setattr(settings, "pip_files", lambda env: (tmp_path / "pip.conf",))
    return tmp_path


def test_without_settings_the_libraries_default_is_used(bare):
    assert settings.host_index({}) == PYPI_SIMPLE_ENDPOINT
    assert "UV_DEFAULT_INDEX" not in settings.uv_environment({})


@pytest.mark.parametrize(
    "environment",
    [
        {"UV_DEFAULT_INDEX": "https://a.example/simple", "PIP_INDEX_URL": "https://b.example/simple"},
        {"UV_DEFAULT_INDEX": "mine=https://a.example/simple/"},
        {"UV_INDEX_URL": "https://a.example/simple/"},
        {"PIP_INDEX_URL": "https://a.example/simple"},
    ],
)
def test_the_environment_names_the_index_uv_before_pip(bare, environment):
    assert settings.host_index(environment) == "https://a.example/simple/"


def test_configuration_files_count_uv_before_pip(bare):
    (bare / "pip.conf").write_text("[global]\nindex-url = https://pip.example/simple\n")
    assert settings.host_index({}) == "https://pip.example/simple/"
    (bare / "uv.toml").write_text('[[index]]\nurl = "https://uv.example/simple"\ndefault = true\n')
    assert settings.host_index({}) == "https://uv.example/simple/"


def test_uv_is_told_the_index_that_only_pip_knows(bare):
    assert settings.uv_environment({"PIP_INDEX_URL": "https://a.example/simple"})["UV_DEFAULT_INDEX"] == (
        "https://a.example/simple/"
    )


def test_uv_keeps_the_way_to_the_index_and_nothing_that_changes_an_answer(bare):
    kept = settings.uv_environment({
        "HOME": "/home/me", "https_proxy": "http://p:1", "PIP_CERT": "/ca.pem", "UV_PRERELEASE": "allow",
        "UV_EXCLUDE_NEWER": "2020-01-01", "UV_CONSTRAINT": "c.txt", "VIRTUAL_ENV": "/v", "UV_INDEX_ME_PASSWORD": "x",
    })  # fmt: skip
    assert kept == {
        "HOME": "/home/me", "https_proxy": "http://p:1", "SSL_CERT_FILE": "/ca.pem", "UV_INDEX_ME_PASSWORD": "x",
        "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1",
    }  # fmt: skip


def test_the_host_s_certificates_are_found_under_any_of_their_names():
    assert settings.certificates({"PIP_CERT": "/p.pem", "SSL_CERT_FILE": "/s.pem"}) == "/s.pem"
    assert settings.certificates({}) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://u:s3cret@host:notaport/simple/",
        "http://u:s3cret@[10.0.0.1:80/simple/",
        "http://u:s3/cret@host/simple/",
        "http://u:s3#cret@host/simple/",
        "u:s3cret@host/simple",
        "ftp://u:s3cret@host/simple/",
        "http://host:99999/simple/",
        "https:///simple/",
    ],
)
@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "PIP_INDEX_URL"])
def test_an_address_that_is_none_is_refused_with_what_to_write_and_is_not_repeated(name, address):
    with pytest.raises(UserError) as raised:
        settings.host_index({name: address})
    said = f"{raised.value} {raised.value.hint}"
    assert "https://USER:PASSWORD@HOST/simple/" in said
    assert name in said
    assert not any(word in said for word in ("s3", "cret", "notaport", "10.0.0.1"))
